/** The system as a whole: its processes and modules, its version, its exports; and ZwDeleteFile. */
import { FILE_DELETE_ON_CLOSE, DELETE } from '../../../shared/nt/generated/constants'
import { RTL_OSVERSIONINFOW } from '../../../shared/nt/generated/offsets'
import {
  STATUS_INVALID_INFO_CLASS,
  STATUS_INVALID_PARAMETER,
  STATUS_OBJECT_NAME_INVALID,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { captureAttributes } from '../ob/attributes'
import { NtQuerySystemInformation } from '../ps/system-information'
import { DATA_EXPORTS } from './data'
import { withMemory } from './zw-file'
import { ddi, t, type KernelRoutine } from './types'

/** Windows 10 22H2. */
const MAJOR = 10
const BUILD = 19_045
const VER_PLATFORM_WIN32_NT = 2
const VER_NT_WORKSTATION = 1
/** Size of RTL_OSVERSIONINFOEXW, which has more behind the same beginning. */
const EX_BYTES = 0x11c
const EX_PRODUCT_TYPE = 0x11a

function getVersion(k: Kernel, at: Ptr): number {
  const { memory } = k
  const size = memory.u32(at + RTL_OSVERSIONINFOW.dwOSVersionInfoSize)
  memory.setU32(at + RTL_OSVERSIONINFOW.dwMajorVersion, MAJOR)
  memory.setU32(at + RTL_OSVERSIONINFOW.dwMinorVersion, 0)
  memory.setU32(at + RTL_OSVERSIONINFOW.dwBuildNumber, BUILD)
  memory.setU32(at + RTL_OSVERSIONINFOW.dwPlatformId, VER_PLATFORM_WIN32_NT)
  memory.setU16(at + RTL_OSVERSIONINFOW.szCSDVersion, 0)
  if (size !== EX_BYTES) return STATUS_SUCCESS
  memory.fill(at + RTL_OSVERSIONINFOW.SIZE, EX_BYTES - RTL_OSVERSIONINFOW.SIZE, 0)
  memory.setU8(at + EX_PRODUCT_TYPE, VER_NT_WORKSTATION)
  return STATUS_SUCCESS
}

/** Address of what the kernel's image exports; images of drivers export nothing. */
function exportOf(k: Kernel, base: Ptr, name: string): Ptr {
  if (base !== k.images.nt.base) return 0
  const data = Object.hasOwn(DATA_EXPORTS, name) ? DATA_EXPORTS[name] : undefined
  if (data) return data.address(k)
  return k.ddis.isExported(name) ? k.images.nativeAddress(name) || k.images.exported(name) : 0
}

/** Opens the file for its deletion and closes it again: the driver decides what that means. */
function* deleteFile(k: Kernel, attributes: Ptr): KernelRoutine<number> {
  if (attributes === 0) return STATUS_INVALID_PARAMETER
  const given = captureAttributes(k, attributes)
  if (given.status !== STATUS_SUCCESS) return given.status
  if (given.name === '') return STATUS_OBJECT_NAME_INVALID
  const { status, handle } = yield* k.io.open({
    path: given.root ? `${given.root.name ?? ''}\\${given.name}` : given.name,
    access: DELETE,
    share: 7,
    options: FILE_DELETE_ON_CLOSE,
    synchronous: true,
    userMode: false,
    kernelHandle: true,
  })
  if (status >>> 31 !== 0) return status
  return yield* k.ob.closeHandle(handle, 0)
}

export const ZW_SYSTEM_DDIS = {
  ZwQuerySystemInformation: ddi({
    params: {
      SystemInformationClass: t.enum('SYSTEM_INFORMATION_CLASS'),
      SystemInformation: t.optional(t.pvoid),
      SystemInformationLength: t.ulong,
      ReturnLength: t.optional(t.out(t.ulong)),
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'Classes 0, 5, 11 and 64: the machine, its processes with their threads, its modules, all handles. Times, memory and I/O counters are 0.',
    run: (k, a) =>
      withMemory(k, 4, function* (at) {
        const status = yield* k.syscalls.callFromKernel(NtQuerySystemInformation, [
          a.SystemInformationClass,
          a.SystemInformation,
          a.SystemInformationLength,
          at,
        ])
        if (status !== STATUS_INVALID_INFO_CLASS) a.ReturnLength.write(k.memory.u32(at))
        return status
      }),
  }),
  RtlGetVersion: ddi({
    params: { lpVersionInformation: t.ptr('RTL_OSVERSIONINFOW') },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-rtlgetversion',
    run: (k, a) => getVersion(k, a.lpVersionInformation),
  }),
  RtlFindExportedRoutineByName: ddi({
    params: { ImageBase: t.pvoid, RoutineName: t.astr },
    returns: t.pvoid,
    support: 'partial',
    note: "Finds what the kernel's image exports; images of drivers export nothing.",
    run: (k, a) => exportOf(k, a.ImageBase, a.RoutineName ?? ''),
  }),
  ZwDeleteFile: ddi({
    params: { ObjectAttributes: t.ptr('OBJECT_ATTRIBUTES') },
    returns: t.ntstatus,
    docs: 'ntifs/nf-ntifs-zwdeletefile',
    support: 'partial',
    note: 'The driver of the device gets IRP_MJ_CREATE with FILE_DELETE_ON_CLOSE, IRP_MJ_CLEANUP and IRP_MJ_CLOSE.',
    *run(k, a) {
      return yield* deleteFile(k, a.ObjectAttributes)
    },
  }),
}
