/**
 * A survey of all code that can be found: functions from the entry point, the exception directory,
 * exports, calls, code pointers and (x86) prologues, each followed through its control flow. Data
 * between functions is not decoded, so what is found here is code that can run. It notes privileged
 * instructions and comparisons with numbers that look like I/O control codes.
 */
import { isPlausibleCode } from './control-code'
import type { Disassembler } from './disassembler'
import { privilegedLabel, PRIVILEGED_NAMES } from './privileged'
import type { Bounds, Program } from './program'
import { relocatedPointers } from './relocated'
import {
  BRANCH_EQUAL,
  BRANCH_ORDERED,
  CALL,
  COMPARISON,
  JUMP,
  RELATIVE_ADDRESS,
  RETURN,
  Skimmer,
} from './skimmer'
import { TableFinder } from './table-finder'

/** A comparison with a number. */
interface Comparison {
  readonly value: number
  readonly rva: number
}

export interface Survey {
  readonly instructions: number
  /** Starts of all functions that were followed. */
  readonly functions: ReadonlySet<number>
  readonly privileged: { instruction: string; rva: number; text: string }[]
  /** Comparisons for equality with plausible control codes, wherever they stand. */
  readonly constants: Comparison[]
  /** Limit that ended the survey early; null when it is complete. */
  readonly stopped: 'instructions' | 'time' | null
}

export interface Limits {
  /** Instructions decoded at most. */
  instructionsMax: number
  /** Asked now and then; true means stop. */
  deadline: () => boolean
  /** Functions known from elsewhere: callbacks that DriverEntry registers. */
  starts: Iterable<number>
}

const PRIVILEGED_MAX = 500
const CONSTANTS_MAX = 1_000
const FUNCTIONS_MAX = 60_000
const DEADLINE_STEPS = 1_024

/** What the fast pass has to look at more closely. */
const PRIVILEGED = 1
const MOVE = 2
const ADDRESS = 3
const COMPARE = 4
const EQUAL = 5
const ORDERED = 6

/** Tables of the classes by mnemonic; the decoder's numbering is the same for the whole process. */
let classes: Uint8Array | undefined

function classesOf({ tables }: Disassembler): Uint8Array {
  if (classes) return classes
  classes = new Uint8Array(Math.max(...Object.values(tables.mnemonics)) + 1)
  const put = (kind: number, names: readonly string[]): void => {
    for (const name of names) {
      const mnemonic = tables.mnemonics[name]
      if (mnemonic !== undefined && classes) classes[mnemonic] = kind
    }
  }
  put(PRIVILEGED, PRIVILEGED_NAMES)
  put(MOVE, ['mov', 'movsxd', 'movzx', 'jmp'])
  put(ADDRESS, ['lea'])
  put(COMPARE, ['cmp', 'sub', 'xor'])
  put(EQUAL, ['je', 'jne'])
  put(ORDERED, ['ja', 'jae', 'jb', 'jbe', 'jg', 'jge', 'jl', 'jle'])
  return classes
}

/** Follow all code of an image, within limits. */
export function surveyCode(program: Program, limits: Limits): Survey {
  return new Surveyor(program, limits).run()
}

class Surveyor {
  readonly #functions = new Set<number>()
  readonly #queue: number[] = []
  readonly #marks = new Map<number, Uint8Array<ArrayBuffer>>()
  readonly #privileged: Survey['privileged'] = []
  readonly #constants: Survey['constants'] = []
  readonly #tables: TableFinder
  readonly #skimmer: Skimmer
  #instructions = 0
  #stopped: Survey['stopped'] = null
  // The section whose marks were used last.
  #marksStart = 0
  #marksNow = new Uint8Array(0)

  constructor(
    readonly program: Program,
    readonly limits: Limits,
  ) {
    this.#tables = new TableFinder(program)
    this.#skimmer = new Skimmer(program.bits)
  }

  run(): Survey {
    const { image, runtimeFunctions, bits } = this.program
    this.#add(image.entryPoint)
    for (const { rva, forwarder } of image.exports?.functions ?? []) {
      if (forwarder === null) this.#add(rva)
    }
    for (const { start } of runtimeFunctions) this.#add(start)
    for (const start of this.limits.starts) this.#add(start)
    this.#drain()
    relocatedPointers(this.program, (target) => this.#addPointer(target))
    this.#drain()
    if (bits === 32 && !this.#stopped) this.#addPrologues()
    this.#drain()
    return {
      instructions: this.#instructions,
      functions: this.#functions,
      privileged: this.#privileged.sort((left, right) => left.rva - right.rva),
      constants: this.#constants,
      stopped: this.#stopped,
    }
  }

  #drain(): void {
    for (let index = 0; index < this.#queue.length && !this.#stopped; index++) {
      if (this.limits.deadline()) this.#stopped = 'time'
      else this.#follow(this.#queue[index])
    }
    this.#queue.length = 0
  }

  #add(rva: number): void {
    if (rva <= 0 || this.#functions.size >= FUNCTIONS_MAX || this.#functions.has(rva)) return
    if (!this.program.isCode(rva)) return
    this.#functions.add(rva)
    this.#queue.push(rva)
  }

  /** A pointer into code that is not a call: a function only when it looks like the start of one. */
  #addPointer(rva: number): void {
    if (!this.program.isCode(rva) || this.#isMarked(rva)) return
    const { mapping } = this.program
    const offset = mapping.offsetOf(rva - 1)
    const before = offset === null ? -1 : mapping.reader.u8(offset)
    const isPadded = before === 0xcc || before === 0x90 || before === 0xc3 || before === 0
    if (isPadded || rva % 16 === 0) this.#add(rva)
  }

  #follow(start: number): void {
    const privileged: number[] = []
    const bounds = this.program.boundsOf(start)
    const blocks = [start]
    let isValid = true
    for (let block = blocks.pop(); block !== undefined && !this.#stopped; block = blocks.pop()) {
      if (!this.#followBlock(block, bounds, blocks, privileged)) isValid = false
    }
    // Where the flow runs into something that is no instruction, it was no code to begin with.
    if (!isValid) return
    const { disassembler } = this.program
    for (const rva of privileged) {
      const text = disassembler.text(rva)
      const { name } = disassembler.tables.formOf(disassembler.current.code)
      const instruction = privilegedLabel(name, text)
      if (instruction !== null && this.#privileged.length < PRIVILEGED_MAX) {
        this.#privileged.push({ instruction, rva, text })
      }
    }
  }

  /** @returns false when the block ends in bytes that are no instruction */
  #followBlock(
    block: number,
    bounds: Bounds | null,
    blocks: number[],
    privileged: number[],
  ): boolean {
    const { disassembler } = this.program
    const { tables, current } = disassembler
    const kinds = classesOf(disassembler)
    const skimmer = this.#skimmer
    let compared: Comparison | null = null
    this.#tables.reset()
    for (let rva = block; this.#mark(rva);) {
      const quick = skimmer.read(rva - this.#marksStart)
      if (quick > 0) {
        const { kind, value } = skimmer
        const next = rva + quick
        const place = kind <= RETURN ? next : this.#placeAt(next + value)
        if (place >= 0) {
          if (!this.#count()) return true
          if (kind === BRANCH_EQUAL) this.#noteConstant(compared)
          else if (kind === BRANCH_ORDERED && compared) this.#tables.noteLimit(compared.value)
          if (kind === COMPARISON) compared = { value, rva }
          else if (kind !== BRANCH_ORDERED) compared = null
          if (kind === RELATIVE_ADDRESS) this.#noteAddress(place)
          else if (kind === CALL) this.#add(place)
          else if (kind === RETURN) return true
          else if (kind > RELATIVE_ADDRESS) this.#goTo(place, bounds, blocks)
          if (kind === JUMP) return true
          rva = next
          continue
        }
      }
      const length = disassembler.step(rva)
      if (length === 0) return false
      if (!this.#count()) return true
      const { code } = current
      const { mnemonic, flow } = tables.formOf(code)
      const kind = kinds[mnemonic]
      if (kind === PRIVILEGED) privileged.push(rva)
      else if (kind === MOVE) {
        if (tables.isControlMove[code]) privileged.push(rva)
        this.#tables.noteScaledAccess()
      } else if (kind === ADDRESS) {
        const address = disassembler.relativeAddress()
        if (address !== null) this.#noteAddress(address)
      }
      if (kind === EQUAL) this.#noteConstant(compared)
      else if (kind === ORDERED && compared) this.#tables.noteLimit(compared.value)
      if (kind === COMPARE) compared = this.#comparison(rva)
      else if (kind !== ORDERED) compared = null

      const next = rva + length
      if (flow === 'return' || flow === 'stop') return true
      if (flow !== 'next') {
        const target = disassembler.branchTarget()
        if (flow === 'call') {
          if (target !== null) this.#add(target)
        } else if (target !== null) this.#goTo(target, bounds, blocks)
        else if (flow === 'jump') {
          for (const place of this.#tables.targets(rva, bounds)) blocks.push(place)
        }
        if (flow === 'jump') return true
      }
      rva = next
    }
    return true
  }

  /** An address computed from distances; negative where the decoder has to say what comes of it. */
  #placeAt(address: number): number {
    if (this.program.bits === 32) return address >>> 0
    return address <= 0xffff_ffff ? address : -1
  }

  /** A jump within the function, or in tail position to another one. */
  #goTo(target: number, bounds: Bounds | null, blocks: number[]): void {
    const isInside = bounds === null || (target >= bounds.start && target < bounds.end)
    if (isInside && this.program.isCode(target)) blocks.push(target)
    else this.#add(target)
  }

  #noteConstant(compared: Comparison | null): void {
    if (compared === null || !isPlausibleCode(compared.value)) return
    if (this.#constants.length < CONSTANTS_MAX) this.#constants.push(compared)
  }

  #count(): boolean {
    this.#instructions++
    if (this.#instructions >= this.limits.instructionsMax) this.#stopped = 'instructions'
    else if (this.#instructions % DEADLINE_STEPS === 0 && this.limits.deadline()) {
      this.#stopped = 'time'
    }
    return this.#stopped === null
  }

  #comparison(rva: number): Comparison | null {
    const { current, tables } = this.program.disassembler
    const bytes = tables.immediateBytes[current.opKind(1)]
    if (bytes === 0) return null
    const number = current.immediate32
    return { value: bytes === 1 ? number & 0xff : number >>> 0, rva }
  }

  #noteAddress(rva: number): void {
    this.#tables.noteAddress(rva)
    this.#addPointer(rva)
  }

  #addPrologues(): void {
    const { mapping } = this.program
    for (const section of this.program.image.sections) {
      if (!this.program.isCode(section.rva)) continue
      const bytes = mapping.bytesAt(section.rva, section.virtualSize || section.rawSize)
      for (let at = bytes.indexOf(0x55); at >= 0; at = bytes.indexOf(0x55, at + 1)) {
        // push ebp; mov ebp, esp in both encodings
        const isFrame =
          (bytes[at + 1] === 0x8b && bytes[at + 2] === 0xec) ||
          (bytes[at + 1] === 0x89 && bytes[at + 2] === 0xe5)
        if (!isFrame) continue
        const hasHotPatch = bytes[at - 2] === 0x8b && bytes[at - 1] === 0xff
        this.#addPointer(section.rva + at - (hasHotPatch ? 2 : 0))
      }
    }
  }

  /** @returns false when the address was there already, or lies outside the file's code */
  #mark(rva: number): boolean {
    const index = this.#markIndex(rva)
    if (index < 0 || this.#marksNow[index] === 1) return false
    this.#marksNow[index] = 1
    return true
  }

  #isMarked(rva: number): boolean {
    const index = this.#markIndex(rva)
    return index >= 0 && this.#marksNow[index] === 1
  }

  #markIndex(rva: number): number {
    const index = rva - this.#marksStart
    if (index >= 0 && index < this.#marksNow.length) return index
    const section = this.program.mapping.sectionOf(rva)
    if (section === null || !this.program.isCode(rva)) return -1
    let marks = this.#marks.get(section.rva)
    if (!marks) {
      marks = new Uint8Array(this.program.mapping.available(section.rva))
      this.#marks.set(section.rva, marks)
    }
    this.#marksStart = section.rva
    this.#marksNow = marks
    this.#skimmer.use(this.program.disassembler.bytesAround(rva))
    return rva - section.rva < marks.length ? rva - section.rva : -1
  }
}
