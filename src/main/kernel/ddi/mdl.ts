/** Memory descriptor lists, probing and the questions a driver asks of an address. */
import { IRP, MDL } from '../../../shared/nt/generated/offsets'
import {
  STATUS_ACCESS_VIOLATION,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_DATATYPE_MISALIGNMENT,
} from '../../../shared/nt/ntstatus'
import { chainOf } from '../ke/list'
import type { Kernel } from '../kernel'
import { PAGE_SIZE, PTE } from '../mm/layout'
import { MDL_MAPPED_TO_SYSTEM_VA } from '../mm/mdl'
import type { Ptr } from '../mm/memory'
import { NtException } from '../stop'
import {
  buildingMdl,
  freeingMdl,
  lockingMdl,
  mappingMdl,
  noteMdl,
  unlockingMdl,
  unmappingMdl,
} from '../verifier/rules/memory'
import { unicodeText } from './io-device'
import { DATA_EXPORTS } from './data'
import { ddi, t } from './types'

function mapped(k: Kernel, mdl: Ptr, priority: number): Ptr {
  const wasMapped = k.mdls.flags(mdl) & MDL_MAPPED_TO_SYSTEM_VA
  const at = k.mdls.systemAddress(mdl, priority)
  if (at && !wasMapped) noteMdl(k, mdl, 'mapped')
  return at
}

export const MDL_DDIS = {
  IoAllocateMdl: ddi({
    params: {
      VirtualAddress: t.optional(t.pvoid),
      Length: t.ulong,
      SecondaryBuffer: t.boolean,
      ChargeQuota: t.boolean,
      Irp: t.optional(t.ptr('IRP')),
    },
    returns: t.ptr('MDL'),
    run(k, a) {
      const { memory } = k
      const mdl = k.mdls.allocate(a.VirtualAddress, a.Length)
      if (mdl && a.Irp) {
        let link = a.Irp + IRP.MdlAddress
        if (a.SecondaryBuffer)
          for (const other of chainOf(k, memory.ptr(link), MDL.Next)) link = other + MDL.Next
        memory.setPtr(link, mdl)
      }
      noteMdl(k, mdl, 'allocated')
      return mdl
    },
  }),

  IoFreeMdl: ddi({
    params: { Mdl: t.ptr('MDL') },
    returns: t.void,
    run(k, a) {
      freeingMdl(k, a.Mdl)
      k.mdls.free(a.Mdl)
    },
  }),

  IoBuildPartialMdl: ddi({
    params: {
      SourceMdl: t.ptr('MDL'),
      TargetMdl: t.ptr('MDL'),
      VirtualAddress: t.pvoid,
      Length: t.ulong,
    },
    returns: t.void,
    run(k, a) {
      k.mdls.buildPartial(a.SourceMdl, a.TargetMdl, a.VirtualAddress, a.Length)
      noteMdl(k, a.TargetMdl, 'made partial')
    },
  }),

  MmProbeAndLockPages: ddi({
    params: {
      MemoryDescriptorList: t.ptr('MDL'),
      AccessMode: t.mode,
      Operation: t.enum('LOCK_OPERATION'),
    },
    returns: t.void,
    run(k, a) {
      lockingMdl(k, a.MemoryDescriptorList)
      k.mdls.probeAndLock(a.MemoryDescriptorList, a.AccessMode === 1, a.Operation !== 0)
      noteMdl(k, a.MemoryDescriptorList, 'locked')
    },
  }),

  MmUnlockPages: ddi({
    params: { MemoryDescriptorList: t.ptr('MDL') },
    returns: t.void,
    run(k, a) {
      unlockingMdl(k, a.MemoryDescriptorList)
      k.mdls.unlock(a.MemoryDescriptorList)
      noteMdl(k, a.MemoryDescriptorList, 'unlocked')
    },
  }),

  MmBuildMdlForNonPagedPool: ddi({
    params: { MemoryDescriptorList: t.ptr('MDL') },
    returns: t.void,
    run(k, a) {
      buildingMdl(k, a.MemoryDescriptorList)
      k.mdls.buildForNonPagedPool(a.MemoryDescriptorList)
      noteMdl(k, a.MemoryDescriptorList, 'built for nonpaged pool')
    },
  }),

  MmGetSystemAddressForMdlSafe: ddi({
    params: { Mdl: t.ptr('MDL'), Priority: t.ulong },
    returns: t.pvoid,
    run(k, a) {
      mappingMdl(k, a.Mdl, { safe: true, priority: a.Priority })
      return mapped(k, a.Mdl, a.Priority)
    },
  }),

  MmMapLockedPagesSpecifyCache: ddi({
    params: {
      MemoryDescriptorList: t.ptr('MDL'),
      AccessMode: t.mode,
      CacheType: t.enum('MEMORY_CACHING_TYPE'),
      RequestedAddress: t.optional(t.pvoid),
      BugCheckOnFailure: t.ulong,
      Priority: t.ulong,
    },
    returns: t.pvoid,
    run(k, a) {
      mappingMdl(k, a.MemoryDescriptorList, {
        userMode: a.AccessMode === 1,
        bugCheckOnFailure: a.BugCheckOnFailure !== 0,
        priority: a.Priority,
      })
      if (a.AccessMode !== 1) return mapped(k, a.MemoryDescriptorList, a.Priority)
      const at = k.mdls.userAddress(a.MemoryDescriptorList, a.Priority)
      // Where there is no room in the process, the caller hears of it by an exception.
      if (at === 0) throw new NtException(STATUS_INSUFFICIENT_RESOURCES)
      return at
    },
  }),

  MmUnmapLockedPages: ddi({
    params: { BaseAddress: t.pvoid, MemoryDescriptorList: t.ptr('MDL') },
    returns: t.void,
    run(k, a) {
      unmappingMdl(k, a.BaseAddress, a.MemoryDescriptorList)
      if (k.memory.isUser(a.BaseAddress)) k.mdls.unmapUser(a.MemoryDescriptorList)
      else k.mdls.unmap(a.MemoryDescriptorList)
      noteMdl(k, a.MemoryDescriptorList, 'unmapped')
    },
  }),

  MmGetMdlVirtualAddress: ddi({
    params: { Mdl: t.ptr('MDL') },
    returns: t.pvoid,
    irql: [0, 15],
    traced: false,
    summary: 'The address that the MDL was made for.',
    run: (k, a) => k.mdls.va(a.Mdl),
  }),

  MmGetMdlByteCount: ddi({
    params: { Mdl: t.ptr('MDL') },
    returns: t.ulong,
    irql: [0, 15],
    traced: false,
    summary: 'Bytes that the MDL describes.',
    run: (k, a) => k.mdls.byteCount(a.Mdl),
  }),

  MmGetMdlByteOffset: ddi({
    params: { Mdl: t.ptr('MDL') },
    returns: t.ulong,
    irql: [0, 15],
    traced: false,
    summary: 'Offset of the buffer in its first page.',
    run: (k, a) => k.memory.u32(a.Mdl + MDL.ByteOffset),
  }),

  MmIsAddressValid: ddi({
    params: { VirtualAddress: t.pvoid },
    returns: t.boolean,
    run: (k, a) => (k.memory.pte(a.VirtualAddress) & PTE.read) !== 0,
  }),

  MmGetSystemRoutineAddress: ddi({
    params: { SystemRoutineName: t.ptr('UNICODE_STRING') },
    returns: t.pvoid,
    run(k, a) {
      const name = unicodeText(k, a.SystemRoutineName) ?? ''
      // Exported variables are found in the same table as routines.
      const data = Object.hasOwn(DATA_EXPORTS, name) ? DATA_EXPORTS[name] : undefined
      if (data) return data.address(k)
      return k.ddis.has(name) ? k.images.nativeAddress(name) || k.images.exported(name) : 0
    },
  }),

  ProbeForRead: ddi({
    params: { Address: t.pvoid, Length: t.size, Alignment: t.ulong },
    returns: t.void,
    run(k, a) {
      // The pages are not touched: a read that faults later needs the same handler.
      if (a.Length === 0) return
      if (a.Alignment > 1 && a.Address % a.Alignment)
        throw new NtException(STATUS_DATATYPE_MISALIGNMENT)
      const { memory } = k
      if (!memory.isUser(a.Address) || !memory.isUser(memory.add(a.Address, a.Length - 1)))
        throw new NtException(STATUS_ACCESS_VIOLATION, memory.address(a.Address), 'read')
    },
  }),

  ProbeForWrite: ddi({
    params: { Address: t.pvoid, Length: t.size, Alignment: t.ulong },
    returns: t.void,
    run(k, a) {
      if (a.Length === 0) return
      if (a.Alignment > 1 && a.Address % a.Alignment)
        throw new NtException(STATUS_DATATYPE_MISALIGNMENT)
      k.io.probeUser(a.Address, a.Length, 'write')
    },
  }),

  PAGE_ALIGN: ddi({
    params: { Va: t.pvoid },
    returns: t.pvoid,
    irql: [0, 15],
    traced: false,
    summary: 'Start of the page that an address lies in.',
    run: (_k, a) => a.Va & ~(PAGE_SIZE - 1),
  }),
}
