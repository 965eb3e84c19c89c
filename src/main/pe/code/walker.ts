/**
 * Walks the paths of a function with what is known of its arguments, and of the functions it hands
 * them on to. Branches that the known values decide are followed one way (that is how a loop over the
 * MajorFunction table runs), the others both ways; a place is not walked again with nothing new, and
 * everything is counted. Comparisons of the control code are the business of `CodeReader`.
 */
import { CodeReader } from './code-reader'
import { decide, opposite } from './conditions'
import { Convention, droppedBytes } from './convention'
import { Executor } from './executor'
import type { Findings } from './findings'
import { newFrame, noteReturn, type Frame, type Outcome } from './frame'
import { RAX, RBP, RSP, type Instruction, type Operand } from './instruction'
import type { Memory } from './memory'
import { argumentCount, Routines, type Call } from './routines'
import { State } from './state'
import { interestOf, type Known } from './value'

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
const COOKIE_SEED_MIN = Math.min(...COOKIE_SEEDS)

/** What a walk is after. `entry`: every call is followed; `codes`: those that get the request. */
export type Purpose = 'entry' | 'codes'

export interface WalkLimits {
  /** Instructions of all walks together. */
  steps: number
  deadline: () => boolean
}

export class Walker {
  readonly #convention: Convention
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
    this.#convention = new Convention(memory.program)
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
    values.forEach((value, index) => this.#convention.setArgument(state, index, value))
    this.#walkFunction(rva, state, 0)
    this.#codes.settleRanges()
  }

  #walkFunction(start: number, state: State, depth: number): Outcome {
    const frame = newFrame(start, state, depth)
    const { pending } = frame
    for (let next = pending.pop(); next && this.#hasSteps(); next = pending.pop()) {
      this.#walkPath(frame, next.rva, next.state)
    }
    return frame.outcome
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
    const last = operands.length > 0 ? operands[operands.length - 1] : undefined
    if (last?.kind !== 'immediate' || last.value === null) return
    const value = last.value < 0 ? last.value >>> 0 : last.value
    if (value >= COOKIE_SEED_MIN && COOKIE_SEEDS.has(value)) this.findings.stubs.add(frame.start)
  }

  #execute(frame: Frame, instruction: Instruction, state: State): void {
    this.#executor.execute(instruction, state)
    const { operands } = instruction
    const first = operands.length > 0 ? operands[0] : undefined
    if (first?.kind !== 'memory') return
    // Most places are told by a look at the registers to be none on the stack.
    if (!isOnStack(state, first.base) && !isOnStack(state, first.index)) return
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
      visit = { passes: 0, signatures: null }
      frame.visits.set(rva, visit)
    }
    visit.passes++
    if (visit.passes > PASSES_MAX) return false
    if (isDecided) return true
    const signature = state.signature()
    if (visit.signatures === null) {
      visit.signatures = [signature]
      return true
    }
    if (visit.signatures.length >= VISITS_MAX || visit.signatures.includes(signature)) return false
    visit.signatures.push(signature)
    return true
  }

  #branch(frame: Frame, instruction: Instruction, state: State): number | null {
    const { target, next, condition } = instruction
    if (target === null) return next
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
    const loaded = this.#executor.read(state, operands[0], this.#word)
    const value = this.#unguarded(loaded, operands[0], state)
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
    const argument = (index: number): Known => this.#convention.argument(state, index, true)
    this.#callRoutine(frame, value, { argument, state, rva: instruction.rva }, null)
    return null
  }

  #return(frame: Frame, instruction: Instruction, state: State): void {
    // The return address.
    this.#executor.pop(state)
    const top = state.registers[RSP]
    if (top?.kind === 'stack') {
      const number = top.number + droppedBytes(instruction)
      state.registers[RSP] = { kind: 'stack', number }
    }
    noteReturn(frame, state, this.#convention.volatile)
  }

  #call(frame: Frame, { target, operands, rva, next }: Instruction, state: State): void {
    if (target === next) {
      // `call $+5` fetches the address of the next instruction.
      this.#executor.push(state, { kind: 'address', number: next })
      return
    }
    const callee: Known =
      target === null
        ? this.#unguarded(this.#executor.read(state, operands[0], this.#word), operands[0], state)
        : { kind: 'address', number: target }
    if (callee?.kind === 'lookup') {
      this.#codes.table(callee, state, rva, this.#confidenceAt(frame))
    }
    const argument = (index: number): Known => this.#convention.argument(state, index)
    this.#callRoutine(frame, callee, { argument, state, rva }, next)
  }

  /** Control flow guard goes through a pointer of its own to what lies in RAX. */
  #unguarded(value: Known, operand: Operand | undefined, state: State): Known {
    const accumulator = state.registers[RAX]
    const isGuarded =
      operand?.kind === 'memory' &&
      value?.kind !== 'import' &&
      (accumulator?.kind === 'wdf-function' || accumulator?.kind === 'import')
    return isGuarded ? accumulator : value
  }

  /**
   * Make a call: to a routine of the kernel or the framework, or to the driver's own function.
   * @param next RVA behind the call; null for a jump in tail position
   */
  #callRoutine(frame: Frame, callee: Known, call: Call, next: number | null): void {
    const { program } = this.memory
    const code = this.memory.codeOf(callee)
    const thunk = code === null ? null : program.importThunk(code)
    const name = callee?.kind === 'import' ? callee.name : thunk
    if (name !== null) {
      if (name === 'WdfVersionBind') this.findings.stubs.add(frame.start)
      this.#routines.call(name, call)
    } else if (callee?.kind === 'wdf-function') this.#routines.callFramework(callee.index, call)
    else if (code !== null && next !== null) {
      this.#callFunction(frame, code, call)
      return
    }
    this.#convention.forgetVolatile(call.state, undefined)
    // In x64 code the caller cleans up: nothing needs to be counted.
    if (this.#word === 8) return
    const following = next === null ? null : program.disassembler.at(next)
    const count = name === null ? undefined : argumentCount(name)
    this.#convention.dropArguments(call.state, count, following)
  }

  #callFunction(frame: Frame, code: number, call: Call): void {
    const { state, rva } = call
    this.#noteEntryCall(frame, state, code, false)
    this.#routines.callOwn(call)
    const values: Known[] = []
    for (let index = 0; index < ARGUMENTS_MAX; index++) values.push(call.argument(index))
    const outcome = this.#shouldFollow(frame, state, values, rva)
      ? this.#follow(frame, code, state, values)
      : null
    const { preserved = [], result, stores, top, frame: pointer } = outcome ?? {}
    const kept = preserved.map((register) => state.registers[register])
    this.#convention.forgetVolatile(state, interestOf(result) === '' ? undefined : result)
    preserved.forEach((register, index) => (state.registers[register] = kept[index]))
    stores?.forEach((value, slot) => state.setSlot(slot, value))
    if (this.#word === 8) return
    if (top?.kind === 'stack') {
      state.registers[RSP] = top
      state.pushes = 0
      // The helper that makes an exception frame sets the frame pointer for its caller.
      if (pointer?.kind === 'stack') state.registers[RBP] = pointer
    } else this.#convention.dropArguments(state, this.#convention.droppedBy(code), null)
  }

  #shouldFollow(frame: Frame, state: State, values: readonly Known[], rva: number): boolean {
    if (frame.depth >= DEPTH_MAX) return false
    if (this.#purpose === 'entry') return true
    // The exception frame of an x86 function is set up by a call among its first instructions.
    if (this.#word === 4 && rva - frame.start < 16) return true
    // Compilers give local functions conventions of their own.
    if (this.#word === 8) return values.some(isOfRequest)
    return values.some(isOfRequest) || this.#volatileValues(state).some(isOfRequest)
  }

  #follow(frame: Frame, code: number, state: State, values: readonly Known[]): Outcome | null {
    const top = state.registers[RSP]
    const height = top?.kind === 'stack' ? top.number : 0
    // Pointers to the caller's variables mean something else at each call.
    let key = `${code},${this.#purpose}`
    for (const register of this.#convention.volatile) {
      key += `,${keyOfValue(state.registers[register])}`
    }
    // Arguments in registers are among the volatile ones.
    const first = this.#convention.registerArguments
    for (let index = first; index < values.length; index++) key += `,${keyOfValue(values[index])}`
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
    if (isJump) {
      const top = state.registers[RSP]
      if (top?.kind !== 'stack' || top.number !== frame.top) return
    }
    const first = this.#convention.argument(state, 0, isJump)
    const second = this.#convention.argument(state, 1, isJump)
    if (first?.kind !== 'driver-object' || first.number !== 0) return
    if (second?.kind !== 'registry-path' || second.number !== 0) return
    this.findings.entryCalls.push({ from: frame.start, to: target, isJump })
  }

  #volatileValues(state: State): Known[] {
    return this.#convention.volatile.map((register) => state.registers[register])
  }
}

/** Does a register, if an operand has one, point to the stack? */
function isOnStack(state: State, register: number): boolean {
  return register >= 0 && state.registers[register]?.kind === 'stack'
}

/** Is a value the request, or something that leads to it? */
function isOfRequest(value: Known): boolean {
  return (
    value?.kind === 'irp' ||
    value?.kind === 'stack-location' ||
    value?.kind === 'code' ||
    value?.kind === 'device-object'
  )
}

/** Values of arguments as part of a key: what is worth following, and numbers. */
function keyOfValue(value: Known): string {
  if (value === undefined) return '?'
  if (value.kind === 'constant' || value.kind === 'address') return `${value.kind}${value.number}`
  return value.kind === 'stack' ? `stack${value.number}` : interestOf(value)
}
