import { describe, expect, it } from 'vitest'
import { readTable } from '../../../scripts/generate-nt.mjs'
import {
  BUGCHECK_CODES,
  BUGCHECKS,
  bugcheckInfo,
  bugcheckName,
  bugcheckSubcode,
  FAULT_DECISION,
} from './bugchecks'

interface BugcheckRow {
  code: number
  name: string
  parameters: { n: number; meaning: string }[]
  subcodes?: { value: number; meaning: string; parameters?: string[] }[]
  cause: string
  detect: string
  exampleMistake: string
}

const table = readTable('bugchecks') as {
  bugchecks: BugcheckRow[]
  faultDecision: {
    kernelStart: string
    userEnd: string
    order: { if: string; then: string }[]
    unhandledException: { context: string; then: string }[]
  }
}

describe('bug checks', () => {
  it.each(table.bugchecks.map((row) => [row.name, row] as const))(
    '%s agrees with the table',
    (name, row) => {
      expect((BUGCHECK_CODES as Record<string, number>)[name]).toBe(row.code)
      expect(bugcheckName(row.code)).toBe(name)
      const info = bugcheckInfo(row.code)
      expect(info).toMatchObject({
        code: row.code,
        parameters: row.parameters.map(({ meaning }) => meaning),
        cause: row.cause,
        detect: row.detect,
        exampleMistake: row.exampleMistake,
      })
      expect(info?.subcodes?.map(({ value, meaning }) => [value, meaning])).toEqual(
        row.subcodes?.map(({ value, meaning }) => [value, meaning]),
      )
    },
  )

  it('is complete and in order', () => {
    expect(BUGCHECKS).toHaveLength(table.bugchecks.length)
    const codes = BUGCHECKS.map(({ code }) => code)
    expect(codes).toEqual([...codes].sort((a, b) => a - b))
  })

  it('looks subcodes up by number or 64-bit parameter', () => {
    expect(bugcheckSubcode(0x19, 0x20)?.meaning).toContain('block size corrupt')
    expect(bugcheckSubcode(0x19, 0x20n)).toBe(bugcheckSubcode(0x19, 0x20))
    expect(bugcheckSubcode(0x19, 0xffffn)).toBeUndefined()
    expect(bugcheckSubcode(0x44, 0)).toBeUndefined()
  })

  it('writes unknown codes in hexadecimal', () => {
    expect(bugcheckName(0xdead)).toBe('0xDEAD')
    expect(bugcheckInfo(0xdead)).toBeUndefined()
  })

  it('carries the fault decision table', () => {
    const { order, unhandledException, kernelStart, userEnd } = table.faultDecision
    expect(FAULT_DECISION.order.map((row) => [row.condition, row.outcome])).toEqual(
      order.map((row) => [row.if, row.then]),
    )
    expect(FAULT_DECISION.unhandledException.map((row) => [row.condition, row.outcome])).toEqual(
      unhandledException.map((row) => [row.context, row.then]),
    )
    expect(FAULT_DECISION.kernelStart).toBe(BigInt(kernelStart))
    expect(FAULT_DECISION.userEnd).toBe(BigInt(userEnd))
  })
})
