/** Timers and DPCs of the driver framework. */
import {
  STATUS_INFO_LENGTH_MISMATCH,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { WDF_DPC_CONFIG, WDF_TIMER_CONFIG } from '../../../shared/nt/generated/offsets'
import { DISPATCH_LEVEL } from '../../../shared/nt/irql'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { createDeferred, deviceAbove, stopTimer, type DeferredData } from '../wdf/deferred'
import { framework } from '../wdf/framework'
import { ddi, t, type KernelRoutine, type Out } from './types'
import { DPC, filling, OBJECT, readAttributes, TIMER } from './wdf-types'

const UP_TO_DISPATCH = [0, DISPATCH_LEVEL] as [number, number]
const PARENT = 'The parent is a device or below one; AutomaticSerialization counts for nothing.'

function create(
  k: Kernel,
  kind: 'timer' | 'dpc',
  attributesAt: Ptr,
  routine: Ptr,
  result: Out<number>,
  period = 0,
): number {
  if (!routine || !attributesAt) return STATUS_INVALID_PARAMETER
  const attributes = readAttributes(k, attributesAt)
  const device = deviceAbove(framework(k).any(attributes.parent))
  if (!device) return STATUS_INVALID_DEVICE_REQUEST
  const object = createDeferred(k, kind, device, attributes, routine, period)
  if (!object) return STATUS_INSUFFICIENT_RESOURCES
  result.write(object.handle)
  return STATUS_SUCCESS
}

const deferred = (k: Kernel, handle: Ptr, kind: 'timer' | 'dpc'): DeferredData =>
  framework(k).object<DeferredData>(handle, kind).data

/**
 * Stop a timer or a DPC and, when the driver wants to, wait until its function is not running.
 * Above PASSIVE_LEVEL nobody may wait, and nothing is stopped.
 */
function* stop(k: Kernel, wait: boolean, undo: () => boolean): KernelRoutine<boolean> {
  if (wait && k.irql.level > 0) return false
  const was = undo()
  if (wait) yield* k.dpcs.flush()
  return was
}

export const WDF_DEFERRED_DDIS = {
  WDF_TIMER_CONFIG_INIT: filling(
    'WDF_TIMER_CONFIG',
    WDF_TIMER_CONFIG.SIZE,
    (k, at, { EvtTimerFunc = 0 }) => timerConfig(k, at, EvtTimerFunc, 0),
    { EvtTimerFunc: t.fn('FN_WDF_TIMER') },
  ),

  WDF_TIMER_CONFIG_INIT_PERIODIC: filling(
    'WDF_TIMER_CONFIG',
    WDF_TIMER_CONFIG.SIZE,
    (k, at, { EvtTimerFunc = 0, Period = 0 }) => timerConfig(k, at, EvtTimerFunc, Period),
    { EvtTimerFunc: t.fn('FN_WDF_TIMER'), Period: t.ulong },
  ),

  WdfTimerCreate: ddi({
    params: {
      Config: t.ptr('WDF_TIMER_CONFIG'),
      Attributes: t.ptr('WDF_OBJECT_ATTRIBUTES'),
      Timer: t.out(TIMER),
    },
    returns: t.ntstatus,
    irql: UP_TO_DISPATCH,
    support: 'partial',
    note: `${PARENT} TolerableDelay and UseHighResolutionTimer do, too.`,
    summary: 'Makes a timer that calls a function of the driver at DISPATCH_LEVEL.',
    docs: 'wdftimer/nf-wdftimer-wdftimercreate',
    run(k, a) {
      const { memory } = k
      if (memory.u32(a.Config) !== WDF_TIMER_CONFIG.SIZE) return STATUS_INFO_LENGTH_MISMATCH
      const routine = memory.ptr(a.Config + WDF_TIMER_CONFIG.EvtTimerFunc)
      const period = memory.u32(a.Config + WDF_TIMER_CONFIG.Period)
      if (period > 0x7fff_ffff) return STATUS_INVALID_PARAMETER
      return create(k, 'timer', a.Attributes, routine, a.Timer, period)
    },
  }),

  WdfTimerStart: ddi({
    params: { Timer: TIMER, DueTime: t.longlong },
    returns: t.boolean,
    irql: UP_TO_DISPATCH,
    summary: 'Arms a timer: negative times are from now on. Tells whether it was armed before.',
    docs: 'wdftimer/nf-wdftimer-wdftimerstart',
    run(k, a) {
      const { timer, period, dpc } = deferred(k, a.Timer, 'timer')
      return k.timers.set(timer, a.DueTime, period, dpc)
    },
  }),

  WdfTimerStop: ddi({
    params: { Timer: TIMER, Wait: t.boolean },
    returns: t.boolean,
    irql: UP_TO_DISPATCH,
    summary: 'Disarms a timer; with Wait its function has returned after that.',
    docs: 'wdftimer/nf-wdftimer-wdftimerstop',
    run(k, a) {
      const data = deferred(k, a.Timer, 'timer')
      return stop(k, a.Wait, () => stopTimer(k, data))
    },
  }),

  WdfTimerGetParentObject: ddi({
    params: { Timer: TIMER },
    returns: OBJECT,
    irql: UP_TO_DISPATCH,
    summary: 'The object that a timer belongs to.',
    docs: 'wdftimer/nf-wdftimer-wdftimergetparentobject',
    run: (k, a) => framework(k).object(a.Timer, 'timer').parent?.handle ?? 0,
  }),

  WDF_DPC_CONFIG_INIT: filling(
    'WDF_DPC_CONFIG',
    WDF_DPC_CONFIG.SIZE,
    (k, at, { EvtDpcFunc = 0 }) => {
      k.memory.setPtr(at + WDF_DPC_CONFIG.EvtDpcFunc, EvtDpcFunc)
      k.memory.setU8(at + WDF_DPC_CONFIG.AutomaticSerialization, 1)
    },
    { EvtDpcFunc: t.fn('FN_WDF_DPC') },
  ),

  WdfDpcCreate: ddi({
    params: {
      Config: t.ptr('WDF_DPC_CONFIG'),
      Attributes: t.ptr('WDF_OBJECT_ATTRIBUTES'),
      Dpc: t.out(DPC),
    },
    returns: t.ntstatus,
    irql: UP_TO_DISPATCH,
    support: 'partial',
    note: PARENT,
    summary: 'Makes a DPC object: a function of the driver to be run at DISPATCH_LEVEL.',
    docs: 'wdfdpc/nf-wdfdpc-wdfdpccreate',
    run(k, a) {
      const { memory } = k
      if (memory.u32(a.Config) !== WDF_DPC_CONFIG.SIZE) return STATUS_INFO_LENGTH_MISMATCH
      const routine = memory.ptr(a.Config + WDF_DPC_CONFIG.EvtDpcFunc)
      return create(k, 'dpc', a.Attributes, routine, a.Dpc)
    },
  }),

  WdfDpcEnqueue: ddi({
    params: { Dpc: DPC },
    returns: t.boolean,
    irql: [0, 31],
    summary: 'Queues a DPC; false when it is queued already.',
    docs: 'wdfdpc/nf-wdfdpc-wdfdpcenqueue',
    run: (k, a) => k.dpcs.insert(deferred(k, a.Dpc, 'dpc').dpc, 0, 0),
  }),

  WdfDpcCancel: ddi({
    params: { Dpc: DPC, Wait: t.boolean },
    returns: t.boolean,
    irql: UP_TO_DISPATCH,
    summary: 'Takes a DPC out of its queue; with Wait its function has returned after that.',
    docs: 'wdfdpc/nf-wdfdpc-wdfdpccancel',
    run(k, a) {
      const { dpc } = deferred(k, a.Dpc, 'dpc')
      return stop(k, a.Wait, () => k.dpcs.remove(dpc))
    },
  }),

  WdfDpcGetParentObject: ddi({
    params: { Dpc: DPC },
    returns: OBJECT,
    irql: UP_TO_DISPATCH,
    summary: 'The object that a DPC belongs to.',
    docs: 'wdfdpc/nf-wdfdpc-wdfdpcgetparentobject',
    run: (k, a) => framework(k).object(a.Dpc, 'dpc').parent?.handle ?? 0,
  }),
}

function timerConfig(k: Kernel, at: Ptr, routine: Ptr, period: number): void {
  k.memory.setPtr(at + WDF_TIMER_CONFIG.EvtTimerFunc, routine)
  k.memory.setU32(at + WDF_TIMER_CONFIG.Period, period)
  k.memory.setU8(at + WDF_TIMER_CONFIG.AutomaticSerialization, 1)
}
