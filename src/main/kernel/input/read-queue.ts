/**
 * Reads that wait for input: packets that stay pending until there is something to give, in the order in
 * which they came. Each can be cancelled, as the end of its thread does.
 */
import { IO_STACK_LOCATION, IRP } from '../../../shared/nt/generated/offsets'
import {
  STATUS_CANCELLED,
  STATUS_INVALID_PARAMETER,
  STATUS_PENDING,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import { DISPATCH_LEVEL } from '../ke/irql'
import type { Kernel } from '../kernel'
import type { Image } from '../loader/image'
import type { Ptr } from '../mm/memory'

const CURRENT = IRP['Tail.Overlay.CurrentStackLocation']
const LENGTH = IO_STACK_LOCATION['Parameters.Read.Length']
/** Bytes that wait for a reader; more are lost, as a keyboard's are. */
const BYTES_MAX = 4096

export interface ReadQueueOptions {
  /** Name of the cancel routine, `KeyboardClassCancel`. */
  cancelName: string
  /** Module that it lies in. */
  image: Image | undefined
  /** Reads give whole units of so many bytes. */
  unit: number
  /** How many of the waiting bytes a read may have now, none to wait; all by default. */
  ready?: (bytes: readonly number[]) => number
}

export class ReadQueue {
  private readonly waiting: Ptr[] = []
  private bytes: number[] = []
  private readonly cancelRoutine: Ptr

  constructor(
    private readonly k: Kernel,
    private readonly options: ReadQueueOptions,
  ) {
    const { cancelName, image } = options
    const cancel = (_: Kernel, args: number[]): KernelRoutine<void> => this.cancel(args[1] ?? 0)
    this.cancelRoutine = k.images.registerNative(cancelName, cancel, undefined, image)
  }

  /** IRP_MJ_READ on a device with DO_BUFFERED_IO. */
  *read(irp: Ptr): KernelRoutine<number> {
    const { k } = this
    const length = k.memory.u32(k.memory.ptr(irp + CURRENT) + LENGTH)
    if (length < this.options.unit) return yield* this.complete(irp, STATUS_INVALID_PARAMETER, 0)
    if (this.waiting.length === 0 && this.available(length) > 0) return yield* this.give(irp)
    k.irps.markPending(irp)
    this.waiting.push(irp)
    k.irps.setCancelRoutine(irp, this.cancelRoutine)
    // Cancelled on its way here: nobody called the routine, and nobody will.
    if (k.memory.u8(irp + IRP.Cancel) !== 0 && k.irps.setCancelRoutine(irp, 0) !== 0) {
      this.waiting.splice(this.waiting.indexOf(irp), 1)
      yield* this.complete(irp, STATUS_CANCELLED, 0)
    }
    return STATUS_PENDING
  }

  /**
   * Input has come: whoever waits gets it. Packets are completed at DISPATCH_LEVEL, as the DPC of a
   * keyboard port does, so completion routines of filters run there.
   */
  *supply(bytes: readonly number[]): KernelRoutine<void> {
    const { k } = this
    if (this.bytes.length + bytes.length <= BYTES_MAX) this.bytes.push(...bytes)
    for (;;) {
      const irp = this.waiting[0]
      if (irp === undefined) return
      const length = k.memory.u32(k.memory.ptr(irp + CURRENT) + LENGTH)
      if (this.available(length) === 0) return
      this.waiting.shift()
      // Without one its cancel routine is under way and completes it.
      if (k.irps.setCancelRoutine(irp, 0) === 0) continue
      const outer = k.irql.raise(DISPATCH_LEVEL, 'KeyboardClassServiceCallback')
      yield* this.give(irp)
      k.irql.lower(outer, 'KeyboardClassServiceCallback')
    }
  }

  private available(length: number): number {
    const { unit, ready } = this.options
    const most = Math.min(ready?.(this.bytes) ?? this.bytes.length, length)
    return most - (most % unit)
  }

  private give(irp: Ptr): KernelRoutine<number> {
    const { memory } = this.k
    const count = this.available(memory.u32(memory.ptr(irp + CURRENT) + LENGTH))
    memory.write(
      memory.ptr(irp + IRP['AssociatedIrp.SystemBuffer']),
      Uint8Array.from(this.bytes.slice(0, count)),
    )
    this.bytes = this.bytes.slice(count)
    return this.complete(irp, STATUS_SUCCESS, count)
  }

  private *complete(irp: Ptr, status: number, information: number): KernelRoutine<number> {
    const { memory, irps } = this.k
    memory.setU32(irp + IRP['IoStatus.Status'], status)
    memory.setSize(irp + IRP['IoStatus.Information'], information)
    yield* irps.complete(irp)
    return status
  }

  private *cancel(irp: Ptr): KernelRoutine<void> {
    const { k } = this
    const at = this.waiting.indexOf(irp)
    if (at >= 0) this.waiting.splice(at, 1)
    k.irps.releaseCancelLock(k.memory.u8(irp + IRP.CancelIrql))
    yield* this.complete(irp, STATUS_CANCELLED, 0)
  }
}
