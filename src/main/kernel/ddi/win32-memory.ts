/** Win32 memory: VirtualAlloc, the heap, malloc, and memory of other processes. */
import { HEAP_ZERO_MEMORY } from '../../../shared/nt/generated/constants'
import { STATUS_HEAP_CORRUPTION, STATUS_SUCCESS } from '../../../shared/nt/generated/ntstatus'
import { PEB } from '../../../shared/nt/generated/offsets'
import {
  ERROR_INVALID_PARAMETER,
  ERROR_NOT_ENOUGH_MEMORY,
} from '../../../shared/nt/generated/win32-errors'
import { hex } from '../../../shared/nt/format'
import type { Kernel } from '../kernel'
import {
  NtAllocateVirtualMemory,
  NtFreeVirtualMemory,
  NtProtectVirtualMemory,
  NtReadVirtualMemory,
  NtWriteVirtualMemory,
} from '../mm/nt-memory'
import type { Ptr } from '../mm/memory'
import { heapOf } from '../mm/user-memory'
import { CURRENT_PROCESS } from '../ob/handle'
import { NtTerminateProcess } from '../ps/nt-process'
import { USER_LAYOUT } from '../ps/processes'
import type { Service } from '../ps/service'
import { SCRATCH } from '../ps/user'
import { copyMemory } from '../rtl/memory'
import {
  boolOf,
  currentUser,
  enterWin32,
  fail,
  FALSE,
  setLastError,
  TRUE,
  userAccess,
  w,
} from './win32-base'
import { ddi, t, type KernelRoutine } from './types'

/** Base and size in the scratch area, as services that change ranges take them. */
function scratchRange(k: Kernel, base: Ptr, size: number): { baseAt: Ptr; sizeAt: Ptr } {
  const { scratch } = currentUser(k)
  k.memory.setPtr(scratch + SCRATCH.value, base)
  k.memory.setSize(scratch + SCRATCH.size, size)
  return { baseAt: scratch + SCRATCH.value, sizeAt: scratch + SCRATCH.size }
}

function* virtualAlloc(
  k: Kernel,
  name: string,
  a: { process: number; base: Ptr; size: number; type: number; protection: number },
): KernelRoutine<Ptr> {
  if (k.tracing) enterWin32(k, name, `${a.size} bytes, type ${hex(a.type)}`)
  const { baseAt, sizeAt } = scratchRange(k, a.base, a.size)
  const status = yield* k.syscalls.call(NtAllocateVirtualMemory, [
    a.process,
    baseAt,
    0,
    sizeAt,
    a.type,
    a.protection,
  ])
  return (status | 0) < 0 ? fail(k, status) : k.memory.ptr(baseAt)
}

function* virtualFree(
  k: Kernel,
  name: string,
  a: { process: number; base: Ptr; size: number; type: number },
): KernelRoutine<number> {
  if (k.tracing) enterWin32(k, name, k.memory.format(a.base))
  const { baseAt, sizeAt } = scratchRange(k, a.base, a.size)
  return boolOf(k, yield* k.syscalls.call(NtFreeVirtualMemory, [a.process, baseAt, sizeAt, a.type]))
}

function heapAllocate(k: Kernel, bytes: number, zero: boolean): Ptr {
  const at = heapOf(k, k.thread.process).allocate(bytes, zero)
  if (!at) setLastError(k, ERROR_NOT_ENOUGH_MEMORY)
  return at
}

/**
 * Give a block of the heap back. A damaged heap ends the process at once, as the heap manager does
 * (STATUS_HEAP_CORRUPTION); so does freeing a block twice.
 */
function* heapFree(k: Kernel, at: Ptr): KernelRoutine<number> {
  const result = heapOf(k, k.thread.process).release(at)
  if (result === 'freed') return TRUE
  yield* k.syscalls.call(NtTerminateProcess, [CURRENT_PROCESS, STATUS_HEAP_CORRUPTION])
  return FALSE
}

/** The process heap's handle, which is its address. */
function processHeap(k: Kernel): Ptr {
  const { process } = k.thread
  return k.memory.ptr(k.memory.sliceStart(process.slice) + USER_LAYOUT.peb + PEB.ProcessHeap)
}

const processMemory = (write: boolean, service: Service, summary: string, docs: string) =>
  ddi({
    params: {
      hProcess: w.handle,
      lpBaseAddress: w.pvoid,
      lpBuffer: w.pvoid,
      nSize: t.size,
      lpNumberOfBytes: t.optional(t.out({ k: 'u64', c: 'SIZE_T' })),
    },
    returns: w.bool,
    module: 'win32',
    summary,
    docs,
    *run(k, a) {
      if (k.tracing)
        enterWin32(
          k,
          write ? 'WriteProcessMemory' : 'ReadProcessMemory',
          `${a.nSize} bytes at ${k.memory.format(a.lpBaseAddress)}`,
        )
      const at = currentUser(k).scratch + SCRATCH.size
      const args = [a.hProcess, a.lpBaseAddress, a.lpBuffer, a.nSize, at]
      const status = yield* k.syscalls.call(service, args)
      if ((status | 0) >= 0) a.lpNumberOfBytes.write(k.memory.u64(at))
      return status === STATUS_SUCCESS ? TRUE : fail(k, status)
    },
  })

export const WIN32_MEMORY_DDIS = {
  VirtualAlloc: ddi({
    params: {
      lpAddress: t.optional(w.pvoid),
      dwSize: t.size,
      flAllocationType: w.dword,
      flProtect: w.dword,
    },
    returns: w.pvoid,
    module: 'win32',
    support: 'partial',
    note: 'Ranges start at multiples of 4 KiB instead of 64 KiB, and a new range cannot have an address of its own.',
    summary: 'Reserves or commits pages of the calling process; NULL when it fails.',
    docs: 'memoryapi/nf-memoryapi-virtualalloc',
    run: (k, a) =>
      virtualAlloc(k, 'VirtualAlloc', {
        process: CURRENT_PROCESS,
        base: a.lpAddress,
        size: a.dwSize,
        type: a.flAllocationType,
        protection: a.flProtect,
      }),
  }),

  VirtualAllocEx: ddi({
    params: {
      hProcess: w.handle,
      lpAddress: t.optional(w.pvoid),
      dwSize: t.size,
      flAllocationType: w.dword,
      flProtect: w.dword,
    },
    returns: w.pvoid,
    module: 'win32',
    support: 'partial',
    note: 'As VirtualAlloc.',
    summary: 'VirtualAlloc in another process.',
    docs: 'memoryapi/nf-memoryapi-virtualallocex',
    run: (k, a) =>
      virtualAlloc(k, 'VirtualAllocEx', {
        process: a.hProcess,
        base: a.lpAddress,
        size: a.dwSize,
        type: a.flAllocationType,
        protection: a.flProtect,
      }),
  }),

  VirtualFree: ddi({
    params: { lpAddress: w.pvoid, dwSize: t.size, dwFreeType: w.dword },
    returns: w.bool,
    module: 'win32',
    summary: 'Decommits pages or releases a range of the calling process.',
    docs: 'memoryapi/nf-memoryapi-virtualfree',
    run: (k, a) =>
      virtualFree(k, 'VirtualFree', {
        process: CURRENT_PROCESS,
        base: a.lpAddress,
        size: a.dwSize,
        type: a.dwFreeType,
      }),
  }),

  VirtualProtect: ddi({
    params: {
      lpAddress: w.pvoid,
      dwSize: t.size,
      flNewProtect: w.dword,
      lpflOldProtect: w.dwordOut,
    },
    returns: w.bool,
    module: 'win32',
    summary: 'Changes the protection of pages that VirtualAlloc committed.',
    docs: 'memoryapi/nf-memoryapi-virtualprotect',
    *run(k, a) {
      if (k.tracing)
        enterWin32(k, 'VirtualProtect', `${k.memory.format(a.lpAddress)}, ${hex(a.flNewProtect)}`)
      const { baseAt, sizeAt } = scratchRange(k, a.lpAddress, a.dwSize)
      const oldAt = currentUser(k).scratch + SCRATCH.large
      const status = yield* k.syscalls.call(NtProtectVirtualMemory, [
        CURRENT_PROCESS,
        baseAt,
        sizeAt,
        a.flNewProtect,
        oldAt,
      ])
      if ((status | 0) >= 0) a.lpflOldProtect.write(k.memory.u32(oldAt))
      return boolOf(k, status)
    },
  }),

  ReadProcessMemory: processMemory(
    false,
    NtReadVirtualMemory,
    'Copies memory of another process into a buffer.',
    'memoryapi/nf-memoryapi-readprocessmemory',
  ),
  WriteProcessMemory: processMemory(
    true,
    NtWriteVirtualMemory,
    'Copies a buffer into the memory of another process.',
    'memoryapi/nf-memoryapi-writeprocessmemory',
  ),

  GetProcessHeap: ddi({
    params: {},
    returns: w.handle,
    module: 'win32',
    summary: 'Handle of the default heap of the process.',
    docs: 'heapapi/nf-heapapi-getprocessheap',
    traced: false,
    run: (k) => processHeap(k),
  }),

  HeapAlloc: ddi({
    params: { hHeap: w.handle, dwFlags: w.dword, dwBytes: t.size },
    returns: w.pvoid,
    module: 'win32',
    summary: 'Takes a block from a heap; NULL when it fails.',
    docs: 'heapapi/nf-heapapi-heapalloc',
    traced: false,
    run(k, a) {
      if (a.hHeap === processHeap(k))
        return heapAllocate(k, a.dwBytes, (a.dwFlags & HEAP_ZERO_MEMORY) !== 0)
      setLastError(k, ERROR_INVALID_PARAMETER)
      return 0
    },
  }),

  HeapFree: ddi({
    params: { hHeap: w.handle, dwFlags: w.dword, lpMem: t.optional(w.pvoid) },
    returns: w.bool,
    module: 'win32',
    summary: 'Gives a block back to its heap. A damaged heap ends the process.',
    docs: 'heapapi/nf-heapapi-heapfree',
    traced: false,
    *run(k, a) {
      if (a.lpMem === 0) return TRUE
      return yield* heapFree(k, a.lpMem)
    },
  }),

  malloc: ddi({
    params: { size: t.size },
    returns: w.pvoid,
    module: 'win32',
    summary: 'Takes a block from the heap; NULL when it fails.',
    traced: false,
    run: (k, a) => heapAllocate(k, a.size, false),
  }),

  calloc: ddi({
    params: { count: t.size, size: t.size },
    returns: w.pvoid,
    module: 'win32',
    summary: 'Takes a zeroed block from the heap; NULL when it fails.',
    traced: false,
    run: (k, a) => heapAllocate(k, Math.min(a.count * a.size, 0x7fff_ffff), true),
  }),

  free: ddi({
    params: { block: t.optional(w.pvoid) },
    returns: t.void,
    module: 'win32',
    summary: 'Gives a block of malloc back. A damaged heap, or a second free, ends the process.',
    traced: false,
    *run(k, a) {
      if (a.block !== 0) yield* heapFree(k, a.block)
    },
  }),

  CopyMemory: ddi({
    params: { Destination: w.pvoid, Source: w.pvoid, Length: t.size },
    returns: t.void,
    module: 'win32',
    summary: 'Copies memory.',
    traced: false,
    run(k, a) {
      userAccess(k, a.Source, a.Length, 'read')
      userAccess(k, a.Destination, a.Length, 'write')
      copyMemory(k.memory, a.Destination, a.Source, a.Length)
    },
  }),

  FillMemory: ddi({
    params: { Destination: w.pvoid, Length: t.size, Fill: t.uchar },
    returns: t.void,
    module: 'win32',
    summary: 'Fills memory with one byte value.',
    traced: false,
    run(k, a) {
      userAccess(k, a.Destination, a.Length, 'write')
      k.memory.fill(a.Destination, a.Length, a.Fill)
    },
  }),

  ZeroMemory: ddi({
    params: { Destination: w.pvoid, Length: t.size },
    returns: t.void,
    module: 'win32',
    summary: 'Fills memory with zeros.',
    traced: false,
    run(k, a) {
      userAccess(k, a.Destination, a.Length, 'write')
      k.memory.fill(a.Destination, a.Length, 0)
    },
  }),
}
