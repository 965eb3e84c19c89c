import { describe, expect, it } from 'vitest'
import { foldAll } from '../../../../shared/trace/fold'
import { FAKE_SAMPLES } from '../../testing/fake-samples'
import { record } from '../../testing/recording'
import { compareRows, KINDS, rowsOf, type Kind } from './explorer'

const { events } = record('double', FAKE_SAMPLES[2]!.files, 1, [])
const at = (step: number): ReturnType<typeof foldAll> => foldAll(events, step)
const all = at(events.length)

describe('rowsOf', () => {
  it('gives each row of a kind an id of its own', () => {
    for (const { kind } of KINDS) {
      const ids = rowsOf(all, kind).map((row) => row.id)
      expect(new Set(ids).size, kind).toBe(ids.length)
    }
  })

  it('leads only to rows that exist', () => {
    for (const { kind } of KINDS)
      for (const row of rowsOf(all, kind))
        for (const { to } of row.fields)
          if (to) expect(rowsOf(all, to.kind).map((other) => other.id)).toContain(to.id)
  })

  it('tells a packet that was completed twice', () => {
    const completed = rowsOf(all, 'irps')
      .find((row) => row.id === '2')!
      .fields.filter((field) => field.name === 'Completed at')
    expect(completed.map(({ value }) => value)).toEqual(completed.map(({ step }) => `#${step}`))
    expect(completed).toHaveLength(2)
  })
})

describe('compareRows', () => {
  const changes = (kind: Kind, now: number, other: number): (string | null)[] =>
    compareRows(rowsOf(at(now), kind), rowsOf(at(other), kind)).map((row) => row.change)

  it('marks what is new, gone and changed', () => {
    const linked = events.findIndex((event) => event.t === 'link.created') + 1
    const created = events.findIndex((event) => event.t === 'device.created') + 1
    expect(changes('devices', created, created - 1)).toEqual(['+'])
    expect(changes('devices', created - 1, created)).toEqual(['-'])
    expect(changes('devices', linked, created)).toEqual(['~'])
    expect(changes('devices', linked, linked)).toEqual([null])
  })

  it('marks nothing without another step', () => {
    expect(compareRows(rowsOf(all, 'devices'), null).every((row) => row.change === null)).toBe(true)
  })
})
