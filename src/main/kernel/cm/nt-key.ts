/**
 * System services on registry keys, as programs call them: what user mode hands over is copied into kernel
 * memory, then the Zw routine does the work, with the callbacks that drivers registered for it.
 */
import { OBJ_CASE_INSENSITIVE } from '../../../shared/nt/generated/constants'
import {
  STATUS_INVALID_HANDLE,
  STATUS_INVALID_PARAMETER,
} from '../../../shared/nt/generated/ntstatus'
import { OBJECT_ATTRIBUTES, UNICODE_STRING } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine, Out } from '../ddi/types'
import { withMemory } from '../ddi/zw-file'
import { ZW_REGISTRY_DDIS } from '../ddi/zw-registry'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { initializeAttributes, readHandle } from '../ob/attributes'
import { placeText, textBytes } from '../ob/header'
import { writeHandle } from '../ob/nt-object'
import { service } from '../ps/service'
import {
  captureObjectAttributes,
  captureString,
  guarded,
  probeRead,
  probeWrite,
} from '../ps/service-args'

/** Most of an answer that is asked for, or of a value that is set, in one call. */
const BYTES_MAX = 0x1_0000

/** A result parameter that keeps what is written. */
class Box implements Out<number> {
  readonly given = true
  readonly target = -1
  value = 0
  write(value: number): void {
    this.value = value
  }
}

/** Handles of the system are not for programs. */
const isBad = (handle: number): boolean => handle < 0

export const NtOpenKey = service('NtOpenKey', 0x12, 'pxp', function* (k, args) {
  const [handleAt = 0, access = 0, attributesAt = 0] = args
  let name = ''
  let root = 0
  const bad = guarded(k, () => {
    probeWrite(k, handleAt, 8)
    if (attributesAt === 0) return STATUS_INVALID_PARAMETER
    probeRead(k, attributesAt, OBJECT_ATTRIBUTES.SIZE)
    root = readHandle(k, attributesAt + OBJECT_ATTRIBUTES.RootDirectory)
    if (isBad(root)) return STATUS_INVALID_HANDLE
    const given = captureObjectAttributes(k, attributesAt)
    name = given.name
    return given.status
  })
  if (bad) return bad
  const bytes = OBJECT_ATTRIBUTES.SIZE + UNICODE_STRING.SIZE + textBytes(name)
  return yield* withMemory(k, bytes, function* (at) {
    const string = at + OBJECT_ATTRIBUTES.SIZE
    placeText(k.memory, string, string + UNICODE_STRING.SIZE, name)
    initializeAttributes(k, at, string, OBJ_CASE_INSENSITIVE, root, 0)
    const box = new Box()
    const a = { KeyHandle: box, DesiredAccess: access, ObjectAttributes: at }
    const status = (yield* ZW_REGISTRY_DDIS.ZwOpenKey.run(k, a) as KernelRoutine<number>) >>> 0
    if (status >>> 31 !== 0) return status
    return guarded(k, () => writeHandle(k, handleAt, box.value)) || status
  })
})

/** Ask with an answer in kernel memory, and copy that to the caller. */
function* ask(
  k: Kernel,
  buffer: Ptr,
  length: number,
  lengthAt: Ptr,
  work: (answer: Ptr, length: number, needed: Box) => KernelRoutine<number>,
): KernelRoutine<number> {
  const room = Math.min(length >>> 0, BYTES_MAX)
  const bad = guarded(k, () => {
    probeWrite(k, buffer, room)
    probeWrite(k, lengthAt, 4)
  })
  if (bad) return bad
  return yield* withMemory(k, room + 8, function* (at) {
    const needed = new Box()
    const status = (yield* work(at, room, needed)) >>> 0
    return (
      guarded(k, () => {
        k.memory.setU32(lengthAt, needed.value)
        // Also of an answer that did not fit, its beginning (STATUS_BUFFER_OVERFLOW).
        if (status >>> 30 !== 3) k.memory.copy(buffer, at, Math.min(needed.value, room))
      }) || status
    )
  })
}

/** A value's name in kernel memory. */
function* withName(
  k: Kernel,
  nameAt: Ptr,
  work: (name: Ptr) => KernelRoutine<number>,
): KernelRoutine<number> {
  let text = ''
  const bad = guarded(k, () => {
    const given = captureString(k, nameAt)
    text = given.text
    return given.status
  })
  if (bad) return bad
  return yield* withMemory(k, UNICODE_STRING.SIZE + textBytes(text), (at) => {
    placeText(k.memory, at, at + UNICODE_STRING.SIZE, text)
    return work(at)
  })
}

export const NtQueryValueKey = service('NtQueryValueKey', 0x17, 'hpxpxp', function* (k, args) {
  const [handle = 0, nameAt = 0, kind = 0, buffer = 0, length = 0, lengthAt = 0] = args
  if (isBad(handle)) return STATUS_INVALID_HANDLE
  return yield* withName(k, nameAt, (name) =>
    ask(
      k,
      buffer,
      length,
      lengthAt,
      (answer, room, needed) =>
        ZW_REGISTRY_DDIS.ZwQueryValueKey.run(k, {
          KeyHandle: handle,
          ValueName: name,
          KeyValueInformationClass: kind,
          KeyValueInformation: answer,
          Length: room,
          ResultLength: needed,
        }) as KernelRoutine<number>,
    ),
  )
})

export const NtEnumerateKey = service('NtEnumerateKey', 0x32, 'hxxpxp', function* (k, args) {
  const [handle = 0, index = 0, kind = 0, buffer = 0, length = 0, lengthAt = 0] = args
  if (isBad(handle)) return STATUS_INVALID_HANDLE
  return yield* ask(
    k,
    buffer,
    length,
    lengthAt,
    (answer, room, needed) =>
      ZW_REGISTRY_DDIS.ZwEnumerateKey.run(k, {
        KeyHandle: handle,
        Index: index >>> 0,
        KeyInformationClass: kind,
        KeyInformation: answer,
        Length: room,
        ResultLength: needed,
      }) as KernelRoutine<number>,
  )
})

export const NtSetValueKey = service('NtSetValueKey', 0x60, 'hpxxpx', function* (k, args) {
  const [handle = 0, nameAt = 0, title = 0, type = 0, dataAt = 0, size = 0] = args
  if (isBad(handle)) return STATUS_INVALID_HANDLE
  if (size >>> 0 > BYTES_MAX) return STATUS_INVALID_PARAMETER
  return yield* withName(k, nameAt, (name) =>
    withMemory(k, size + 8, function* (at) {
      const bad = guarded(k, () => {
        probeRead(k, dataAt, size)
        if (size) k.memory.copy(at, dataAt, size)
      })
      if (bad) return bad
      const a = { KeyHandle: handle, ValueName: name, TitleIndex: title, Type: type >>> 0 }
      const values = { ...a, Data: at, DataSize: size }
      return yield* ZW_REGISTRY_DDIS.ZwSetValueKey.run(k, values) as KernelRoutine<number>
    }),
  )
})
