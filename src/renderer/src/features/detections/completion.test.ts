import { describe as group, expect, test } from 'vitest'
import { completionsAt, describe, type RuleNames } from './completion'

const NAMES: RuleNames = {
  kinds: ['ddi.called', 'irp.created'],
  columns: { ssdt: ['index', 'service', 'inKernel'] },
}

const TRACE = `title: A
level: high
logsource: { product: ring0, category: trace }
detection:
  opened: { t: ddi.called, name: ZwOpenProcess }
  ended:
    t: ddi.called
  condition: opened
tests:
  - name: one
    raises: true
`
const MEMORY = TRACE.replace('category: trace', 'category: memory, table: ssdt')

/** Labels offered where the bar is. */
function offered(text: string): string[] {
  const before = text.slice(0, text.indexOf('¦'))
  const line = before.split('\n').length
  const column = before.length - before.lastIndexOf('\n')
  return completionsAt(text.replace('¦', ''), line, column, NAMES).items.map(({ label }) => label)
}

group('at a place of a rule', () => {
  test('keys that are not there yet', () => {
    const labels = offered(`${TRACE}¦`)
    expect(labels).toContain('falsepositives')
    expect(labels).not.toContain('title')
  })

  test('values of the schema', () => {
    expect(offered(TRACE.replace('level: high', 'level: ¦'))).toEqual([
      'informational',
      'low',
      'medium',
      'high',
      'critical',
    ])
    expect(offered(TRACE.replace('category: trace', 'category: ¦'))).toEqual(['trace', 'memory'])
    expect(offered(MEMORY.replace('table: ssdt', 'table: ¦'))).toContain('minifilters')
    expect(offered(TRACE.replace('raises: true', 'raises: ¦'))).toEqual(['true', 'false'])
  })

  test('kinds of event, in a line and in a block', () => {
    expect(offered(TRACE.replace('t: ddi.called, name', 't: ¦, name'))).toEqual(NAMES.kinds)
    expect(offered(TRACE.replace('    t: ddi.called', '    t: ddi¦'))).toEqual(NAMES.kinds)
    expect(offered(TRACE.replace('    t: ddi.called', '    ¦'))).toContain('driver')
  })

  test('fields of the table, and what a field can ask', () => {
    expect(offered(MEMORY.replace('t: ddi.called, name', '¦'))).toEqual(NAMES.columns['ssdt'])
    expect(offered(MEMORY.replace('    t: ddi.called', '    service|st¦'))).toContain('startswith')
  })

  test('values of a key in quotes', () => {
    const quoted = TRACE.replace('name: ZwOpenProcess', "'driver|exists': ¦")
    expect(offered(quoted)).toEqual(['true', 'false'])
  })

  test('the searches of the rule for its condition', () => {
    expect(offered(TRACE.replace('condition: opened', 'condition: ¦')).slice(0, 2)).toEqual([
      'opened',
      'ended',
    ])
  })

  test('keys of a list item', () => {
    expect(offered(TRACE.replace('    raises: true', '    ¦'))).toContain('sample')
  })

  test('what was typed is replaced', () => {
    const text = 'level: hi'
    expect(completionsAt(text, 1, text.length + 1, NAMES).from).toBe(8)
  })
})

test('a key is described by the schema', () => {
  expect(describe('id: x', 1, 1)).toBe('Once among all rules')
  expect(describe('id: x', 1, 5)).toBeNull()
})
