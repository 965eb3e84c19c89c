/** APCs and attaching to processes; suspending processes and changing a thread's context. */
import { CONTEXT } from '../../../shared/nt/generated/offsets'
import {
  STATUS_INVALID_PARAMETER,
  STATUS_NOT_SUPPORTED,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { attachProcess, detachProcess } from '../ke/attach'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { ddi, t } from './types'

const PROCESS = t.ptr('EPROCESS')
/** CONTEXT_AMD64 | 1: the instruction pointer is given. */
const CONTEXT_CONTROL = 0x10_0001

/** PsSuspendProcess and PsResumeProcess: every thread of a process, the current one last. */
function changeThreads(k: Kernel, address: Ptr, what: 'suspend' | 'resume'): number {
  const process = k.processes.byAddress(address)
  if (!process) return STATUS_INVALID_PARAMETER
  for (const thread of k.scheduler.threads.of(process)) k.apcs[what](thread)
  return STATUS_SUCCESS
}

function setContext(k: Kernel, a: { Thread: Ptr; ThreadContext: Ptr }): number {
  const { memory } = k
  const thread = k.scheduler.byAddress(a.Thread)
  if (!thread) return STATUS_INVALID_PARAMETER
  const flags = memory.u32(a.ThreadContext + CONTEXT.ContextFlags)
  if (!thread.user || (flags & CONTEXT_CONTROL) !== CONTEXT_CONTROL) return STATUS_NOT_SUPPORTED
  const register = (at: number): Ptr => memory.ptr(a.ThreadContext + at)
  thread.user.redirect = {
    start: register(CONTEXT.Rip),
    args: [register(CONTEXT.Rcx), register(CONTEXT.Rdx), register(CONTEXT.R8)],
  }
  return STATUS_SUCCESS
}

export const KE_APC_DDIS = {
  KeInitializeApc: ddi({
    params: {
      Apc: t.ptr('KAPC'),
      Thread: t.ptr('KTHREAD'),
      Environment: t.enum('KAPC_ENVIRONMENT'),
      KernelRoutine: t.fn('KKERNEL_ROUTINE'),
      RundownRoutine: t.optional(t.fn('KRUNDOWN_ROUTINE')),
      // Code of the driver or, for a user APC, an address in the program.
      NormalRoutine: t.optional(t.pvoid),
      ApcMode: t.mode,
      NormalContext: t.optional(t.pvoid),
    },
    returns: t.void,
    run: (k, a) =>
      k.apcs.initialize(a.Apc, {
        thread: a.Thread,
        environment: a.Environment,
        kernelRoutine: a.KernelRoutine,
        rundownRoutine: a.RundownRoutine,
        normalRoutine: a.NormalRoutine,
        mode: a.ApcMode,
        context: a.NormalContext,
      }),
  }),
  KeInsertQueueApc: ddi({
    params: {
      Apc: t.ptr('KAPC'),
      SystemArgument1: t.optional(t.pvoid),
      SystemArgument2: t.optional(t.pvoid),
      Increment: t.i32('KPRIORITY'),
    },
    returns: t.boolean,
    run: (k, a) => k.apcs.insert(a.Apc, a.SystemArgument1, a.SystemArgument2),
  }),
  KeTestAlertThread: ddi({
    params: { AlertMode: t.mode },
    returns: t.boolean,
    summary:
      'Whether the thread was alerted, which nothing here does: FALSE. A user APC that waits is delivered at the return to user mode.',
    run: (k, a) => k.apcs.testAlert(a.AlertMode & 1),
  }),
  KeStackAttachProcess: ddi({
    params: { PROCESS, ApcState: t.ptr('KAPC_STATE') },
    returns: t.void,
    docs: 'ntifs/nf-ntifs-kestackattachprocess',
    run: (k, a) => attachProcess(k, a.PROCESS, a.ApcState),
  }),
  KeUnstackDetachProcess: ddi({
    params: { ApcState: t.ptr('KAPC_STATE') },
    returns: t.void,
    docs: 'ntifs/nf-ntifs-keunstackdetachprocess',
    run: (k, a) => detachProcess(k, a.ApcState),
  }),
  PsSuspendProcess: ddi({
    params: { Process: PROCESS },
    returns: t.ntstatus,
    run: (k, a) => changeThreads(k, a.Process, 'suspend'),
  }),
  PsResumeProcess: ddi({
    params: { Process: PROCESS },
    returns: t.ntstatus,
    irql: [0, 1],
    summary: 'Lets the threads go on that PsSuspendProcess stopped. Undocumented.',
    run: (k, a) => changeThreads(k, a.Process, 'resume'),
  }),
  PsSetContextThread: ddi({
    params: { Thread: t.ptr('ETHREAD'), ThreadContext: t.ptr('CONTEXT'), PreviousMode: t.mode },
    returns: t.ntstatus,
    support: 'partial',
    note: 'Programs have no registers: of the context Rip and the arguments Rcx, Rdx and R8 count. The thread calls Rip when it is next about to be in user mode, and then goes on where it was.',
    run: setContext,
  }),
}
