/** Wait locks of the driver framework: an event, held inside a critical region. */
import {
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
  STATUS_TIMEOUT,
} from '../../../shared/nt/generated/ntstatus'
import { KEVENT } from '../../../shared/nt/generated/offsets'
import { DISPATCH_LEVEL } from '../../../shared/nt/irql'
import { changeApcDisable } from '../ke/apc'
import type { Ptr } from '../mm/memory'
import { framework } from '../wdf/framework'
import { ddi, t } from './types'
import { ATTRIBUTES, readAttributes, WAITLOCK } from './wdf-types'

/** SynchronizationEvent: one waiter, who takes the signal with it. */
const SYNCHRONIZATION = 1

export const WDF_WAITLOCK_DDIS = {
  WdfWaitLockCreate: ddi({
    params: { LockAttributes: ATTRIBUTES, Lock: t.out(WAITLOCK) },
    returns: t.ntstatus,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Makes a lock that threads wait for, at PASSIVE_LEVEL.',
    docs: 'wdfsync/nf-wdfsync-wdfwaitlockcreate',
    run(k, a) {
      const event = k.pool.allocate(KEVENT.SIZE, 'WdfL', { system: true })
      const attributes = readAttributes(k, a.LockAttributes)
      const lock = event ? framework(k).create('waitlock', null, { event }, attributes) : null
      if (!lock) {
        if (event) k.pool.free(event)
        return STATUS_INSUFFICIENT_RESOURCES
      }
      k.dispatcher.initializeEvent(event, SYNCHRONIZATION, true)
      a.Lock.write(lock.handle)
      return STATUS_SUCCESS
    },
  }),

  WdfWaitLockAcquire: ddi({
    params: { Lock: WAITLOCK, Timeout: t.optional(t.large) },
    returns: t.ntstatus,
    irql: [0, DISPATCH_LEVEL],
    summary:
      'Takes a wait lock, or gives up with STATUS_TIMEOUT. Only with a time of 0 above PASSIVE_LEVEL.',
    docs: 'wdfsync/nf-wdfsync-wdfwaitlockacquire',
    *run(k, a) {
      const { event } = framework(k).object<{ event: Ptr }>(a.Lock, 'waitlock').data
      const { thread } = k
      changeApcDisable(k, thread, -1)
      const status = yield* k.dispatcher.wait([event], { timeout: a.Timeout })
      if (status === STATUS_TIMEOUT) changeApcDisable(k, thread, 1)
      return status
    },
  }),

  WdfWaitLockRelease: ddi({
    params: { Lock: WAITLOCK },
    returns: t.void,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Gives a wait lock back.',
    docs: 'wdfsync/nf-wdfsync-wdfwaitlockrelease',
    run(k, a) {
      const { event } = framework(k).object<{ event: Ptr }>(a.Lock, 'waitlock').data
      k.dispatcher.setEvent(event)
      changeApcDisable(k, k.thread, 1)
    },
  }),
}
