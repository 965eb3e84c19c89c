/** The volume of the small Windows: programs read, write, list and delete; filters see it and hide. */
import { describe, expect, test } from 'vitest'
import { client, driver } from './testing/snippets'
import { runWorld as run } from './testing/world'

const DIR = { name: 'dir.exe', entry: 'world/dir.ts' }

describe('programs', () => {
  test('dir lists what a scenario put into a folder, in the order of names', async () => {
    const { report, written } = await run({
      programs: [DIR],
      files: {
        'C:\\Users\\student\\Documents\\zebra.txt': { text: 'stripes' },
        'C:\\Users\\student\\Documents\\Photos': { folder: true },
      },
    })
    expect(report.outcome).toBe('ok')
    expect(written.map((line) => line.trim().replace(/ +/g, ' '))).toEqual([
      '<DIR> .',
      '<DIR> ..',
      '34 letter.txt',
      '36 passwords.txt',
      '<DIR> Photos',
      '7 zebra.txt',
      '3 files',
    ])
  })

  test('a file is made, written, appended to, read back, renamed and deleted', async () => {
    const main = client(`
const NAME = 'C:\\\\Users\\\\student\\\\new.txt'
export function main(): number {
  const n = out<DWORD>()
  let file = CreateFile(NAME, GENERIC_WRITE, 0, null, CREATE_NEW, 0, null)
  const text = local(array(UCHAR, 16))
  for (let i = 0; i < 5; i++) text[i] = 0x61 + i
  WriteFile(file, text, 5, n, null)
  WriteFile(file, text, 2, n, null)
  printf('size %u\\n', GetFileSize(file, null))
  printf('shared %u\\n', CreateFile(NAME, GENERIC_READ, 7, null, OPEN_EXISTING, 0, null) === INVALID_HANDLE_VALUE ? GetLastError() : 0)
  CloseHandle(file)
  printf('again %u\\n', CreateFile(NAME, GENERIC_WRITE, 0, null, CREATE_NEW, 0, null) === INVALID_HANDLE_VALUE ? GetLastError() : 0)
  file = CreateFile(NAME, GENERIC_READ, FILE_SHARE_DELETE, null, OPEN_EXISTING, 0, null)
  SetFilePointer(file, -3, null, FILE_END)
  const back = local(array(UCHAR, 16))
  ReadFile(file, back, 16, n, null)
  printf('read %u %s\\n', n.value, back)
  printf('end %u %u\\n', ReadFile(file, back, 16, n, null), n.value)
  printf('deleted %u\\n', DeleteFile(NAME))
  printf('pending %u\\n', GetFileAttributes(NAME) === 0xffffffff ? GetLastError() : 0)
  CloseHandle(file)
  printf('gone %u\\n', GetFileAttributes(NAME) === 0xffffffff ? GetLastError() : 0)
  printf('moved %u\\n', MoveFile('C:\\\\Users\\\\student\\\\Documents\\\\letter.txt', 'C:\\\\Users\\\\Public\\\\l.txt'))
  printf('there %u\\n', GetFileAttributes('c:\\\\users\\\\PUBLIC\\\\L.TXT'))
  printf('folder %u %u\\n', CreateDirectory('C:\\\\New', null), CreateDirectory('C:\\\\New', null))
  printf('no path %u\\n', GetFileAttributes('C:\\\\None\\\\x') === 0xffffffff ? GetLastError() : 0)
  return 0
}`)
    const { report, written, events } = await run({}, { 'client.ts': main })
    expect(report.outcome).toBe('ok')
    expect(written.map((line) => line.trim())).toEqual([
      'size 7',
      'shared 32',
      'again 80',
      'read 3 eab',
      'end 1 0',
      'deleted 1',
      'pending 5',
      'gone 2',
      'moved 1',
      'there 32',
      'folder 1 0',
      'no path 3',
    ])
    const told = events.flatMap((event) =>
      event.t.startsWith('file.') && 'path' in event ? [`${event.t} ${event.path}`] : [],
    )
    expect(told).toEqual([
      'file.created \\Users\\student\\new.txt',
      'file.written \\Users\\student\\new.txt',
      'file.written \\Users\\student\\new.txt',
      'file.deleted \\Users\\student\\new.txt',
      'file.renamed \\Users\\student\\Documents\\letter.txt',
      'file.created \\New',
    ])
  })

  test('bad buffers end in an error, and the file stays as it was', async () => {
    const main = client(`
export function main(): number {
  const n = out<DWORD>()
  const file = CreateFile('C:\\\\Windows\\\\win.ini', GENERIC_READ | GENERIC_WRITE, 0, null, OPEN_EXISTING, 0, null)
  printf('%u %u\\n', ReadFile(file, cast(PVOID, 0x1000n), 8, n, null), GetLastError())
  printf('%u %u\\n', WriteFile(file, cast(PVOID, 0xFFFFF80700000000n), 8, n, null), GetLastError())
  SetFilePointer(file, 0x3fffffff, null, FILE_BEGIN)
  const one = local(array(UCHAR, 4))
  printf('%u %u\\n', WriteFile(file, one, 1, n, null), GetLastError())
  printf('%u\\n', GetFileSize(file, null))
  return 0
}`)
    const { written } = await run({}, { 'client.ts': main })
    expect(written).toEqual(['0 998\n', '0 998\n', '0 112\n', '49\n'])
  })
})

describe('scenarios', () => {
  test.each([
    ['a file where a folder is', { 'C:\\Windows': { text: 'a' } }, 'is a folder already'],
    ['a folder where a file is', { 'C:\\Windows\\win.ini': { folder: true } }, 'is a file already'],
    ['a file below a file', { 'C:\\Windows\\win.ini\\x': { text: 'a' } }, 'lies below a file'],
    ['a path too deep', { [`C:${'\\a'.repeat(128)}`]: { text: 'a' } }, 'more than 127 names'],
    [
      'too many bytes',
      Object.fromEntries(
        Array.from({ length: 17 }, (_, i) => [`C:\\f${i}`, { zeros: 1 << 20 }] as const),
      ),
      'C:\\f15 makes the files larger than the volume',
    ],
  ])('%s is a mistake of the scenario', async (_, files, says) => {
    const { report } = await run({ files })
    expect(report.diagnostics).toHaveLength(1)
    expect(report.diagnostics[0]).toMatchObject({
      file: 'scenario.json',
      line: 1,
      message: expect.stringContaining(says) as string,
    })
  })
})

const HIDER = driver(`
let Filter: PVOID = null
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const operations = local(array(FLT_OPERATION_REGISTRATION, 2))
  operations[0].MajorFunction = IRP_MJ_DIRECTORY_CONTROL
  operations[0].PostOperation = Post
  operations[1].MajorFunction = IRP_MJ_OPERATION_END
  const registration = local(FLT_REGISTRATION)
  registration.Size = sizeof(FLT_REGISTRATION)
  registration.Version = FLT_REGISTRATION_VERSION
  registration.OperationRegistration = cast(FLT_OPERATION_REGISTRATION, operations)
  registration.FilterUnloadCallback = Unload
  const filter = out<PVOID>()
  const status = FltRegisterFilter(DriverObject, registration, filter)
  if (!NT_SUCCESS(status)) return status
  Filter = filter.value
  return FltStartFiltering(Filter)
}
function Unload(Flags: ULONG): NTSTATUS {
  FltUnregisterFilter(Filter)
  return STATUS_SUCCESS
}
/** Leaves every entry out whose name begins with p: the one before it leads past it. */
function Post(Data: FLT_CALLBACK_DATA, FltObjects: FLT_RELATED_OBJECTS, CompletionContext: PVOID, Flags: ULONG): number {
  if (!NT_SUCCESS(Data.IoStatus.Status)) return FLT_POSTOP_FINISHED_PROCESSING
  const buffer = Data.Iopb.Parameters.DirectoryControl.QueryDirectory.DirectoryBuffer
  let entry = cast(FILE_BOTH_DIR_INFORMATION, buffer)
  while (entry.NextEntryOffset !== 0) {
    const next = cast(FILE_BOTH_DIR_INFORMATION, entry.add(entry.NextEntryOffset))
    if (next.FileName[0] === 0x70) entry.NextEntryOffset = next.NextEntryOffset === 0 ? 0 : entry.NextEntryOffset + next.NextEntryOffset
    else entry = next
  }
  return FLT_POSTOP_FINISHED_PROCESSING
}`)

describe('drivers', () => {
  test('a minifilter hides a file from every program that lists its folder', async () => {
    const { report, written, events } = await run(
      {
        programs: [DIR],
        drivers: [{ name: 'hider', entry: 'driver.ts', parameters: { Altitude: '370000' } }],
      },
      { 'driver.ts': HIDER },
    )
    expect(report.outcome).toBe('ok')
    const text = written.join('')
    expect(text).toContain('letter.txt')
    expect(text).not.toContain('passwords.txt')
    // The list that was full, then the one that said that there are no more.
    const called = events.flatMap((event) => (event.t === 'minifilter.called' ? [event] : []))
    expect(called.map(({ status, changed }) => [status, changed])).toEqual([
      ['0x00000000', true],
      ['0x80000006', undefined],
    ])
  })

  test('a legacy filter above the volume sees the packets of programs', async () => {
    const filter = driver(`
let Lower: DEVICE_OBJECT = null
let Own: DEVICE_OBJECT = null
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  for (let i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) DriverObject.MajorFunction[i] = Pass
  DriverObject.DriverUnload = Unload
  const device = out<DEVICE_OBJECT>()
  IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_DISK_FILE_SYSTEM, 0, false, device)
  Own = device.value
  const lower = out<DEVICE_OBJECT>()
  const status = IoAttachDevice(Own, RTL_CONSTANT_STRING('\\\\Device\\\\HarddiskVolume1'), lower)
  Lower = lower.value
  Own.Flags &= ~DO_DEVICE_INITIALIZING
  return status
}
function Pass(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  DbgPrint('%u\\n', IoGetCurrentIrpStackLocation(Irp).MajorFunction)
  IoSkipCurrentIrpStackLocation(Irp)
  return IoCallDriver(Lower, Irp)
}
function Unload(DriverObject: DRIVER_OBJECT): void {
  IoDetachDevice(Lower)
  IoDeleteDevice(Own)
}`)
    const { report, written } = await run(
      { programs: [DIR], drivers: [{ name: 'seer', entry: 'driver.ts' }] },
      { 'driver.ts': filter },
    )
    expect(report.outcome).toBe('ok')
    expect(written.join('')).toContain('letter.txt')
    expect(report.dbgPrint.map((line) => line.trim())).toEqual(['0', '12', '12', '18', '2'])
  })

  test('a driver reads a file by ZwCreateFile, and finds the dispatch routines in Ntfs.sys', async () => {
    const reader = driver(`
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(attributes, RTL_CONSTANT_STRING('\\\\??\\\\C:\\\\Windows\\\\win.ini'), OBJ_KERNEL_HANDLE, null, null)
  const handle = out<HANDLE>()
  const iosb = local(IO_STATUS_BLOCK)
  let status = ZwCreateFile(handle, GENERIC_READ | SYNCHRONIZE, attributes, iosb, null, 0, FILE_SHARE_READ, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT, null, 0)
  if (!NT_SUCCESS(status)) return status
  const bytes = local(array(UCHAR, 16))
  status = ZwReadFile(handle.value, null, null, null, iosb, bytes, 8, null, null)
  DbgPrint('%x %u %s\\n', status, cast(ULONG, iosb.Information), bytes)
  const file = out<PVOID>()
  ObReferenceObjectByHandle(handle.value, 0, null, KernelMode, file, null)
  const object = cast(FILE_OBJECT, file.value)
  const ntfs = object.DeviceObject.DriverObject
  const start = cast(ULONG_PTR, ntfs.DriverStart)
  const read = cast(ULONG_PTR, ntfs.MajorFunction[IRP_MJ_READ])
  DbgPrint('%wZ %u\\n', ntfs.DriverName, read >= start && read < start + BigInt(ntfs.DriverSize) ? 1 : 0)
  ObDereferenceObject(file.value)
  ZwClose(handle.value)
  DriverObject.DriverUnload = Unload
  return STATUS_SUCCESS
}
function Unload(DriverObject: DRIVER_OBJECT): void {}`)
    const { report } = await run(
      { drivers: [{ name: 'reader', entry: 'driver.ts' }] },
      { 'driver.ts': reader },
    )
    expect(report.outcome).toBe('ok')
    expect(report.dbgPrint).toEqual(['0 8 ; for 16', '\\FileSystem\\Ntfs 1'])
  })
})

const OPEN_AND_SEND = `
const IOSB = (): IO_STATUS_BLOCK => local(IO_STATUS_BLOCK)
function Open(path: UNICODE_STRING, disposition: ULONG, options: ULONG): HANDLE {
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(attributes, path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, null, null)
  const handle = out<HANDLE>()
  const status = ZwCreateFile(handle, GENERIC_READ | DELETE | SYNCHRONIZE, attributes, IOSB(), null, 0, 7, disposition, options | FILE_SYNCHRONOUS_IO_NONALERT, null, 0)
  if (!NT_SUCCESS(status)) DbgPrint('open %08X', status)
  return NT_SUCCESS(status) ? handle.value : 0
}
function ObjectOf(handle: HANDLE): FILE_OBJECT {
  const file = out<PVOID>()
  ObReferenceObjectByHandle(handle, 0, null, KernelMode, file, null)
  return cast(FILE_OBJECT, file.value)
}
function Done(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  return STATUS_MORE_PROCESSING_REQUIRED
}
function Packet(file: FILE_OBJECT, major: number): IRP {
  const irp = IoAllocateIrp(1, false)
  const next = IoGetNextIrpStackLocation(irp)
  next.MajorFunction = major
  next.FileObject = file
  IoSetCompletionRoutine(irp, Done, null, true, true, true)
  return irp
}
function Unload(DriverObject: DRIVER_OBJECT): void {}
`
/** What a driver prints whose DriverEntry does this. */
async function printed(body: string, files: Record<string, unknown> = {}): Promise<string[]> {
  const source = driver(`${OPEN_AND_SEND}
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = Unload
  ${body}
  return STATUS_SUCCESS
}`)
  const drivers = [{ name: 'hostile', entry: 'driver.ts' }]
  const { report } = await run({ drivers, files }, { 'driver.ts': source })
  expect(report.diagnostics).toEqual([])
  return report.dbgPrint.map((line) => line.trim())
}

describe('hostile drivers', () => {
  test('a second cleanup of the same file object takes nothing more away', async () => {
    const lines = await printed(`
  const handle = Open(RTL_CONSTANT_STRING('\\\\??\\\\C:\\\\x.txt'), FILE_CREATE, FILE_DELETE_ON_CLOSE)
  const file = ObjectOf(handle)
  for (let i = 0; i < 3; i++) {
    const irp = Packet(file, IRP_MJ_CLEANUP)
    DbgPrint('%08X', IoCallDriver(IoGetRelatedDeviceObject(file), irp))
    IoFreeIrp(irp)
    if (i === 0) ZwClose(Open(RTL_CONSTANT_STRING('\\\\??\\\\C:\\\\x.txt'), FILE_CREATE, 0))
  }
  ZwClose(handle)
  ObDereferenceObject(file)
  const again = Open(RTL_CONSTANT_STRING('\\\\??\\\\C:\\\\x.txt'), FILE_OPEN, 0)
  DbgPrint(again === 0 ? 'lost' : 'there')
  ZwClose(again)`)
    expect(lines).toEqual(['00000000', '00000000', '00000000', 'there'])
  })

  test('a rename does not take the place of a file that is open', async () => {
    const lines = await printed(
      `
  const a = Open(RTL_CONSTANT_STRING('\\\\??\\\\C:\\\\a.txt'), FILE_OPEN, 0)
  const b = Open(RTL_CONSTANT_STRING('\\\\??\\\\C:\\\\b.txt'), FILE_OPEN, 0)
  const info = cast(FILE_RENAME_INFORMATION, ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, 'tseT'))
  info.ReplaceIfExists = 1
  info.FileNameLength = 10
  RtlCopyMemory(addressof(info.FileName[0]), RTL_CONSTANT_STRING('a.txt').Buffer, 10)
  DbgPrint('%08X', ZwSetInformationFile(b, IOSB(), info, 64, FileRenameInformation))
  ZwClose(a)
  DbgPrint('%08X', ZwSetInformationFile(b, IOSB(), info, 64, FileRenameInformation))
  ZwClose(b)
  ExFreePool(info)`,
      { 'C:\\a.txt': { text: 'A' }, 'C:\\b.txt': { text: 'BB' } },
    )
    expect(lines).toEqual(['C0000022', '00000000'])
  })

  test('a packet with less room than its class takes is refused', async () => {
    const lines = await printed(`
  const handle = Open(RTL_CONSTANT_STRING('\\\\??\\\\C:\\\\Windows'), FILE_OPEN, FILE_DIRECTORY_FILE)
  const file = ObjectOf(handle)
  const buffer = ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, 'tseT')
  for (let length = 3; length < 7; length++) {
    const irp = Packet(file, IRP_MJ_QUERY_INFORMATION)
    const next = IoGetNextIrpStackLocation(irp)
    next.Parameters.QueryFile.FileInformationClass = FileNameInformation
    next.Parameters.QueryFile.Length = length
    irp.AssociatedIrp.SystemBuffer = buffer
    const status = IoCallDriver(IoGetRelatedDeviceObject(file), irp)
    DbgPrint('%08X %u', status, cast(ULONG, irp.IoStatus.Information))
    IoFreeIrp(irp)
  }
  ExFreePool(buffer)
  ObDereferenceObject(file)
  ZwClose(handle)`)
    expect(lines).toEqual(['C0000004 0', '80000005 4', '80000005 4', '80000005 6'])
  })

  test('a listing cuts a name that does not fit, and refuses what is shorter than an entry', async () => {
    const lines = await printed(`
  const handle = Open(RTL_CONSTANT_STRING('\\\\??\\\\C:\\\\Windows'), FILE_OPEN, FILE_DIRECTORY_FILE)
  const entry = cast(FILE_NAMES_INFORMATION, ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, 'tseT'))
  const iosb = IOSB()
  for (const length of [11, 17, 32, 0xffffffff]) {
    const status = ZwQueryDirectoryFile(handle, null, null, null, iosb, entry, length, FileNamesInformation, true, RTL_CONSTANT_STRING('System32'), true)
    DbgPrint('%08X %u %u', status, cast(ULONG, iosb.Information), entry.FileNameLength)
  }
  ExFreePool(entry)
  ZwClose(handle)`)
    expect(lines).toEqual(['C0000004 0 0', '80000005 16 16', '00000000 28 16', '00000000 28 16'])
  })

  test('the volume itself is opened by a name with nothing behind it, though not as a folder', async () => {
    const lines = await printed(`
  const file = out<FILE_OBJECT>()
  const device = out<DEVICE_OBJECT>()
  DbgPrint('%08X', IoGetDeviceObjectPointer(RTL_CONSTANT_STRING('\\\\Device\\\\HarddiskVolume1'), FILE_READ_DATA, file, device))
  ObDereferenceObject(file.value)
  ZwClose(Open(RTL_CONSTANT_STRING('\\\\??\\\\C:'), FILE_OPEN, FILE_NON_DIRECTORY_FILE))
  Open(RTL_CONSTANT_STRING('\\\\??\\\\C:'), FILE_OPEN, FILE_DIRECTORY_FILE)
  Open(RTL_CONSTANT_STRING('\\\\??\\\\C:'), FILE_CREATE, 0)
  Open(RTL_CONSTANT_STRING('\\\\??\\\\C:\\\\'), FILE_OPEN, FILE_NON_DIRECTORY_FILE)`)
    expect(lines).toEqual(['00000000', 'open C0000103', 'open C0000022', 'open C00000BA'])
  })
})
