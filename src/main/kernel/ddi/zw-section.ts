/** Section objects and their views. */
import { APC_LEVEL } from '../../../shared/nt/irql'
import {
  OBJ_INHERIT,
  SEC_COMMIT,
  SEC_IMAGE,
  SEC_LARGE_PAGES,
  SEC_RESERVE,
  SECTION_MAP_EXECUTE,
  SECTION_MAP_READ,
  SECTION_MAP_WRITE,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_CONFLICTING_ADDRESSES,
  STATUS_INVALID_FILE_FOR_SECTION,
  STATUS_INVALID_PAGE_PROTECTION,
  STATUS_INVALID_PARAMETER,
  STATUS_INVALID_VIEW_SIZE,
  STATUS_NO_MEMORY,
  STATUS_NOT_MAPPED_VIEW,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_SECTION_PROTECTION,
  STATUS_SECTION_TOO_BIG,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import { PAGE_SIZE, PTE } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import type { SectionData } from '../mm/sections'
import { flagsOfProtection } from '../mm/user-memory'
import { captureAttributes } from '../ob/attributes'
import type { KObject } from '../ob/kobject'
import { processOf } from '../ob/nt-object'
import { ddi, t, type Out } from './types'

const PROCESS_VM_OPERATION = 8
const ACCESSES = PTE.read | PTE.write | PTE.execute
/** Sections larger than this have no place in the machine. */
const SECTION_BYTES_MAX = 1 << 26

/** The accesses of a page protection; null for one that does not exist. */
function accessOf(protection: number): number | null {
  const flags = flagsOfProtection(protection & 0xff)
  return flags === undefined ? null : flags & ACCESSES
}

/** Rights on the section that a view with these accesses needs. */
function rightsFor(access: number): number {
  return (
    (access & PTE.read ? SECTION_MAP_READ : 0) |
    (access & PTE.write ? SECTION_MAP_WRITE : 0) |
    (access & PTE.execute ? SECTION_MAP_EXECUTE : 0)
  )
}

/** Open a handle for an object that the caller holds a reference on. */
function handOver(
  k: Kernel,
  object: KObject,
  access: number,
  given: { kernelHandle: boolean; attributes: number },
  handle: Out<number>,
): number {
  handle.write(
    k.ob.openHandle(object, access, {
      kernel: given.kernelHandle,
      inherit: (given.attributes & OBJ_INHERIT) !== 0,
    }),
  )
  return STATUS_SUCCESS
}

interface Range {
  offset: number
  bytes: number
}

/** The part of a section that a view shows; null when it does not lie inside. */
function rangeOf(data: SectionData, offset: bigint, viewSize: number): Range | null {
  // Only physical memory can be mapped from any page on; other sections begin at 64 KiB.
  const start = offset & ~BigInt(PAGE_SIZE - 1)
  if (start < 0n || start >= BigInt(data.bytes)) return null
  const left = data.bytes - Number(start)
  const bytes = viewSize === 0 ? left : viewSize + Number(offset - start)
  return bytes > Math.ceil(left / PAGE_SIZE) * PAGE_SIZE ? null : { offset: Number(start), bytes }
}

function mapView(
  k: Kernel,
  a: {
    SectionHandle: number
    ProcessHandle: number
    BaseAddress: Ptr
    SectionOffset: Ptr
    ViewSize: Ptr
    Win32Protect: number
  },
): number {
  const { memory } = k
  const access = accessOf(a.Win32Protect)
  if (access === null || access === 0) return STATUS_INVALID_PAGE_PROTECTION
  const found = k.ob.resolveHandle(a.SectionHandle, rightsFor(access), k.ob.types.Section, 0)
  if (!found.object) return found.status
  const owner = processOf(k, a.ProcessHandle, PROCESS_VM_OPERATION)
  if (!owner.process) return owner.status
  const section = found.object as KObject<SectionData>
  if (access & ~section.data.access) return STATUS_SECTION_PROTECTION
  // The place is chosen by the system; asking for one is asking for what is taken.
  if (memory.ptr(a.BaseAddress) !== 0) return STATUS_CONFLICTING_ADDRESSES
  const offset = a.SectionOffset ? memory.i64(a.SectionOffset) : 0n
  const range = rangeOf(section.data, offset, memory.size(a.ViewSize))
  if (!range) return STATUS_INVALID_VIEW_SIZE
  // System processes have no user space of their own here; their views lie in system space.
  const inUser = owner.process.slice >= 0 ? owner.process : null
  const view = k.mm.sections.map(section, inUser, range.offset, range.bytes, access)
  if (!view) return STATUS_NO_MEMORY
  if (a.SectionOffset) memory.setU64(a.SectionOffset, BigInt(range.offset))
  memory.setPtr(a.BaseAddress, view.base)
  memory.setSize(a.ViewSize, view.pages * PAGE_SIZE)
  return STATUS_SUCCESS
}

export const ZW_SECTION_DDIS = {
  ZwCreateSection: ddi({
    params: {
      SectionHandle: t.out(t.handle),
      DesiredAccess: t.accessMask,
      ObjectAttributes: t.optional(t.ptr('OBJECT_ATTRIBUTES')),
      MaximumSize: t.optional(t.large),
      SectionPageProtection: t.ulong,
      AllocationAttributes: t.ulong,
      FileHandle: t.optional(t.handle),
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'Sections backed by the paging file only: there are no files to map. All pages are committed.',
    run(k, a) {
      const access = accessOf(a.SectionPageProtection)
      if (access === null || access === 0) return STATUS_INVALID_PAGE_PROTECTION
      const wrong =
        a.AllocationAttributes & ~(SEC_COMMIT | SEC_RESERVE | SEC_IMAGE | SEC_LARGE_PAGES)
      const isMemory = (a.AllocationAttributes & (SEC_COMMIT | SEC_RESERVE)) !== 0
      if (a.FileHandle !== 0 || a.AllocationAttributes & SEC_IMAGE)
        return STATUS_INVALID_FILE_FOR_SECTION
      if (!isMemory || (wrong & 0x7fff_ffff & ~0x1fff_ffff) !== 0) return STATUS_INVALID_PARAMETER
      const bytes = a.MaximumSize ?? 0n
      if (bytes <= 0n) return STATUS_INVALID_PARAMETER
      if (bytes > BigInt(SECTION_BYTES_MAX) || !k.mm.sections.fits(Number(bytes)))
        return STATUS_SECTION_TOO_BIG
      const given = captureAttributes(k, a.ObjectAttributes)
      if (given.status !== STATUS_SUCCESS) return given.status
      const root = given.root?.name
      const name = root ? `${root}\\${given.name}` : given.name
      const object = k.mm.sections.create(name === '' ? null : name, Number(bytes), access)
      if (typeof object === 'number') return object
      const status = handOver(k, object, a.DesiredAccess, given, a.SectionHandle)
      k.ob.release(object.address)
      return status
    },
  }),
  ZwOpenSection: ddi({
    params: {
      SectionHandle: t.out(t.handle),
      DesiredAccess: t.accessMask,
      ObjectAttributes: t.ptr('OBJECT_ATTRIBUTES'),
    },
    returns: t.ntstatus,
    run(k, a) {
      if (a.ObjectAttributes === 0) return STATUS_INVALID_PARAMETER
      const given = captureAttributes(k, a.ObjectAttributes)
      if (given.status !== STATUS_SUCCESS) return given.status
      const root = given.root?.name
      const object = k.ob.find(root ? `${root}\\${given.name}` : given.name)
      if (!object) return STATUS_OBJECT_NAME_NOT_FOUND
      if (object.type !== k.ob.types.Section) return STATUS_OBJECT_TYPE_MISMATCH
      return handOver(k, object, a.DesiredAccess, given, a.SectionHandle)
    },
  }),
  ZwMapViewOfSection: ddi({
    params: {
      SectionHandle: t.handle,
      ProcessHandle: t.handle,
      BaseAddress: t.ptr('PVOID'),
      ZeroBits: t.ulongptr,
      CommitSize: t.size,
      SectionOffset: t.optional(t.ptr('LARGE_INTEGER')),
      ViewSize: t.ptr('SIZE_T'),
      InheritDisposition: t.enum('SECTION_INHERIT'),
      AllocationType: t.ulong,
      Win32Protect: t.ulong,
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'The system chooses the address; a view of the System process lies in system space.',
    run: (k, a) => mapView(k, a),
  }),
  ZwUnmapViewOfSection: ddi({
    params: { ProcessHandle: t.handle, BaseAddress: t.optional(t.pvoid) },
    returns: t.ntstatus,
    run(k, a) {
      const owner = processOf(k, a.ProcessHandle, PROCESS_VM_OPERATION)
      if (!owner.process) return owner.status
      const view = k.mm.sections.find(
        owner.process.slice >= 0 ? owner.process : null,
        a.BaseAddress,
      )
      if (!view) return STATUS_NOT_MAPPED_VIEW
      k.mm.sections.unmap(view)
      return STATUS_SUCCESS
    },
  }),
  MmMapViewInSystemSpace: ddi({
    params: { Section: t.pvoid, MappedBase: t.ptr('PVOID'), ViewSize: t.ptr('SIZE_T') },
    returns: t.ntstatus,
    run(k, a) {
      const object = k.ob.lookup(a.Section)
      if (object?.type !== k.ob.types.Section) return STATUS_INVALID_PARAMETER
      const section = object as KObject<SectionData>
      const range = rangeOf(section.data, 0n, k.memory.size(a.ViewSize))
      if (!range) return STATUS_INVALID_VIEW_SIZE
      const view = k.mm.sections.map(section, null, 0, range.bytes, section.data.access)
      if (!view) return STATUS_NO_MEMORY
      k.memory.setPtr(a.MappedBase, view.base)
      k.memory.setSize(a.ViewSize, view.pages * PAGE_SIZE)
      return STATUS_SUCCESS
    },
  }),
  MmUnmapViewInSystemSpace: ddi({
    params: { MappedBase: t.pvoid },
    returns: t.ntstatus,
    irql: [0, APC_LEVEL],
    summary: 'Removes a view that MmMapViewInSystemSpace has made.',
    docs: 'ntddk/nf-ntddk-mmunmapviewinsystemspace',
    run(k, a) {
      const view = k.mm.sections.find(null, a.MappedBase)
      if (!view) return STATUS_NOT_MAPPED_VIEW
      k.mm.sections.unmap(view)
      return STATUS_SUCCESS
    },
  }),
}
