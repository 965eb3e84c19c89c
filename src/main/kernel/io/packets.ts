/**
 * Packets of the I/O manager's own: sent to the top of a stack, waited for, finished when they are
 * back, cancelled when their thread ends.
 */
import { FILE_OBJECT, IO_STACK_LOCATION, IRP } from '../../../shared/nt/generated/offsets'
import {
  IRP_BUFFERED_IO,
  IRP_DEALLOCATE_BUFFER,
  IRP_INPUT_OPERATION,
} from '../../../shared/nt/constants'
import { STATUS_PENDING } from '../../../shared/nt/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import { changeApcDisable } from '../ke/apc'
import type { Kernel } from '../kernel'
import type { Thread } from '../ke/thread'
import { MemoryFault, type Ptr } from '../mm/memory'
import { finishing } from '../verifier/rules/irp'
import type { IrpInfo } from './irp'

const NEXT = IRP['Tail.Overlay.CurrentStackLocation']

export class Packets {
  /** Threads that end, and who waits for their packets. */
  private readonly rundown = new Map<Thread, Thread>()

  constructor(private readonly k: Kernel) {}

  // --- the way down and back -------------------------------------------------------------------

  /** Fill in the first stack location; where it is. */
  nextLocation(irp: Ptr, major: number, file: Ptr): Ptr {
    const { memory } = this.k
    const next = memory.ptr(irp + NEXT) - IO_STACK_LOCATION.SIZE
    memory.setU8(next + IO_STACK_LOCATION.MajorFunction, major)
    memory.setPtr(next + IO_STACK_LOCATION.FileObject, file)
    memory.setPtr(irp + IRP['Tail.Overlay.OriginalFileObject'], file)
    return next
  }

  /**
   * Send a packet and, for a synchronous request, wait for its end. The status is the driver's
   * return value unless that was STATUS_PENDING (K037).
   * @param how.ends  a request of the I/O manager's own, without status block and event
   */
  *perform(
    irp: Ptr,
    device: Ptr,
    file: Ptr,
    how: {
      synchronous: boolean
      userMode: boolean
      ioctl: number | null
      input: number
      output: number
      ends: boolean
    },
  ): KernelRoutine<{ status: number; information: number }> {
    const { k } = this
    const { memory } = k
    const { thread } = k
    const info = k.irps.info(irp)!
    info.thread = thread
    info.file = file
    memory.setPtr(irp + IRP['Tail.Overlay.Thread'], thread.address)
    memory.setU8(irp + IRP.RequestorMode, how.userMode ? 1 : 0)
    thread.irps.add(irp)
    if (file) k.ob.reference(file)
    const slice = (thread.attached ?? thread.process).slice
    const next = memory.ptr(irp + NEXT) - IO_STACK_LOCATION.SIZE
    const major = memory.u8(next)
    const minor = memory.u8(next + 1)
    if (k.tracing) k.irps.traceCreated(irp, how.input, how.output)
    let done: { status: number; information: number } | null = null
    info.finish = (status, information) => {
      done = { status, information: this.finish(info, status, information, slice) }
      if (how.userMode)
        k.io.reports.record(major, minor, how.ioctl, status, done.information, info.number)
      if (info.waiter) k.dispatcher.release(info.waiter, 0, info.completedSeq)
    }
    // The lock of a file object that is opened for synchronous access brings a critical region (K084).
    const isLocked = how.synchronous && !how.ends
    if (isLocked) changeApcDisable(k, thread, -1)
    try {
      const filtered = k.io.filters ? yield* k.io.filters.before(irp, file) : null
      const returned = filtered?.completed
        ? yield* k.io.filters!.finishEarly(filtered)
        : yield* k.irps.callDriver(device, irp)
      if (returned === STATUS_PENDING) {
        // Even if the packet is back by now: its status is in the status block (K039).
        if (!how.synchronous) {
          filtered?.end()
          return { status: STATUS_PENDING, information: 0 }
        }
        if (!done) {
          info.waiter = thread
          yield* k.dispatcher.park()
          info.waiter = null
        }
      } else {
        const ended = done as { status: number; information: number } | null
        done = { status: returned, information: ended?.information ?? 0 }
      }
      return filtered ? yield* k.io.filters!.after(filtered, done!) : done!
    } finally {
      if (isLocked) changeApcDisable(k, thread, 1)
    }
  }

  /** Give a packet that a driver built the last stage of the I/O manager's own ones. */
  adopt(irp: Ptr): void {
    const { k } = this
    const info = k.irps.info(irp)!
    const slice = (k.thread.attached ?? k.thread.process).slice
    info.thread = k.thread
    k.thread.irps.add(irp)
    info.finish = (status, information) => {
      this.finish(info, status, information, slice)
    }
  }

  /** IopCompleteRequest: copy back, write the status block, signal, free. Returns Information. */
  private finish(info: IrpInfo, status: number, information: number, slice: number): number {
    const { k } = this
    const { memory } = k
    const irp = info.address
    if (k.verifier.watching) finishing(k, info)
    const isError = status >>> 30 === 3
    const flags = memory.u32(irp + IRP.Flags)
    const mdl = memory.ptr(irp + IRP.MdlAddress)
    const pended = memory.u8(irp + IRP.PendingReturned) !== 0
    this.inAddressSpace(slice, () => {
      if (flags & IRP_BUFFERED_IO && flags & IRP_INPUT_OPERATION && !isError && information > 0) {
        const buffer = memory.ptr(irp + IRP['AssociatedIrp.SystemBuffer'])
        const block = k.pool.block(buffer)
        if (block && information > block.bytes)
          k.verifier.check(
            'VR-IRP-INFORMATION',
            true,
            [0x312, k.images.nearestCode(k.thread), memory.address(irp), 0],
            `IRP ${info.number} was completed with Information ${information}, more than its buffer holds.`,
          )
        memory.copy(memory.ptr(irp + IRP.UserBuffer), buffer, Math.min(information, 0x7fff_ffff))
      }
      if (pended || !isError) {
        const iosb = memory.ptr(irp + IRP.UserIosb)
        if (iosb) {
          memory.setU32(iosb, status)
          memory.setSize(iosb + 8, information)
        }
      }
    })
    if (flags & IRP_DEALLOCATE_BUFFER) {
      if (info.systemBuffer) k.pool.free(info.systemBuffer)
    }
    if (mdl) k.mdls.free(mdl)
    if (pended || !isError) {
      const event = memory.ptr(irp + IRP.UserEvent)
      if (event) k.dispatcher.setEvent(event)
      else if (info.file) k.dispatcher.setEvent(info.file + FILE_OBJECT.Event)
    }
    const { thread, file, event: eventObject } = info
    k.irps.free(irp)
    if (eventObject) k.ob.release(eventObject)
    if (file) k.ob.release(file)
    if (thread) this.rundownWaiters(thread)
    return information
  }

  /** Do something with a process's user memory in view, whatever thread is running. */
  private inAddressSpace(slice: number, work: () => void): void {
    const { k } = this
    const current = (k.thread.attached ?? k.thread.process).slice
    if (slice !== current) k.memory.switchSlice(slice)
    try {
      work()
    } catch (error) {
      // The caller's buffer went away: Windows turns this into the status of the request.
      if (!(error instanceof MemoryFault) || !k.memory.isUser(error.index)) throw error
    } finally {
      if (slice !== current) k.memory.switchSlice(current)
    }
  }

  // --- cancel and rundown --------------------------------------------------------------------------

  /** CancelIo: every packet of the thread (or of all threads) for the file. Returns how many there were. */
  *cancelIo(file: Ptr, thread: Thread | null): KernelRoutine<number> {
    let count = 0
    for (const info of [...this.k.irps.all()]) {
      if (info.file !== file || info.state !== 'active' || (thread && info.thread !== thread))
        continue
      count++
      yield* this.k.irps.cancel(info.address)
    }
    return count
  }

  /** A thread that ends cancels its packets and waits until each is back. */
  *threadRundown(thread: Thread): KernelRoutine<void> {
    const { k } = this
    for (const irp of [...thread.irps]) {
      if (k.irps.info(irp)?.state === 'active') yield* k.irps.cancel(irp)
    }
    while (thread.irps.size > 0) {
      this.rundown.set(thread, k.thread)
      yield* k.dispatcher.park()
    }
  }

  private rundownWaiters(thread: Thread): void {
    const waiter = this.rundown.get(thread)
    if (!waiter || thread.irps.size > 0) return
    this.rundown.delete(thread)
    this.k.dispatcher.release(waiter, 0)
  }
}
