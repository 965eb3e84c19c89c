/** Access masks in words: the rights that a handle has, by the type of its object. */
import type { ObjectType } from '../../../../shared/trace/event'
import * as nt from '../../../../shared/nt/generated/constants'
import { hex } from './row'

type Rights = readonly (readonly [mask: number, name: string])[]

const STANDARD: Rights = [
  [nt.DELETE, 'DELETE'],
  [nt.READ_CONTROL, 'READ_CONTROL'],
  [nt.WRITE_DAC, 'WRITE_DAC'],
  [nt.WRITE_OWNER, 'WRITE_OWNER'],
  [nt.SYNCHRONIZE, 'SYNCHRONIZE'],
]

/** Whole sets before single rights. */
const OF_TYPE: Partial<Record<ObjectType, Rights>> = {
  File: [
    [nt.FILE_ALL_ACCESS, 'FILE_ALL_ACCESS'],
    [nt.FILE_GENERIC_READ, 'FILE_GENERIC_READ'],
    [nt.FILE_GENERIC_WRITE, 'FILE_GENERIC_WRITE'],
    [nt.FILE_GENERIC_EXECUTE, 'FILE_GENERIC_EXECUTE'],
    [nt.FILE_READ_DATA, 'FILE_READ_DATA'],
    [nt.FILE_WRITE_DATA, 'FILE_WRITE_DATA'],
    [nt.FILE_APPEND_DATA, 'FILE_APPEND_DATA'],
    [nt.FILE_READ_EA, 'FILE_READ_EA'],
    [nt.FILE_WRITE_EA, 'FILE_WRITE_EA'],
    [nt.FILE_EXECUTE, 'FILE_EXECUTE'],
    [nt.FILE_READ_ATTRIBUTES, 'FILE_READ_ATTRIBUTES'],
    [nt.FILE_WRITE_ATTRIBUTES, 'FILE_WRITE_ATTRIBUTES'],
  ],
  Process: [
    [nt.PROCESS_ALL_ACCESS, 'PROCESS_ALL_ACCESS'],
    [nt.PROCESS_TERMINATE, 'PROCESS_TERMINATE'],
    [nt.PROCESS_CREATE_THREAD, 'PROCESS_CREATE_THREAD'],
    [nt.PROCESS_VM_OPERATION, 'PROCESS_VM_OPERATION'],
    [nt.PROCESS_VM_READ, 'PROCESS_VM_READ'],
    [nt.PROCESS_VM_WRITE, 'PROCESS_VM_WRITE'],
    [nt.PROCESS_DUP_HANDLE, 'PROCESS_DUP_HANDLE'],
    [nt.PROCESS_CREATE_PROCESS, 'PROCESS_CREATE_PROCESS'],
    [nt.PROCESS_SET_INFORMATION, 'PROCESS_SET_INFORMATION'],
    [nt.PROCESS_QUERY_INFORMATION, 'PROCESS_QUERY_INFORMATION'],
    [nt.PROCESS_SUSPEND_RESUME, 'PROCESS_SUSPEND_RESUME'],
    [nt.PROCESS_QUERY_LIMITED_INFORMATION, 'PROCESS_QUERY_LIMITED_INFORMATION'],
  ],
  Thread: [
    [nt.THREAD_ALL_ACCESS, 'THREAD_ALL_ACCESS'],
    [nt.THREAD_TERMINATE, 'THREAD_TERMINATE'],
    [nt.THREAD_SUSPEND_RESUME, 'THREAD_SUSPEND_RESUME'],
    [nt.THREAD_GET_CONTEXT, 'THREAD_GET_CONTEXT'],
    [nt.THREAD_SET_CONTEXT, 'THREAD_SET_CONTEXT'],
    [nt.THREAD_SET_INFORMATION, 'THREAD_SET_INFORMATION'],
    [nt.THREAD_QUERY_INFORMATION, 'THREAD_QUERY_INFORMATION'],
    [nt.THREAD_QUERY_LIMITED_INFORMATION, 'THREAD_QUERY_LIMITED_INFORMATION'],
  ],
  Key: [
    [nt.KEY_ALL_ACCESS, 'KEY_ALL_ACCESS'],
    [nt.KEY_READ, 'KEY_READ'],
    [nt.KEY_WRITE, 'KEY_WRITE'],
    [nt.KEY_QUERY_VALUE, 'KEY_QUERY_VALUE'],
    [nt.KEY_SET_VALUE, 'KEY_SET_VALUE'],
    [nt.KEY_CREATE_SUB_KEY, 'KEY_CREATE_SUB_KEY'],
    [nt.KEY_ENUMERATE_SUB_KEYS, 'KEY_ENUMERATE_SUB_KEYS'],
    [nt.KEY_NOTIFY, 'KEY_NOTIFY'],
  ],
}

/**
 * `FILE_GENERIC_READ | DELETE`, after the mask; only the mask when it has no names.
 * @param mask  `0x` and up to 8 digits
 */
export function rightsWords(mask: string, type: ObjectType | null): string {
  let rest = Number(mask) >>> 0
  const all = rest
  const names: string[] = []
  // A set brings rights that another has too; it is named where it brings a new one.
  for (const [bits, name] of [...((type && OF_TYPE[type]) ?? []), ...STANDARD]) {
    if ((all & bits) >>> 0 !== bits >>> 0 || (rest & bits) >>> 0 === 0) continue
    names.push(name)
    rest = (rest & ~bits) >>> 0
  }
  if (names.length === 0) return mask
  if (rest !== 0) names.push(hex(rest))
  return `${mask} = ${names.join(' | ')}`
}
