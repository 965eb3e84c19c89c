/**
 * A quick look at the instructions that most code consists of: how long they are and, for a few, what
 * the survey wants of them. Only forms that are certain by their first bytes are taken; everything
 * else (rare prefixes, vector code, privileged instructions, calls through memory, tables) is left to
 * the decoder. `skimmer.test.ts` holds every answer against it.
 */

/** What an instruction that was skimmed is. The kinds behind `RETURN` have a distance as `value`. */
export const PLAIN = 0
/** `cmp`, `sub` or `xor` with a number: `value`, unsigned, with no more bits than in the code. */
export const COMPARISON = 1
export const RETURN = 2
/** `lea` of a place: `value` is how far it lies from the next instruction. */
export const RELATIVE_ADDRESS = 3
/** Jumps whose `value` is the distance from the next instruction: `je` and `jne`, */
export const BRANCH_EQUAL = 4
/** those by order, */
export const BRANCH_ORDERED = 5
/** by other flags, */
export const BRANCH_OTHER = 6
/** always, and calls. */
export const JUMP = 7
export const CALL = 8

/** How to read the bytes behind an opcode; 0 means that the decoder has to. */
const MODRM = 0x01
const IMMEDIATE_8 = 0x02
const IMMEDIATE_32 = 0x04
/** Nothing follows. */
const ALONE = 0x08
/** The immediate is a distance, or the number of a comparison. */
const TOLD = 0x10
/** The middle field of ModRM chooses the instruction. */
const GROUP = 0x20
const KIND_SHIFT = 8

type Bits = 32 | 64

/** The middle fields of ModRM that are taken, as bits, by opcode of a group. */
const groups: Readonly<Record<number, number>> = {
  0x80: 0xff,
  0x81: 0xff,
  0x83: 0xff,
  0xc6: 0x01,
  0xc7: 0x01,
  0xf6: 0xfd,
  0xf7: 0xfd,
  0xfe: 0x03,
  0xff: 0x43,
}

function put(table: Uint16Array, form: number, ...opcodes: number[]): void {
  for (const opcode of opcodes) table[opcode] = form
}

const range = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => first + index)

function branchKind(condition: number): number {
  if (condition === 4 || condition === 5) return BRANCH_EQUAL
  // Overflow, sign and parity are no order.
  const isOther = condition < 2 || (condition >= 8 && condition < 12)
  return isOther ? BRANCH_OTHER : BRANCH_ORDERED
}

/** Forms by opcode of one byte; bits 8 and up hold the kind. */
function oneByteForms(bits: Bits): Uint16Array {
  const table = new Uint16Array(256)
  for (let operation = 0; operation < 8; operation++) {
    const opcode = operation * 8
    // sub, xor and cmp
    const told = operation >= 5 ? TOLD | (COMPARISON << KIND_SHIFT) : 0
    put(table, MODRM, ...range(opcode, 4))
    put(table, IMMEDIATE_8 | told, opcode + 4)
    put(table, IMMEDIATE_32 | told, opcode + 5)
  }
  if (bits === 32) put(table, ALONE, ...range(0x40, 16))
  else put(table, MODRM, 0x63)
  put(table, ALONE, ...range(0x50, 16), ...range(0x90, 10))
  put(table, IMMEDIATE_32, 0x68, 0xa9)
  put(table, IMMEDIATE_8, 0x6a, 0xa8, ...range(0xb0, 8))
  put(table, MODRM | IMMEDIATE_32, 0x69)
  put(table, MODRM | IMMEDIATE_8, 0x6b, 0xc0, 0xc1)
  put(table, MODRM, ...range(0x84, 8), ...range(0xd0, 4))
  put(table, MODRM | (RELATIVE_ADDRESS << KIND_SHIFT), 0x8d)
  put(table, IMMEDIATE_32, ...range(0xb8, 8))
  put(table, MODRM | GROUP | IMMEDIATE_8, 0x80, 0x83, 0xc6, 0xf6)
  put(table, MODRM | GROUP | IMMEDIATE_32, 0x81, 0xc7, 0xf7)
  put(table, MODRM | GROUP, 0xfe, 0xff)
  for (let condition = 0; condition < 16; condition++) {
    put(table, IMMEDIATE_8 | TOLD | (branchKind(condition) << KIND_SHIFT), 0x70 + condition)
  }
  put(table, IMMEDIATE_32 | TOLD | (CALL << KIND_SHIFT), 0xe8)
  put(table, IMMEDIATE_32 | TOLD | (JUMP << KIND_SHIFT), 0xe9)
  put(table, IMMEDIATE_8 | TOLD | (JUMP << KIND_SHIFT), 0xeb)
  put(table, ALONE | (RETURN << KIND_SHIFT), 0xc3)
  return table
}

/** Forms by the opcode behind 0f. */
function twoByteForms(): Uint16Array {
  const table = new Uint16Array(256)
  put(table, MODRM, 0x10, 0x11, 0x28, 0x29, 0x57, 0xaf, 0xb6, 0xb7, 0xbe, 0xbf)
  put(table, MODRM, ...range(0x40, 16), ...range(0x90, 16))
  for (let condition = 0; condition < 16; condition++) {
    put(table, IMMEDIATE_32 | TOLD | (branchKind(condition) << KIND_SHIFT), 0x80 + condition)
  }
  return table
}

const forms: Readonly<Record<Bits, Uint16Array>> = { 32: oneByteForms(32), 64: oneByteForms(64) }
const formsBehind0f = twoByteForms()

export class Skimmer {
  /** What the instruction is that `read` took last. */
  kind = PLAIN
  /** Distance or number, as the kind says. */
  value = 0
  #bytes: Uint8Array = new Uint8Array(0)
  readonly #forms: Uint16Array
  readonly #is64: boolean

  constructor(bits: Bits) {
    this.#forms = forms[bits]
    this.#is64 = bits === 64
  }

  /** Where to read from now on. */
  use(bytes: Uint8Array): void {
    this.#bytes = bytes
  }

  /** @returns length of the instruction at an index; 0 where the decoder has to be asked */
  read(start: number): number {
    const bytes = this.#bytes
    // No form that is taken has more bytes: none of them can lie behind the end.
    if (start + 15 > bytes.length) return 0
    let at = start
    let opcode = bytes[at++]
    let isWide = false
    if (this.#is64 && (opcode & 0xf0) === 0x40) {
      isWide = (opcode & 8) !== 0
      opcode = bytes[at++]
    }
    const isLong = opcode === 0x0f
    if (isLong) opcode = bytes[at++]
    const form = isLong ? formsBehind0f[opcode] : this.#forms[opcode]
    if (form === 0) return 0
    let kind = form >>> KIND_SHIFT
    let isTold = (form & TOLD) !== 0
    let immediate = form & (IMMEDIATE_8 | IMMEDIATE_32)
    if ((form & MODRM) !== 0) {
      const modrm = bytes[at++]
      const [mode, field] = [modrm >>> 6, (modrm >>> 3) & 7]
      if ((form & GROUP) !== 0) {
        if (((groups[opcode] >>> field) & 1) === 0) return 0
        if (opcode >= 0xf6) {
          // Of not, neg, mul, div and test, only the last has a number.
          if (field !== 0) immediate = 0
        } else if (opcode < 0x84 && field >= 5) {
          kind = COMPARISON
          isTold = true
        }
      }
      if (kind === RELATIVE_ADDRESS) {
        if (mode === 3) return 0
        const isRelative = this.#is64 && (modrm & 0xc7) === 5
        if (isRelative) this.value = this.#number(at)
        else kind = PLAIN
      }
      if (mode !== 3) {
        let base = modrm & 7
        if (base === 4) {
          const sib = bytes[at++]
          // A table may be what is read here.
          if (sib >= 0x80) return 0
          base = sib & 7
        }
        if (mode === 1) at++
        else if (mode === 2 || base === 5) at += 4
      }
    }
    this.kind = kind
    if (immediate === IMMEDIATE_8) {
      if (isTold) this.value = kind === COMPARISON ? bytes[at] : (bytes[at] << 24) >> 24
      at++
    } else if (immediate === IMMEDIATE_32) {
      if (isTold) this.value = kind === COMPARISON ? this.#number(at) >>> 0 : this.#number(at)
      at += isWide && !isLong && (opcode & 0xf8) === 0xb8 ? 8 : 4
    }
    return at - start
  }

  #number(at: number): number {
    const bytes = this.#bytes
    return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
  }
}
