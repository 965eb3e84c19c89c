/**
 * What the generated tables hold as a whole, against the JSON that they come from: no row is lost, and
 * every offset that code uses by name is the one of the table.
 */
import { describe, expect, it } from 'vitest'
import { readTable } from '../../../scripts/generate-nt.mjs'
import { BUGCHECKS } from './bugchecks'
import { DDI_FACTS } from './ddi-facts'
import * as offsets from './generated/offsets'
import { MAJOR_FUNCTIONS } from './irp-functions'
import { LAYOUTS } from './layout'
import { NTSTATUS } from './ntstatus'
import { VERIFIER_RULES } from './verifier-facts'

interface Struct {
  size: number
  fields: { path: string; offset: number }[]
}

const table = <T>(name: string): T => readTable(name) as T
const { structs } = table<{ structs: Record<string, Struct> }>('structs.x64')
const named = offsets as unknown as Record<string, Record<string, number>>

describe('the reference tables', () => {
  it('have as many rows as they say', () => {
    expect(Object.keys(structs)).toHaveLength(69)
    expect(Object.values(structs).flatMap(({ fields }) => fields)).toHaveLength(731)
    // The 86 of the reference, and INVALID_PROCESS_DETACH_ATTEMPT.
    expect(BUGCHECKS).toHaveLength(87)
    expect(MAJOR_FUNCTIONS).toHaveLength(28)
    expect(MAJOR_FUNCTIONS.flatMap(({ minorFunctions }) => minorFunctions)).toHaveLength(59)
    expect(Object.keys(DDI_FACTS)).toHaveLength(327)
    expect(VERIFIER_RULES).toHaveLength(154)
    expect(table<{ statuses: object[] }>('ntstatus').statuses).toHaveLength(195)
    expect(Object.keys(NTSTATUS).length).toBeGreaterThanOrEqual(195)
  })

  it.each(Object.entries(structs))('%s: every offset is the one that code uses', (name, struct) => {
    expect(named[name]?.['SIZE']).toBe(struct.size)
    const layout = LAYOUTS[name as keyof typeof LAYOUTS]
    const found = new Map<string, number>(layout.fields.map(({ path, offset }) => [path, offset]))
    for (const { path, offset } of struct.fields) {
      expect(found.get(path), `${name}.${path}`).toBe(offset)
      // Bit fields share a place and have no name of their own there.
      if (path in (named[name] ?? {})) expect(named[name]?.[path], `${name}.${path}`).toBe(offset)
    }
  })
})
