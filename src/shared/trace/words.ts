/** Names for the numbers of the trace: NTSTATUS, major functions, IRQL, places. */
import { NTSTATUS_ROWS } from '../nt/generated/ntstatus'
import type { SourcePlace } from './event'

const statusByValue = new Map<number, { name: string; text: string }>()
for (const [value, name, text] of NTSTATUS_ROWS)
  if (!statusByValue.has(value >>> 0)) statusByValue.set(value >>> 0, { name, text })

/** `0xC0000010` -> `STATUS_INVALID_DEVICE_REQUEST`; a value without a name stays as it is. */
export function statusName(status: string | null): string {
  if (status === null) return 'no status'
  if (!status.startsWith('0x')) return status
  return statusByValue.get(Number(status) >>> 0)?.name ?? status
}

/** What a status means, in one sentence, or an empty string. */
export function statusMeaning(status: string): string {
  return statusByValue.get(Number(status) >>> 0)?.text ?? ''
}

/** NT_SUCCESS for a status written as text. */
export function isSuccess(status: string): boolean {
  return (Number(status) | 0) >= 0
}

const MAJOR = [
  'CREATE',
  'CREATE_NAMED_PIPE',
  'CLOSE',
  'READ',
  'WRITE',
  'QUERY_INFORMATION',
  'SET_INFORMATION',
  'QUERY_EA',
  'SET_EA',
  'FLUSH_BUFFERS',
  'QUERY_VOLUME_INFORMATION',
  'SET_VOLUME_INFORMATION',
  'DIRECTORY_CONTROL',
  'FILE_SYSTEM_CONTROL',
  'DEVICE_CONTROL',
  'INTERNAL_DEVICE_CONTROL',
  'SHUTDOWN',
  'LOCK_CONTROL',
  'CLEANUP',
  'CREATE_MAILSLOT',
  'QUERY_SECURITY',
  'SET_SECURITY',
  'POWER',
  'SYSTEM_CONTROL',
  'DEVICE_CHANGE',
  'QUERY_QUOTA',
  'SET_QUOTA',
  'PNP',
] as const

/** `14` -> `IRP_MJ_DEVICE_CONTROL`. */
export function majorName(major: number): string {
  const name = MAJOR[major]
  return name === undefined ? `IRP_MJ 0x${major.toString(16)}` : `IRP_MJ_${name}`
}

/** Name of an x64 IRQL; device levels have a number only. */
export function irqlName(level: number): string {
  switch (level) {
    case 0:
      return 'PASSIVE_LEVEL'
    case 1:
      return 'APC_LEVEL'
    case 2:
      return 'DISPATCH_LEVEL'
    case 13:
      return 'CLOCK_LEVEL'
    case 14:
      return 'IPI_LEVEL'
    case 15:
      return 'HIGH_LEVEL'
    default:
      return `DIRQL ${level}`
  }
}

/** `driver.ts line 11`. */
export function placeWords(at: SourcePlace): string {
  return `${at.file} line ${at.line}`
}

/** `\Device\Toy`, or the address of a device without a name. */
export function deviceWords(name: string | null, address: string): string {
  return name ?? `unnamed device ${address}`
}

/** 1234567 -> `1,234,567`, the same in every locale. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

/** The kind of a leftover, as a countable noun. */
export function leakNoun(kind: string): string {
  switch (kind) {
    case 'pool':
      return 'pool block'
    case 'link':
      return 'symbolic link'
    case 'irp':
      return 'IRP'
    default:
      return kind
  }
}

/** `1 block`, `2 blocks`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`
}
