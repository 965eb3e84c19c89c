/** A small shelf for the fake lab: sources in the form that the real samples have. */
import type { ProjectFiles } from '../../../shared/contract/model'

export type FakeRecording = 'hello' | 'echo' | 'double' | 'leak' | 'hang'

export interface FakeSample {
  slug: string
  title: string
  summary: string
  status: 'reference' | 'crashing' | 'working'
  tags: string[]
  files: ProjectFiles
}

const HELLO = `// The smallest driver with a device: create, close, unload.
import {
  DbgPrint, IoCompleteRequest, IoCreateDevice, IoCreateSymbolicLink, IoDeleteDevice,
  IoDeleteSymbolicLink, RTL_CONSTANT_STRING, out,
  FILE_DEVICE_UNKNOWN, IO_NO_INCREMENT, IRP_MJ_CLOSE, IRP_MJ_CREATE, STATUS_SUCCESS, NT_SUCCESS,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

const deviceName = RTL_CONSTANT_STRING('\\\\Device\\\\TestDevice')
const linkName = RTL_CONSTANT_STRING('\\\\DosDevices\\\\TestLink')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = TestDriverCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = TestDriverCreateClose
  DriverObject.DriverUnload = TestDriverUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, deviceName, FILE_DEVICE_UNKNOWN, 0, false, device)
  if (!NT_SUCCESS(status)) return status

  status = IoCreateSymbolicLink(linkName, deviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  DbgPrint('TestDriver: loaded\\n')
  return status
}

function TestDriverCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  DbgPrint('TestDriver: create or close\\n')
  Irp.IoStatus.Status = STATUS_SUCCESS
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}

function TestDriverUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(linkName)
  IoDeleteDevice(DriverObject.DeviceObject)
  DbgPrint('TestDriver: unloaded\\n')
}
`

const CLIENT = `import { CloseHandle, CreateFile, GENERIC_READ, GENERIC_WRITE, OPEN_EXISTING, printf } from 'win32'

export function main(): number {
  const handle = CreateFile('\\\\\\\\.\\\\TestLink', GENERIC_READ | GENERIC_WRITE, 0, null, OPEN_EXISTING, 0, null)
  printf('opened\\n')
  CloseHandle(handle)
  return 0
}
`

const ECHO = HELLO.replaceAll('TestDriver', 'Echo')
  .replaceAll('TestDevice', 'Echo')
  .replaceAll('TestLink', 'Echo')
  .replace(
    '// The smallest driver with a device: create, close, unload.',
    '// Gives back what it gets, METHOD_BUFFERED, through a pool copy.',
  )
  .replace(
    'function EchoUnload',
    `function EchoDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  const length = stack.Parameters.DeviceIoControl.InputBufferLength
  const copy = ExAllocatePool2(POOL_FLAG_NON_PAGED, length, 'Echo')
  if (copy === null) return complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0)
  RtlCopyMemory(copy, Irp.AssociatedIrp.SystemBuffer, length)
  ExFreePoolWithTag(copy, 'Echo')
  Irp.IoStatus.Status = STATUS_SUCCESS
  Irp.IoStatus.Information = length
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}

function EchoUnload`,
  )

const DOUBLE = ECHO.replaceAll('Echo', 'Toy')
  .replace(
    `  Irp.IoStatus.Information = length
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
`,
    `  Irp.IoStatus.Information = length
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  // The packet belongs to the I/O manager now.
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
`,
  )
  .replace(
    '// Gives back what it gets, METHOD_BUFFERED, through a pool copy.',
    '// Completes one packet twice: bug check 0x44.',
  )

const LEAK = HELLO.replace(
  '// The smallest driver with a device: create, close, unload.',
  '// Forgets IoDeleteDevice in its unload routine.',
).replace('  IoDeleteDevice(DriverObject.DeviceObject)\n', '')

const HANG = ECHO.replaceAll('Echo', 'Lazy')
  .replace(
    `  Irp.IoStatus.Status = STATUS_SUCCESS
  Irp.IoStatus.Information = length
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
`,
    `  IoMarkIrpPending(Irp)
  return STATUS_PENDING
`,
  )
  .replace(
    '// Gives back what it gets, METHOD_BUFFERED, through a pool copy.',
    '// Pends a packet and forgets it.',
  )

const ECHO_SCENARIO = `{
  "name": "open-ioctl-close",
  "steps": [
    { "do": "open", "path": "\\\\\\\\.\\\\Echo" },
    { "do": "ioctl", "code": "0x222000", "input": { "text": "hello kernel" }, "outputLength": 12 },
    { "do": "close" }
  ]
}
`

export const FAKE_SAMPLES: FakeSample[] = [
  {
    slug: 'hello',
    title: 'hello',
    summary: 'A device, a symbolic link, create, close and unload.',
    status: 'reference',
    tags: ['basics'],
    files: {
      'driver.ts': HELLO,
      'client.ts': CLIENT,
      'README.md': '# hello\n\nA device, a symbolic link, create, close and unload.\n',
    },
  },
  {
    slug: 'ioctl-echo',
    title: 'ioctl-echo',
    summary: 'Gives back what it gets through METHOD_BUFFERED.',
    status: 'working',
    tags: ['ioctl'],
    files: { 'driver.ts': ECHO, 'scenario.json': ECHO_SCENARIO },
  },
  {
    slug: 'double-completion',
    title: 'double-completion',
    summary: 'Completes one packet twice.',
    status: 'crashing',
    tags: ['bugcheck', 'irp'],
    files: {
      'driver.ts': DOUBLE,
      'fixed.ts': ECHO.replaceAll('Echo', 'Toy'),
      'scenario.json': ECHO_SCENARIO.replaceAll('Echo', 'Toy'),
    },
  },
  {
    slug: 'forgotten-delete',
    title: 'forgotten-delete',
    summary: 'Leaves its device behind at unload.',
    status: 'crashing',
    tags: ['leak'],
    files: { 'driver.ts': LEAK, 'fixed.ts': HELLO, 'client.ts': CLIENT },
  },
  {
    slug: 'forgotten-completion',
    title: 'forgotten-completion',
    summary: 'Pends a packet and forgets it.',
    status: 'crashing',
    tags: ['hang', 'irp'],
    files: { 'driver.ts': HANG, 'scenario.json': ECHO_SCENARIO.replaceAll('Echo', 'Lazy') },
  },
]

/** Which recording the sources call for. */
export function recordingFor(files: ProjectFiles): FakeRecording {
  const driver = files['driver.ts'] ?? ''
  const control = driver.slice(driver.indexOf('DeviceControl('))
  if (driver.includes('DeviceControl(')) {
    if (!control.includes('IoCompleteRequest(')) return 'hang'
    const body = control.slice(0, control.indexOf('\n}'))
    return body.split('IoCompleteRequest(').length > 2
      ? 'double'
      : body.includes('IoMarkIrpPending')
        ? 'hang'
        : 'echo'
  }
  return driver.split('IoDeleteDevice(').length < 3 && driver.includes('IoCreateDevice(')
    ? 'leak'
    : 'hello'
}
