/** I/O control codes: CTL_CODE(DeviceType, Function, Method, Access) of devioctl.h and its way back. */

import {
  CONSTANT_GROUPS,
  CONSTANTS,
  FILE_ANY_ACCESS,
  FILE_READ_ACCESS,
  FILE_WRITE_ACCESS,
  METHOD_BUFFERED,
  METHOD_IN_DIRECT,
  METHOD_NEITHER,
  METHOD_OUT_DIRECT,
} from './generated/constants'
import { hex } from './format'

/** The four fields of a control code. */
export interface ControlCodeFields {
  /** Bits 16 to 31; from 0x8000 on for devices of one's own. */
  readonly deviceType: number
  /** Bits 2 to 13; from 0x800 on for functions of one's own. */
  readonly function: number
  /** Bits 0 and 1: how the buffers travel. */
  readonly method: number
  /** Bits 14 and 15: what the handle has to be opened for. */
  readonly access: number
}

/** A control code taken apart, with a name for each field. */
export interface ControlCode extends ControlCodeFields {
  readonly code: number
  /** `FILE_DEVICE_UNKNOWN`, or the number in hexadecimal. */
  readonly deviceTypeName: string
  readonly methodName: string
  readonly accessName: string
}

/**
 * Build a control code. Each argument wraps into its field as the C macro's shifts would let it when the caller keeps the
 * documented ranges; bits beyond a field are dropped instead of spilling into its neighbour.
 * @returns the code, unsigned 32 bits
 */
export function CTL_CODE(
  deviceType: number,
  functionCode: number,
  method: number,
  access: number,
): number {
  return (
    (((deviceType & 0xffff) << 16) |
      ((access & 3) << 14) |
      ((functionCode & 0xfff) << 2) |
      (method & 3)) >>>
    0
  )
}

/** DEVICE_TYPE_FROM_CTL_CODE. */
export const deviceTypeOf = (code: number): number => code >>> 16

/** METHOD_FROM_CTL_CODE. */
export const methodOf = (code: number): number => code & 3

/** The access bits of a control code. */
export const accessOf = (code: number): number => (code >>> 14) & 3

/** The function number of a control code. */
export const functionOf = (code: number): number => (code >>> 2) & 0xfff

const methodNames: Readonly<Record<number, string>> = {
  [METHOD_BUFFERED]: 'METHOD_BUFFERED',
  [METHOD_IN_DIRECT]: 'METHOD_IN_DIRECT',
  [METHOD_OUT_DIRECT]: 'METHOD_OUT_DIRECT',
  [METHOD_NEITHER]: 'METHOD_NEITHER',
}

const accessNames: Readonly<Record<number, string>> = {
  [FILE_ANY_ACCESS]: 'FILE_ANY_ACCESS',
  [FILE_READ_ACCESS]: 'FILE_READ_ACCESS',
  [FILE_WRITE_ACCESS]: 'FILE_WRITE_ACCESS',
  [FILE_READ_ACCESS | FILE_WRITE_ACCESS]: 'FILE_READ_ACCESS | FILE_WRITE_ACCESS',
}

/** The first name that stands for each number. */
const deviceTypeNames = new Map<number, string>(
  CONSTANT_GROUPS.DEVICE_TYPE.names.map((name) => [CONSTANTS[name], name] as const).toReversed(),
)

/** Name of a device type, `FILE_DEVICE_UNKNOWN`; numbers without one in hexadecimal. */
export function deviceTypeName(deviceType: number): string {
  return deviceTypeNames.get(deviceType) ?? hex(deviceType)
}

/** Name of a transfer method, `METHOD_BUFFERED`. */
export function methodName(method: number): string {
  return methodNames[method & 3] ?? ''
}

/** Name of the required access; both bits are written as in C, `FILE_READ_ACCESS | FILE_WRITE_ACCESS`. */
export function accessName(access: number): string {
  return accessNames[access & 3] ?? ''
}

/** Take a control code apart. */
export function decodeControlCode(code: number): ControlCode {
  const deviceType = deviceTypeOf(code)
  const method = methodOf(code)
  const access = accessOf(code)
  return {
    code: code >>> 0,
    deviceType,
    function: functionOf(code),
    method,
    access,
    deviceTypeName: deviceTypeName(deviceType),
    methodName: methodName(method),
    accessName: accessName(access),
  }
}
