/** Flag and enumeration values of the Windows headers, by name and by group; Win32 error codes included. */

import { CONSTANTS, CONSTANT_GROUPS, type ConstantGroupName } from './generated/constants'
import { hex } from './format'

export * from './generated/constants'
export * from './generated/win32-errors'

/** Value of a constant by its name; a bigint where the value needs 64 bits. */
export function constantValue(name: string): number | bigint | undefined {
  return Object.hasOwn(CONSTANTS, name) ? CONSTANTS[name as keyof typeof CONSTANTS] : undefined
}

/** Name of the member of an enumeration group, `PagedPool`; the first one where several share a value. */
export function enumName(group: ConstantGroupName, value: number): string {
  return CONSTANT_GROUPS[group].names.find((name) => CONSTANTS[name] === value) ?? String(value)
}

/**
 * A flag word as in C, `DO_BUFFERED_IO | DO_DEVICE_HAS_NAME`; bits without a name follow in hexadecimal.
 * @param group  group whose members are single bits
 * @param value  unsigned 32-bit flag word
 */
export function flagNames(group: ConstantGroupName, value: number): string {
  const names: string[] = []
  let rest = value >>> 0
  for (const name of CONSTANT_GROUPS[group].names) {
    const bit = CONSTANTS[name]
    if (typeof bit !== 'number' || bit <= 0 || bit > 0xffffffff || (bit & (bit - 1)) !== 0) continue
    if ((rest & bit) === 0) continue
    names.push(name)
    rest = (rest & ~bit) >>> 0
  }
  if (rest !== 0 || names.length === 0) names.push(hex(rest))
  return names.join(' | ')
}
