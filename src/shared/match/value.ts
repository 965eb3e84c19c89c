/** When two values of a trace or a table are equal, and which is the greater one. */
import { constantValue } from '../nt/constants'
import { MAJOR_FUNCTIONS } from '../nt/irp-functions'
import { statusValue } from '../nt/ntstatus'

const HEX = /^0x[0-9a-f]+$/i
/** `0xFFFFF807'00400000` and `fffff807`00400000` as debuggers write them. */
const HEX_GROUPED = /^(?:0x)?([0-9a-f]{8})['`]([0-9a-f]{8})$/i
const DECIMAL = /^-?\d+(\.\d+)?$/
const HEADER_NAME = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/

/**
 * The form in which equal values are the same text: numbers and hexadecimal text as `0x` with lower
 * case digits and no leading zeros, other text as it is.
 * @param cased  whether upper and lower case are different
 */
export function canonical(value: string | number | boolean, cased = false): string {
  if (typeof value === 'number')
    return Number.isInteger(value) && value >= 0 ? `0x${value.toString(16)}` : String(value)
  if (typeof value === 'boolean') return String(value)
  // Most texts are names; only those that begin like a number are looked at closely.
  const first = value.charCodeAt(0)
  if (first === 0x30 && HEX.test(value))
    return `0x${value
      .slice(2)
      .replace(/^0+(?=.)/, '')
      .toLowerCase()}`
  const grouped = value.length <= 19 ? HEX_GROUPED.exec(value) : null
  if (grouped) return canonical(`0x${grouped[1]}${grouped[2]}`)
  return cased ? value : value.toLowerCase()
}

/** A value as something that `<` compares; null for what is no number. */
export function magnitude(value: unknown): number | bigint | null {
  if (typeof value === 'number') return value
  if (typeof value !== 'string') return null
  if (DECIMAL.test(value)) return Number(value)
  const text = canonical(value)
  if (!HEX.test(text)) return null
  return text.length <= 14 ? Number(text) : BigInt(text)
}

/** What a name of the Windows headers stands for: a status, a major function, a flag. */
export function headerValue(name: string): number | bigint | undefined {
  if (!HEADER_NAME.test(name)) return undefined
  const major = MAJOR_FUNCTIONS.findIndex((facts) => facts.name === name)
  if (major >= 0) return major
  return statusValue(name) ?? constantValue(name)
}
