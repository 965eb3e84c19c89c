/** Memory descriptor lists, probing and the questions a driver asks of an address. */
import { IRP, MDL } from '../../../shared/nt/generated/offsets'
import { STATUS_ACCESS_VIOLATION, STATUS_DATATYPE_MISALIGNMENT } from '../../../shared/nt/ntstatus'
import { PAGE_SIZE, PTE } from '../mm/layout'
import { NtException } from '../stop'
import { unicodeText } from './io-device'
import { ddi, t } from './types'

/** Physical memory begins here for whoever looks at physical addresses. */
const PHYSICAL_START = 0x1_0000_0000n

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
        if (a.SecondaryBuffer) while (memory.ptr(link) !== 0) link = memory.ptr(link) + MDL.Next
        memory.setPtr(link, mdl)
      }
      return mdl
    },
  }),

  IoFreeMdl: ddi({
    params: { Mdl: t.ptr('MDL') },
    returns: t.void,
    run: (k, a) => k.mdls.free(a.Mdl),
  }),

  IoBuildPartialMdl: ddi({
    params: {
      SourceMdl: t.ptr('MDL'),
      TargetMdl: t.ptr('MDL'),
      VirtualAddress: t.pvoid,
      Length: t.ulong,
    },
    returns: t.void,
    run: (k, a) => k.mdls.buildPartial(a.SourceMdl, a.TargetMdl, a.VirtualAddress, a.Length),
  }),

  MmProbeAndLockPages: ddi({
    params: {
      MemoryDescriptorList: t.ptr('MDL'),
      AccessMode: t.mode,
      Operation: t.enum('LOCK_OPERATION'),
    },
    returns: t.void,
    run: (k, a) =>
      k.mdls.probeAndLock(a.MemoryDescriptorList, a.AccessMode === 1, a.Operation !== 0),
  }),

  MmUnlockPages: ddi({
    params: { MemoryDescriptorList: t.ptr('MDL') },
    returns: t.void,
    run: (k, a) => k.mdls.unlock(a.MemoryDescriptorList),
  }),

  MmBuildMdlForNonPagedPool: ddi({
    params: { MemoryDescriptorList: t.ptr('MDL') },
    returns: t.void,
    run: (k, a) => k.mdls.buildForNonPagedPool(a.MemoryDescriptorList),
  }),

  MmGetSystemAddressForMdlSafe: ddi({
    params: { Mdl: t.ptr('MDL'), Priority: t.ulong },
    returns: t.pvoid,
    run: (k, a) => k.mdls.systemAddress(a.Mdl),
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
    support: 'partial',
    note: 'Maps into system space also when UserMode is asked for.',
    run: (k, a) => k.mdls.systemAddress(a.MemoryDescriptorList),
  }),

  MmUnmapLockedPages: ddi({
    params: { BaseAddress: t.pvoid, MemoryDescriptorList: t.ptr('MDL') },
    returns: t.void,
    run: (k, a) => k.mdls.unmap(a.MemoryDescriptorList),
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

  MmGetPhysicalAddress: ddi({
    params: { BaseAddress: t.pvoid },
    returns: t.longlong,
    run(k, a) {
      const physical = k.memory.physical(a.BaseAddress)
      return physical < 0 ? 0n : PHYSICAL_START + BigInt(physical)
    },
  }),

  MmGetSystemRoutineAddress: ddi({
    params: { SystemRoutineName: t.ptr('UNICODE_STRING') },
    returns: t.pvoid,
    run(k, a) {
      const name = unicodeText(k, a.SystemRoutineName) ?? ''
      return k.ddis.has(name) ? k.images.exported(name) : 0
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
