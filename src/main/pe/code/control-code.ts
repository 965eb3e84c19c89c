/** Control codes as facts: decoding, and what a number must look like to be taken for one unseen. */
import type { IoctlCode } from '../../../shared/driver-file/facts'
import { CONSTANTS } from '../../../shared/nt/constants'
import { decodeControlCode, deviceTypeOf, functionOf } from '../../../shared/nt/ioctl'

const VENDOR_FUNCTION = 0x800
const VENDOR_DEVICE = 0x8000
/** Device types from here on collide with NTSTATUS errors (0xC000xxxx) and flags. */
const VENDOR_DEVICE_END = 0xc000
const HRESULT_DEVICE_END = 0x8080

/** A control code found in code, before it is decoded. */
export interface FoundCode {
  value: number
  rva: number
  handler: number | null
  how: IoctlCode['how']
  confidence: IoctlCode['confidence']
}

/**
 * Does a number that nothing else is known about look like a vendor's control code? Strict: the
 * function is in the vendor's range, the device type is FILE_DEVICE_UNKNOWN or a vendor's own, and
 * it is neither an NTSTATUS nor a pool tag.
 */
export function isPlausibleCode(value: number): boolean {
  const device = deviceTypeOf(value)
  if (functionOf(value) < VENDOR_FUNCTION) return false
  // HRESULT failures are 0x8000 with a small facility number: CRYPT_E_NO_KEY_PROPERTY is 0x8009200B.
  const isResult = device > VENDOR_DEVICE && device <= HRESULT_DEVICE_END
  const isVendor = device >= VENDOR_DEVICE && device < VENDOR_DEVICE_END && !isResult
  if (device !== CONSTANTS.FILE_DEVICE_UNKNOWN && !isVendor) return false
  return !isPrintable(value)
}

function isPrintable(value: number): boolean {
  return [0, 8, 16, 24].every((shift) => {
    const byte = (value >>> shift) & 0xff
    return byte >= 0x20 && byte < 0x7f
  })
}

const METHODS = [
  'METHOD_BUFFERED',
  'METHOD_IN_DIRECT',
  'METHOD_OUT_DIRECT',
  'METHOD_NEITHER',
] as const
/** Names of access as the facts spell them, by the two bits. */
const ACCESS = [0, 1, 2, 3].map((access) =>
  decodeControlCode(access << 14).accessName.replaceAll(' | ', '|'),
)

/** The shape of the facts. Names of device types outside the headers are left out. */
export function decodeFound({ value, rva, handler, how, confidence }: FoundCode): IoctlCode {
  const code = decodeControlCode(value)
  return {
    code: `0x${(value >>> 0).toString(16).toUpperCase().padStart(8, '0')}`,
    deviceType: code.deviceType,
    deviceTypeName: code.deviceTypeName.startsWith('0x') ? null : code.deviceTypeName,
    function: code.function,
    method: METHODS[code.method],
    access: ACCESS[code.access],
    rva,
    handler,
    how,
    confidence,
  }
}
