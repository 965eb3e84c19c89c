/** System services on processes, threads and drivers. */
import { CLIENT_ID, EPROCESS, ETHREAD } from '../../../shared/nt/generated/offsets'
import {
  PROCESS_TERMINATE,
  SE_LOAD_DRIVER_PRIVILEGE,
  THREAD_TERMINATE,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_ACCESS_DENIED,
  STATUS_INFO_LENGTH_MISMATCH,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_CID,
  STATUS_INVALID_INFO_CLASS,
  STATUS_INVALID_PARAMETER,
  STATUS_INVALID_PARAMETER_MIX,
  STATUS_NOT_SUPPORTED,
  STATUS_OBJECT_NAME_INVALID,
  STATUS_PRIVILEGE_NOT_HELD,
  STATUS_PROCESS_IS_TERMINATING,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Thread } from '../ke/thread'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { readHandle, type CapturedAttributes } from '../ob/attributes'
import { processOf, writeHandle } from '../ob/nt-object'
import { mapAccess } from '../ob/object-type'
import type { KObject } from '../ob/object'
import { mapGeneric } from '../se/access'
import { currentDominates } from '../se/protection'
import { exitThread, terminateProcess, terminateThread, threadExitStatus } from './exit'
import type { Process } from './process'
import { service } from './service'
import {
  captureObjectAttributes,
  captureString,
  fromUser,
  guarded,
  probeRead,
  probeWrite,
} from './service-args'
import { userProcess } from './user'

const PROCESS_CREATE_THREAD = 2
const PROCESS_QUERY_LIMITED_INFORMATION = 0x1000
const THREAD_QUERY_LIMITED_INFORMATION = 0x800
/** What user mode gets to a protected process: QUERY_LIMITED_INFORMATION, SET_LIMITED_INFORMATION, SYNCHRONIZE. */
const PROTECTED_ALLOWED = 0x10_3000
/** The same for its threads. */
const PROTECTED_THREAD_ALLOWED = 0x10_1800
const MAXIMUM_ALLOWED = 0x0200_0000
const THREAD_CREATE_FLAGS_CREATE_SUSPENDED = 1
/** PS_ATTRIBUTE_CLIENT_ID: where the new thread's CLIENT_ID goes. */
const PS_ATTRIBUTE_CLIENT_ID = 0x1_0003
/** PS_ATTRIBUTE_LIST: total length, then attributes of 32 bytes. */
const PS_ATTRIBUTE_BYTES = 32

/** Whether the process of the thread has a privilege enabled, as its token's bytes say now. */
export function hasPrivilege(k: Kernel, privilege: number): boolean {
  return k.se.hasPrivilege(privilege, 1)
}

// --- processes -------------------------------------------------------------------------------------

/**
 * Rights that a caller gets to a process or to a thread of it. Kernel mode gets what it asks for, and
 * nobody in user mode gets much of a protected process.
 */
export function allowedAccess(
  k: Kernel,
  process: Process,
  type: 'Process' | 'Thread',
  access: number,
): { status: number; granted: number } {
  const { mapping } = k.ob.types[type].facts
  if (!fromUser(k)) return { status: STATUS_SUCCESS, granted: mapAccess(k.ob.types[type], access) }
  const wanted = mapGeneric(access, mapping)
  if (!currentDominates(k, process.address)) {
    const most = type === 'Process' ? PROTECTED_ALLOWED : PROTECTED_THREAD_ALLOWED
    if (wanted & MAXIMUM_ALLOWED) return { status: STATUS_SUCCESS, granted: most }
    const status = (wanted & ~most) === 0 ? STATUS_SUCCESS : STATUS_ACCESS_DENIED
    return { status, granted: wanted }
  }
  return k.se.checkProcess(process, type, access)
}

export const NtOpenProcess = service('NtOpenProcess', 0x26, 'pxpp', function* (k, args) {
  const [resultAt = 0, access = 0, attributesAt = 0, clientIdAt = 0] = args
  let given: CapturedAttributes | undefined
  let processId = 0
  let threadId = 0
  const bad = guarded(k, () => {
    probeWrite(k, resultAt, 8)
    given = captureObjectAttributes(k, attributesAt)
    if (clientIdAt === 0) return given.status || STATUS_INVALID_PARAMETER_MIX
    probeRead(k, clientIdAt, CLIENT_ID.SIZE)
    processId = readHandle(k, clientIdAt + CLIENT_ID.UniqueProcess)
    threadId = readHandle(k, clientIdAt + CLIENT_ID.UniqueThread)
    return given.status
  })
  if (bad || !given) return bad
  if (given.name !== '') return STATUS_INVALID_PARAMETER_MIX
  const process = threadId ? k.scheduler.byId(threadId)?.process : k.processes.byId(processId)
  const object = process && k.ob.lookup(process.address)
  if (!process || !object) return threadId ? STATUS_INVALID_CID : STATUS_INVALID_PARAMETER
  const { status, granted } = allowedAccess(k, process, 'Process', access)
  if (status !== STATUS_SUCCESS) return status
  const handle = yield* k.ob.callbacks.open(object, granted, { kernel: given.kernelHandle })
  return guarded(k, () => writeHandle(k, resultAt, handle))
})

export const NtOpenThread = service('NtOpenThread', 0x12e, 'pxpp', function* (k, args) {
  const [resultAt = 0, access = 0, attributesAt = 0, clientIdAt = 0] = args
  let given: CapturedAttributes | undefined
  let threadId = 0
  const bad = guarded(k, () => {
    probeWrite(k, resultAt, 8)
    given = captureObjectAttributes(k, attributesAt)
    if (clientIdAt === 0) return given.status || STATUS_INVALID_PARAMETER_MIX
    probeRead(k, clientIdAt, CLIENT_ID.SIZE)
    threadId = readHandle(k, clientIdAt + CLIENT_ID.UniqueThread)
    return given.status
  })
  if (bad || !given) return bad
  if (given.name !== '') return STATUS_INVALID_PARAMETER_MIX
  const thread = threadId > 0 ? k.scheduler.byId(threadId) : undefined
  const object = thread && k.ob.lookup(thread.address)
  if (!thread || !object) return STATUS_INVALID_CID
  const { status, granted } = allowedAccess(k, thread.process, 'Thread', access)
  if (status !== STATUS_SUCCESS) return status
  const handle = yield* k.ob.callbacks.open(object, granted, { kernel: given.kernelHandle })
  return guarded(k, () => writeHandle(k, resultAt, handle))
})

export const NtTerminateProcess = service('NtTerminateProcess', 0x2c, 'hx', function* (k, args) {
  const [handle = 0, status = 0] = args
  if (handle === 0) {
    yield* terminateProcess(k, k.thread.process, status, true)
    return STATUS_SUCCESS
  }
  const found = processOf(k, handle, PROCESS_TERMINATE)
  const { process } = found
  if (!process) return found.status
  if (process === k.processes.system) return STATUS_ACCESS_DENIED
  if (process.exitCode !== null) return STATUS_PROCESS_IS_TERMINATING
  yield* terminateProcess(k, process, status)
  return STATUS_SUCCESS
})

/** PROCESS_BASIC_INFORMATION, THREAD_BASIC_INFORMATION. */
const BASIC_INFORMATION_BYTES = 48

function writeInformation(k: Kernel, args: number[], write: (at: Ptr) => void): number {
  const [, kind = 0, buffer = 0, length = 0, returnedAt = 0] = args
  if (kind !== 0) return STATUS_INVALID_INFO_CLASS
  if (length !== BASIC_INFORMATION_BYTES) return STATUS_INFO_LENGTH_MISMATCH
  return guarded(k, () => {
    probeWrite(k, buffer, BASIC_INFORMATION_BYTES)
    k.memory.fill(buffer, BASIC_INFORMATION_BYTES, 0)
    write(buffer)
    if (!returnedAt) return
    probeWrite(k, returnedAt, 4)
    k.memory.setU32(returnedAt, BASIC_INFORMATION_BYTES)
  })
}

export const NtQueryInformationProcess = service(
  'NtQueryInformationProcess',
  0x19,
  'hxpxp',
  function* (k, args) {
    const found = processOf(k, args[0] ?? 0, PROCESS_QUERY_LIMITED_INFORMATION)
    if (!found.process) return found.status
    const { memory } = k
    const at = found.process.address
    return writeInformation(k, args, (to) => {
      memory.setU32(to, memory.u32(at + EPROCESS.ExitStatus))
      memory.setU64(to + 0x08, memory.u64(at + EPROCESS.Peb))
      memory.setU32(to + 0x10, 1)
      memory.setU32(to + 0x18, memory.u8(at + EPROCESS['Pcb.BasePriority']))
      memory.setU64(to + 0x20, memory.u64(at + EPROCESS.UniqueProcessId))
      memory.setU64(to + 0x28, memory.u64(at + EPROCESS.InheritedFromUniqueProcessId))
    })
  },
)

// --- threads ---------------------------------------------------------------------------------------

function threadOf(
  k: Kernel,
  handle: number,
  access: number,
): { status: number; object: KObject | null; thread: Thread | null } {
  const { status, object } = k.ob.resolveHandle(
    handle,
    access,
    k.ob.types.Thread,
    k.thread.previousMode,
  )
  return { status, object, thread: (object && k.scheduler.byAddress(object.address)) ?? null }
}

export const NtQueryInformationThread = service(
  'NtQueryInformationThread',
  0x25,
  'hxpxp',
  function* (k, args) {
    const { status, object } = threadOf(k, args[0] ?? 0, THREAD_QUERY_LIMITED_INFORMATION)
    if (!object) return status
    const { memory } = k
    const { address } = object
    return writeInformation(k, args, (to) => {
      memory.setU32(to, threadExitStatus(object))
      memory.setU64(to + 0x08, memory.u64(address + ETHREAD['Tcb.Teb']))
      memory.setU64(to + 0x10, memory.u64(address + ETHREAD['Cid.UniqueProcess']))
      memory.setU64(to + 0x18, memory.u64(address + ETHREAD['Cid.UniqueThread']))
      memory.setU32(to + 0x20, 1)
    })
  },
)

export const NtTerminateThread = service('NtTerminateThread', 0x53, 'hx', function* (k, args) {
  const [handle = 0, status = 0] = args
  if (handle === 0) {
    yield* exitThread(k, status)
    return STATUS_SUCCESS
  }
  const found = threadOf(k, handle, THREAD_TERMINATE)
  if (!found.object) return found.status
  if (found.thread === k.thread) yield* exitThread(k, status)
  else if (found.thread && !found.thread.user) return STATUS_INVALID_PARAMETER
  else if (found.thread) yield* terminateThread(k, found.thread, status)
  return STATUS_SUCCESS
})

/** Write the thread's CLIENT_ID where an attribute list asks for it. */
function fillAttributes(k: Kernel, listAt: Ptr, thread: Thread): void {
  if (!listAt) return
  const { memory } = k
  const total = memory.size(listAt)
  for (let at = listAt + 8; at + PS_ATTRIBUTE_BYTES <= listAt + total; at += PS_ATTRIBUTE_BYTES) {
    if (memory.size(at) !== PS_ATTRIBUTE_CLIENT_ID) continue
    const to = memory.ptr(at + 16)
    probeWrite(k, to, CLIENT_ID.SIZE)
    memory.setSize(to + CLIENT_ID.UniqueProcess, thread.process.id)
    memory.setSize(to + CLIENT_ID.UniqueThread, thread.id)
  }
}

export const NtCreateThreadEx = service(
  'NtCreateThreadEx',
  0xc1,
  'pxphppxxxxp',
  function* (k, args) {
    const [resultAt = 0, access = 0, attributesAt = 0, processHandle = 0, start = 0, argument = 0] =
      args
    const [flags = 0, , , , listAt = 0] = args.slice(6)
    let given: CapturedAttributes | undefined
    const bad = guarded(k, () => {
      probeWrite(k, resultAt, 8)
      if (listAt) probeRead(k, listAt, 8 + PS_ATTRIBUTE_BYTES)
      given = captureObjectAttributes(k, attributesAt)
      return given.status
    })
    if (bad || !given) return bad
    const found = processOf(k, processHandle, PROCESS_CREATE_THREAD)
    const { process } = found
    if (!process) return found.status
    if (process.slice < 0) return STATUS_INVALID_PARAMETER
    if (process.exitCode !== null || userProcess(process).exitStatus !== null)
      return STATUS_PROCESS_IS_TERMINATING
    if (flags & THREAD_CREATE_FLAGS_CREATE_SUSPENDED) return STATUS_NOT_SUPPORTED
    const thread = yield* k.programs.startThread(process, start, argument)
    if (!thread) return STATUS_INSUFFICIENT_RESOURCES
    const object = k.ob.lookup(thread.address)
    if (!object) return STATUS_INVALID_PARAMETER
    const handle = yield* k.ob.callbacks.open(object, access, { kernel: given.kernelHandle })
    return guarded(k, () => {
      writeHandle(k, resultAt, handle)
      fillAttributes(k, listAt, thread)
    })
  },
)

// --- drivers ---------------------------------------------------------------------------------------

const SERVICE_KEYS =
  /^\\registry\\machine\\system\\(?:currentcontrolset|controlset\d+)\\services\\([^\\]+)$/i

/**
 * Do something on a thread of the system and wait for it. Drivers are loaded and unloaded that way,
 * so that DriverEntry and DriverUnload run in the System process whoever asked.
 */
export function* onSystemThread(k: Kernel, work: KernelRoutine<number>): KernelRoutine<number> {
  let status = STATUS_SUCCESS
  const thread = k.scheduler.tryCreateThread({
    process: k.processes.system,
    name: 'IopLoadUnloadDriver',
    priority: 13,
  })
  if (!thread) return STATUS_INSUFFICIENT_RESOURCES
  thread.cause = k.thread.cause
  const { address } = thread
  k.ob.reference(address)
  k.scheduler.start(
    thread,
    (function* () {
      status = yield* work
    })(),
    'nt!IopLoadUnloadDriver',
  )
  yield* k.dispatcher.wait([address])
  yield* k.ob.dereference(address)
  return status
}

/** NtLoadDriver and NtUnloadDriver, which name the driver by its service key. */
function* changeDriver(
  k: Kernel,
  args: number[],
  change: (name: string) => KernelRoutine<number>,
): KernelRoutine<number> {
  if (fromUser(k) && !hasPrivilege(k, SE_LOAD_DRIVER_PRIVILEGE)) return STATUS_PRIVILEGE_NOT_HELD
  let path = ''
  const bad = guarded(k, () => {
    const given = captureString(k, args[0] ?? 0)
    path = given.text
    return given.status
  })
  if (bad) return bad
  const name = SERVICE_KEYS.exec(path)?.[1]
  if (name === undefined) return STATUS_OBJECT_NAME_INVALID
  return yield* onSystemThread(k, change(name))
}

export const NtLoadDriver = service('NtLoadDriver', 0x105, 'p', (k, args) =>
  changeDriver(k, args, (name) => k.loader.load(name)),
)

export const NtUnloadDriver = service('NtUnloadDriver', 0x1c6, 'p', (k, args) =>
  changeDriver(k, args, (name) => k.loader.unload(name)),
)
