/** System services for drivers: files and devices, drivers, processes, memory; and opening a device by its name. */
import { FILE_NON_DIRECTORY_FILE } from '../../../shared/nt/generated/constants'
import {
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import {
  FILE_OBJECT,
  IO_STATUS_BLOCK,
  OBJECT_ATTRIBUTES,
} from '../../../shared/nt/generated/offsets'
import {
  NtCreateFile,
  NtDeviceIoControlFile,
  NtFsControlFile,
  NtOpenFile,
  NtQueryDirectoryFile,
  NtQueryInformationFile,
  NtReadFile,
  NtSetInformationFile,
  NtWriteFile,
} from '../io/nt-file'
import type { Kernel } from '../kernel'
import {
  NtAllocateVirtualMemory,
  NtFreeVirtualMemory,
  NtProtectVirtualMemory,
} from '../mm/nt-memory'
import type { Ptr } from '../mm/memory'
import { initializeAttributes, readHandle } from '../ob/attributes'
import { NtClose, NtDuplicateObject } from '../ob/nt-object'
import { NtLoadDriver, NtTerminateProcess, NtUnloadDriver } from '../ps/nt-process'
import type { Service } from '../ps/service'
import { ddi, t, type KernelRoutine } from './types'

const OBJ_CASE_INSENSITIVE = 0x40
const OBJ_KERNEL_HANDLE = 0x200
const IO_NO_PARAMETER_CHECKING = 0x100

const HANDLE_OUT = t.out(t.handle)
const IOSB = t.ptr('IO_STATUS_BLOCK')
const ATTRIBUTES = t.ptr('OBJECT_ATTRIBUTES')
const STRING = t.ptr('UNICODE_STRING')
const APC = { k: 'ptr', c: 'PIO_APC_ROUTINE', target: null, optional: true } as const
const PVOID_POINTER = { k: 'ptr', c: 'PVOID *', target: null } as const
const SIZE_POINTER = { k: 'ptr', c: 'PSIZE_T', target: null } as const
const NO_APC = 'ApcRoutine is refused with STATUS_NOT_IMPLEMENTED.'

/**
 * Do something with a few bytes of kernel memory, for arguments that a service wants to have in
 * memory and its caller has not.
 */
export function* withMemory(
  k: Kernel,
  bytes: number,
  work: (at: Ptr) => KernelRoutine<number>,
): KernelRoutine<number> {
  const at = k.pool.allocate(bytes, 'ZwAr', { system: true })
  if (!at) return STATUS_INSUFFICIENT_RESOURCES
  try {
    return yield* work(at)
  } finally {
    k.pool.free(at)
  }
}

/** Call a service whose first argument is a PHANDLE. */
function openHandle(
  k: Kernel,
  service: Service,
  handle: { write(value: number): void },
  args: number[],
  call: (args: number[]) => KernelRoutine<number> = (all) =>
    k.syscalls.callFromKernel(service, all),
): KernelRoutine<number> {
  return withMemory(k, 8, function* (at) {
    const status = yield* call([at, ...args])
    if ((status | 0) >= 0) handle.write(readHandle(k, at))
    return status
  })
}

/** Memory for a LARGE_INTEGER that was given by value. */
function withLarge(
  k: Kernel,
  value: bigint | null,
  work: (at: Ptr) => KernelRoutine<number>,
): KernelRoutine<number> {
  if (value === null) return work(0)
  return withMemory(k, 8, (at) => {
    k.memory.setU64(at, BigInt.asUintN(64, value))
    return work(at)
  })
}

const control = (service: Service, code: string) =>
  ddi({
    params: {
      FileHandle: t.handle,
      Event: t.handle,
      ApcRoutine: APC,
      ApcContext: t.optional(t.pvoid),
      IoStatusBlock: IOSB,
      [code]: t.ulong,
      InputBuffer: t.optional(t.pvoid),
      InputBufferLength: t.ulong,
      OutputBuffer: t.optional(t.pvoid),
      OutputBufferLength: t.ulong,
    },
    returns: t.ntstatus,
    irql: [0, 0],
    support: 'partial',
    note: NO_APC,
    run: (k, a) => k.syscalls.callFromKernel(service, Object.values(a) as number[]),
  })

const transfer = (service: Service) =>
  ddi({
    params: {
      FileHandle: t.handle,
      Event: t.handle,
      ApcRoutine: APC,
      ApcContext: t.optional(t.pvoid),
      IoStatusBlock: IOSB,
      Buffer: t.pvoid,
      Length: t.ulong,
      ByteOffset: t.optional(t.large),
      Key: t.optional({ k: 'ptr', c: 'PULONG', target: null }),
    },
    returns: t.ntstatus,
    support: 'partial',
    note: NO_APC,
    run: (k, a) =>
      withLarge(k, a.ByteOffset, (offset) =>
        k.syscalls.callFromKernel(service, [
          a.FileHandle,
          a.Event,
          a.ApcRoutine,
          a.ApcContext,
          a.IoStatusBlock,
          a.Buffer,
          a.Length,
          offset,
          a.Key,
        ]),
      ),
  })

const information = (service: Service, docs: string) =>
  ddi({
    params: {
      FileHandle: t.handle,
      IoStatusBlock: IOSB,
      FileInformation: t.pvoid,
      Length: t.ulong,
      FileInformationClass: t.enum('FILE_INFORMATION_CLASS'),
    },
    returns: t.ntstatus,
    docs,
    run: (k, a) =>
      k.syscalls.callFromKernel(service, [
        a.FileHandle,
        a.IoStatusBlock,
        a.FileInformation,
        a.Length,
        a.FileInformationClass,
      ]),
  })

const driver = (service: Service, docs: string) =>
  ddi({
    params: { DriverServiceName: STRING },
    returns: t.ntstatus,
    docs,
    run: (k, a) => k.syscalls.callFromKernel(service, [a.DriverServiceName]),
  })

/** Parts of IoGetDeviceObjectPointer's memory: handle, status block, attributes. */
const OPEN_HANDLE = 0
const OPEN_IOSB = 8
const OPEN_ATTRIBUTES = OPEN_IOSB + IO_STATUS_BLOCK.SIZE
const OPEN_BYTES = OPEN_ATTRIBUTES + OBJECT_ATTRIBUTES.SIZE

export const ZW_FILE_DDIS = {
  ZwCreateFile: ddi({
    params: {
      FileHandle: HANDLE_OUT,
      DesiredAccess: t.accessMask,
      ObjectAttributes: ATTRIBUTES,
      IoStatusBlock: IOSB,
      AllocationSize: t.optional(t.large),
      FileAttributes: t.ulong,
      ShareAccess: t.ulong,
      CreateDisposition: t.ulong,
      CreateOptions: t.ulong,
      EaBuffer: t.optional(t.pvoid),
      EaLength: t.ulong,
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'AllocationSize and extended attributes reach no driver. Without a world there are devices only.',
    docs: 'wdm/nf-wdm-zwcreatefile',
    run: (k, a) =>
      openHandle(k, NtCreateFile, a.FileHandle, [
        a.DesiredAccess,
        a.ObjectAttributes,
        a.IoStatusBlock,
        0,
        a.FileAttributes,
        a.ShareAccess,
        a.CreateDisposition,
        a.CreateOptions,
        a.EaBuffer,
        a.EaLength,
      ]),
  }),

  ZwOpenFile: ddi({
    params: {
      FileHandle: HANDLE_OUT,
      DesiredAccess: t.accessMask,
      ObjectAttributes: ATTRIBUTES,
      IoStatusBlock: IOSB,
      ShareAccess: t.ulong,
      OpenOptions: t.ulong,
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'Without a world there are devices only.',
    docs: 'wdm/nf-wdm-zwopenfile',
    run: (k, a) =>
      openHandle(k, NtOpenFile, a.FileHandle, [
        a.DesiredAccess,
        a.ObjectAttributes,
        a.IoStatusBlock,
        a.ShareAccess,
        a.OpenOptions,
      ]),
  }),

  IoCreateFile: ddi({
    params: {
      FileHandle: HANDLE_OUT,
      DesiredAccess: t.accessMask,
      ObjectAttributes: ATTRIBUTES,
      IoStatusBlock: IOSB,
      AllocationSize: t.optional(t.large),
      FileAttributes: t.ulong,
      ShareAccess: t.ulong,
      Disposition: t.ulong,
      CreateOptions: t.ulong,
      EaBuffer: t.optional(t.pvoid),
      EaLength: t.ulong,
      CreateFileType: t.enum('CREATE_FILE_TYPE'),
      InternalParameters: t.optional(t.pvoid),
      Options: t.ulong,
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'As ZwCreateFile, but with the previous mode as it is unless Options has IO_NO_PARAMETER_CHECKING.',
    docs: 'wdm/nf-wdm-iocreatefile',
    run: (k, a) =>
      openHandle(
        k,
        NtCreateFile,
        a.FileHandle,
        [
          a.DesiredAccess,
          a.ObjectAttributes,
          a.IoStatusBlock,
          0,
          a.FileAttributes,
          a.ShareAccess,
          a.Disposition,
          a.CreateOptions,
          a.EaBuffer,
          a.EaLength,
        ],
        a.Options & IO_NO_PARAMETER_CHECKING
          ? undefined
          : (args) => NtCreateFile.run(k, args) as KernelRoutine<number>,
      ),
  }),

  ZwReadFile: transfer(NtReadFile),
  ZwWriteFile: transfer(NtWriteFile),
  ZwDeviceIoControlFile: control(NtDeviceIoControlFile, 'IoControlCode'),
  ZwFsControlFile: control(NtFsControlFile, 'FsControlCode'),
  ZwQueryInformationFile: information(NtQueryInformationFile, 'wdm/nf-wdm-zwqueryinformationfile'),
  ZwSetInformationFile: information(NtSetInformationFile, 'wdm/nf-wdm-zwsetinformationfile'),

  ZwQueryDirectoryFile: ddi({
    params: {
      FileHandle: t.handle,
      Event: t.optional(t.handle),
      ApcRoutine: APC,
      ApcContext: t.optional(t.pvoid),
      IoStatusBlock: IOSB,
      FileInformation: t.pvoid,
      Length: t.ulong,
      FileInformationClass: t.enum('FILE_INFORMATION_CLASS'),
      ReturnSingleEntry: t.boolean,
      FileName: t.optional(STRING),
      RestartScan: t.boolean,
    },
    returns: t.ntstatus,
    irql: [0, 0],
    support: 'partial',
    note: NO_APC,
    summary: 'Entries of a folder, as many as fit into the buffer.',
    docs: 'ntifs/nf-ntifs-zwquerydirectoryfile',
    run: (k, a) =>
      k.syscalls.callFromKernel(NtQueryDirectoryFile, [
        a.FileHandle,
        a.Event,
        a.ApcRoutine,
        a.ApcContext,
        a.IoStatusBlock,
        a.FileInformation,
        a.Length,
        a.FileInformationClass,
        Number(a.ReturnSingleEntry),
        a.FileName,
        Number(a.RestartScan),
      ]),
  }),

  ZwLoadDriver: driver(NtLoadDriver, 'wdm/nf-wdm-zwloaddriver'),
  ZwUnloadDriver: driver(NtUnloadDriver, 'wdm/nf-wdm-zwunloaddriver'),

  IoGetDeviceObjectPointer: ddi({
    params: {
      ObjectName: STRING,
      DesiredAccess: t.accessMask,
      FileObject: t.out(t.ptr('FILE_OBJECT')),
      DeviceObject: t.out(t.ptr('DEVICE_OBJECT')),
    },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-iogetdeviceobjectpointer',
    run: (k, a) =>
      withMemory(k, OPEN_BYTES, function* (at) {
        const attributes = at + OPEN_ATTRIBUTES
        const flags = OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE
        initializeAttributes(k, attributes, a.ObjectName, flags, 0, 0)
        const status = yield* k.syscalls.callFromKernel(NtOpenFile, [
          at + OPEN_HANDLE,
          a.DesiredAccess,
          attributes,
          at + OPEN_IOSB,
          0,
          FILE_NON_DIRECTORY_FILE,
        ])
        if ((status | 0) < 0) return status
        const handle = readHandle(k, at + OPEN_HANDLE)
        const found = k.ob.referenceByHandle(handle, 0, k.ob.types.File, 0)
        const file = found.object?.address ?? 0
        if (file) {
          a.FileObject.write(file)
          a.DeviceObject.write(k.devices.top(k.memory.ptr(file + FILE_OBJECT.DeviceObject)))
        }
        // The reference keeps the file; the handle goes, and with it CLEANUP comes.
        yield* k.syscalls.callFromKernel(NtClose, [handle])
        return found.status || STATUS_SUCCESS
      }),
  }),

  ZwDuplicateObject: ddi({
    params: {
      SourceProcessHandle: t.handle,
      SourceHandle: t.handle,
      TargetProcessHandle: t.handle,
      TargetHandle: t.optional(HANDLE_OUT),
      DesiredAccess: t.accessMask,
      HandleAttributes: t.ulong,
      Options: t.ulong,
    },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Makes a second handle to the object behind a handle, in this process or another.',
    docs: 'ntifs/nf-ntifs-zwduplicateobject',
    run: (k, a) =>
      withMemory(k, 8, function* (at) {
        const status = yield* k.syscalls.callFromKernel(NtDuplicateObject, [
          a.SourceProcessHandle,
          a.SourceHandle,
          a.TargetProcessHandle,
          at,
          a.DesiredAccess,
          a.HandleAttributes,
          a.Options,
        ])
        if ((status | 0) >= 0 && a.TargetProcessHandle) a.TargetHandle.write(readHandle(k, at))
        return status
      }),
  }),

  ZwTerminateProcess: ddi({
    params: { ProcessHandle: t.handle, ExitStatus: t.ntstatus },
    returns: t.ntstatus,
    docs: 'ntddk/nf-ntddk-zwterminateprocess',
    run: (k, a) => k.syscalls.callFromKernel(NtTerminateProcess, [a.ProcessHandle, a.ExitStatus]),
  }),

  ZwAllocateVirtualMemory: ddi({
    params: {
      ProcessHandle: t.handle,
      BaseAddress: PVOID_POINTER,
      ZeroBits: t.ulongptr,
      RegionSize: SIZE_POINTER,
      AllocationType: t.ulong,
      Protect: t.ulong,
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'Ranges start at multiples of 4 KiB instead of 64 KiB; ZeroBits counts for nothing.',
    docs: 'ntifs/nf-ntifs-zwallocatevirtualmemory',
    run: (k, a) =>
      k.syscalls.callFromKernel(NtAllocateVirtualMemory, [
        a.ProcessHandle,
        a.BaseAddress,
        0,
        a.RegionSize,
        a.AllocationType,
        a.Protect,
      ]),
  }),

  ZwFreeVirtualMemory: ddi({
    params: {
      ProcessHandle: t.handle,
      BaseAddress: PVOID_POINTER,
      RegionSize: SIZE_POINTER,
      FreeType: t.ulong,
    },
    returns: t.ntstatus,
    docs: 'ntifs/nf-ntifs-zwfreevirtualmemory',
    run: (k, a) =>
      k.syscalls.callFromKernel(NtFreeVirtualMemory, [
        a.ProcessHandle,
        a.BaseAddress,
        a.RegionSize,
        a.FreeType,
      ]),
  }),

  ZwProtectVirtualMemory: ddi({
    params: {
      ProcessHandle: t.handle,
      BaseAddress: PVOID_POINTER,
      RegionSize: SIZE_POINTER,
      NewProtect: t.ulong,
      OldProtect: t.out(t.ulong),
    },
    returns: t.ntstatus,
    run: (k, a) =>
      withMemory(k, 4, function* (at) {
        const status = yield* k.syscalls.callFromKernel(NtProtectVirtualMemory, [
          a.ProcessHandle,
          a.BaseAddress,
          a.RegionSize,
          a.NewProtect,
          at,
        ])
        if ((status | 0) >= 0) a.OldProtect.write(k.memory.u32(at))
        return status
      }),
  }),
}
