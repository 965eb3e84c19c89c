/** Memory of processes as drivers reach it: copies between them, and ranges that have to stay. */
import { APC_LEVEL } from '../../../shared/nt/irql'
import { PAGE_READONLY, PAGE_READWRITE } from '../../../shared/nt/generated/constants'
import {
  STATUS_ACCESS_VIOLATION,
  STATUS_PARTIAL_COPY,
  STATUS_PROCESS_IS_TERMINATING,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import { PAGE_SIZE, PTE } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import { copyBetween } from '../mm/nt-memory'
import { ddi, t } from './types'

const USER_MODE = 1

/** Whether a range lies in user space from end to end. */
function isUserRange(k: Kernel, at: Ptr, bytes: number): boolean {
  return k.memory.isUser(at) && k.memory.isUser(k.memory.add(at, Math.max(bytes, 1) - 1))
}

/** Whether every page of a range of the current process allows an access. */
function allows(k: Kernel, at: Ptr, bytes: number, flag: number): boolean {
  if (!isUserRange(k, at, bytes)) return false
  for (let page = at & ~(PAGE_SIZE - 1); page < at + bytes; page += PAGE_SIZE)
    if (!(k.memory.pte(page) & flag)) return false
  return true
}

export const MM_PROCESS_DDIS = {
  MmCopyVirtualMemory: ddi({
    params: {
      SourceProcess: t.ptr('EPROCESS'),
      SourceAddress: t.pvoid,
      TargetProcess: t.ptr('EPROCESS'),
      TargetAddress: t.pvoid,
      BufferSize: t.size,
      PreviousMode: t.mode,
      ReturnSize: t.ptr('SIZE_T'),
    },
    returns: t.ntstatus,
    run(k, a) {
      const { memory, processes } = k
      const size = a.BufferSize
      const isFromUser = a.PreviousMode === USER_MODE
      const isReachable =
        isUserRange(k, a.SourceAddress, size) && isUserRange(k, a.TargetAddress, size)
      if (isFromUser && size > 0 && !isReachable) return STATUS_ACCESS_VIOLATION
      // Touched first, so that a wild pointer faults as it does in a kernel that follows it.
      memory.u32(a.SourceProcess)
      memory.u32(a.TargetProcess)
      const source = processes.byAddress(a.SourceProcess)
      const target = processes.byAddress(a.TargetProcess)
      if (!source || !target) return STATUS_PROCESS_IS_TERMINATING
      const done = copyBetween(
        k,
        { process: source, at: a.SourceAddress },
        { process: target, at: a.TargetAddress },
        size,
      )
      memory.setSize(a.ReturnSize, done)
      return done === size ? STATUS_SUCCESS : STATUS_PARTIAL_COPY
    },
  }),
  MmSecureVirtualMemory: ddi({
    params: { Address: t.pvoid, Size: t.size, ProbeMode: t.ulong },
    returns: t.handle,
    run(k, a) {
      if (a.ProbeMode !== PAGE_READONLY && a.ProbeMode !== PAGE_READWRITE) return 0
      const isWritable = a.ProbeMode === PAGE_READWRITE
      if (a.Size === 0 || !allows(k, a.Address, a.Size, isWritable ? PTE.write : PTE.read)) return 0
      return k.mm.secured.secure(k.processes.current, a.Address, a.Size, isWritable)
    },
  }),
  MmUnsecureVirtualMemory: ddi({
    params: { SecureHandle: t.handle },
    returns: t.void,
    irql: [0, APC_LEVEL],
    summary: 'Ends what MmSecureVirtualMemory began, in the same process.',
    docs: 'ntddk/nf-ntddk-mmunsecurevirtualmemory',
    run(k, a) {
      if (k.mm.secured.release(k.processes.current, a.SecureHandle)) return
      k.bugCheck(
        0x1a,
        0x1010,
        a.SecureHandle,
        0,
        0,
        'MmUnsecureVirtualMemory was called with a handle that secures nothing in this process.',
      )
    },
  }),
}
