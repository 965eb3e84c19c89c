/** Object manager: references, handles, names; event objects. */
import { OBJ_KERNEL_HANDLE, OBJ_OPENIF } from '../../../shared/nt/generated/constants'
import { hex } from '../../../shared/nt/format'
import { FILE_OBJECT, UNICODE_STRING } from '../../../shared/nt/generated/offsets'
import {
  STATUS_ACCESS_DENIED,
  STATUS_INFO_LENGTH_MISMATCH,
  STATUS_INVALID_HANDLE,
  STATUS_INVALID_PARAMETER,
  STATUS_OBJECT_NAME_INVALID,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KeyData } from '../cm/registry'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { captureAttributes, captureName, initializeAttributes } from '../ob/attributes'
import { createEvent, type EventKind } from '../ob/event'
import { CURRENT_PROCESS, CURRENT_THREAD } from '../ob/handle'
import { placeText } from '../ob/header'
import { mapAccess, type KernelObjectType } from '../ob/object-type'
import type { KObject, Resolved } from '../ob/object'
import { ddi, t, type KernelRoutine, type Out } from './types'

const OBJECT_TYPE_POINTER = t.ptr('OBJECT_TYPE')
const PVOID_OUT = t.out({ k: 'ptr', c: 'PVOID', target: null })

/**
 * The type that a POBJECT_TYPE argument means. The exported variable itself is taken for its
 * contents, since the language of drivers has no way to write the dereference.
 */
export function typeArgument(k: Kernel, pointer: Ptr): KernelObjectType | null | undefined {
  if (pointer === 0) return null
  const direct = k.ob.typeAt(pointer)
  if (direct) return direct
  return Object.values(k.ob.types).find((type) => type.variable !== 0 && type.variable === pointer)
}

function address64(handle: number): bigint {
  return BigInt.asUintN(64, BigInt(handle))
}

/** The verifier's view on a handle that a driver gives to ObReferenceObjectByHandle. */
function checkHandle(k: Kernel, handle: number, type: Ptr, mode: number, resolved: Resolved): void {
  const value = address64(handle)
  if (handle === CURRENT_PROCESS || handle === CURRENT_THREAD) return
  if (handle < 0 && mode === 1)
    k.verifier.check(
      'VR-OBJ-KERNELHANDLE-USERMODE',
      true,
      [0xf7, value, k.memory.address(type), mode],
      'A kernel handle was referenced with AccessMode UserMode.',
    )
  if (resolved.status === STATUS_INVALID_HANDLE)
    k.verifier.check(
      'VR-OBJ-BADHANDLE',
      true,
      [handle === 0 ? 0xf5 : 0x3c, value, k.memory.address(type), 0],
      'ObReferenceObjectByHandle was given a handle that is not open in this process.',
    )
  else if (handle > 0 && mode === 0 && k.processes.current !== k.processes.system)
    k.verifier.check(
      'VR-OBJ-USERHANDLE',
      true,
      [0xf6, value, k.memory.address(k.processes.current.address), k.images.nearestCode(k.thread)],
      `Handle ${hex(handle)} of process ${k.processes.current.name} was referenced with AccessMode KernelMode.`,
    )
}

function referenceByHandle(
  k: Kernel,
  a: {
    Handle: number
    DesiredAccess: number
    ObjectType: Ptr
    AccessMode: number
    Object: Out<number>
    HandleInformation: Ptr
  },
): number {
  const type = typeArgument(k, a.ObjectType)
  const mode = a.AccessMode === 1 ? 1 : 0
  const resolved: Resolved =
    type === undefined
      ? { status: STATUS_OBJECT_TYPE_MISMATCH, object: null, access: 0 }
      : k.ob.referenceByHandle(a.Handle, a.DesiredAccess, type, mode)
  checkHandle(k, a.Handle, a.ObjectType, mode, resolved)
  a.Object.write(resolved.object?.address ?? 0)
  if (resolved.object && a.HandleInformation !== 0) {
    k.memory.setU32(a.HandleInformation, 0)
    k.memory.setU32(a.HandleInformation + 4, resolved.access)
  }
  return resolved.status
}

/** ZwClose and ObCloseHandle from kernel mode. */
export function* closeFromKernel(k: Kernel, handle: number): KernelRoutine<number> {
  if (handle === CURRENT_PROCESS || handle === CURRENT_THREAD) return STATUS_SUCCESS
  const status = yield* k.ob.closeHandle(handle, 0)
  // NULL, and the kernel bit alone, are let pass.
  if (status === STATUS_INVALID_HANDLE && (handle & 0x7fff_ffff) !== 0)
    k.verifier.check(
      'VR-OBJ-CLOSE-INVALID',
      true,
      [address64(handle), 1, 0, 0],
      `ZwClose was given handle ${hex(address64(handle))}, which is not open.`,
    )
  return status
}

/** Name of an object as ObQueryNameString gives it; empty for an object without one. */
export function objectName(k: Kernel, object: KObject): string {
  if (object.type.name === 'Key') return (object.data as KeyData).key.path
  if (object.type.name !== 'File') return object.name ?? ''
  const { memory } = k
  const device = k.ob.lookup(memory.ptr(object.address + FILE_OBJECT.DeviceObject))
  const at = object.address + FILE_OBJECT.FileName
  const length = memory.u16(at + UNICODE_STRING.Length)
  const buffer = memory.ptr(at + UNICODE_STRING.Buffer)
  return (device?.name ?? '') + (buffer && length ? memory.text16(buffer, length) : '')
}

function queryName(
  k: Kernel,
  a: { Object: Ptr; ObjectNameInfo: Ptr; Length: number; ReturnLength: Out<number> },
): number {
  const { memory } = k
  const object = k.ob.lookup(a.Object)
  const name = object ? objectName(k, object) : ''
  const needed = UNICODE_STRING.SIZE + (name === '' ? 0 : name.length * 2 + 2)
  a.ReturnLength.write(needed)
  if (a.Length < needed) return STATUS_INFO_LENGTH_MISMATCH
  if (name === '') memory.fill(a.ObjectNameInfo, UNICODE_STRING.SIZE, 0)
  else placeText(memory, a.ObjectNameInfo, a.ObjectNameInfo + UNICODE_STRING.SIZE, name)
  return STATUS_SUCCESS
}

function referenceByPointer(
  k: Kernel,
  a: { Object: Ptr; ObjectType: Ptr; AccessMode: number },
): number {
  const type = typeArgument(k, a.ObjectType)
  // Only a symbolic link is checked for its type when the caller is the kernel and names none.
  if (type === undefined) return STATUS_OBJECT_TYPE_MISMATCH
  if (type && k.ob.typeOf(a.Object) !== type) return STATUS_OBJECT_TYPE_MISMATCH
  if (!type && a.AccessMode === 1) return STATUS_OBJECT_TYPE_MISMATCH
  k.ob.reference(a.Object)
  return STATUS_SUCCESS
}

function createNamedEvent(k: Kernel, name: Ptr, handle: Out<number>, kind: EventKind): Ptr {
  const captured = captureName(k, name)
  if (captured.status !== STATUS_SUCCESS) return 0
  const { object } = createEvent(k, {
    name: captured.text === '' ? null : captured.text,
    kind,
    // The state that the documentation promises for a new one; an existing one keeps its own.
    state: true,
    openIf: true,
  })
  if (!object) return 0
  handle.write(k.ob.openHandle(object, EVENT_ALL_ACCESS, { kernel: true }))
  // The handle keeps it; the pointer comes without a reference.
  k.ob.release(object.address)
  return object.address
}

const EVENT_ALL_ACCESS = 0x1f_0003
const EVENT_MODIFY_STATE = 2
const SYNCHRONIZE = 0x10_0000

/** Event behind a handle, for the Zw routines: previous mode is KernelMode, rights are not checked. */
function eventOf(k: Kernel, handle: number, access: number): Resolved {
  return k.ob.resolveHandle(handle, access, k.ob.types.Event, 0)
}

const eventCreator = (kind: EventKind, summary: string | null) =>
  ddi({
    params: {
      EventName: t.optional(t.ptr('UNICODE_STRING')),
      EventHandle: t.out(t.handle),
    },
    returns: t.ptr('KEVENT'),
    irql: [0, 0],
    docs: `wdm/nf-wdm-io${kind === 0 ? 'createnotificationevent' : 'createsynchronizationevent'}`,
    ...(summary === null ? {} : { summary }),
    run: (k, a) => createNamedEvent(k, a.EventName, a.EventHandle, kind),
  })

export const OB_DDIS = {
  ObReferenceObject: ddi({
    params: { Object: t.pvoid },
    returns: t.longlong,
    docs: 'wdm/nf-wdm-obfreferenceobject',
    run: (k, a) => BigInt(k.ob.reference(a.Object)),
  }),
  ObDereferenceObject: ddi({
    params: { Object: t.pvoid },
    returns: t.longlong,
    docs: 'wdm/nf-wdm-obdereferenceobject',
    *run(k, a) {
      return BigInt(yield* k.ob.dereference(a.Object))
    },
  }),
  ObDereferenceObjectDeferDelete: ddi({
    params: { Object: t.pvoid },
    returns: t.longlong,
    irql: [0, 2],
    summary: 'Drops a reference; a deletion that follows is done later, by a system thread.',
    docs: 'wdm/nf-wdm-obdereferenceobjectdeferdelete',
    support: 'partial',
    note: 'Objects that need no driver for their deletion are deleted at once.',
    run: (k, a) => BigInt(k.ob.release(a.Object)),
  }),
  ObReferenceObjectByHandle: ddi({
    params: {
      Handle: t.handle,
      DesiredAccess: t.accessMask,
      ObjectType: t.optional(OBJECT_TYPE_POINTER),
      AccessMode: t.mode,
      Object: PVOID_OUT,
      HandleInformation: t.optional(t.ptr('OBJECT_HANDLE_INFORMATION')),
    },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-obreferenceobjectbyhandle',
    run: referenceByHandle,
  }),
  ObReferenceObjectByPointer: ddi({
    params: {
      Object: t.pvoid,
      DesiredAccess: t.accessMask,
      ObjectType: t.optional(OBJECT_TYPE_POINTER),
      AccessMode: t.mode,
    },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-obreferenceobjectbypointer',
    run: referenceByPointer,
  }),
  ObReferenceObjectByName: ddi({
    params: {
      ObjectName: t.ptr('UNICODE_STRING'),
      Attributes: t.ulong,
      AccessState: t.optional(t.ptr('ACCESS_STATE')),
      DesiredAccess: t.accessMask,
      ObjectType: t.optional(OBJECT_TYPE_POINTER),
      AccessMode: t.mode,
      ParseContext: t.optional(t.pvoid),
      Object: PVOID_OUT,
    },
    returns: t.ntstatus,
    run(k, a) {
      const name = captureName(k, a.ObjectName)
      if (name.status !== STATUS_SUCCESS) return name.status
      if (name.text === '') return STATUS_OBJECT_NAME_INVALID
      const type = typeArgument(k, a.ObjectType)
      if (type === undefined) return STATUS_INVALID_PARAMETER
      const found = k.ob.referenceByName(name.text, type)
      if (found.object) a.Object.write(found.object.address)
      return found.status
    },
  }),
  ObOpenObjectByPointer: ddi({
    params: {
      Object: t.pvoid,
      HandleAttributes: t.ulong,
      PassedAccessState: t.optional(t.ptr('ACCESS_STATE')),
      DesiredAccess: t.accessMask,
      ObjectType: t.optional(OBJECT_TYPE_POINTER),
      AccessMode: t.mode,
      Handle: t.out(t.handle),
    },
    returns: t.ntstatus,
    docs: 'ntifs/nf-ntifs-obopenobjectbypointer',
    *run(k, a) {
      const type = typeArgument(k, a.ObjectType)
      const object = k.ob.lookup(a.Object)
      if (type === undefined || !object || (type && object.type !== type))
        return STATUS_OBJECT_TYPE_MISMATCH
      // Access to a protected process is the caller's only when it asks as the kernel.
      if (a.AccessMode === 1 && isProtected(k, object, mapAccess(object.type, a.DesiredAccess)))
        return STATUS_ACCESS_DENIED
      a.Handle.write(
        yield* k.ob.callbacks.open(object, a.DesiredAccess, {
          kernel: (a.HandleAttributes & OBJ_KERNEL_HANDLE) !== 0,
        }),
      )
      return STATUS_SUCCESS
    },
  }),
  ObQueryNameString: ddi({
    params: {
      Object: t.pvoid,
      ObjectNameInfo: t.optional(t.ptr('OBJECT_NAME_INFORMATION')),
      Length: t.ulong,
      ReturnLength: t.out(t.ulong),
    },
    returns: t.ntstatus,
    docs: 'ntifs/nf-ntifs-obquerynamestring',
    run: queryName,
  }),
  ObGetObjectType: ddi({
    params: { Object: t.pvoid },
    returns: OBJECT_TYPE_POINTER,
    irql: [0, 15],
    summary: 'Type of an object, decoded from its header.',
    traced: false,
    run: (k, a) => k.ob.typeOf(a.Object)?.address ?? 0,
  }),
  ObMakeTemporaryObject: ddi({
    params: { Object: t.pvoid },
    returns: t.void,
    docs: 'ntifs/nf-ntifs-obmaketemporaryobject',
    run: (k, a) => k.ob.makeTemporary(a.Object),
  }),
  ObCloseHandle: ddi({
    params: { Handle: t.handle, PreviousMode: t.mode },
    returns: t.ntstatus,
    docs: 'ntifs/nf-ntifs-obclosehandle',
    run: (k, a) =>
      a.PreviousMode === 1 ? k.ob.closeHandle(a.Handle, 1) : closeFromKernel(k, a.Handle),
  }),
  ZwClose: ddi({
    params: { Handle: t.handle },
    returns: t.ntstatus,
    docs: 'ntifs/nf-ntifs-ntclose',
    run: (k, a) => closeFromKernel(k, a.Handle),
  }),
  ZwOpenDirectoryObject: ddi({
    params: {
      DirectoryHandle: t.out(t.handle),
      DesiredAccess: t.accessMask,
      ObjectAttributes: t.ptr('OBJECT_ATTRIBUTES'),
    },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-zwopendirectoryobject',
    run(k, a) {
      const given = captureAttributes(k, a.ObjectAttributes)
      if (given.status !== STATUS_SUCCESS) return given.status
      const found = k.ob.namespace.lookup(given.name, { root: given.root })
      if (!found.object) return found.status
      if (found.remainder !== '' || found.object.type.name !== 'Directory')
        return STATUS_OBJECT_TYPE_MISMATCH
      a.DirectoryHandle.write(
        k.ob.openHandle(found.object, a.DesiredAccess, { kernel: given.kernelHandle }),
      )
      return STATUS_SUCCESS
    },
  }),
  InitializeObjectAttributes: ddi({
    params: {
      InitializedAttributes: t.ptr('OBJECT_ATTRIBUTES'),
      ObjectName: t.optional(t.ptr('UNICODE_STRING')),
      Attributes: t.ulong,
      RootDirectory: t.optional(t.handle),
      SecurityDescriptor: t.optional(t.pvoid),
    },
    returns: t.void,
    summary: 'Fills an OBJECT_ATTRIBUTES in; a macro in C.',
    docs: 'ntdef/nf-ntdef-initializeobjectattributes',
    traced: false,
    run: (k, a) =>
      initializeAttributes(
        k,
        a.InitializedAttributes,
        a.ObjectName,
        a.Attributes,
        a.RootDirectory,
        a.SecurityDescriptor,
      ),
  }),

  IoCreateNotificationEvent: eventCreator(0, null),
  IoCreateSynchronizationEvent: eventCreator(
    1,
    'Creates or opens a named synchronization event, initially signalled when created.',
  ),
  ZwCreateEvent: ddi({
    params: {
      EventHandle: t.out(t.handle),
      DesiredAccess: t.accessMask,
      ObjectAttributes: t.optional(t.ptr('OBJECT_ATTRIBUTES')),
      EventType: t.enum('EVENT_TYPE'),
      InitialState: t.boolean,
    },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Creates an event object and opens a handle to it.',
    docs: 'ntifs/nf-ntifs-zwcreateevent',
    run(k, a) {
      const given = captureAttributes(k, a.ObjectAttributes)
      if (given.status !== STATUS_SUCCESS) return given.status
      if (a.EventType !== 0 && a.EventType !== 1) return STATUS_INVALID_PARAMETER
      const { status, object } = createEvent(k, {
        name: given.name === '' ? null : given.name,
        kind: a.EventType,
        state: a.InitialState,
        openIf: (given.attributes & OBJ_OPENIF) !== 0,
      })
      if (!object) return status
      a.EventHandle.write(k.ob.openHandle(object, a.DesiredAccess, { kernel: given.kernelHandle }))
      k.ob.release(object.address)
      return status
    },
  }),
  ZwOpenEvent: ddi({
    params: {
      EventHandle: t.out(t.handle),
      DesiredAccess: t.accessMask,
      ObjectAttributes: t.ptr('OBJECT_ATTRIBUTES'),
    },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Opens an existing named event object.',
    run(k, a) {
      const given = captureAttributes(k, a.ObjectAttributes)
      if (given.status !== STATUS_SUCCESS) return given.status
      const found = k.ob.namespace.lookup(given.name, { root: given.root })
      if (!found.object) return found.status
      if (found.remainder !== '') return STATUS_OBJECT_NAME_NOT_FOUND
      if (found.object.type.name !== 'Event') return STATUS_OBJECT_TYPE_MISMATCH
      a.EventHandle.write(
        k.ob.openHandle(found.object, a.DesiredAccess, { kernel: given.kernelHandle }),
      )
      return STATUS_SUCCESS
    },
  }),
  ZwSetEvent: ddi({
    params: { EventHandle: t.handle, PreviousState: t.optional(t.out(t.long)) },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Sets an event by its handle.',
    docs: 'ntifs/nf-ntifs-zwsetevent',
    run(k, a) {
      const { status, object } = eventOf(k, a.EventHandle, EVENT_MODIFY_STATE)
      if (object) a.PreviousState.write(k.dispatcher.setEvent(object.address))
      return status
    },
  }),
  ZwClearEvent: ddi({
    params: { EventHandle: t.handle },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Clears an event by its handle.',
    run(k, a) {
      const { status, object } = eventOf(k, a.EventHandle, EVENT_MODIFY_STATE)
      if (object) k.dispatcher.resetEvent(object.address)
      return status
    },
  }),
  ZwWaitForSingleObject: ddi({
    params: {
      Handle: t.handle,
      Alertable: t.boolean,
      Timeout: t.optional(t.large),
    },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Waits for the object behind a handle.',
    docs: 'ntifs/nf-ntifs-zwwaitforsingleobject',
    *run(k, a) {
      const { status, object } = k.ob.referenceByHandle(a.Handle, SYNCHRONIZE, null, 0)
      if (!object) return status
      const waitable = waitObject(object)
      const result = waitable
        ? yield* k.dispatcher.wait([waitable], { timeout: a.Timeout, alertable: a.Alertable })
        : STATUS_OBJECT_TYPE_MISMATCH
      yield* k.ob.dereference(object.address)
      return result
    },
  }),
}

/** Dispatcher header to wait for; files are waited for through the event in them. 0: not waitable. */
export function waitObject(object: KObject): Ptr {
  if (!object.type.facts.waitable) return 0
  return object.type.name === 'File' ? object.address + FILE_OBJECT.Event : object.address
}

/** Rights that nobody gets to a protected process from user mode. */
const PROTECTED_DENIED = 0x1f_ffff & ~0x10_1000

function isProtected(k: Kernel, object: KObject, access: number): boolean {
  const process = object.type.name === 'Process' ? k.processes.byAddress(object.address) : undefined
  return (
    process !== undefined &&
    k.processes.isProtected(process.address) &&
    (access & PROTECTED_DENIED) !== 0
  )
}
