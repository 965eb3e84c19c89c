import { describe, expect, it } from 'vitest'
import { readTable } from '../../../scripts/generate-nt.mjs'
import { DDI_FACTS, ddiFacts, ddiPrototype, type DdiName } from './ddi-facts'
import { NTSTATUS } from './ntstatus'

interface DdiRow {
  name: DdiName
  component: string
  returnType: string
  prototype: string
  header?: string
  params: { name: string; type: string; dir: string; optional?: boolean }[]
  minIrqlValue?: number
  maxIrqlValue: number
  summary: string
  rules: string[]
  documented: boolean
  failureStatuses: { name: string; value: string }[]
}

const { ddis } = readTable('ddi') as { ddis: DdiRow[] }

describe('routine facts', () => {
  it('has every routine of the table', () => {
    expect(Object.keys(DDI_FACTS)).toEqual(ddis.map(({ name }) => name))
  })

  it('agrees with the table', () => {
    for (const row of ddis) {
      const facts = ddiFacts(row.name)
      expect(facts, row.name).toMatchObject({
        component: row.component,
        returnType: row.returnType,
        minIrql: row.minIrqlValue ?? 0,
        maxIrql: row.maxIrqlValue,
        summary: row.summary,
        documented: row.documented,
        params: row.params,
      })
      expect(facts?.header).toBe(row.header)
      expect(facts?.rules ?? []).toEqual(row.rules)
      expect(facts?.failureStatuses ?? []).toEqual(row.failureStatuses.map(({ name }) => name))
      expect(ddiPrototype(row.name)).toBe(row.prototype)
    }
  })

  it('names statuses whose value is known', () => {
    for (const { failureStatuses } of ddis) {
      for (const { name, value } of failureStatuses) {
        expect((NTSTATUS as Record<string, number>)[name], name).toBe(Number(value))
      }
    }
  })

  it('knows nothing about other names', () => {
    expect(ddiFacts('NoSuchRoutine')).toBeUndefined()
    expect(ddiFacts('constructor')).toBeUndefined()
  })
})
