import { describe, expect, test } from 'vitest'
import { filesContract } from '../../../../../shared/contract/files'
import { createFakeShelf } from './fake-files'

const questions: [string, unknown][] = [
  ['files.list', { query: 'tag:byovd -blocked:yes', sort: { key: 'name', descending: false } }],
  ['files.ids', { query: '', offset: 3, limit: 5 }],
  ['files.complete', { text: 'ty', cursor: 2 }],
  ['files.get', { id: 1 }],
  ['files.get', { id: 9 }],
  ['files.kin', { id: 1 }],
  ['files.compare', { left: 1, right: 2 }],
  ['files.matrix', { ids: [1, 2, 3] }],
  ['files.annotate', { selection: { ids: [1] }, addTags: ['x'] }],
  ['files.remove', { selection: { query: 'tag:x' } }],
  ['files.history', { id: 1 }],
  ['files.export', { selection: { ids: [2] }, format: 'csv' }],
  ['searches.save', { name: 'mine', query: 'type:WFP' }],
  ['searches.list', {}],
  ['intake.choose', { what: 'folder' }],
  ['intake.jobs', {}],
  ['intake.failures', { job: 1 }],
  ['known.info', {}],
  ['yara.info', {}],
  ['quarantine.info', {}],
]

describe('the fake shelf', () => {
  test.each(questions)('answers %s as the contract says', async (name, input) => {
    const { handlers } = createFakeShelf()
    const row = filesContract[name as 'files.list']
    const result = (await handlers[name]!(row.input.parse(input) as never)) as {
      ok: boolean
      value: unknown
    }
    expect(result.ok).toBe(true)
    row.output.parse(structuredClone(result.value))
  })

  test('a removal is undone by its word, once', async () => {
    const { handlers, rows } = createFakeShelf()
    const before = rows.size
    const removed = (await handlers['files.remove']!({
      selection: { query: 'tag:byovd' },
    } as never)) as {
      value: { undo: string; changed: number }
    }
    expect(removed.value.changed).toBeGreaterThan(0)
    expect(rows.size).toBe(before - removed.value.changed)
    await handlers['files.undo']!({ undo: removed.value.undo } as never)
    expect(rows.size).toBe(before)
    expect(await handlers['files.undo']!({ undo: removed.value.undo } as never)).toMatchObject({
      ok: false,
    })
  })
})
