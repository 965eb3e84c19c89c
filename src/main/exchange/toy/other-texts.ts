/** The files beside `driver.ts`: the codes, a client that sends them, and the evidence. */
import { constant } from './driver-text'
import { importsFor, literal } from './source'
import { hex, type Shape } from './shape'

export function ioctlText({ codes }: Shape): string {
  const lines = codes.map((code) => {
    const device = code.deviceTypeName ?? hex(code.deviceType)
    return (
      `/** ${code.code}: ${device}, function ${hex(code.function)}, ${code.method}, ${code.access}. */\n` +
      `export const ${constant(code)} = ${code.code}\n`
    )
  })
  return `/* The control codes as they stand in the file, for the driver and for its client. */\n\n${lines.join('\n')}`
}

export function clientText(shape: Shape): string {
  const sends = shape.codes.map((code) => `  Send(device, '${constant(code)}', ${constant(code)})`)
  const body = `
export function main(): number {
  const device = CreateFile(${literal(`\\\\.\\${shape.openName}`)}, GENERIC_READ | GENERIC_WRITE, 0, null, OPEN_EXISTING, 0, null)
  if (device === INVALID_HANDLE_VALUE) {
    printf('CreateFile failed with error %u\\n', GetLastError())
    return 1
  }
${sends.join('\n')}${sends.length > 0 ? '\n' : ''}  CloseHandle(device)
  return 0
}
${
  sends.length === 0
    ? ''
    : `
function Send(device: HANDLE, name: string, code: ULONG): void {
  const buffer = local(array(UCHAR, 64))
  const returned = out<DWORD>()
  if (DeviceIoControl(device, code, buffer, 64, buffer, 64, returned, null))
    printf('%s: %u bytes back\\n', name, returned.value)
  else printf('%s: error %u\\n', name, GetLastError())
}
`
}`
  const ioctls =
    sends.length > 0
      ? `import {\n${shape.codes.map((code) => `  ${constant(code)},`).join('\n')}\n} from './ioctl'\n`
      : ''
  return `/* Opens the device and sends each control code once, with 64 zeros. */
${importsFor(body, 'win32')}${ioctls}${body}`
}

export function readmeText(shape: Shape): string {
  const { driver } = shape
  const rows: [string, string][] = [
    [`device \`${shape.deviceName}\``, shape.deviceNote],
    [`link \`${shape.linkName}\``, shape.linkNote],
    ...(driver.driverEntry === null
      ? []
      : [['DriverEntry', `RVA ${hex(driver.driverEntry)}`] as [string, string]]),
    ...(driver.driverUnload === null
      ? []
      : [['DriverUnload', `RVA ${hex(driver.driverUnload)}`] as [string, string]]),
    ...driver.majorFunctions.map(({ name, handler, rva }): [string, string] => [
      `\`${name}\``,
      `routine at RVA ${hex(handler)}, stored at RVA ${hex(rva)}`,
    ]),
    ...shape.codes.map((code): [string, string] => [
      `\`${code.code}\``,
      `${code.how} at RVA ${hex(code.rva)}, ${code.confidence} confidence`,
    ]),
  ]
  return `# Shape of ${shape.fileName}

A skeleton with the device, dispatch table and control codes of ${shape.fileName}.

SHA-256 \`${shape.sha256}\`. What each routine does is not in here: read the file, then write it.

| What | Evidence |
| --- | --- |
${rows.map(([what, evidence]) => `| ${what.replaceAll('|', '\\|')} | ${evidence} |`).join('\n')}
`
}
