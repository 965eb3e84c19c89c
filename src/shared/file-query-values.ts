/** Values of the driver files' query line that are more than a text: dates, numbers, control codes. */
import type { QueryOperator } from './query-tokens'

/** `from` <= number < `to`; null is open. */
export interface NumberRange {
  from: number | null
  to: number | null
}

function compare(from: number, to: number, operator: QueryOperator): NumberRange {
  switch (operator) {
    case '>':
      return { from: to, to: null }
    case '>=':
      return { from, to: null }
    case '<':
      return { from: null, to: from }
    case '<=':
      return { from: null, to }
    default:
      return { from, to }
  }
}

/**
 * The stretch of time that `2022`, `2022-03`, `2022-03-17` or `2022-03-17T12:00:05` names, compared:
 * `>2022` begins with 2023. Null when it is no date. UTC, seconds since 1970.
 */
export function dateRange(text: string, operator: QueryOperator): NumberRange | null {
  const found = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[t ](\d{2}):(\d{2})(?::(\d{2}))?z?)?)?)?$/i.exec(
    text,
  )
  if (!found) return null
  const parts = found.slice(1).filter((part) => part !== undefined)
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts.map(Number)
  const at = (...add: number[]): number =>
    Date.UTC(
      year + (add[0] ?? 0),
      month - 1 + (add[1] ?? 0),
      day + (add[2] ?? 0),
      hour,
      minute + (add[4] ?? 0),
      second + (add[5] ?? 0),
    ) / 1000
  const start = new Date(at() * 1000)
  if (start.getUTCMonth() !== month - 1 || start.getUTCDate() !== day || hour > 23) return null
  if (minute > 59 || second > 59) return null
  const step = [0, 0, 0, 0, 0, 0]
  step[parts.length - 1] = 1
  return compare(at(), at(...step), operator)
}

const UNITS: Record<string, number> = { b: 1, kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30 }

/**
 * A number with the precision it is written in: `:7.2` is 7.2 up to 7.3, `:20kb` a kilobyte wide,
 * and `>` means more than the number itself. `kb` is 1,024 bytes. Null when it is no number.
 */
export function numberRange(text: string, operator: QueryOperator): NumberRange | null {
  const found = /^(\d{1,15})(?:\.(\d{1,4}))?\s*(b|kb|kib|mb|mib|gb|gib)?$/.exec(text)
  if (!found) return null
  const unit = UNITS[(found[3] ?? 'b').replace('i', '')] ?? 1
  const decimals = found[2]?.length ?? 0
  const number = Number(`${found[1]}.${found[2] ?? '0'}`)
  if (operator === ':') {
    const next = (Math.round(number * 10 ** decimals) + 1) / 10 ** decimals
    return { from: number * unit, to: next * unit }
  }
  // Nothing that is compared is finer than a ten-thousandth.
  const value = number * unit
  return compare(value, value + 1e-4, operator)
}

const METHODS: Record<string, number> = {
  method_buffered: 0,
  method_in_direct: 1,
  method_out_direct: 2,
  method_neither: 3,
}
const ACCESS: Record<string, number> = {
  file_any_access: 0,
  file_special_access: 0,
  file_read_access: 1,
  file_read_data: 1,
  file_write_access: 2,
  file_write_data: 2,
}

const asCode = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`

/**
 * The control codes a writing can mean, as `0x80102040` in lower case: hexadecimal with or without
 * `0x` or `h`, decimal, or CTL_CODE with its four parts. Digits alone can be both.
 */
export function ioctlCodes(text: string): string[] {
  const call = /^ctl_code\s*\(([^()]*)\)$/.exec(text)
  if (call) {
    const parts = call[1]!.split(',').map((part) => macroPart(part.trim()))
    const [device, code, method, access] = parts
    if (parts.length !== 4 || parts.some((part) => part === null)) return []
    return [asCode((((device! << 16) | (access! << 14) | (code! << 2) | method!) >>> 0) % 2 ** 32)]
  }
  const hex = /^(?:0x)?([0-9a-f_]{1,9})(?:h|l|ul|u)?$/.exec(text)?.[1]?.replaceAll('_', '')
  const codes = hex && /^[0-9a-f]{1,8}$/.test(hex) ? [asCode(parseInt(hex, 16))] : []
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 32) {
    const decimal = asCode(Number(text))
    if (!codes.includes(decimal)) codes.push(decimal)
  }
  return codes
}

function macroPart(text: string): number | null {
  const named = METHODS[text]
  if (named !== undefined) return named
  if (/^0x[0-9a-f]{1,8}$|^\d{1,9}$/.test(text)) return Number(text)
  const flags = text.split('|').map((flag) => ACCESS[flag.trim()])
  let access = 0
  for (const flag of flags) {
    if (flag === undefined) return null
    access |= flag
  }
  return access
}
