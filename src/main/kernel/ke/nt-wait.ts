/** System services that wait. */
import { SYNCHRONIZE } from '../../../shared/nt/generated/constants'
import { KWAIT_BLOCK } from '../../../shared/nt/generated/offsets'
import {
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_PARAMETER_1,
  STATUS_INVALID_PARAMETER_MIX,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { waitObject } from '../ddi/ob'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { readHandle } from '../ob/attributes'
import { service } from '../ps/service'
import { guarded, probeRead } from '../ps/service-args'

const OBJECTS_MAX = 64
/** A thread has wait blocks of its own for so many objects. */
const OWN_BLOCKS = 3
/** WaitType of NtWaitForMultipleObjects. */
const WAIT_ALL = 0

/** A PLARGE_INTEGER argument: null for NULL, which means for ever. */
function timeoutOf(k: Kernel, at: Ptr): { status: number; value: bigint | null } {
  let value: bigint | null = null
  const status = guarded(k, () => {
    if (at === 0) return
    probeRead(k, at, 8)
    value = k.memory.i64(at)
  })
  return { status, value }
}

/** Wait on behalf of a program: the end of its thread cuts the wait short. */
function* interruptibly(k: Kernel, wait: KernelRoutine<number>): KernelRoutine<number> {
  const { user } = k.thread
  if (user) user.interruptible = true
  const status = yield* wait
  if (user) user.interruptible = false
  return status
}

export const NtWaitForSingleObject = service(
  'NtWaitForSingleObject',
  0x04,
  'hxp',
  function* (k, args) {
    const [handle = 0, alertable = 0, timeoutAt = 0] = args
    const timeout = timeoutOf(k, timeoutAt)
    if (timeout.status) return timeout.status
    const mode = k.thread.previousMode
    const found = k.ob.referenceByHandle(handle, SYNCHRONIZE, null, mode)
    if (!found.object) return found.status
    const object = waitObject(found.object)
    const status = object
      ? yield* interruptibly(
          k,
          k.dispatcher.wait([object], {
            timeout: timeout.value,
            alertable: (alertable & 0xff) !== 0,
            mode,
          }),
        )
      : STATUS_OBJECT_TYPE_MISMATCH
    yield* k.ob.dereference(found.object.address)
    return status
  },
)

export const NtWaitForMultipleObjects = service(
  'NtWaitForMultipleObjects',
  0x5b,
  'xpxxp',
  function* (k, args) {
    const [count = 0, handlesAt = 0, type = 0, alertable = 0, timeoutAt = 0] = args
    if (count < 1 || count > OBJECTS_MAX) return STATUS_INVALID_PARAMETER_1
    if (type !== 0 && type !== 1) return STATUS_INVALID_PARAMETER_MIX
    const handles: number[] = []
    const bad = guarded(k, () => {
      probeRead(k, handlesAt, count * 8)
      for (let i = 0; i < count; i++) handles.push(readHandle(k, handlesAt + i * 8))
    })
    if (bad) return bad
    const timeout = timeoutOf(k, timeoutAt)
    if (timeout.status) return timeout.status
    const mode = k.thread.previousMode
    const referenced: Ptr[] = []
    const objects: Ptr[] = []
    let status = STATUS_SUCCESS
    for (const handle of handles) {
      const found = k.ob.referenceByHandle(handle, SYNCHRONIZE, null, mode)
      if (!found.object) {
        status = found.status
        break
      }
      referenced.push(found.object.address)
      const object = waitObject(found.object)
      if (!object) status = STATUS_OBJECT_TYPE_MISMATCH
      objects.push(object)
    }
    const all = type === WAIT_ALL
    if (status === STATUS_SUCCESS && all && new Set(objects).size !== objects.length)
      status = STATUS_INVALID_PARAMETER_MIX
    if (status === STATUS_SUCCESS) {
      const blocks =
        count > OWN_BLOCKS ? k.pool.allocate(count * KWAIT_BLOCK.SIZE, 'Wait', { system: true }) : 0
      if (count > OWN_BLOCKS && !blocks) status = STATUS_INSUFFICIENT_RESOURCES
      else
        status = yield* interruptibly(
          k,
          k.dispatcher.wait(objects, {
            all,
            timeout: timeout.value,
            alertable: (alertable & 0xff) !== 0,
            mode,
            ...(blocks ? { blocks } : {}),
          }),
        )
      if (blocks) k.pool.free(blocks)
    }
    for (const address of referenced) yield* k.ob.dereference(address)
    return status
  },
)

export const NtDelayExecution = service('NtDelayExecution', 0x34, 'xp', function* (k, args) {
  const [alertable = 0, intervalAt = 0] = args
  const interval = timeoutOf(k, intervalAt)
  if (interval.status) return interval.status
  return yield* interruptibly(
    k,
    k.dispatcher.delay(interval.value ?? 0n, (alertable & 0xff) !== 0, k.thread.previousMode),
  )
})

export const NtYieldExecution = service('NtYieldExecution', 0x46, '', function* () {
  yield { op: 'yield' }
  return STATUS_SUCCESS
})
