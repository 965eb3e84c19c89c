/**
 * A small assembler for WebAssembly: functions as expressions, a module as bytes. The loops that look
 * at every byte of a file are written with it, because in JavaScript they take two to three times as
 * long: a table there is an object whose address and bounds come into every access, here it is a
 * place in one memory. And they are quick from the first call on, which short imports need.
 *
 * An expression is the list of its bytes, which leave one value on the stack; a statement leaves none.
 * Values are of 32 bits unless their name says otherwise.
 * @see https://webassembly.github.io/spec/core/binary/instructions.html
 */
export type Code = readonly number[]

type Type = 'i32' | 'i64' | 'f64' | 'v128'
const types: Readonly<Record<Type, number>> = { i32: 0x7f, i64: 0x7e, f64: 0x7c, v128: 0x7b }
const NO_VALUE = 0x40

/** A number without sign in LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return [...bytes, rest]
}

function signed(value: number | bigint): number[] {
  const bytes: number[] = []
  let rest = BigInt(value)
  for (; rest < -64n || rest > 63n; rest >>= 7n) bytes.push(Number(rest & 127n) | 0x80)
  return [...bytes, Number(rest & 127n)]
}

type Unary = (value: Code) => Code
type Binary = (left: Code, right: Code) => Code

const unary =
  (...opcode: number[]): Unary =>
  (value) => [...value, ...opcode]
const binary =
  (...opcode: number[]): Binary =>
  (left, right) => [...left, ...right, ...opcode]

/** `align` is the binary logarithm of the natural alignment; nothing need be aligned to it. */
const load =
  (align: number, ...opcode: number[]) =>
  (address: Code, offset = 0): Code => [...address, ...opcode, align, ...unsigned(offset)]
const store =
  (align: number, ...opcode: number[]) =>
  (address: Code, value: Code, offset = 0): Code => [
    ...address,
    ...value,
    ...opcode,
    align,
    ...unsigned(offset),
  ]

export const i32 = {
  const: (value: number): Code => [0x41, ...signed(value | 0)],
  load: load(2, 0x28),
  load8: load(0, 0x2d),
  store: store(2, 0x36),
  isZero: unary(0x45),
  equal: binary(0x46),
  notEqual: binary(0x47),
  /** The comparisons take both sides for numbers without sign. */
  less: binary(0x49),
  greater: binary(0x4b),
  atMost: binary(0x4d),
  atLeast: binary(0x4f),
  trailingZeros: unary(0x68),
  add: binary(0x6a),
  subtract: binary(0x6b),
  and: binary(0x71),
  or: binary(0x72),
  xor: binary(0x73),
  shiftLeft: binary(0x74),
  shiftRight: binary(0x76),
  rotateLeft: binary(0x77),
} as const

export const i64 = {
  const: (value: bigint): Code => [0x42, ...signed(value)],
  load: load(3, 0x29),
  isZero: unary(0x50),
  trailingZeros: unary(0x7a),
  add: binary(0x7c),
  and: binary(0x83),
  or: binary(0x84),
  shiftLeft: binary(0x86),
  shiftRight: binary(0x88),
  /** To and from other types, all without sign. */
  ofI32: unary(0xad),
  toI32: unary(0xa7),
  toF64: unary(0xba),
} as const

/** Sixteen bytes at once. */
export const bytes16 = {
  load: load(4, 0xfd, 0x00),
  store: store(4, 0xfd, 0x0b),
  splat: (byte: number): Code => [0xfd, 0x0c, ...new Array<number>(16).fill(byte)],
  equal: binary(0xfd, 0x23),
  less: binary(0xfd, 0x26),
  or: binary(0xfd, 0x50),
  subtract: binary(0xfd, 0x71),
  isAnySet: unary(0xfd, 0x53),
  /** As four words of 32 bits: their sums, and one of them. */
  addWords: binary(0xfd, 0xae, 0x01),
  word: (value: Code, index: number): Code => [...value, 0xfd, 0x1b, index],
  /** The highest bit of each byte: 16 bits. */
  mask: unary(0xfd, 0x64),
} as const

/** Statements in a row. */
export const sequence = (...parts: Code[]): Code => parts.flat()
export const when = (condition: Code, then: Code, otherwise: Code = []): Code => [
  ...condition,
  ...[0x04, NO_VALUE],
  ...then,
  ...(otherwise.length > 0 ? [0x05, ...otherwise] : []),
  0x0b,
]
/** Run a body again and again while a condition holds, which is asked before each turn. */
export const loopWhile = (condition: Code, body: Code): Code => [
  ...[0x02, NO_VALUE, 0x03, NO_VALUE],
  // Out of the block around the loop.
  ...i32.isZero(condition),
  ...[0x0d, 1],
  ...body,
  // Back to the loop's beginning.
  ...[0x0c, 0],
  ...[0x0b, 0x0b],
]
export const giveBack = (value: Code): Code => [...value, 0x0f]

/** A parameter or variable of a function. */
export interface Local {
  readonly get: Code
  set(value: Code): Code
  /** Add a constant to it. */
  step(by: number): Code
}

/** A function in the making: `parameters` of type i32 first, then as many variables as asked for. */
export class Routine {
  readonly parameters: readonly Local[]
  readonly #locals: Type[] = []
  #body: Code = []

  constructor(
    readonly name: string,
    readonly parameterCount: number,
    readonly result: Type | null,
  ) {
    this.parameters = Array.from({ length: parameterCount }, (_, index) => local(index))
  }

  variable(type: Type = 'i32'): Local {
    this.#locals.push(type)
    return local(this.parameterCount + this.#locals.length - 1)
  }

  /** The body; its last part leaves the result, when there is one. */
  does(...parts: Code[]): this {
    this.#body = parts.flat()
    return this
  }

  get signature(): number[] {
    const parameters = new Array<number>(this.parameterCount).fill(types.i32)
    return [0x60, ...vector(parameters), ...vector(this.result ? [types[this.result]] : [])]
  }

  get code(): number[] {
    const locals = this.#locals.map((type) => [1, types[type]])
    const body = [...unsigned(locals.length), ...locals.flat(), ...this.#body, 0x0b]
    return [...unsigned(body.length), ...body]
  }
}

function local(index: number): Local {
  const get = [0x20, ...unsigned(index)]
  const set = (value: Code): Code => [...value, 0x21, ...unsigned(index)]
  return { get, set, step: (by) => set(i32.add(get, i32.const(by))) }
}

const vector = (items: number[]): number[] => [...unsigned(items.length), ...items]
const list = (items: number[][]): number[] => [...unsigned(items.length), ...items.flat()]
const section = (id: number, content: number[]): number[] => [id, ...vector(content)]
const text = (value: string): number[] => vector([...Buffer.from(value)])

/** A module that exports the routines by name and takes its memory from `env.memory`. */
export function assemble(routines: readonly Routine[]): Uint8Array<ArrayBuffer> {
  const [FUNCTION, MEMORY, NO_MAXIMUM] = [0x00, 0x02, 0x00]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list(routines.map(({ signature }) => signature))),
    ...section(2, list([[...text('env'), ...text('memory'), MEMORY, NO_MAXIMUM, 1]])),
    ...section(3, list(routines.map((_, index) => unsigned(index)))),
    ...section(
      7,
      list(routines.map(({ name }, index) => [...text(name), FUNCTION, ...unsigned(index)])),
    ),
    ...section(10, list(routines.map(({ code }) => code))),
  ])
}
