/**
 * KINTERRUPT: a driver's service routine, connected to a vector.
 *
 * The structure in memory is what drivers hold a pointer to; what the kernel believes is here.
 */
import { KINTERRUPT } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { Line } from './lines'

/** What a driver asks for when it connects. */
export interface ConnectRequest {
  serviceRoutine: Ptr
  serviceContext: Ptr
  /** The driver's own lock, or 0 for the one inside the object. */
  spinLock: Ptr
  vector: number
  irql: number
  synchronizeIrql: number
  mode: 'level' | 'edge'
  isShared: boolean
  floatingSave: boolean
}

export interface InterruptObject {
  /** KINTERRUPT. */
  address: Ptr
  line: Line
  request: ConnectRequest
  lock: Ptr
  /** Calls of its service routine that are under way. */
  calls: number
}

/** InterruptObject of the enumeration of kernel objects. */
const INTERRUPT_TYPE = 22
const TAG = 'Kint'

/** Build the structure; null when memory is short. */
export function makeInterrupt(
  k: Kernel,
  request: ConnectRequest,
  line: Line,
): InterruptObject | null {
  const { memory } = k
  const at = k.pool.allocate(KINTERRUPT.SIZE, TAG, { system: true })
  if (!at) return null
  memory.fill(at, KINTERRUPT.SIZE, 0)
  memory.setU16(at + KINTERRUPT.Type, INTERRUPT_TYPE)
  memory.setU16(at + KINTERRUPT.Size, KINTERRUPT.SIZE)
  memory.setPtr(at + KINTERRUPT.ServiceRoutine, request.serviceRoutine)
  memory.setPtr(at + KINTERRUPT.ServiceContext, request.serviceContext)
  const lock = request.spinLock || at + KINTERRUPT.SpinLock
  if (!request.spinLock) k.spinLocks.initialize(lock)
  memory.setPtr(at + KINTERRUPT.ActualLock, lock)
  memory.setU32(at + KINTERRUPT.Vector, request.vector)
  memory.setU8(at + KINTERRUPT.Irql, request.irql)
  memory.setU8(at + KINTERRUPT.SynchronizeIrql, request.synchronizeIrql)
  memory.setU8(at + KINTERRUPT.FloatingSave, request.floatingSave ? 1 : 0)
  memory.setU8(at + KINTERRUPT.Connected, 1)
  memory.setU8(at + KINTERRUPT.ShareVector, request.isShared ? 1 : 0)
  memory.setU32(at + KINTERRUPT.Mode, request.mode === 'edge' ? 1 : 0)
  return { address: at, line, request, lock, calls: 0 }
}

export function freeInterrupt(k: Kernel, object: InterruptObject): void {
  k.memory.setU8(object.address + KINTERRUPT.Connected, 0)
  k.pool.free(object.address)
}

/** Raise to the object's level and take its lock. The level from before is the result. */
export function* lockInterrupt(
  k: Kernel,
  object: InterruptObject,
  routine: string,
): KernelRoutine<number> {
  const level = k.irql.raise(object.request.synchronizeIrql, routine)
  const waiting = k.spinLocks.acquireAtDpcLevel(object.lock)
  if (waiting) yield* waiting
  return level
}

/** Give the lock back and go to `level`. */
export function unlockInterrupt(
  k: Kernel,
  object: InterruptObject,
  level: number,
  routine: string,
): void {
  k.spinLocks.releaseFromDpcLevel(object.lock)
  k.irql.lower(level, routine)
}
