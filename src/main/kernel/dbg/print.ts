/**
 * The kernel's printf: one formatter behind DbgPrint, KdPrint and the RtlString*Printf family.
 *
 * It knows what Microsoft's does: `%d %i %u %o %x %X %p %c %C %s %S %Z %wZ`, the size prefixes
 * `h hh l ll w z t j I I32 I64`, flags, width and precision, also as `*`. Floating point is not
 * supported in the kernel, there as here: `%f` and its kin come out as they stand.
 */
import type { VarArg } from '../ddi/types'
import type { Memory, Ptr } from '../mm/memory'

/** A conversion as the format has it; -1 stands for "take the next argument" in width and precision. */
interface Template {
  minus: boolean
  plus: boolean
  space: boolean
  hash: boolean
  zero: boolean
  width: number
  /** Null when none is given. */
  precision: number | null
  size: string
  conversion: string
}

/** A conversion with its numbers filled in. */
interface Spec extends Template {
  /** -1 when none was given. */
  precision: number
}

const SPEC = /%([-+ #0]*)(\*|\d+)?(?:\.(\*|\d*))?(hh|h|ll|l|w|z|t|j|I64|I32|I|L)?([a-zA-Z%])/g
const FROM_ARGUMENT = -1

/** Width that is still honoured; larger ones are a mistake, not a wish. */
const WIDTH_MAX = 4096

/** Formats taken apart, since drivers print the same few again and again. */
const parsed = new Map<string, readonly (string | Template)[]>()
const PARSED_MAX = 512

function parse(format: string): readonly (string | Template)[] {
  const known = parsed.get(format)
  if (known) return known
  const pieces: (string | Template)[] = []
  let end = 0
  for (const match of format.matchAll(SPEC)) {
    const [whole, flags = '', width, precision, size = '', conversion = ''] = match
    if (match.index > end) pieces.push(format.slice(end, match.index))
    end = match.index + whole.length
    if (conversion === '%') pieces.push('%')
    else if (!'diuoxXpcCsSZ'.includes(conversion)) pieces.push(whole)
    else
      pieces.push({
        minus: flags.includes('-'),
        plus: flags.includes('+'),
        space: flags.includes(' '),
        hash: flags.includes('#'),
        zero: flags.includes('0'),
        width: width === '*' ? FROM_ARGUMENT : Number(width ?? 0),
        precision:
          precision === undefined ? null : precision === '*' ? FROM_ARGUMENT : Number(precision),
        size,
        conversion,
      })
  }
  if (end < format.length) pieces.push(format.slice(end))
  if (parsed.size >= PARSED_MAX) parsed.clear()
  parsed.set(format, pieces)
  return pieces
}

/**
 * Format like the kernel's printf.
 * @param wide  true in the W routines, where `%s` and `%c` are wide and `%S` and `%C` are not
 */
export function formatPrintf(
  memory: Memory,
  format: string,
  args: readonly VarArg[],
  wide = false,
): string {
  let used = 0
  const next = (): VarArg => args[used++] ?? { k: 'int', v: 0n }
  const number = (): number => Number(BigInt.asIntN(32, integer(memory, next())))
  let text = ''
  for (const piece of parse(format)) {
    if (typeof piece === 'string') {
      text += piece
      continue
    }
    const spec: Spec = { ...piece, precision: piece.precision ?? -1 }
    if (piece.width === FROM_ARGUMENT) {
      spec.width = number()
      if (spec.width < 0) spec.minus = true
      spec.width = Math.abs(spec.width)
    }
    spec.width = Math.min(spec.width, WIDTH_MAX)
    if (piece.precision === FROM_ARGUMENT) spec.precision = number()
    text += convert(memory, spec, next(), wide)
  }
  return text
}

function convert(memory: Memory, spec: Spec, arg: VarArg, wide: boolean): string {
  switch (spec.conversion) {
    case 'd':
    case 'i':
      return pad(spec, signed(spec, BigInt.asIntN(bits(spec.size), integer(memory, arg))), true)
    case 'u':
    case 'o':
    case 'x':
    case 'X':
      return pad(spec, unsigned(spec, BigInt.asUintN(bits(spec.size), integer(memory, arg))), true)
    case 'p':
      return pad(
        spec,
        BigInt.asUintN(64, integer(memory, arg)).toString(16).toUpperCase().padStart(16, '0'),
        false,
      )
    case 'c':
    case 'C': {
      const unit = Number(BigInt.asUintN(16, integer(memory, arg)))
      return pad(spec, String.fromCharCode(isWide(spec, wide) ? unit : unit & 0xff), false)
    }
    case 'Z':
      return pad(spec, countedString(memory, spec, arg), false)
    default:
      return pad(spec, string(memory, spec, arg, isWide(spec, wide)), false)
  }
}

/** Bits of an integer argument by its size prefix; `int` and `long` are both 32. */
function bits(size: string): 8 | 16 | 32 | 64 {
  switch (size) {
    case 'hh':
      return 8
    case 'h':
      return 16
    case 'll':
    case 'I64':
    case 'I':
    case 'z':
    case 't':
    case 'j':
      return 64
    default:
      return 32
  }
}

function isWide(spec: Spec, wide: boolean): boolean {
  if (spec.size === 'h' || spec.size === 'hh') return false
  if (spec.size === 'l' || spec.size === 'w' || spec.size === 'll') return true
  return spec.conversion === 's' || spec.conversion === 'c' ? wide : !wide
}

function integer(memory: Memory, arg: VarArg): bigint {
  if (arg.k === 'int') return arg.v
  // The address of a literal means nothing to anyone who prints it as a number.
  return arg.k === 'ptr' ? memory.address(arg.v) : 0n
}

/** Memory that an argument points at; 0 for NULL. */
function pointer(memory: Memory, arg: VarArg): Ptr {
  if (arg.k === 'ptr') return arg.v
  return arg.k === 'int' && arg.v !== 0n ? memory.index(arg.v) : 0
}

function digits(spec: Spec, text: string): string {
  if (spec.precision === 0 && text === '0') return ''
  return spec.precision > 0 ? text.padStart(Math.min(spec.precision, WIDTH_MAX), '0') : text
}

function signed(spec: Spec, value: bigint): string {
  const sign = value < 0n ? '-' : spec.plus ? '+' : spec.space ? ' ' : ''
  return sign + digits(spec, (value < 0n ? -value : value).toString())
}

function unsigned(spec: Spec, value: bigint): string {
  const { conversion } = spec
  const radix = conversion === 'u' ? 10 : conversion === 'o' ? 8 : 16
  let text = digits(spec, value.toString(radix))
  if (conversion === 'X') text = text.toUpperCase()
  if (spec.hash && radix === 16 && value !== 0n) text = `0${conversion}${text}`
  if (spec.hash && radix === 8 && !text.startsWith('0')) text = '0' + text
  return text
}

function string(memory: Memory, spec: Spec, arg: VarArg, wide: boolean): string {
  const max = spec.precision >= 0 ? spec.precision : undefined
  if (arg.k === 'str') return max === undefined ? arg.v : arg.v.slice(0, max)
  const at = pointer(memory, arg)
  if (at === 0) return max === undefined ? '(null)' : '(null)'.slice(0, max)
  return wide ? memory.wsz(at, max) : memory.sz(at, max)
}

/** `%wZ` prints the UNICODE_STRING, `%Z` the ANSI_STRING that the argument points at. */
function countedString(memory: Memory, spec: Spec, arg: VarArg): string {
  if (arg.k === 'str') return arg.v
  const at = pointer(memory, arg)
  if (at === 0) return '(null)'
  const buffer = memory.ptr(at + 8)
  if (buffer === 0) return '(null)'
  let length = memory.u16(at)
  const unicode = spec.size === 'w' || spec.size === 'l'
  if (spec.precision >= 0) length = Math.min(length, unicode ? spec.precision * 2 : spec.precision)
  if (unicode) return memory.text16(buffer, length)
  let text = ''
  for (const unit of memory.read(buffer, length)) text += String.fromCharCode(unit)
  return text
}

function pad(spec: Spec, text: string, numeric: boolean): string {
  if (text.length >= spec.width) return text
  if (spec.minus) return text.padEnd(spec.width)
  // A precision of an integer switches zero padding off; strings are padded with zeros by none but Microsoft.
  if (!spec.zero || (numeric && spec.precision >= 0)) return text.padStart(spec.width)
  const prefix = numeric ? (/^(?:[-+ ]|0[xX])/.exec(text)?.[0] ?? '') : ''
  return prefix + text.slice(prefix.length).padStart(spec.width - prefix.length, '0')
}
