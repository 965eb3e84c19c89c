/** `driver.ts` of a toy: DriverEntry with the dispatch table, one routine for each handler. */
import type { IoctlCode } from '../../../shared/driver-file/facts'
import { importsFor, literal } from './source'
import { hex, type Routine, type Shape } from './shape'

const isControl = (name: string): boolean => /^IRP_MJ_(INTERNAL_)?DEVICE_CONTROL$/.test(name)
export const constant = (code: IoctlCode): string => `IOCTL_${code.code.replace(/^0x/i, '')}`

export function driverText(shape: Shape): string {
  const { prefix, codes, routines, driver } = shape
  const handled = new Set(routines.flatMap(({ majors }) => majors.map(({ name }) => name)))
  // Without these two no program could open the device of the toy.
  const missing = ['IRP_MJ_CREATE', 'IRP_MJ_CLOSE'].filter((name) => !handled.has(name))
  const control = routines.filter(({ majors }) => majors.some(({ name }) => isControl(name)))
  const needsControl = codes.length > 0 && control.length === 0
  const assignments = [
    ...routines.flatMap((routine) =>
      routine.majors.map(
        ({ name, rva }) =>
          `  // set at RVA ${hex(rva)} to the routine at RVA ${hex(routine.handler)}\n` +
          `  DriverObject.MajorFunction[${name}] = ${routine.name}`,
      ),
    ),
    ...missing.map(
      (name) =>
        `  // not seen in the file\n  DriverObject.MajorFunction[${name}] = ${prefix}Complete0`,
    ),
    ...(needsControl
      ? [
          `  // not seen in the file, but control codes are\n  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = ${prefix}Control`,
        ]
      : []),
  ]
  const body = `
const DeviceName = RTL_CONSTANT_STRING(${literal(shape.deviceName)}) // ${shape.deviceNote}
const LinkName = RTL_CONSTANT_STRING(${literal(shape.linkName)}) // ${shape.linkNote}

${driver.driverEntry === null ? '' : `/** In the file at RVA ${hex(driver.driverEntry)}. */\n`}export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
${assignments.join('\n')}
  ${
    driver.driverUnload === null
      ? '// not seen in the file: the toy has one so that it can be unloaded'
      : `// at RVA ${hex(driver.driverUnload)}`
  }
  DriverObject.DriverUnload = ${prefix}Unload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}
${missing.length > 0 ? plainRoutine(`${prefix}Complete0`, 'Opening and closing are let through.') : ''}${routines
    .map((routine) => routineText(shape, routine))
    .join('')}${needsControl ? controlRoutine(shape, `${prefix}Control`, '') : ''}
function ${prefix}Unload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
`
  const head = `/*
 * The shape of ${shape.fileName}, SHA-256 ${shape.sha256}.
 * Read from the file: device, link, dispatch table, control codes. Written by hand: what they do.
 * README.md has the evidence for each of them.
 */
`
  const ioctls =
    codes.length > 0
      ? `import {\n${codes.map((code) => `  ${constant(code)},`).join('\n')}\n} from './ioctl'\n`
      : ''
  return `${head}${importsFor(body, 'wdm')}${ioctls}${body}`
}

const plainRoutine = (name: string, comment: string): string => `
/** ${comment} */
function ${name}(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}
`

function routineText(shape: Shape, routine: Routine): string {
  const controls = routine.majors.filter(({ name }) => isControl(name))
  const place = `In the file at RVA ${hex(routine.handler)}.`
  if (controls.length === 0 || shape.codes.length === 0) return plainRoutine(routine.name, place)
  if (controls.length === routine.majors.length) return controlRoutine(shape, routine.name, place)
  // One routine for everything: it looks at the major function first, as such routines do.
  const inner = `${routine.name}Control`
  return `
/** ${place} It answers ${routine.majors.length} major functions. */
function ${routine.name}(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  switch (stack.MajorFunction) {
${controls.map(({ name }) => `    case ${name}:`).join('\n')}
      return ${inner}(DeviceObject, Irp)
    default:
      return Complete(Irp, STATUS_SUCCESS, 0)
  }
}
${controlRoutine(shape, inner, '')}`
}

function controlRoutine(shape: Shape, name: string, place: string): string {
  const cases = shape.codes.map((code) => {
    const where = `${code.how} at RVA ${hex(code.rva)}, ${code.confidence} confidence`
    const handler = code.handler === null ? '' : `, handled at RVA ${hex(code.handler)}`
    return `    // ${where}${handler}
    case ${constant(code)}:
      // ${BUFFERS[code.method]}
      DbgPrint('${shape.prefix}: ${constant(code)}, %u bytes in, %u bytes out\\n', stack.Parameters.DeviceIoControl.InputBufferLength, stack.Parameters.DeviceIoControl.OutputBufferLength)
      return Complete(Irp, STATUS_NOT_IMPLEMENTED, 0)`
  })
  const left = shape.codesLeft > 0 ? `    // ${shape.codesLeft} more codes are in the file.\n` : ''
  return `
${place === '' ? '' : `/** ${place} */\n`}function ${name}(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  switch (stack.Parameters.DeviceIoControl.IoControlCode) {
${cases.join('\n')}
${left}    default:
      return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  }
}
`
}

const BUFFERS: Record<IoctlCode['method'], string> = {
  METHOD_BUFFERED: 'Input and output: Irp.AssociatedIrp.SystemBuffer.',
  METHOD_IN_DIRECT:
    'Input: Irp.AssociatedIrp.SystemBuffer; second buffer, to read: Irp.MdlAddress.',
  METHOD_OUT_DIRECT: 'Input: Irp.AssociatedIrp.SystemBuffer; output: Irp.MdlAddress.',
  METHOD_NEITHER:
    'Unchecked pointers of the caller: Type3InputBuffer and Irp.UserBuffer. Probe them in a try.',
}
