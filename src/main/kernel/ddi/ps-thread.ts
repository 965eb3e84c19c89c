/** System threads, and what a thread may ask about itself. */
import { DISPATCH_LEVEL, HIGH_LEVEL } from '../../../shared/nt/irql'
import { ETHREAD, KTHREAD } from '../../../shared/nt/generated/offsets'
import { STATUS_SUCCESS } from '../../../shared/nt/generated/ntstatus'
import {
  createSystemThread,
  isSystemThread,
  setPriority,
  terminateSystemThread,
  writeClientId,
} from '../ps/system-thread'
import type { Kernel } from '../kernel'
import { ddi, t } from './types'

const thread = t.ptr('ETHREAD')
const kthread = t.ptr('KTHREAD')
const ANY = [0, HIGH_LEVEL] as [number, number]

const currentThread = (k: Kernel): number => k.thread.address

export const PS_THREAD_DDIS = {
  PsCreateSystemThread: ddi({
    params: {
      ThreadHandle: t.out(t.handle),
      DesiredAccess: t.ulong,
      ObjectAttributes: t.optional(t.ptr('OBJECT_ATTRIBUTES')),
      ProcessHandle: t.optional(t.handle),
      ClientId: t.optional(t.ptr('CLIENT_ID')),
      StartRoutine: t.fn('KSTART_ROUTINE'),
      StartContext: t.optional(t.pvoid),
    },
    returns: t.ntstatus,
    *run(k, a) {
      const created = yield* createSystemThread(k, {
        routine: a.StartRoutine,
        context: a.StartContext,
        access: a.DesiredAccess,
        processHandle: a.ProcessHandle,
        attributes: a.ObjectAttributes,
      })
      if (!created.thread) return created.status
      a.ThreadHandle.write(created.handle)
      if (a.ClientId) writeClientId(k, a.ClientId, created.thread)
      return STATUS_SUCCESS
    },
  }),
  PsTerminateSystemThread: ddi({
    params: { ExitStatus: t.ntstatus },
    returns: t.ntstatus,
    support: 'partial',
    note: 'A thread that PsCreateSystemThread did not make gets STATUS_INVALID_PARAMETER, worker threads included.',
    run: (k, a) => terminateSystemThread(k, a.ExitStatus),
  }),
  KeGetCurrentThread: ddi({ params: {}, returns: kthread, traced: false, run: currentThread }),
  PsGetCurrentThread: ddi({
    params: {},
    returns: thread,
    irql: ANY,
    traced: false,
    summary: 'Current thread, unreferenced.',
    docs: 'ntddk/nf-ntddk-psgetcurrentthread',
    run: currentThread,
  }),
  PsGetCurrentThreadId: ddi({
    params: {},
    returns: t.handle,
    traced: false,
    run: (k) => k.thread.id,
  }),
  PsGetThreadId: ddi({
    params: { Thread: thread },
    returns: t.handle,
    irql: ANY,
    summary: 'Id of a thread object.',
    docs: 'ntddk/nf-ntddk-psgetthreadid',
    run: (k, a) => k.memory.size(a.Thread + ETHREAD['Cid.UniqueThread']),
  }),
  PsIsSystemThread: ddi({
    params: { Thread: thread },
    returns: t.boolean,
    irql: ANY,
    summary: 'Tells whether a thread belongs to the System process.',
    docs: 'ntifs/nf-ntifs-psissystemthread',
    run(k, a) {
      const live = k.scheduler.byAddress(a.Thread)
      return live !== undefined && isSystemThread(live)
    },
  }),
  KeSetPriorityThread: ddi({
    params: { Thread: kthread, Priority: t.i32('KPRIORITY') },
    returns: t.i32('KPRIORITY'),
    irql: [0, DISPATCH_LEVEL],
    summary: 'Sets the priority of a thread, 1 to 31, and returns the old one.',
    docs: 'wdm/nf-wdm-kesetprioritythread',
    run: (k, a) => setPriority(k, a.Thread, a.Priority),
  }),
  KeQueryPriorityThread: ddi({
    params: { Thread: kthread },
    returns: t.i32('KPRIORITY'),
    irql: [0, DISPATCH_LEVEL],
    summary: 'Returns the priority of a thread.',
    docs: 'wdm/nf-wdm-kequeryprioritythread',
    run: (k, a) =>
      k.scheduler.byAddress(a.Thread)?.priority ?? k.memory.u8(a.Thread + KTHREAD.BasePriority),
  }),
  ExGetPreviousMode: ddi({
    params: {},
    returns: t.mode,
    traced: false,
    run: (k) => k.thread.previousMode,
  }),
}
