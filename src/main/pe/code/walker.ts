/**
 * Walks the paths of a function with what is known of its arguments, and of the functions it hands
 * them on to. Branches that the known values decide are followed one way (that is how a loop over the
 * MajorFunction table runs), the others both ways; a place is not walked again with nothing new, and
 * everything is counted. Comparisons of the control code are the business of `CodeReader`.
 */
import { CodeReader } from './code-reader'
import { decide, conditionOf, opposite } from './conditions'
import { Executor } from './executor'
import type { Findings } from './findings'
import { RAX, RBP, RCX, RDX, R8, R9, RSP, type Instruction } from './instruction'
import type { Memory } from './memory'
import { argumentCount, Routines, type Call } from './routines'
import { State } from './state'
import { interestOf, type Known, type Value } from './value'

/** Entries of one place: with different knowledge, and in all (loops that run by known numbers). */
const VISITS_MAX = 10
const PASSES_MAX = 600
const DEPTH_MAX = 8
const DEADLINE_STEPS = 256
/** Steps for a call of DriverEntry that does not get the driver object, with all it calls in turn. */
const ASIDE_STEPS = 1_500
/** Arguments looked at when a call is made. */
const ARGUMENTS_MAX = 10

/** Written by compilers into the code that sets up the security cookie. */
const COOKIE_SEEDS = new Set([0x2b992ddfa232, 0x2b992ddf, 0xbb40e64e])

/** XMM0 to XMM5. */
const VOLATILE_VECTORS = 6
const volatile64 = [RAX, RCX, RDX, R8, R9, 10, 11]
const volatile32 = [RAX, RCX, RDX]
const argumentRegisters = [RCX, RDX, R8, R9]

/** What a walk is after. `entry`: every call is followed; `codes`: those that get the request. */
export type Purpose = 'entry' | 'codes'

export interface WalkLimits {
  /** Instructions of all walks together. */
  steps: number
  deadline: () => boolean
}

/** What a caller learns of a function that was walked. */
interface Outcome {
  /** The value all returns have in common; undefined when they differ. */
  result: Known
  frame: Known
  top: Known
  /** Registers that a call changes by convention, but this function was seen to leave alone. */
  preserved: readonly number[]
  /** Stores to the stack of the caller. */
  readonly stores: Map<number, Known>
  returns: number
}

interface Frame {
  readonly start: number
  /** At the entry. */
  readonly registers: readonly Known[]
  readonly depth: number
  /** Stack pointer at the entry, on the return address. */
  readonly top: number
  readonly outcome: Outcome
  readonly visits: Map<number, { signatures: Set<string>; passes: number }>
  readonly pending: { rva: number; state: State }[]
}

export class Walker {
  readonly #executor: Executor
  readonly #codes: CodeReader
  readonly #routines: Routines
  readonly #outcomes = new Map<string, Outcome | null>()
  readonly #word: 4 | 8
  #purpose: Purpose = 'entry'
  #confidence: 'high' | 'medium' | 'low' = 'high'
  #isOver = false
  /** Steps that must be left when the present call ends. */
  #floor = 0

  constructor(
    readonly memory: Memory,
    readonly findings: Findings,
    readonly limits: WalkLimits,
  ) {
    this.#word = memory.program.word
    this.#executor = new Executor(memory)
    this.#codes = new CodeReader(memory, findings)
    this.#routines = new Routines(memory, findings)
  }

  /** Out of steps or out of time: what was found is not all. */
  get isOver(): boolean {
    return this.#isOver
  }

  /**
   * Walk a function from its start.
   * @param values     its arguments; undefined for unknown ones
   * @param confidence of control codes in this function; those found deeper are `medium` at most
   */
  walk(
    rva: number,
    values: readonly Known[],
    purpose: Purpose,
    confidence: 'high' | 'medium' | 'low' = 'high',
  ): void {
    if (this.limits.deadline()) this.#isOver = true
    this.#purpose = purpose
    this.#confidence = confidence
    const state = new State()
    state.registers[RSP] = { kind: 'stack', number: 0 }
    values.forEach((value, index) => this.#setArgument(state, index, value))
    this.#walkFunction(rva, state, 0)
  }

  #setArgument(state: State, index: number, value: Known): void {
    if (value === undefined) return
    if (this.#word === 8 && index < argumentRegisters.length) {
      state.registers[argumentRegisters[index]] = value
    } else state.setSlot((index + 1) * this.#word, value)
  }

  /** The n-th argument of a call that is about to be made. */
  #argument(state: State, index: number): Known {
    if (this.#word === 8 && index < argumentRegisters.length) {
      return state.registers[argumentRegisters[index]]
    }
    const top = state.registers[RSP]
    return top?.kind === 'stack' ? state.slot(top.number + index * this.#word) : undefined
  }

  #walkFunction(start: number, state: State, depth: number): Outcome {
    const top = state.registers[RSP]
    const outcome: Outcome = {
      result: undefined,
      frame: undefined,
      top: undefined,
      preserved: [],
      stores: new Map(),
      returns: 0,
    }
    const frame: Frame = {
      start,
      registers: [...state.registers],
      depth,
      top: top?.kind === 'stack' ? top.number : 0,
      outcome,
      visits: new Map(),
      pending: [{ rva: start, state }],
    }
    for (let next = frame.pending.pop(); next && this.#hasSteps(); next = frame.pending.pop()) {
      this.#walkPath(frame, next.rva, next.state)
    }
    this.#codes.settleRanges()
    return outcome
  }

  #walkPath(frame: Frame, start: number, state: State): void {
    let rva = start
    while (this.#step()) {
      const instruction = this.memory.program.disassembler.at(rva)
      if (instruction === null) return
      this.#noteSeed(frame, instruction)
      let next: number | null
      switch (instruction.flow) {
        case 'next':
          this.#codes.conditional(instruction, state, this.#confidenceAt(frame))
          this.#execute(frame, instruction, state)
          next = instruction.next
          break
        case 'call':
          this.#call(frame, instruction, state)
          next = instruction.next
          break
        case 'jump':
          next = this.#jump(frame, instruction, state)
          break
        case 'branch':
          next = this.#branch(frame, instruction, state)
          break
        case 'return':
          this.#return(frame, instruction, state)
          return
        default:
          return
      }
      if (next === null) return
      rva = next
    }
  }

  #hasSteps(): boolean {
    return !this.#isOver && this.limits.steps > this.#floor
  }

  #step(): boolean {
    if (!this.#hasSteps()) return false
    this.limits.steps--
    if (this.limits.steps <= 0) this.#isOver = true
    else if (this.limits.steps % DEADLINE_STEPS === 0) this.#isOver = this.limits.deadline()
    return !this.#isOver
  }

  #noteSeed(frame: Frame, { operands }: Instruction): void {
    const last = operands.at(-1)
    if (last?.kind !== 'immediate' || last.value === null) return
    const value = last.value < 0 ? last.value >>> 0 : last.value
    if (COOKIE_SEEDS.has(value)) this.findings.stubs.add(frame.start)
  }

  #execute(frame: Frame, instruction: Instruction, state: State): void {
    this.#executor.execute(instruction, state)
    const [first] = instruction.operands
    if (first?.kind !== 'memory') return
    // A store above the own frame is one to the caller's variables.
    const place = this.memory.place(state, first)
    if (place?.kind === 'stack' && place.number > frame.top) {
      frame.outcome.stores.set(place.number, state.slot(place.number))
    }
  }

  #confidenceAt(frame: Frame): 'high' | 'medium' | 'low' {
    return frame.depth > 0 && this.#confidence === 'high' ? 'medium' : this.#confidence
  }

  /** May a place be entered with this state? Counts the entry. */
  #enter(frame: Frame, rva: number, state: State, isDecided: boolean): boolean {
    let visit = frame.visits.get(rva)
    if (!visit) {
      visit = { signatures: new Set(), passes: 0 }
      frame.visits.set(rva, visit)
    }
    visit.passes++
    if (visit.passes > PASSES_MAX) return false
    if (isDecided) return true
    const signature = state.signature()
    if (visit.signatures.has(signature) || visit.signatures.size >= VISITS_MAX) return false
    visit.signatures.add(signature)
    return true
  }

  #branch(frame: Frame, instruction: Instruction, state: State): number | null {
    const { target, next, name } = instruction
    if (target === null) return next
    const condition = conditionOf(name)
    const { comparison } = state
    if (condition !== null && comparison) {
      const decision = decide(condition, comparison)
      if (decision !== undefined) {
        const only = decision ? target : next
        return this.#enter(frame, only, state, true) ? only : null
      }
      const confidence = this.#confidenceAt(frame)
      const sides = { target, next }
      // Where the code is known to be one value, nothing is left to find out about it.
      const settled = this.#codes.branch(comparison, condition, state, sides, confidence)
      if (settled !== null) {
        const open = settled === 'target' ? next : target
        return this.#enter(frame, open, state, true) ? open : null
      }
    }
    const taken = state.clone()
    if (condition !== null && comparison) {
      const confidence = this.#confidenceAt(frame)
      this.#codes.narrow(comparison, condition, taken, target, next, confidence)
      this.#codes.narrow(comparison, opposite(condition), state, next, target, confidence)
    }
    if (this.#enter(frame, target, taken, false)) frame.pending.push({ rva: target, state: taken })
    return this.#enter(frame, next, state, false) ? next : null
  }

  #jump(frame: Frame, instruction: Instruction, state: State): number | null {
    const { target, operands } = instruction
    if (target !== null) {
      this.#noteEntryCall(frame, state, target, true)
      return this.#enter(frame, target, state, true) ? target : null
    }
    const value = this.#executor.read(state, operands[0], this.#word)
    if (value?.kind === 'lookup') {
      this.#codes.table(value, state, instruction.rva, this.#confidenceAt(frame))
      return null
    }
    const code = this.memory.codeOf(value)
    if (code !== null && value?.kind === 'address') {
      this.#noteEntryCall(frame, state, code, true)
      return this.#enter(frame, code, state, true) ? code : null
    }
    // A call in tail position; its return is this function's.
    this.#callRoutine(frame, value, state, instruction.rva, 1, null)
    return null
  }

  #return(frame: Frame, { operands }: Instruction, state: State): void {
    // The return address.
    this.#executor.pop(state)
    const [count] = operands
    const popped = count?.kind === 'immediate' ? (count.value ?? 0) : 0
    const pointer = state.registers[RSP]
    const { outcome } = frame
    const out: Value | undefined =
      pointer?.kind === 'stack' ? { kind: 'stack', number: pointer.number + popped } : undefined
    const result = state.registers[RAX]
    const candidates =
      outcome.returns === 0 ? (this.#word === 8 ? volatile64 : volatile32) : outcome.preserved
    outcome.preserved = candidates.filter(
      (register) =>
        frame.registers[register] !== undefined &&
        frame.registers[register] === state.registers[register],
    )
    if (outcome.returns === 0) {
      outcome.result = result
      outcome.frame = state.registers[RBP]
      outcome.top = out
    } else {
      if (interestOf(outcome.result) !== interestOf(result) || interestOf(result) === '') {
        outcome.result = undefined
      }
      if (!isSamePlace(outcome.frame, state.registers[RBP])) outcome.frame = undefined
      if (!isSamePlace(outcome.top, out)) outcome.top = undefined
    }
    outcome.returns++
  }

  #call(frame: Frame, instruction: Instruction, state: State): void {
    const { target, operands, rva, next } = instruction
    const { program } = this.memory
    if (target === next) {
      // `call $+5` fetches the address of the next instruction.
      this.#executor.push(state, { kind: 'address', number: next })
      return
    }
    const value: Known =
      target === null
        ? this.#executor.read(state, operands[0], this.#word)
        : { kind: 'address', number: target }
    if (value?.kind === 'lookup') {
      this.#codes.table(value, state, rva, this.#confidenceAt(frame))
    }
    // Control flow guard calls what lies in RAX through a pointer of its own.
    const accumulator = state.registers[RAX]
    const isGuarded =
      operands[0]?.kind === 'memory' &&
      value?.kind !== 'import' &&
      (accumulator?.kind === 'wdf-function' || accumulator?.kind === 'import')
    const callee = isGuarded ? accumulator : value
    const following = program.disassembler.at(next)
    this.#callRoutine(frame, callee, state, rva, 0, following)
  }

  /**
   * Make a call: to a routine of the kernel, or to the driver's own function.
   * @param returnAddress 1 when the return address is on the stack already (a jump), else 0
   * @param following     the instruction behind the call
   */
  #callRoutine(
    frame: Frame,
    callee: Known,
    state: State,
    rva: number,
    returnAddress: 0 | 1,
    following: Instruction | null,
  ): void {
    const isRegister = (index: number): boolean => this.#word === 8 && index < 4
    const argument = (index: number): Known =>
      this.#argument(state, isRegister(index) ? index : index + returnAddress)
    const call: Call = { argument, state, rva }
    const code = this.memory.codeOf(callee)
    const thunk = code === null ? null : this.memory.program.importThunk(code)
    const name = callee?.kind === 'import' ? callee.name : thunk
    if (name !== null) {
      if (name === 'WdfVersionBind') this.findings.stubs.add(frame.start)
      this.#routines.call(name, call)
    } else if (callee?.kind === 'wdf-function') this.#routines.callFramework(callee.index, call)
    else if (code !== null && returnAddress === 0) {
      this.#callFunction(frame, code, call)
      return
    }
    this.#forgetVolatile(state, undefined)
    this.#dropArguments(state, name === null ? undefined : argumentCount(name), following)
  }

  #callFunction(frame: Frame, code: number, { state, rva }: Call): void {
    this.#noteEntryCall(frame, state, code, false)
    const values = Array.from({ length: ARGUMENTS_MAX }, (_, index) => this.#argument(state, index))
    this.#routines.callOwn({ argument: (index) => values[index], state, rva })
    const outcome = this.#shouldFollow(frame, state, values, rva)
      ? this.#follow(frame, code, state, values)
      : null
    const kept = (outcome?.preserved ?? []).map(
      (register) => [register, state.registers[register]] as const,
    )
    this.#forgetVolatile(state, interestOf(outcome?.result) === '' ? undefined : outcome?.result)
    for (const [register, value] of kept) state.registers[register] = value
    for (const [slot, value] of outcome?.stores ?? []) {
      state.setSlot(slot, value)
    }
    if (this.#word === 8) return
    const popped = outcome?.top ?? undefined
    if (popped?.kind === 'stack') {
      state.registers[RSP] = popped
      state.pushes = 0
      if (outcome?.frame?.kind === 'stack') state.registers[RBP] = outcome.frame
    } else this.#dropArguments(state, this.#poppedBy(code), null)
  }

  #shouldFollow(frame: Frame, state: State, values: readonly Known[], rva: number): boolean {
    if (frame.depth >= DEPTH_MAX) return false
    if (this.#purpose === 'entry') return true
    // The exception frame of an x86 function is set up by a call among its first instructions.
    if (this.#word === 4 && rva - frame.start < 16) return true
    // Compilers give local functions conventions of their own.
    const inRegisters =
      this.#word === 4 ? volatile32.map((register) => state.registers[register]) : []
    return [...values, ...inRegisters].some(
      (value) =>
        value?.kind === 'irp' ||
        value?.kind === 'stack-location' ||
        value?.kind === 'code' ||
        value?.kind === 'device-object',
    )
  }

  #follow(frame: Frame, code: number, state: State, values: readonly Known[]): Outcome | null {
    const registers = volatile32.map((register) => state.registers[register])
    const top = state.registers[RSP]
    const height = top?.kind === 'stack' ? top.number : 0
    // Pointers to the caller's variables mean something else at each call.
    const key = [
      code,
      this.#purpose,
      ...[...registers, ...values].map((value) => keyOfValue(value)),
    ].join()
    const known = this.#outcomes.get(key)
    if (known !== undefined) {
      // Where the stack pointer ends up was found out for another caller.
      return known && { ...known, top: undefined, frame: undefined }
    }
    this.#outcomes.set(key, null)
    const inner = state.clone()
    inner.registers[RSP] = { kind: 'stack', number: height - this.#word }
    inner.setSlot(height - this.#word, undefined)
    inner.pushes = 0
    inner.comparison = undefined
    const floor = this.#floor
    const isAside = !values.some((value) => interestOf(value) !== '')
    if (isAside) this.#floor = Math.max(floor, this.limits.steps - ASIDE_STEPS)
    const outcome = this.#walkFunction(code, inner, frame.depth + 1)
    this.#floor = floor
    this.#outcomes.set(key, outcome)
    return outcome
  }

  /** Both arguments of DriverEntry are handed on: the callee may be the real one. */
  #noteEntryCall(frame: Frame, state: State, target: number, isJump: boolean): void {
    if (this.#purpose !== 'entry') return
    const { callees } = this.findings
    callees.set(frame.start, (callees.get(frame.start) ?? new Set()).add(target))
    const shift = this.#word === 4 && isJump ? 1 : 0
    if (isJump) {
      const top = state.registers[RSP]
      if (top?.kind !== 'stack' || top.number !== frame.top) return
    }
    const first = this.#argument(state, shift)
    const second = this.#argument(state, shift + 1)
    if (first?.kind !== 'driver-object' || first.number !== 0) return
    if (second?.kind !== 'registry-path' || second.number !== 0) return
    this.findings.entryCalls.push({ from: frame.start, to: target, isJump })
  }

  #forgetVolatile(state: State, result: Known): void {
    for (const register of this.#word === 8 ? volatile64 : volatile32) {
      state.registers[register] = undefined
    }
    state.forgetVectors(VOLATILE_VECTORS)
    state.registers[RAX] = result
    state.comparison = undefined
  }

  /**
   * In x86 code the callee takes its arguments off the stack.
   * @param count     of arguments; undefined for routines nobody counted, where the pushes tell
   * @param following the instruction behind the call, which may tell too
   */
  #dropArguments(state: State, count: number | undefined, following: Instruction | null): void {
    const top = state.registers[RSP]
    if (this.#word === 8 || top?.kind !== 'stack') return
    let dropped = count ?? state.pushes
    const [first, second] = following?.operands ?? []
    if (count === undefined && first?.kind === 'register' && first.register === RSP) {
      const number = second?.kind === 'immediate' ? (second.value ?? 0) : 0
      // The caller cleans up after itself, or (GCC) takes back what the callee dropped.
      if (following?.name === 'add') dropped = 0
      else if (following?.name === 'sub' && state.pushes === 0) dropped = number / this.#word
    }
    state.registers[RSP] = { kind: 'stack', number: top.number + dropped * this.#word }
    state.pushes = Math.max(0, state.pushes - dropped)
  }

  /** Arguments that an x86 function drops, from its first return instruction in the flow. */
  #poppedBy(code: number): number | undefined {
    const { disassembler } = this.memory.program
    for (let rva = code, steps = 0; steps < 512; steps++) {
      const instruction = disassembler.at(rva)
      if (instruction === null || instruction.flow === 'stop') return undefined
      if (instruction.flow === 'return') {
        const [count] = instruction.operands
        return count?.kind === 'immediate' ? (count.value ?? 0) / this.#word : 0
      }
      if (instruction.flow === 'jump' && instruction.target === null) return undefined
      rva = instruction.flow === 'jump' ? (instruction.target ?? 0) : instruction.next
    }
    return undefined
  }
}

function isSamePlace(left: Known, right: Known): boolean {
  return left?.kind === 'stack' && right?.kind === 'stack' && left.number === right.number
}

/** Values of arguments as part of a key: what is worth following, and numbers. */
function keyOfValue(value: Known): string {
  if (value === undefined) return '?'
  if (value.kind === 'constant' || value.kind === 'address') return `${value.kind}${value.number}`
  return value.kind === 'stack' ? `stack${value.number}` : interestOf(value)
}
