/** Names and OBJECT_ATTRIBUTES as system services take them from their callers. */
import { OBJ_KERNEL_HANDLE, OBJ_VALID_ATTRIBUTES } from '../../../shared/nt/generated/constants'
import { OBJECT_ATTRIBUTES, UNICODE_STRING } from '../../../shared/nt/generated/offsets'
import {
  STATUS_INVALID_PARAMETER,
  STATUS_OBJECT_NAME_INVALID,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { KObject } from './kobject'

export interface CapturedName {
  status: number
  text: string
}

/**
 * Text of a UNICODE_STRING that names an object. NULL gives the empty name; an odd length is no name
 * (STATUS_OBJECT_NAME_INVALID), and with the verifier's security checks it is 0xC4/0xE4.
 */
export function captureName(k: Kernel, string: Ptr): CapturedName {
  const { memory } = k
  if (string === 0) return { status: STATUS_SUCCESS, text: '' }
  const length = memory.u16(string + UNICODE_STRING.Length)
  const max = memory.u16(string + UNICODE_STRING.MaximumLength)
  const buffer = memory.ptr(string + UNICODE_STRING.Buffer)
  const broken = length > max || (length & 1) !== 0 || (buffer === 0 && length > 0)
  if (broken)
    k.verifier.check(
      'VR-SEC-ZW-STRING',
      true,
      [0xe4, k.images.nearestCode(k.thread), memory.address(string), 0],
      `A UNICODE_STRING with Length ${length}, MaximumLength ${max} was given to a system service.`,
    )
  if (length & 1) return { status: STATUS_OBJECT_NAME_INVALID, text: '' }
  return { status: STATUS_SUCCESS, text: length === 0 ? '' : memory.text16(buffer, length) }
}

export interface CapturedAttributes {
  status: number
  /** Object that `name` is relative to; null for an absolute name. */
  root: KObject | null
  name: string
  /** OBJ_* flags. */
  attributes: number
  /** OBJ_KERNEL_HANDLE. */
  kernelHandle: boolean
}

/** Read an OBJECT_ATTRIBUTES. A NULL pointer means no name; services that need one refuse it themselves. */
export function captureAttributes(k: Kernel, at: Ptr, mode: 0 | 1 = 0): CapturedAttributes {
  const captured: CapturedAttributes = {
    status: STATUS_SUCCESS,
    root: null,
    name: '',
    attributes: 0,
    kernelHandle: false,
  }
  if (at === 0) return captured
  const { memory } = k
  if (memory.u32(at + OBJECT_ATTRIBUTES.Length) !== OBJECT_ATTRIBUTES.SIZE) {
    captured.status = STATUS_INVALID_PARAMETER
    return captured
  }
  captured.attributes = memory.u32(at + OBJECT_ATTRIBUTES.Attributes)
  captured.kernelHandle = (captured.attributes & OBJ_KERNEL_HANDLE) !== 0
  if (captured.attributes & ~OBJ_VALID_ATTRIBUTES) {
    captured.status = STATUS_INVALID_PARAMETER
    return captured
  }
  const name = captureName(k, memory.ptr(at + OBJECT_ATTRIBUTES.ObjectName))
  captured.status = name.status
  captured.name = name.text
  const root = readHandle(k, at + OBJECT_ATTRIBUTES.RootDirectory)
  if (name.status === STATUS_SUCCESS && root !== 0) {
    const resolved = k.ob.resolveHandle(root, 0, null, mode)
    captured.status = resolved.status
    captured.root = resolved.object
  }
  return captured
}

/** A HANDLE field, as the signed number that handles are. */
export function readHandle(k: Kernel, at: Ptr): number {
  return Number(BigInt.asIntN(32, k.memory.u64(at)))
}

/** InitializeObjectAttributes. */
export function initializeAttributes(
  k: Kernel,
  at: Ptr,
  name: Ptr,
  attributes: number,
  root: number,
  security: Ptr,
): void {
  const { memory } = k
  memory.fill(at, OBJECT_ATTRIBUTES.SIZE, 0)
  memory.setU32(at + OBJECT_ATTRIBUTES.Length, OBJECT_ATTRIBUTES.SIZE)
  memory.setU64(at + OBJECT_ATTRIBUTES.RootDirectory, BigInt(root))
  memory.setPtr(at + OBJECT_ATTRIBUTES.ObjectName, name)
  memory.setU32(at + OBJECT_ATTRIBUTES.Attributes, attributes)
  memory.setPtr(at + OBJECT_ATTRIBUTES.SecurityDescriptor, security)
}
