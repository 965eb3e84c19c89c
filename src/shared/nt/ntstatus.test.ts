import { describe, expect, it } from 'vitest'
import { readTable } from '../../../scripts/generate-nt.mjs'
import {
  NTSTATUS,
  NTSTATUS_ROWS,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER_4,
  STATUS_NOT_LOCKED,
  STATUS_PENDING,
  statusInfo,
  statusName,
  statusValue,
  win32FromStatus,
  win32Name,
} from './ntstatus'
import * as exported from './ntstatus'
import { NT_ERROR, NT_INFORMATION, NT_SUCCESS, NT_WARNING, ntSeverity } from './status'

interface StatusRow {
  name: string
  value: number
  signed?: number
  severity?: string
  facility?: number
  code?: number
  ntSuccess?: boolean
  meaning: string
  win32?: { name: string; value: number }
}

const table = readTable('ntstatus') as { statuses: StatusRow[] }
const extra = readTable('extra-ntstatus') as {
  statuses: StatusRow[]
  mappings: { status: string; win32: { name: string; value: number } }[]
}
const rows = [...table.statuses, ...extra.statuses]

describe('NTSTATUS table', () => {
  it('has every status of both files, in order', () => {
    expect(Object.entries(NTSTATUS)).toEqual(rows.map(({ name, value }) => [name, value]))
    expect(NTSTATUS_ROWS).toHaveLength(rows.length)
    for (const { name, value } of rows) {
      expect((exported as unknown as Record<string, unknown>)[name], name).toBe(value)
      expect(statusValue(name)).toBe(value)
    }
    expect(statusValue('STATUS_NO_SUCH_STATUS')).toBeUndefined()
    expect(statusValue('constructor')).toBeUndefined()
  })

  it('agrees with the parts that the reference table lists', () => {
    for (const row of table.statuses) {
      const info = statusInfo(row.value)
      expect(info, row.name).toMatchObject({
        value: row.value,
        severity: row.severity,
        facility: row.facility,
        code: row.code,
      })
      expect(NT_SUCCESS(row.value), row.name).toBe(row.ntSuccess)
      expect(NT_SUCCESS(row.signed ?? 0), row.name).toBe(row.ntSuccess)
    }
  })

  it('maps to Win32 as the tables say, else to 317', () => {
    const mapped = new Map<number, { name: string; value: number }>()
    for (const { value, win32 } of rows) {
      if (win32) mapped.set(value, { name: win32.name, value: win32.value })
    }
    for (const { status, win32 } of extra.mappings) {
      mapped.set(statusValue(status) ?? -1, { name: win32.name, value: win32.value })
    }
    for (const { value, name } of rows) {
      expect(win32FromStatus(value), name).toBe(mapped.get(value)?.value ?? 317)
      expect(statusInfo(value).win32, name).toEqual(mapped.get(value))
    }
  })
})

describe('statusName', () => {
  it('prefers the primary name and accepts signed values', () => {
    expect(statusName(0)).toBe('STATUS_SUCCESS')
    expect(statusName(0x80)).toBe('STATUS_ABANDONED_WAIT_0')
    expect(statusName(STATUS_PENDING)).toBe('STATUS_PENDING')
    expect(statusName(STATUS_INVALID_DEVICE_REQUEST | 0)).toBe('STATUS_INVALID_DEVICE_REQUEST')
  })

  it('writes unknown values in hexadecimal and still tells their parts', () => {
    expect(statusName(0xe0001234)).toBe('0xE0001234')
    expect(statusInfo(0xe0001234)).toEqual({
      value: 0xe0001234,
      name: '0xE0001234',
      severity: 'error',
      facility: 0,
      code: 0x1234,
    })
  })
})

describe('win32FromStatus', () => {
  it('follows RtlNtStatusToDosError outside the table', () => {
    expect(win32FromStatus(0xe0001234)).toBe(0xe0001234)
    expect(win32FromStatus(0xd0000022)).toBe(5)
    expect(win32FromStatus(0xc0010005)).toBe(5)
    expect(win32FromStatus(0x80070057)).toBe(87)
    expect(win32FromStatus(0xc0fffff0)).toBe(317)
    expect(win32FromStatus(STATUS_PENDING)).toBe(997)
    expect(win32FromStatus(STATUS_INVALID_PARAMETER_4)).toBe(87)
    expect(win32FromStatus(STATUS_NOT_LOCKED)).toBe(158)
  })

  it('names errors', () => {
    expect(win32Name(0)).toBe('ERROR_SUCCESS')
    expect(win32Name(1)).toBe('ERROR_INVALID_FUNCTION')
    expect(win32Name(317)).toBe('ERROR_MR_MID_NOT_FOUND')
    expect(win32Name(65000)).toBe('65000')
    for (const { win32 } of rows) if (win32) expect(win32Name(win32.value)).toBe(win32.name)
  })
})

describe('severity', () => {
  it.each([
    [0x00000000, 'success', true],
    [0x3fffffff, 'success', true],
    [0x40000000, 'informational', true],
    [0x7fffffff, 'informational', true],
    [0x80000000, 'warning', false],
    [0xbfffffff, 'warning', false],
    [0xc0000000, 'error', false],
    [0xffffffff, 'error', false],
    [-1, 'error', false],
  ] as const)('%i is %s', (status, severity, success) => {
    expect(ntSeverity(status)).toBe(severity)
    expect(NT_SUCCESS(status)).toBe(success)
    expect(NT_INFORMATION(status)).toBe(severity === 'informational')
    expect(NT_WARNING(status)).toBe(severity === 'warning')
    expect(NT_ERROR(status)).toBe(severity === 'error')
  })
})
