/**
 * Vector instructions that compilers use to move pointers in pairs: stores of two MajorFunction
 * entries at once, copies of UNICODE_STRING structures. A vector is a list of lanes as wide as a
 * pointer; lanes beyond 16 bytes are not followed.
 */
import { XMM0, type Instruction, type Operand } from './instruction'
import type { Executor } from './executor'
import type { State } from './state'
import { constant, type Known } from './value'

const VECTOR_BYTES = 16

type Lanes = readonly Known[]

const wholeMoves = new Set(
  ['movaps', 'movups', 'movapd', 'movupd', 'movdqa', 'movdqu', 'lddqu'].flatMap(withVex),
)
const lowMoves = new Set(['movd', 'movq', 'movsd', 'movss', 'movlps', 'movlpd'].flatMap(withVex))
const highMoves = new Set(['movhps', 'movhpd'])
const pairings = new Set(['punpcklqdq', 'unpcklpd', 'movlhps'])
const zeroings = new Set(['pxor', 'xorps', 'xorpd'])

function withVex(name: string): string[] {
  return [name, `v${name}`]
}

/** @returns false when the instruction is none of these */
export function executeVector(
  executor: Executor,
  { name, operands, rva, size }: Instruction,
  state: State,
): boolean {
  const word = executor.memory.program.word
  const count = VECTOR_BYTES / word
  const [first, second, third] = operands
  const target = registerOf(first)

  if (wholeMoves.has(name)) {
    move(executor, state, first, lanesOf(executor, state, second, count), count, rva)
    return true
  }
  if (lowMoves.has(name)) {
    const width = name.includes('movd') || name.endsWith('ss') ? 4 : 8
    const moving = Math.max(1, width / word)
    if (target === null) {
      // To memory or to a general register.
      const values = lanesOf(executor, state, second, count)
      if (first?.kind === 'register') executor.write(state, first, values[0], size, rva)
      else move(executor, state, first, values, moving, rva)
      return true
    }
    const low = lanesOf(executor, state, second, moving)
    const old = state.vector(target) ?? []
    const keepsHigh = name.includes('movl') || registerOf(second) !== null
    const rest = (lane: number): Known => (keepsHigh ? old[lane] : constant(0))
    const result = lanes(count, (lane) => (lane < moving ? low[lane] : rest(lane)))
    state.setVector(target, result)
    return true
  }
  if (highMoves.has(name)) {
    const half = count / 2
    if (target === null) {
      const values = lanesOf(executor, state, second, count).slice(half)
      move(executor, state, first, values, half, rva)
    } else {
      const high = lanesOf(executor, state, second, half)
      const old = state.vector(target) ?? []
      const result = lanes(count, (lane) => (lane < half ? old[lane] : high[lane - half]))
      state.setVector(target, result)
    }
    return true
  }
  if (target === null) return false

  const own = state.vector(target) ?? []
  const other = lanesOf(executor, state, second, count)
  const half = count / 2
  let result: Lanes | undefined
  if (zeroings.has(name) && registerOf(second) === target) {
    result = lanes(count, () => constant(0))
  } else if (pairings.has(name)) {
    result = lanes(count, (lane) => (lane < half ? own[lane] : other[lane - half]))
  } else if (name === 'punpckldq' && word === 4) {
    result = [own[0], other[0], own[1], other[1]]
  } else if (name === 'pshufd' && third?.kind === 'immediate') {
    const order = third.value ?? 0
    const pick = (lane: number): number => (order >> (lane * 2)) & 3
    result = lanes(count, (lane) => other[word === 4 ? pick(lane) : pick(lane * 2) >> 1])
  } else if (name === 'pinsrq' || name === 'pinsrd') {
    const place = third?.kind === 'immediate' ? third.value : null
    const value = executor.read(state, second, word)
    result = lanes(count, (lane) => (lane === place ? value : own[lane]))
  }
  state.setVector(target, result)
  return true
}

function lanes(count: number, laneOf: (lane: number) => Known): Lanes {
  return Array.from({ length: count }, (_, lane) => laneOf(lane))
}

/** Number of a vector register; null for other operands. */
function registerOf(operand: Operand | undefined): number | null {
  return operand?.kind === 'register' && operand.register >= XMM0 ? operand.register - XMM0 : null
}

function lanesOf(
  executor: Executor,
  state: State,
  operand: Operand | undefined,
  count: number,
): Lanes {
  const { memory } = executor
  const register = registerOf(operand)
  if (register !== null) return state.vector(register) ?? []
  const { word } = memory.program
  if (operand?.kind !== 'memory') return [executor.read(state, operand, word)]
  const place = memory.place(state, operand)
  return lanes(count, (lane) => memory.load(state, memory.offset(place, lane * word), word))
}

function move(
  executor: Executor,
  state: State,
  operand: Operand | undefined,
  values: Lanes,
  count: number,
  rva: number,
): void {
  const { memory } = executor
  const register = registerOf(operand)
  if (register !== null) {
    state.setVector(register, values)
    return
  }
  if (operand?.kind !== 'memory') return
  const { word } = memory.program
  const place = memory.place(state, operand)
  for (let lane = 0; lane < count; lane++) {
    memory.store(state, memory.offset(place, lane * word), values[lane], word, rva)
  }
}
