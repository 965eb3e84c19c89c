/**
 * How numbers of the machine are written in reports, traces and pictures: `0xC0000010` for statuses and codes,
 * `0xFFFF9A0100003060` for addresses.
 */

const MASK_64 = 0xffff_ffff_ffff_ffffn

/** A 32-bit value as eight upper-case hexadecimal digits; signed input is shown as unsigned. */
export function hex32(value: number): string {
  return `0x${(value >>> 0).toString(16).toUpperCase().padStart(8, '0')}`
}

/** Any non-negative integer in upper-case hexadecimal, without leading zeros. */
export function hex(value: number | bigint): string {
  return `0x${value.toString(16).toUpperCase()}`
}

/** An address as sixteen upper-case hexadecimal digits. Values outside 64 bits wrap, as in a register. */
export function pointer(address: bigint): string {
  return `0x${(address & MASK_64).toString(16).toUpperCase().padStart(16, '0')}`
}

/**
 * Read a 32-bit value back.
 * @returns the unsigned value, or undefined when the text is not `0x` with one to eight digits
 */
export function parseHex32(text: string): number | undefined {
  return /^0x[0-9a-f]{1,8}$/i.test(text) ? Number.parseInt(text, 16) : undefined
}

/**
 * Read an address back. The debugger's spelling with a grave accent in the middle is accepted too.
 * @returns the address, or undefined when the text is not `0x` with one to sixteen digits
 */
export function parsePointer(text: string): bigint | undefined {
  const digits = /^0x([0-9a-f]{1,16})$|^(?:0x)?([0-9a-f]{8}`[0-9a-f]{8})$/i.exec(text)
  if (!digits) return undefined
  return BigInt(`0x${(digits[1] ?? digits[2] ?? '').replace('`', '')}`)
}
