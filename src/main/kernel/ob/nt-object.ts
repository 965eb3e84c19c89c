/** System services on handles and events. */
import {
  DUPLICATE_CLOSE_SOURCE,
  DUPLICATE_SAME_ACCESS,
  OBJ_INHERIT,
  OBJ_OPENIF,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_INVALID_HANDLE,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { Process } from '../ps/process'
import { service } from '../ps/service'
import { captureObjectAttributes, fromUser, guarded, probeWrite } from '../ps/service-args'
import type { CapturedAttributes } from './attributes'
import { createEvent } from './event'
import { CURRENT_PROCESS, CURRENT_THREAD } from './handle'
import type { KObject } from './object'

const EVENT_MODIFY_STATE = 2
const PROCESS_DUP_HANDLE = 0x40
/** Handles from here to -1 are pseudo handles; closing one does nothing. */
const FIRST_PSEUDO_HANDLE = -6

/** Write a HANDLE result. */
export function writeHandle(k: Kernel, at: Ptr, handle: number): void {
  k.memory.setU64(at, BigInt.asUintN(64, BigInt(handle)))
}

/** Process behind a handle that carries `access`; -1 is the current one. */
export function processOf(
  k: Kernel,
  handle: number,
  access: number,
): { status: number; process: Process | null } {
  const found = k.ob.resolveHandle(handle, access, k.ob.types.Process, k.thread.previousMode)
  return { status: found.status, process: (found.object?.data ?? null) as Process | null }
}

export const NtClose = service('NtClose', 0x0f, 'h', function* (k, args) {
  const [handle = 0] = args
  if (handle < 0 && handle >= FIRST_PSEUDO_HANDLE) return STATUS_SUCCESS
  return yield* k.ob.closeHandle(handle, k.thread.previousMode)
})

/** Object and rights behind a handle of a process, pseudo handles included. */
function sourceOf(
  k: Kernel,
  process: Process,
  handle: number,
): { object: KObject; access: number } | null {
  if (handle === CURRENT_PROCESS || handle === CURRENT_THREAD) {
    const address = handle === CURRENT_PROCESS ? process.address : k.thread.address
    const object = k.ob.lookup(address)
    return object ? { object, access: 0x1f_ffff } : null
  }
  if (handle < 0) {
    const entry = fromUser(k) ? undefined : k.processes.system.handles.entry(handle)
    return entry ? { object: entry.object, access: entry.access } : null
  }
  const entry = process.handles.entry(handle)
  return entry ? { object: entry.object, access: entry.access } : null
}

function* duplicate(k: Kernel, args: number[]): KernelRoutine<number> {
  const [sourceProcess = 0, handle = 0, targetProcess = 0, resultAt = 0] = args
  const [access = 0, attributes = 0, options = 0] = args.slice(4)
  const source = processOf(k, sourceProcess, PROCESS_DUP_HANDLE)
  if (!source.process) return source.status
  if (targetProcess !== 0) {
    const target = processOf(k, targetProcess, PROCESS_DUP_HANDLE)
    if (!target.process) return target.status
    const bad = guarded(k, () => probeWrite(k, resultAt, 8))
    if (bad) return bad
    const found = sourceOf(k, source.process, handle)
    if (!found) return STATUS_INVALID_HANDLE
    const copy = yield* k.ob.callbacks.open(
      found.object,
      options & DUPLICATE_SAME_ACCESS ? found.access : access,
      {
        inherit: (attributes & OBJ_INHERIT) !== 0,
        process: target.process,
        from: source.process,
      },
    )
    const failed = guarded(k, () => {
      if (resultAt) writeHandle(k, resultAt, copy)
    })
    if (failed) return failed
  }
  if (options & DUPLICATE_CLOSE_SOURCE && handle > 0) yield* source.process.handles.close(handle)
  return STATUS_SUCCESS
}

export const NtDuplicateObject = service('NtDuplicateObject', 0x3c, 'hhhpxxx', duplicate)

// --- events ----------------------------------------------------------------------------------------

export const NtCreateEvent = service('NtCreateEvent', 0x48, 'pxpxx', function* (k, args) {
  const [resultAt = 0, access = 0, attributesAt = 0, kind = 0, state = 0] = args
  let given: CapturedAttributes | undefined
  const bad = guarded(k, () => {
    probeWrite(k, resultAt, 8)
    given = captureObjectAttributes(k, attributesAt)
    return given.status
  })
  if (bad || !given) return bad
  if (kind !== 0 && kind !== 1) return STATUS_INVALID_PARAMETER
  const root = given.root?.name
  const name = root ? `${root}\\${given.name}` : given.name
  const { status, object } = createEvent(k, {
    name: name === '' ? null : name,
    kind,
    state: (state & 0xff) !== 0,
    openIf: (given.attributes & OBJ_OPENIF) !== 0,
  })
  if (!object) return status
  const handle = k.ob.openHandle(object, access, {
    kernel: given.kernelHandle,
    inherit: (given.attributes & OBJ_INHERIT) !== 0,
  })
  k.ob.release(object.address)
  return guarded(k, () => writeHandle(k, resultAt, handle)) || status
})

/** Set or clear an event, giving back its former state where asked. */
function changeEvent(k: Kernel, args: number[], change: (event: Ptr) => number): number {
  const [handle = 0, formerAt = 0] = args
  const bad = guarded(k, () => {
    if (formerAt) probeWrite(k, formerAt, 4)
  })
  if (bad) return bad
  const found = k.ob.resolveHandle(
    handle,
    EVENT_MODIFY_STATE,
    k.ob.types.Event,
    k.thread.previousMode,
  )
  if (!found.object) return found.status
  const former = change(found.object.address)
  return guarded(k, () => {
    if (formerAt) k.memory.setU32(formerAt, former)
  })
}

export const NtSetEvent = service('NtSetEvent', 0x0e, 'hp', function* (k, args) {
  return changeEvent(k, args, (event) => k.dispatcher.setEvent(event))
})

export const NtResetEvent = service('NtResetEvent', 0x178, 'hp', function* (k, args) {
  return changeEvent(k, args, (event) => k.dispatcher.resetEvent(event))
})

export const NtClearEvent = service('NtClearEvent', 0x3e, 'h', function* (k, args) {
  return changeEvent(k, [args[0] ?? 0], (event) => k.dispatcher.resetEvent(event))
})
