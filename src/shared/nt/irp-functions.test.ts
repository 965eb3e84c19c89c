import { describe, expect, it } from 'vitest'
import { readTable } from '../../../scripts/generate-nt.mjs'
import * as exported from './irp-functions'
import {
  IRP_FUNCTION_CODES,
  IRP_MJ_MAXIMUM_FUNCTION,
  IRP_MJ_PNP,
  MAJOR_FUNCTIONS,
  majorInfo,
  majorName,
  minorInfo,
  minorName,
} from './irp-functions'

interface MajorRow {
  name: string
  value: number
  summary: string
  buffers: unknown
  parameters: string | null
  minorFunctions: { name: string; value: number; meaning: string }[]
}

const { functions } = readTable('irp-functions') as { functions: MajorRow[] }

describe('IRP functions', () => {
  it.each(functions.map((row) => [row.name, row] as const))(
    '%s agrees with the table',
    (name, row) => {
      expect((exported as unknown as Record<string, unknown>)[name]).toBe(row.value)
      expect(majorName(row.value)).toBe(name)
      expect(majorInfo(row.value)).toMatchObject({
        name,
        summary: row.summary,
        buffers: row.buffers,
      })
      expect(majorInfo(row.value)?.parameters ?? null).toBe(row.parameters)
      expect(MAJOR_FUNCTIONS[row.value]?.minorFunctions.map((minor) => minor.name)).toEqual(
        row.minorFunctions.map((minor) => minor.name),
      )
      for (const minor of row.minorFunctions) {
        expect((exported as unknown as Record<string, unknown>)[minor.name]).toBe(minor.value)
        expect(minorName(row.value, minor.value)).toBe(minor.name)
        expect(minorInfo(row.value, minor.value)?.meaning).toBe(minor.meaning)
      }
    },
  )

  it('covers the whole dispatch table', () => {
    expect(IRP_MJ_MAXIMUM_FUNCTION).toBe(0x1b)
    expect(MAJOR_FUNCTIONS).toHaveLength(IRP_MJ_MAXIMUM_FUNCTION + 1)
    expect(IRP_FUNCTION_CODES.IRP_MJ_DEVICE_CONTROL).toBe(0x0e)
  })

  it('writes unknown codes in hexadecimal', () => {
    expect(majorName(0x1c)).toBe('0x1C')
    expect(minorName(IRP_MJ_PNP, 0xff)).toBe('0xFF')
    expect(minorName(0xff, 0)).toBe('0x0')
  })
})
