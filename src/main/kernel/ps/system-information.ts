/**
 * What NtQuerySystemInformation tells: processes and modules, as the lists in memory have them, and all
 * handles. Who is unlinked from PsActiveProcessHead or PsLoadedModuleList is not in the answer.
 */
import {
  EPROCESS,
  ETHREAD,
  OBJECT_TYPE,
  RTL_PROCESS_MODULE_INFORMATION,
  SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX,
  SYSTEM_PROCESS_INFORMATION,
  UNICODE_STRING,
} from '../../../shared/nt/generated/offsets'
import {
  SystemBasicInformation,
  SystemExtendedHandleInformation,
  SystemModuleInformation,
  SystemProcessInformation,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_INFO_LENGTH_MISMATCH,
  STATUS_INVALID_INFO_CLASS,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import { PAGE_SIZE, PHYSICAL_PAGES } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import { service } from './service'
import { guarded, probeWrite } from './service-args'

const BASIC_BYTES = 0x40
/** SYSTEM_THREAD_INFORMATION. */
const THREAD = {
  CreateTime: 0x10,
  StartAddress: 0x20,
  UniqueProcess: 0x28,
  UniqueThread: 0x30,
  Priority: 0x38,
  BasePriority: 0x3c,
  ThreadState: 0x44,
  SIZE: 0x50,
} as const
/** RTL_PROCESS_MODULES: the count, then the modules. */
const MODULES_OFFSET = 8
/** SYSTEM_HANDLE_INFORMATION_EX: the count and a reserved field, then the handles. */
const HANDLES_OFFSET = 16
/** Entries of all lists that are looked at most, should a driver tie it in a knot. */
const WALK_MAX = 100_000

/** Objects of a list in memory, `link` bytes behind their start, as many as are left to be looked at. */
function walk(k: Kernel, head: Ptr, link: number, entries: { left: number }): Ptr[] {
  const { memory } = k
  const found: Ptr[] = []
  for (let at = memory.ptr(head); at !== head && entries.left > 0; at = memory.ptr(at)) {
    entries.left--
    found.push(at - link)
  }
  return found
}

interface ProcessEntry {
  process: Ptr
  name: string
  threads: Ptr[]
  handles: number
  bytes: number
}

function processEntries(k: Kernel): ProcessEntry[] {
  const { memory } = k
  const head = k.ob.data.find('PsActiveProcessHead')
  // One allowance for all lists: a knot inside of a knot would multiply.
  const entries = { left: WALK_MAX }
  const link = ETHREAD['ThreadListEntry.Flink']
  return walk(k, head, EPROCESS.ActiveProcessLinks, entries).map((process) => {
    const threads = walk(k, process + EPROCESS.ThreadListHead, link, entries)
    const known = k.processes.byAddress(process)
    const name = known?.name ?? memory.sz(process + EPROCESS.ImageFileName, 15)
    const bytes =
      SYSTEM_PROCESS_INFORMATION.SIZE + threads.length * THREAD.SIZE + name.length * 2 + 2
    return { process, name, threads, handles: known?.handles.size ?? 0, bytes: (bytes + 7) & ~7 }
  })
}

function writeThread(k: Kernel, at: Ptr, thread: Ptr): void {
  const { memory } = k
  memory.setU64(at + THREAD.CreateTime, memory.u64(thread + ETHREAD.CreateTime))
  memory.setU64(at + THREAD.StartAddress, memory.u64(thread + ETHREAD.StartAddress))
  memory.setU64(at + THREAD.UniqueProcess, memory.u64(thread + ETHREAD['Cid.UniqueProcess']))
  memory.setU64(at + THREAD.UniqueThread, memory.u64(thread + ETHREAD['Cid.UniqueThread']))
  const live = k.scheduler.byAddress(thread)
  memory.setU32(at + THREAD.Priority, live?.priority ?? 0)
  memory.setU32(at + THREAD.BasePriority, memory.u8(thread + ETHREAD['Tcb.BasePriority']))
  memory.setU32(at + THREAD.ThreadState, memory.u8(thread + ETHREAD['Tcb.State']))
}

function writeProcess(k: Kernel, at: Ptr, entry: ProcessEntry, isLast: boolean): void {
  const { memory } = k
  const { process, name, threads, handles, bytes } = entry
  const I = SYSTEM_PROCESS_INFORMATION
  memory.fill(at, bytes, 0)
  memory.setU32(at + I.NextEntryOffset, isLast ? 0 : bytes)
  memory.setU32(at + I.NumberOfThreads, threads.length)
  memory.setU64(at + I.CreateTime, memory.u64(process + EPROCESS.CreateTime))
  memory.setU32(at + I.BasePriority, memory.u8(process + EPROCESS['Pcb.BasePriority']))
  memory.setU64(at + I.UniqueProcessId, memory.u64(process + EPROCESS.UniqueProcessId))
  memory.setU64(
    at + I.InheritedFromUniqueProcessId,
    memory.u64(process + EPROCESS.InheritedFromUniqueProcessId),
  )
  memory.setU32(at + I.HandleCount, handles)
  threads.forEach((thread, i) => writeThread(k, at + I.SIZE + i * THREAD.SIZE, thread))
  const text = at + I.SIZE + threads.length * THREAD.SIZE
  memory.setText16(text, name)
  memory.setU16(at + I.ImageName + UNICODE_STRING.Length, name.length * 2)
  memory.setU16(at + I.ImageName + UNICODE_STRING.MaximumLength, name.length * 2 + 2)
  memory.setPtr(at + I.ImageName + UNICODE_STRING.Buffer, text)
}

/**
 * The handles of all processes with the addresses of their objects, which is how exploits find where in
 * the kernel a structure lies.
 */
function handlesOf(k: Kernel): { bytes: number; write(at: Ptr): void } {
  const { memory } = k
  const H = SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX
  const processes = k.processes.all()
  const count = processes.reduce((sum, { handles }) => sum + handles.size, 0)
  const bytes = HANDLES_OFFSET + count * H.SIZE
  return {
    bytes,
    write(at) {
      memory.fill(at, bytes, 0)
      memory.setSize(at, count)
      let to = at + HANDLES_OFFSET
      for (const { id, handles } of processes)
        for (const { object, handle, access } of handles.entries()) {
          memory.setPtr(to + H.Object, object.address)
          memory.setSize(to + H.UniqueProcessId, id)
          memory.setSize(to + H.HandleValue, handle & 0x7fff_ffff)
          memory.setU32(to + H.GrantedAccess, access)
          memory.setU16(to + H.ObjectTypeIndex, memory.u8(object.type.address + OBJECT_TYPE.Index))
          to += H.SIZE
        }
    },
  }
}

/** What an information class needs and how it is written. */
function answerOf(k: Kernel, kind: number): { bytes: number; write(at: Ptr): void } | null {
  const { memory } = k
  switch (kind) {
    case SystemBasicInformation:
      return {
        bytes: BASIC_BYTES,
        write(at) {
          memory.fill(at, BASIC_BYTES, 0)
          memory.setU32(at + 4, 156_250)
          memory.setU32(at + 8, PAGE_SIZE)
          memory.setU32(at + 0xc, PHYSICAL_PAGES)
          memory.setU32(at + 0x18, 0x1_0000)
          memory.setU64(at + 0x20, 0x1_0000n)
          memory.setU64(at + 0x28, 0x7fff_fffe_ffffn)
          memory.setU64(at + 0x30, BigInt(2 ** k.processors.length - 1))
          memory.setU8(at + 0x38, k.processors.length)
        },
      }
    case SystemProcessInformation: {
      const entries = processEntries(k)
      return {
        bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0),
        write(at) {
          let to = at
          entries.forEach((entry, i) => {
            writeProcess(k, to, entry, i === entries.length - 1)
            to += entry.bytes
          })
        },
      }
    }
    case SystemModuleInformation: {
      const modules = k.loader.modules.list()
      const M = RTL_PROCESS_MODULE_INFORMATION
      const bytes = MODULES_OFFSET + modules.length * M.SIZE
      return {
        bytes,
        write(at) {
          memory.fill(at, bytes, 0)
          memory.setU32(at, modules.length)
          modules.forEach(({ base, size, flags, path }, i) => {
            const to = at + MODULES_OFFSET + i * M.SIZE
            memory.setU64(to + M.ImageBase, base)
            memory.setU32(to + M.ImageSize, size)
            memory.setU32(to + M.Flags, flags)
            memory.setU16(to + M.LoadOrderIndex, i)
            memory.setU16(to + M.LoadCount, 1)
            memory.setU16(to + M.OffsetToFileName, path.lastIndexOf('\\') + 1)
            for (let c = 0; c < path.length && c < 255; c++)
              memory.setU8(to + M.FullPathName + c, path.charCodeAt(c) & 0xff)
          })
        },
      }
    }
    case SystemExtendedHandleInformation:
      return handlesOf(k)
    default:
      return null
  }
}

export const NtQuerySystemInformation = service(
  'NtQuerySystemInformation',
  0x36,
  'xpxp',
  function* (k, args) {
    const [kind = 0, buffer = 0, length = 0, lengthAt = 0] = args
    const answer = answerOf(k, kind)
    if (!answer) return STATUS_INVALID_INFO_CLASS
    return guarded(k, () => {
      if (lengthAt) {
        probeWrite(k, lengthAt, 4)
        k.memory.setU32(lengthAt, answer.bytes)
      }
      if (length >>> 0 < answer.bytes) return STATUS_INFO_LENGTH_MISMATCH
      probeWrite(k, buffer, answer.bytes)
      answer.write(buffer)
      return STATUS_SUCCESS
    })
  },
)
