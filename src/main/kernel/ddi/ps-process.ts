/** Processes as drivers see them. */
import { EPROCESS, ETHREAD } from '../../../shared/nt/generated/offsets'
import {
  STATUS_INVALID_CID,
  STATUS_INVALID_PARAMETER,
  STATUS_INVALID_PARAMETER_MIX,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { CLIENT_ID } from '../../../shared/nt/generated/offsets'
import { captureAttributes, readHandle } from '../ob/attributes'
import { ddi, t } from './types'

const PROCESS = t.ptr('EPROCESS')
const CHAR_POINTER = { k: 'ptr', c: 'PUCHAR', target: 'UCHAR' } as const

const currentProcess = (docs: string) =>
  ddi({
    params: {},
    returns: PROCESS,
    docs,
    traced: false,
    run: (k) => k.processes.current.address,
  })

export const PS_PROCESS_DDIS = {
  PsGetCurrentProcess: currentProcess('ntddk/nf-ntddk-psgetcurrentprocess'),
  IoGetCurrentProcess: currentProcess('wdm/nf-wdm-iogetcurrentprocess'),
  PsGetCurrentProcessId: ddi({
    params: {},
    returns: t.handle,
    docs: 'ntddk/nf-ntddk-psgetcurrentprocessid',
    traced: false,
    // The process that the thread belongs to, even while it is attached to another.
    run: (k) => k.thread.process.id,
  }),
  PsGetProcessId: ddi({
    params: { Process: PROCESS },
    returns: t.handle,
    docs: 'ntddk/nf-ntddk-psgetprocessid',
    traced: false,
    run: (k, a) => readHandle(k, a.Process + EPROCESS.UniqueProcessId),
  }),
  PsGetThreadProcessId: ddi({
    params: { Thread: t.ptr('ETHREAD') },
    returns: t.handle,
    docs: 'ntddk/nf-ntddk-psgetthreadprocessid',
    traced: false,
    run: (k, a) => readHandle(k, a.Thread + ETHREAD['Cid.UniqueProcess']),
  }),
  PsGetProcessInheritedFromUniqueProcessId: ddi({
    params: { Process: PROCESS },
    returns: t.handle,
    irql: [0, 15],
    summary: 'Id of the process that created this one. Undocumented.',
    traced: false,
    run: (k, a) => readHandle(k, a.Process + EPROCESS.InheritedFromUniqueProcessId),
  }),
  PsGetProcessImageFileName: ddi({
    params: { Process: PROCESS },
    returns: CHAR_POINTER,
    traced: false,
    run: (_k, a) => a.Process + EPROCESS.ImageFileName,
  }),
  PsGetProcessPeb: ddi({
    params: { Process: PROCESS },
    returns: t.pvoid,
    traced: false,
    run: (k, a) => k.memory.ptr(a.Process + EPROCESS.Peb),
  }),
  PsGetProcessSectionBaseAddress: ddi({
    params: { Process: PROCESS },
    returns: t.pvoid,
    traced: false,
    run: (k, a) => k.memory.ptr(a.Process + EPROCESS.SectionBaseAddress),
  }),
  PsGetProcessExitStatus: ddi({
    params: { Process: PROCESS },
    returns: t.ntstatus,
    irql: [0, 15],
    summary: 'Exit status of a process; STATUS_PENDING (0x103) while it lives.',
    traced: false,
    run: (k, a) => k.memory.u32(a.Process + EPROCESS.ExitStatus),
  }),
  PsIsSystemProcess: ddi({
    params: { Process: PROCESS },
    returns: t.boolean,
    irql: [0, 15],
    summary: 'Whether a process is the System process. Undocumented.',
    traced: false,
    run: (k, a) => a.Process === k.processes.system.address,
  }),
  PsIsProtectedProcess: ddi({
    params: { Process: PROCESS },
    returns: t.boolean,
    traced: false,
    run: (k, a) => k.processes.isProtected(a.Process),
  }),
  PsLookupProcessByProcessId: ddi({
    params: {
      ProcessId: t.handle,
      Process: t.out({ k: 'ptr', c: 'PEPROCESS', target: 'EPROCESS' }),
    },
    returns: t.ntstatus,
    docs: 'ntifs/nf-ntifs-pslookupprocessbyprocessid',
    run(k, a) {
      const process = k.processes.byId(a.ProcessId)
      if (!process) return STATUS_INVALID_CID
      k.ob.reference(process.address)
      a.Process.write(process.address)
      return STATUS_SUCCESS
    },
  }),
  PsLookupThreadByThreadId: ddi({
    params: { ThreadId: t.handle, Thread: t.out({ k: 'ptr', c: 'PETHREAD', target: 'ETHREAD' }) },
    returns: t.ntstatus,
    docs: 'ntifs/nf-ntifs-pslookupthreadbythreadid',
    run(k, a) {
      const thread = a.ThreadId > 0 ? k.scheduler.byId(a.ThreadId) : undefined
      if (!thread) return STATUS_INVALID_CID
      k.ob.reference(thread.address)
      a.Thread.write(thread.address)
      return STATUS_SUCCESS
    },
  }),
  PsReferencePrimaryToken: ddi({
    params: { Process: PROCESS },
    returns: t.ptr('ACCESS_TOKEN'),
    docs: 'ntifs/nf-ntifs-psreferenceprimarytoken',
    run(k, a) {
      const token = k.se.tokens.addressOf(a.Process)
      k.ob.reference(token)
      return token
    },
  }),
  PsDereferencePrimaryToken: ddi({
    params: { PrimaryToken: t.ptr('ACCESS_TOKEN') },
    returns: t.void,
    irql: [0, 0],
    summary: 'Drops the reference that PsReferencePrimaryToken took.',
    docs: 'ntifs/nf-ntifs-psdereferenceprimarytoken',
    run(k, a) {
      k.ob.release(a.PrimaryToken)
    },
  }),
  ZwOpenProcess: ddi({
    params: {
      ProcessHandle: t.out(t.handle),
      DesiredAccess: t.accessMask,
      ObjectAttributes: t.ptr('OBJECT_ATTRIBUTES'),
      ClientId: t.optional(t.ptr('CLIENT_ID')),
    },
    returns: t.ntstatus,
    docs: 'ntddk/nf-ntddk-zwopenprocess',
    *run(k, a) {
      const given = captureAttributes(k, a.ObjectAttributes)
      if (given.status !== STATUS_SUCCESS) return given.status
      if (a.ClientId === 0) return STATUS_INVALID_PARAMETER_MIX
      if (given.name !== '') return STATUS_INVALID_PARAMETER_MIX
      const processId = readHandle(k, a.ClientId + CLIENT_ID.UniqueProcess)
      const threadId = readHandle(k, a.ClientId + CLIENT_ID.UniqueThread)
      const process =
        threadId !== 0 ? k.scheduler.byId(threadId)?.process : k.processes.byId(processId)
      if (!process) return threadId !== 0 ? STATUS_INVALID_CID : STATUS_INVALID_PARAMETER
      const object = k.ob.lookup(process.address)
      if (!object) return STATUS_INVALID_CID
      a.ProcessHandle.write(
        yield* k.ob.callbacks.open(object, a.DesiredAccess, { kernel: given.kernelHandle }),
      )
      return STATUS_SUCCESS
    },
  }),
}
