/** Cancel-safe queues: the I/O manager's half of a queue that the driver keeps itself. */
import { IO_CSQ, IO_CSQ_IRP_CONTEXT, IRP } from '../../../shared/nt/generated/offsets'
import { STATUS_SUCCESS } from '../../../shared/nt/ntstatus'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { RunLimit } from '../stop'
import { ddi, t, type KernelRoutine } from './types'

/** Packets on their way out that IoCsqRemoveNextIrp passes by before it takes the queue for one without end. */
const PEEKS_MAX = 10_000
const IO_TYPE_CSQ = 1
const IO_TYPE_CSQ_IRP_CONTEXT = 2
/** Where a queued packet keeps its queue or context: Tail.Overlay.DriverContext[3]. */
const CONTEXT = IRP['Tail.Overlay.DriverContext'] + 3 * 8

/** Call the driver's lock callbacks around `work`; the old IRQL lies on the thread's stack meanwhile. */
function* locked<T>(k: Kernel, csq: Ptr, work: () => KernelRoutine<T>): KernelRoutine<T> {
  const { memory } = k
  const irql = k.pool.allocate(8, 'IoCq', { system: true })
  yield* k.call(memory.ptr(csq + IO_CSQ.CsqAcquireLock), 'CSQ_ACQUIRE_LOCK', [csq, irql])
  const result = yield* work()
  const old = memory.u8(irql)
  k.pool.free(irql)
  yield* k.call(memory.ptr(csq + IO_CSQ.CsqReleaseLock), 'CSQ_RELEASE_LOCK', [csq, old])
  return result
}

/** The queue that a packet is in, through its context when it has one. */
function queueOf(k: Kernel, irp: Ptr): { csq: Ptr; context: Ptr } {
  const { memory } = k
  const at = memory.ptr(irp + CONTEXT)
  if (memory.u32(at) === IO_TYPE_CSQ) return { csq: at, context: 0 }
  return { csq: memory.ptr(at + IO_CSQ_IRP_CONTEXT.Csq), context: at }
}

/** The cancel routine of every packet in a cancel-safe queue. */
function cancelRoutine(k: Kernel): Ptr {
  return k.images.registerNative('IopCsqCancelRoutine', function* (kernel, [, irp = 0]) {
    const { memory, irps } = kernel
    const { csq, context } = queueOf(kernel, irp)
    irps.releaseCancelLock(memory.u8(irp + IRP.CancelIrql))
    yield* locked(kernel, csq, function* () {
      yield* kernel.call(
        memory.ptr(csq + IO_CSQ.CsqRemoveIrp),
        'CSQ_REMOVE_IRP',
        [csq, irp],
        irps.number(irp),
      )
      if (context) memory.setPtr(context + IO_CSQ_IRP_CONTEXT.Irp, 0)
      memory.setPtr(irp + CONTEXT, 0)
    })
    yield* kernel.call(
      memory.ptr(csq + IO_CSQ.CsqCompleteCanceledIrp),
      'CSQ_COMPLETE_CANCELED_IRP',
      [csq, irp],
      irps.number(irp),
    )
    return 0
  })
}

/** Take a packet out unless its cancellation has begun; then it belongs to the cancel routine. */
function* takeOut(k: Kernel, csq: Ptr, irp: Ptr): KernelRoutine<boolean> {
  const { memory, irps } = k
  if (irps.setCancelRoutine(irp, 0) === 0) return false
  yield* k.call(
    memory.ptr(csq + IO_CSQ.CsqRemoveIrp),
    'CSQ_REMOVE_IRP',
    [csq, irp],
    irps.number(irp),
  )
  const { context } = queueOf(k, irp)
  if (context) memory.setPtr(context + IO_CSQ_IRP_CONTEXT.Irp, 0)
  memory.setPtr(irp + CONTEXT, 0)
  return true
}

export const IO_CSQ_DDIS = {
  IoCsqInitialize: ddi({
    params: {
      Csq: t.ptr('IO_CSQ'),
      CsqInsertIrp: t.fn('CSQ_INSERT_IRP'),
      CsqRemoveIrp: t.fn('CSQ_REMOVE_IRP'),
      CsqPeekNextIrp: t.fn('CSQ_PEEK_NEXT_IRP'),
      CsqAcquireLock: t.fn('CSQ_ACQUIRE_LOCK'),
      CsqReleaseLock: t.fn('CSQ_RELEASE_LOCK'),
      CsqCompleteCanceledIrp: t.fn('CSQ_COMPLETE_CANCELED_IRP'),
    },
    returns: t.ntstatus,
    run(k, a) {
      const { memory } = k
      memory.setU32(a.Csq + IO_CSQ.Type, IO_TYPE_CSQ)
      memory.setPtr(a.Csq + IO_CSQ.CsqInsertIrp, a.CsqInsertIrp)
      memory.setPtr(a.Csq + IO_CSQ.CsqRemoveIrp, a.CsqRemoveIrp)
      memory.setPtr(a.Csq + IO_CSQ.CsqPeekNextIrp, a.CsqPeekNextIrp)
      memory.setPtr(a.Csq + IO_CSQ.CsqAcquireLock, a.CsqAcquireLock)
      memory.setPtr(a.Csq + IO_CSQ.CsqReleaseLock, a.CsqReleaseLock)
      memory.setPtr(a.Csq + IO_CSQ.CsqCompleteCanceledIrp, a.CsqCompleteCanceledIrp)
      memory.setPtr(a.Csq + IO_CSQ.ReservePointer, 0)
      return STATUS_SUCCESS
    },
  }),

  IoCsqInsertIrp: ddi({
    params: {
      Csq: t.ptr('IO_CSQ'),
      Irp: t.ptr('IRP'),
      Context: t.optional(t.ptr('IO_CSQ_IRP_CONTEXT')),
    },
    returns: t.void,
    *run(k, { Csq, Irp, Context }) {
      const { memory, irps } = k
      if (Context) {
        memory.setU32(Context + IO_CSQ_IRP_CONTEXT.Type, IO_TYPE_CSQ_IRP_CONTEXT)
        memory.setPtr(Context + IO_CSQ_IRP_CONTEXT.Irp, Irp)
        memory.setPtr(Context + IO_CSQ_IRP_CONTEXT.Csq, Csq)
      }
      memory.setPtr(Irp + CONTEXT, Context || Csq)
      irps.markPending(Irp)
      const isCancelled = yield* locked(k, Csq, function* () {
        yield* k.call(
          memory.ptr(Csq + IO_CSQ.CsqInsertIrp),
          'CSQ_INSERT_IRP',
          [Csq, Irp],
          irps.number(Irp),
        )
        if (k.tracing) k.emit({ t: 'irp.queued', irp: irps.number(Irp), queue: memory.format(Csq) })
        irps.setCancelRoutine(Irp, cancelRoutine(k))
        // Cancelled before the routine was there: nobody else will see it.
        if (memory.u8(Irp + IRP.Cancel) === 0) return false
        return yield* takeOut(k, Csq, Irp)
      })
      if (isCancelled)
        yield* k.call(
          memory.ptr(Csq + IO_CSQ.CsqCompleteCanceledIrp),
          'CSQ_COMPLETE_CANCELED_IRP',
          [Csq, Irp],
          irps.number(Irp),
        )
    },
  }),

  IoCsqRemoveNextIrp: ddi({
    params: { Csq: t.ptr('IO_CSQ'), PeekContext: t.optional(t.pvoid) },
    returns: t.ptr('IRP'),
    *run(k, { Csq, PeekContext }) {
      const { memory } = k
      return yield* locked(k, Csq, function* () {
        const peek = memory.ptr(Csq + IO_CSQ.CsqPeekNextIrp)
        let irp = 0
        for (let i = 0; i < PEEKS_MAX; i++) {
          irp = yield* k.call(peek, 'CSQ_PEEK_NEXT_IRP', [Csq, irp, PeekContext])
          if (irp === 0 || (yield* takeOut(k, Csq, irp))) return irp
        }
        throw new RunLimit(
          'hang',
          'list',
          `${k.images.symbol(peek)} names packets without end that are being cancelled: it has to go on behind the one that it is given.`,
        )
      })
    },
  }),

  IoCsqRemoveIrp: ddi({
    params: { Csq: t.ptr('IO_CSQ'), Context: t.ptr('IO_CSQ_IRP_CONTEXT') },
    returns: t.ptr('IRP'),
    irql: [0, 2],
    summary: 'Removes the packet that a context names; NULL when it is gone or being cancelled.',
    *run(k, { Csq, Context }) {
      return yield* locked(k, Csq, function* () {
        const irp = k.memory.ptr(Context + IO_CSQ_IRP_CONTEXT.Irp)
        return irp !== 0 && (yield* takeOut(k, Csq, irp)) ? irp : 0
      })
    },
  }),
}
