/** DPCs and timers. */
import { DISPATCH_LEVEL, HIGH_LEVEL } from '../../../shared/nt/irql'
import { NotificationTimer } from '../../../shared/nt/generated/constants'
import { KDPC } from '../../../shared/nt/generated/offsets'
import { checkNonpaged } from '../ke/at-dispatch'
import { ddi, t } from './types'

const dpc = t.ptr('KDPC')
const timer = t.ptr('KTIMER')

export const KE_DPC_DDIS = {
  KeInitializeDpc: ddi({
    params: {
      Dpc: dpc,
      DeferredRoutine: t.fn('KDEFERRED_ROUTINE'),
      DeferredContext: t.optional(t.pvoid),
    },
    returns: t.void,
    run: (k, a) => k.dpcs.initialize(a.Dpc, a.DeferredRoutine, a.DeferredContext),
  }),
  KeInsertQueueDpc: ddi({
    params: {
      Dpc: dpc,
      SystemArgument1: t.optional(t.pvoid),
      SystemArgument2: t.optional(t.pvoid),
    },
    returns: t.boolean,
    run: (k, a) => k.dpcs.insert(a.Dpc, a.SystemArgument1, a.SystemArgument2),
  }),
  KeRemoveQueueDpc: ddi({
    params: { Dpc: dpc },
    returns: t.boolean,
    run: (k, a) => k.dpcs.remove(a.Dpc),
  }),
  KeSetImportanceDpc: ddi({
    params: { Dpc: dpc, Importance: t.enum('KDPC_IMPORTANCE') },
    returns: t.void,
    irql: [0, HIGH_LEVEL],
    support: 'partial',
    note: 'A DPC of low importance runs as soon as one of medium importance.',
    summary: 'Decides whether a DPC is queued at the head or at the end.',
    docs: 'wdm/nf-wdm-kesetimportancedpc',
    run: (k, a) => k.memory.setU8(a.Dpc + KDPC.Importance, a.Importance),
  }),
  KeFlushQueuedDpcs: ddi({
    params: {},
    returns: t.void,
    *run(k) {
      yield* k.dpcs.flush()
    },
  }),

  KeInitializeTimer: ddi({
    params: { Timer: timer },
    returns: t.void,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Initialises a notification timer.',
    docs: 'wdm/nf-wdm-keinitializetimer',
    run(k, a) {
      checkNonpaged(k, a.Timer, 'KTIMER')
      k.timers.initialize(a.Timer, NotificationTimer)
    },
  }),
  KeInitializeTimerEx: ddi({
    params: { Timer: timer, Type: t.enum('TIMER_TYPE') },
    returns: t.void,
    run(k, a) {
      checkNonpaged(k, a.Timer, 'KTIMER')
      k.timers.initialize(a.Timer, a.Type)
    },
  }),
  KeSetTimer: ddi({
    params: { Timer: timer, DueTime: t.large, Dpc: t.optional(dpc) },
    returns: t.boolean,
    run: (k, a) => k.timers.set(a.Timer, a.DueTime ?? 0n, 0, a.Dpc),
  }),
  KeSetTimerEx: ddi({
    params: { Timer: timer, DueTime: t.large, Period: t.long, Dpc: t.optional(dpc) },
    returns: t.boolean,
    run: (k, a) => k.timers.set(a.Timer, a.DueTime ?? 0n, a.Period, a.Dpc),
  }),
  KeSetCoalescableTimer: ddi({
    params: {
      Timer: timer,
      DueTime: t.large,
      Period: t.ulong,
      TolerableDelay: t.ulong,
      Dpc: t.optional(dpc),
    },
    returns: t.boolean,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Arms a timer that may come late, so that the processor can sleep longer.',
    docs: 'wdm/nf-wdm-kesetcoalescabletimer',
    run: (k, a) => k.timers.set(a.Timer, a.DueTime ?? 0n, a.Period, a.Dpc),
  }),
  KeCancelTimer: ddi({
    params: { Timer: timer },
    returns: t.boolean,
    run: (k, a) => k.timers.cancel(a.Timer),
  }),
  KeReadStateTimer: ddi({
    params: { Timer: timer },
    returns: t.boolean,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Tells whether a timer is signalled.',
    docs: 'wdm/nf-wdm-kereadstatetimer',
    run: (k, a) => k.dispatcher.state(a.Timer) !== 0,
  }),
}
