/** Names for the numbers of the trace: NTSTATUS, major functions, IRQL, places. */
import { irqlName } from '../nt/irql'
import { majorName } from '../nt/irp-functions'
import { statusInfo, statusName as nameOf } from '../nt/ntstatus'
import { NT_SUCCESS } from '../nt/status'
import type { SourcePlace } from './event'

export { irqlName, majorName }

/** `0xC0000010` -> `STATUS_INVALID_DEVICE_REQUEST`; what is no number stays as it is. */
export function statusName(status: string | null): string {
  if (status === null) return 'no status'
  return status.startsWith('0x') ? nameOf(Number(status)) : status
}

/** What a status means, in one sentence. */
export function statusMeaning(status: string): string {
  return statusInfo(Number(status)).meaning ?? ''
}

/** NT_SUCCESS for a status written as text. */
export function isSuccess(status: string): boolean {
  return NT_SUCCESS(Number(status))
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
