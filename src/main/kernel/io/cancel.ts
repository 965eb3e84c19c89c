/** Packets that are called back: the cancel spin lock, and IoCancelIrp. */
import { IO_STACK_LOCATION, IRP } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import { DISPATCH_LEVEL } from '../ke/irql'
import type { Processor } from '../ke/processor'
import type { MaySpin } from '../ke/spinlock'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { cancelling, cancelSetCause } from '../verifier/rules/irp'
import { atRoutine } from '../verifier/rules/note'

const CURRENT = IRP['Tail.Overlay.CurrentStackLocation']

/** The cancel spin lock is one for the whole system. */
export class CancelLock {
  /** IRQL before it was taken; -1 while nobody holds it. */
  private irql = -1
  private owner: Processor | null = null

  constructor(private readonly k: Kernel) {}

  get isHeld(): boolean {
    return this.irql >= 0
  }

  /** IoAcquireCancelSpinLock: at DISPATCH_LEVEL from here on. Gives the former IRQL. */
  acquire(): MaySpin<number> {
    const { k } = this
    if (this.irql >= 0 && this.owner !== k.processor) {
      const old = k.irql.raise(DISPATCH_LEVEL, 'IoAcquireCancelSpinLock')
      return this.spin(old)
    }
    if (this.irql >= 0)
      k.dpcs.watchdogStop(
        'The cancel spin lock is already held: this processor would wait for itself for ever.',
      )
    const old = k.irql.raise(DISPATCH_LEVEL, 'IoAcquireCancelSpinLock')
    this.irql = old
    this.owner = k.processor
    return old
  }

  private *spin(old: number): KernelRoutine<number> {
    const { k } = this
    const { processor } = k
    while (this.irql >= 0) {
      k.dpcs.checkWatchdog()
      yield {
        op: 'spin',
        until: () => this.irql < 0 || k.tick >= k.dpcs.watchdogTickOf(processor),
      }
    }
    this.irql = old
    this.owner = processor
    return old
  }

  release(irql: number): void {
    this.irql = -1
    this.k.irql.lower(irql, 'IoReleaseCancelSpinLock')
  }
}

/**
 * IoCancelIrp: mark it and call the cancel routine at DISPATCH_LEVEL with the cancel lock held.
 * @bugcheck 0x48 when the packet was completed with a cancel routine still set
 */
export function* cancelIrp(k: Kernel, irp: Ptr): KernelRoutine<boolean> {
  const { memory } = k
  const { cancelLock } = k.irps
  const acquired = cancelLock.acquire()
  const irql = typeof acquired === 'number' ? acquired : yield* acquired
  memory.setU8(irp + IRP.Cancel, 1)
  const info = k.irps.info(irp)
  if (info) info.cancelled = true
  cancelling(k, irp)
  const routine = k.irps.setCancelRoutine(irp, 0)
  if (k.tracing) k.emit({ t: 'irp.cancelled', irp: k.irps.number(irp), routine: routine !== 0 })
  if (routine === 0) {
    cancelLock.release(irql)
    return false
  }
  if (memory.i8(irp + IRP.CurrentLocation) > memory.u8(irp + IRP.StackCount) + 1)
    k.bugCheck(
      0x48,
      memory.address(irp),
      memory.address(routine),
      0,
      0,
      `IRP ${k.irps.number(irp)} was completed with its cancel routine still set, then cancelled.`,
    )
  memory.setU8(irp + IRP.CancelIrql, irql)
  const device = memory.ptr(memory.ptr(irp + CURRENT) + IO_STACK_LOCATION.DeviceObject)
  yield* k.call(routine, 'DRIVER_CANCEL', [device, irp], k.irps.number(irp))
  atRoutine(k, routine, () =>
    k.verifier.check(
      'VR-IRP-CANCEL-LOCK',
      cancelLock.isHeld,
      [memory.address(irp), memory.address(routine), 0, 0],
      `${k.images.symbol(routine)} returned without IoReleaseCancelSpinLock.`,
      cancelSetCause(k, irp),
    ),
  )
  return true
}
