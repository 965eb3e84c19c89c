/** What a file says of the shape of its driver, made fit for source text: names, routines, codes. */
import type { FileDetail } from '../../../shared/contract/files'
import type { DriverFacts, FileFacts, Image, IoctlCode } from '../../../shared/driver-file/facts'

/** Codes in one switch; a file with more says so in a comment. */
const CODES_MAX = 200

export interface Routine {
  name: string
  handler: number
  majors: { name: string; rva: number }[]
}

export interface Shape {
  fileName: string
  sha256: string
  /** Begins every routine's name. */
  prefix: string
  image: Image
  driver: DriverFacts
  deviceName: string
  deviceNote: string
  linkName: string
  linkNote: string
  /** What `CreateFile` opens. */
  openName: string
  routines: Routine[]
  codes: IoctlCode[]
  codesLeft: number
}

export function shapeOf(
  detail: FileDetail,
  facts: FileFacts,
  image: Image,
  read: DriverFacts,
): Shape {
  // Names become source text, and facts may come from somebody's document.
  const driver = {
    ...read,
    majorFunctions: read.majorFunctions.filter(({ name }) => /^IRP_MJ_[A-Z_]+$/.test(name)),
  }
  const fileName = printable(detail.row.name.split(/[\\/]/).at(-1) ?? detail.row.name)
  const prefix = prefixOf(fileName)
  const device = driver.deviceNames.find(({ text }) => isObjectName(text, '\\Device\\'))
  const link = driver.symbolicLinks.find(
    ({ text }) => isObjectName(text, '\\DosDevices\\') || isObjectName(text, '\\??\\'),
  )
  const codes = distinct(driver.ioctls.map(withCode))
  const linkName = link?.text ?? `\\??\\${prefix}`
  return {
    fileName,
    sha256: facts.hashes.sha256,
    prefix,
    image,
    driver,
    deviceName: device?.text ?? `\\Device\\${prefix}`,
    deviceNote: device
      ? seenAt(device.offset)
      : 'no device name is in the file: this one is made up',
    linkName,
    linkNote: link ? seenAt(link.offset) : 'no symbolic link is in the file: this one is made up',
    openName: linkName.replace(/^\\(DosDevices|\?\?)\\(Global\\)?/i, ''),
    routines: routinesOf(driver, prefix),
    codes: codes.slice(0, CODES_MAX),
    codesLeft: Math.max(0, codes.length - CODES_MAX),
  }
}

/** A name that the simulated object manager takes: no format directives, nothing unprintable. */
const isObjectName = (text: string, beginning: string): boolean =>
  text.toLowerCase().startsWith(beginning.toLowerCase()) &&
  text.length > beginning.length &&
  text.length < 200 &&
  /^[\x20-\x7e]+$/.test(text) &&
  !/[%{}]/.test(text)

/** Text of a hostile file inside a comment or a title: one line, nothing that ends the comment. */
export const printable = (text: string): string =>
  text
    .replace(/[^\x20-\x7e]+/g, '?')
    .replaceAll('*/', '* /')
    .slice(0, 120)

/** `ferry-64.sys` gives `Ferry64`. */
function prefixOf(fileName: string): string {
  const words = fileName.replace(/\.\w+$/, '').match(/[A-Za-z0-9]+/g) ?? []
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  return /^[A-Za-z]/.test(name) ? name.slice(0, 24) : `Driver${name.slice(0, 18)}`
}

/** The code as a number is written, whatever the facts call it. */
const withCode = (code: IoctlCode): IoctlCode => ({
  ...code,
  code: `0x${(Number(code.code) >>> 0).toString(16).toUpperCase().padStart(8, '0')}`,
})

const distinct = (codes: readonly IoctlCode[]): IoctlCode[] => [
  ...new Map(codes.map((code) => [code.code, code])).values(),
]

export const hex = (value: number): string => `0x${value.toString(16).toUpperCase()}`
export const seenAt = (offset: number | null): string =>
  offset === null ? 'seen in the code' : `file offset ${hex(offset)}`
/** `IRP_MJ_DEVICE_CONTROL` gives `DeviceControl`. */
const wordsOf = (major: string): string =>
  major
    .replace(/^IRP_MJ_/, '')
    .split('_')
    .map((word) => word.charAt(0) + word.slice(1).toLowerCase())
    .join('')

/** One routine for each handler, named after what it answers; create and close always exist. */
function routinesOf(driver: DriverFacts, prefix: string): Routine[] {
  const byHandler = new Map<number, Routine>()
  for (const { name, handler, rva } of driver.majorFunctions) {
    const routine = byHandler.get(handler) ?? { name: '', handler, majors: [] }
    if (!routine.majors.some((major) => major.name === name)) routine.majors.push({ name, rva })
    byHandler.set(handler, routine)
  }
  const routines = [...byHandler.values()]
  for (const routine of routines) {
    const words = routine.majors.map(({ name }) => wordsOf(name))
    routine.name =
      words.length <= 2
        ? `${prefix}${words.join('')}`
        : `${prefix}Dispatch${routine.handler.toString(16).toUpperCase()}`
  }
  return routines
}
