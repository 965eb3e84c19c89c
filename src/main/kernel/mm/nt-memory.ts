/** System services on virtual memory. */
import {
  MEM_COMMIT,
  MEM_DECOMMIT,
  MEM_RELEASE,
  MEM_RESERVE,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_ACCESS_VIOLATION,
  STATUS_CONFLICTING_ADDRESSES,
  STATUS_FREE_VM_NOT_AT_BASE,
  STATUS_INVALID_PAGE_PROTECTION,
  STATUS_INVALID_PARAMETER,
  STATUS_MEMORY_NOT_ALLOCATED,
  STATUS_NOT_COMMITTED,
  STATUS_NO_MEMORY,
  STATUS_PARTIAL_COPY,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import { processOf } from '../ob/nt-object'
import type { Process } from '../ps/process'
import { service } from '../ps/service'
import { fromUser, guarded, probeWrite } from '../ps/service-args'
import { PAGE_SIZE, PTE } from './layout'
import { MemoryFault, type Ptr } from './memory'
import {
  commit,
  decommit,
  findRegion,
  flagsOfProtection,
  protectionOfFlags,
  release,
  reserve,
} from './user-memory'

const PROCESS_VM_OPERATION = 8
const PROCESS_VM_READ = 0x10
const PROCESS_VM_WRITE = 0x20
/** More than the user part of a process holds. */
const SIZE_MAX = 0x4000_0000

interface Range {
  status: number
  base: Ptr
  size: number
}

/** Base and size, which go in and out by pointers. */
function rangeOf(k: Kernel, baseAt: Ptr, sizeAt: Ptr): Range {
  const range: Range = { status: 0, base: 0, size: 0 }
  range.status = guarded(k, () => {
    probeWrite(k, baseAt, 8)
    probeWrite(k, sizeAt, 8)
    range.base = k.memory.ptr(baseAt)
    range.size = k.memory.size(sizeAt)
  })
  return range
}

function writeRange(k: Kernel, baseAt: Ptr, sizeAt: Ptr, base: Ptr, size: number): number {
  return guarded(k, () => {
    k.memory.setPtr(baseAt, base)
    k.memory.setSize(sizeAt, size)
  })
}

/** First page and number of pages of a range within a region; null when it leaves the region. */
function pagesOf(
  region: { base: Ptr; pages: number },
  base: Ptr,
  size: number,
): { first: number; count: number } | null {
  const first = (base - region.base) >>> 12
  const end = Math.ceil((base + Math.max(size, 1) - region.base) / PAGE_SIZE)
  return end > region.pages ? null : { first, count: end - first }
}

export const NtAllocateVirtualMemory = service(
  'NtAllocateVirtualMemory',
  0x18,
  'hpxpxx',
  function* (k, args) {
    const [handle = 0, baseAt = 0, , sizeAt = 0, type = 0, protection = 0] = args
    const flags = flagsOfProtection(protection)
    if (flags === undefined) return STATUS_INVALID_PAGE_PROTECTION
    if (!(type & (MEM_COMMIT | MEM_RESERVE))) return STATUS_INVALID_PARAMETER
    const range = rangeOf(k, baseAt, sizeAt)
    if (range.status) return range.status
    if (range.size <= 0 || range.size > SIZE_MAX) return STATUS_INVALID_PARAMETER
    const found = processOf(k, handle, PROCESS_VM_OPERATION)
    const { process } = found
    if (!process) return found.status
    if (process.slice < 0) return STATUS_INVALID_PARAMETER
    const isCommit = (type & MEM_COMMIT) !== 0
    if (range.base === 0) {
      const made = k.memory.inSlice(process.slice, () =>
        reserve(k, process, range.size, isCommit ? flags : null),
      )
      if (!made) return STATUS_NO_MEMORY
      return writeRange(k, baseAt, sizeAt, made.base, made.pages * PAGE_SIZE)
    }
    const region = findRegion(process, range.base)
    if (!region || type & MEM_RESERVE) return STATUS_CONFLICTING_ADDRESSES
    const pages = pagesOf(region, range.base, range.size)
    if (!pages) return STATUS_CONFLICTING_ADDRESSES
    const isThere = k.memory.inSlice(process.slice, () =>
      commit(k, region, pages.first, pages.count, flags),
    )
    if (!isThere) return STATUS_NO_MEMORY
    const start = region.base + pages.first * PAGE_SIZE
    return writeRange(k, baseAt, sizeAt, start, pages.count * PAGE_SIZE)
  },
)

export const NtFreeVirtualMemory = service(
  'NtFreeVirtualMemory',
  0x1e,
  'hppx',
  function* (k, args) {
    const [handle = 0, baseAt = 0, sizeAt = 0, type = 0] = args
    if (type !== MEM_DECOMMIT && type !== MEM_RELEASE) return STATUS_INVALID_PARAMETER
    const range = rangeOf(k, baseAt, sizeAt)
    if (range.status) return range.status
    const found = processOf(k, handle, PROCESS_VM_OPERATION)
    const { process } = found
    if (!process) return found.status
    const region = findRegion(process, range.base)
    if (!region) return STATUS_MEMORY_NOT_ALLOCATED
    const bytes = region.pages * PAGE_SIZE
    const end = type === MEM_RELEASE || range.size === 0 ? bytes : range.size
    if (k.mm.secured.forbids(process, range.base, end, 'none'))
      return STATUS_INVALID_PAGE_PROTECTION
    if (type === MEM_RELEASE) {
      if (range.base !== region.base) return STATUS_FREE_VM_NOT_AT_BASE
      if (range.size !== 0 && range.size !== bytes) return STATUS_INVALID_PARAMETER
      k.memory.inSlice(process.slice, () => release(k, process, region))
      return writeRange(k, baseAt, sizeAt, region.base, bytes)
    }
    const size = range.size === 0 && range.base === region.base ? bytes : range.size
    const pages = pagesOf(region, range.base, size)
    if (!pages) return STATUS_INVALID_PARAMETER
    k.memory.inSlice(process.slice, () => decommit(k, region, pages.first, pages.count))
    const start = region.base + pages.first * PAGE_SIZE
    return writeRange(k, baseAt, sizeAt, start, pages.count * PAGE_SIZE)
  },
)

/** Do something with another process's user memory in view. */
function inProcess<T>(k: Kernel, process: Process, work: () => T): T {
  const current = (k.thread.attached ?? k.thread.process).slice
  if (process.slice < 0 || process.slice === current) return work()
  k.memory.switchSlice(process.slice)
  try {
    return work()
  } finally {
    k.memory.switchSlice(current)
  }
}

export const NtProtectVirtualMemory = service(
  'NtProtectVirtualMemory',
  0x50,
  'hppxp',
  function* (k, args) {
    const [handle = 0, baseAt = 0, sizeAt = 0, protection = 0, oldAt = 0] = args
    const flags = flagsOfProtection(protection)
    if (flags === undefined) return STATUS_INVALID_PAGE_PROTECTION
    const range = rangeOf(k, baseAt, sizeAt)
    const bad = range.status || guarded(k, () => probeWrite(k, oldAt, 4))
    if (bad) return bad
    const found = processOf(k, handle, PROCESS_VM_OPERATION)
    const { process } = found
    if (!process) return found.status
    const region = findRegion(process, range.base)
    const pages = region && pagesOf(region, range.base, range.size)
    if (!region || !pages) return STATUS_CONFLICTING_ADDRESSES
    for (let page = pages.first; page < pages.first + pages.count; page++)
      if (!region.committed.has(page)) return STATUS_NOT_COMMITTED
    const start = region.base + pages.first * PAGE_SIZE
    const keeps = flags & PTE.write ? 'write' : flags & PTE.read ? 'read' : 'none'
    if (k.mm.secured.forbids(process, start, pages.count * PAGE_SIZE, keeps))
      return STATUS_INVALID_PAGE_PROTECTION
    const old = inProcess(k, process, () => protectionOfFlags(k.memory.pte(start)))
    k.memory.inSlice(process.slice, () => k.memory.protect(start, pages.count, flags))
    return (
      guarded(k, () => k.memory.setU32(oldAt, old)) ||
      writeRange(k, baseAt, sizeAt, start, pages.count * PAGE_SIZE)
    )
  },
)

/** Bytes that travel at once between two processes. */
const COPY_BYTES = 4096

/** MmCopyVirtualMemory: what was copied before the first byte out of reach. */
export function copyBetween(
  k: Kernel,
  from: { process: Process; at: Ptr },
  to: { process: Process; at: Ptr },
  size: number,
): number {
  let done = 0
  while (done < size) {
    const source = k.memory.add(from.at, done)
    const target = k.memory.add(to.at, done)
    const count = Math.min(
      size - done,
      COPY_BYTES - (source & (COPY_BYTES - 1)),
      COPY_BYTES - (target & (COPY_BYTES - 1)),
    )
    try {
      const bytes = inProcess(k, from.process, () => k.memory.read(source, count))
      inProcess(k, to.process, () => k.memory.write(target, bytes))
    } catch (error) {
      if (!(error instanceof MemoryFault) || !k.memory.isUser(error.index)) throw error
      return done
    }
    done += count
  }
  return done
}

function transfer(k: Kernel, args: number[], write: boolean): number {
  const [handle = 0, remote = 0, buffer = 0, size = 0, doneAt = 0] = args
  const length = size >>> 0
  // Only callers in user mode are kept to user addresses.
  if (fromUser(k) && length > 0)
    for (const at of [remote, k.memory.add(remote, length - 1), buffer])
      if (!k.memory.isUser(at)) return STATUS_ACCESS_VIOLATION
  const bad = guarded(k, () => {
    if (doneAt) probeWrite(k, doneAt, 8)
  })
  if (bad) return bad
  const found = processOf(k, handle, write ? PROCESS_VM_WRITE : PROCESS_VM_READ)
  if (!found.process) return found.status
  const there = { process: found.process, at: remote }
  const here = { process: k.processes.current, at: buffer }
  const done = write ? copyBetween(k, here, there, length) : copyBetween(k, there, here, length)
  const failed = guarded(k, () => {
    if (doneAt) k.memory.setSize(doneAt, done)
  })
  return failed || (done === length ? STATUS_SUCCESS : STATUS_PARTIAL_COPY)
}

export const NtReadVirtualMemory = service(
  'NtReadVirtualMemory',
  0x3f,
  'hppxp',
  function* (k, args) {
    return transfer(k, args, false)
  },
)

export const NtWriteVirtualMemory = service(
  'NtWriteVirtualMemory',
  0x3a,
  'hppxp',
  function* (k, args) {
    return transfer(k, args, true)
  },
)
