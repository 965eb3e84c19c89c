/** Events, semaphores, mutexes and the waits for them and for every other dispatcher object. */
import { APC_LEVEL, DISPATCH_LEVEL, HIGH_LEVEL } from '../../../shared/nt/irql'
import {
  STATUS_INVALID_PARAMETER_1,
  STATUS_INVALID_PARAMETER_3,
} from '../../../shared/nt/generated/ntstatus'
import { WaitAll, WaitAny } from '../../../shared/nt/generated/constants'
import { checkNonpaged } from '../ke/at-dispatch'
import type { Kernel } from '../kernel'
import { MemoryFault, type Ptr } from '../mm/memory'
import { ddi, t } from './types'

const event = t.ptr('KEVENT')
const mutex = t.ptr('KMUTEX')
const semaphore = t.ptr('KSEMAPHORE')
const increment = t.i32('KPRIORITY')
const reason = t.enum('KWAIT_REASON')
const timeout = t.optional(t.large)

const BOOST = 'Increment raises no priority.'

function checkSetEvent(k: Kernel, routine: string, object: Ptr, wait: boolean): void {
  const { level } = k.irql
  k.verifier.check(
    'VR-IRQL-SETEVENT',
    level > DISPATCH_LEVEL || (wait && level > APC_LEVEL),
    [0x80, level, k.memory.address(object), 0],
    `${routine} was called at IRQL ${level}${wait ? ' with Wait TRUE' : ''}.`,
  )
}

export const KE_EVENT_DDIS = {
  KeInitializeEvent: ddi({
    params: { Event: event, Type: t.enum('EVENT_TYPE'), State: t.boolean },
    returns: t.void,
    run(k, a) {
      checkNonpaged(k, a.Event, 'KEVENT')
      k.dispatcher.initializeEvent(a.Event, a.Type, a.State)
    },
  }),
  KeSetEvent: ddi({
    checksIrql: true,
    params: { Event: event, Increment: increment, Wait: t.boolean },
    returns: t.long,
    support: 'partial',
    note: BOOST,
    run(k, a) {
      checkSetEvent(k, 'KeSetEvent', a.Event, a.Wait)
      return k.dispatcher.setEvent(a.Event)
    },
  }),
  KeResetEvent: ddi({
    params: { Event: event },
    returns: t.long,
    run: (k, a) => k.dispatcher.resetEvent(a.Event),
  }),
  KeClearEvent: ddi({
    params: { Event: event },
    returns: t.void,
    run(k, a) {
      k.dispatcher.resetEvent(a.Event)
    },
  }),
  KePulseEvent: ddi({
    checksIrql: true,
    params: { Event: event, Increment: increment, Wait: t.boolean },
    returns: t.long,
    support: 'partial',
    note: BOOST,
    run(k, a) {
      checkSetEvent(k, 'KePulseEvent', a.Event, a.Wait)
      return k.dispatcher.pulseEvent(a.Event)
    },
  }),
  KeReadStateEvent: ddi({
    params: { Event: event },
    returns: t.long,
    run: (k, a) => k.dispatcher.state(a.Event),
  }),

  KeInitializeSemaphore: ddi({
    params: { Semaphore: semaphore, Count: t.long, Limit: t.long },
    returns: t.void,
    run(k, a) {
      checkNonpaged(k, a.Semaphore, 'KSEMAPHORE')
      k.dispatcher.initializeSemaphore(a.Semaphore, a.Count, a.Limit)
    },
  }),
  KeReleaseSemaphore: ddi({
    params: { Semaphore: semaphore, Increment: increment, Adjustment: t.long, Wait: t.boolean },
    returns: t.long,
    support: 'partial',
    note: BOOST,
    run: (k, a) => k.dispatcher.releaseSemaphore(a.Semaphore, a.Adjustment),
  }),
  KeReadStateSemaphore: ddi({
    params: { Semaphore: semaphore },
    returns: t.long,
    irql: [0, HIGH_LEVEL],
    summary: 'Reads the count of a semaphore.',
    docs: 'wdm/nf-wdm-kereadstatesemaphore',
    run: (k, a) => k.dispatcher.state(a.Semaphore),
  }),

  KeInitializeMutex: ddi({
    params: { Mutex: mutex, Level: t.ulong },
    returns: t.void,
    run(k, a) {
      checkNonpaged(k, a.Mutex, 'KMUTEX')
      k.dispatcher.initializeMutant(a.Mutex, true)
    },
  }),
  KeReleaseMutex: ddi({
    params: { Mutex: mutex, Wait: t.boolean },
    returns: t.long,
    run: (k, a) => k.dispatcher.releaseMutant(a.Mutex),
  }),
  KeReadStateMutex: ddi({
    params: { Mutex: mutex },
    returns: t.long,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Reads the state of a mutex: 1 is free.',
    docs: 'wdm/nf-wdm-kereadstatemutex',
    run: (k, a) => k.dispatcher.state(a.Mutex),
  }),

  KeWaitForSingleObject: ddi({
    params: {
      Object: t.pvoid,
      WaitReason: reason,
      WaitMode: t.mode,
      Alertable: t.boolean,
      Timeout: timeout,
    },
    returns: t.ntstatus,
    *run(k, a) {
      return yield* k.dispatcher.wait([a.Object], {
        timeout: a.Timeout,
        alertable: a.Alertable,
        mode: a.WaitMode === 0 ? 0 : 1,
      })
    },
  }),
  KeWaitForMultipleObjects: ddi({
    params: {
      Count: t.ulong,
      Object: { k: 'ptr', c: 'PVOID*', target: null },
      WaitType: t.enum('WAIT_TYPE'),
      WaitReason: reason,
      WaitMode: t.mode,
      Alertable: t.boolean,
      Timeout: timeout,
      WaitBlockArray: t.optional(t.ptr('KWAIT_BLOCK')),
    },
    returns: t.ntstatus,
    *run(k, a) {
      if (a.Count === 0) return STATUS_INVALID_PARAMETER_1
      if (a.WaitType !== WaitAll && a.WaitType !== WaitAny) return STATUS_INVALID_PARAMETER_3
      const objects: Ptr[] = []
      // More than 64 is a bug check, which needs no object.
      for (let i = 0; i < Math.min(a.Count, 65); i++) objects.push(k.memory.ptr(a.Object + i * 8))
      return yield* k.dispatcher.wait(objects, {
        all: a.WaitType === WaitAll,
        timeout: a.Timeout,
        alertable: a.Alertable,
        mode: a.WaitMode === 0 ? 0 : 1,
        blocks: a.WaitBlockArray,
      })
    },
  }),
  KeDelayExecutionThread: ddi({
    checksIrql: true,
    params: { WaitMode: t.mode, Alertable: t.boolean, Interval: t.large },
    returns: t.ntstatus,
    *run(k, a) {
      if (a.Interval === null) throw new MemoryFault(0, 'read')
      return yield* k.dispatcher.delay(a.Interval, a.Alertable, a.WaitMode === 0 ? 0 : 1)
    },
  }),
}
