/**
 * The bytes of code, for whoever reads them, and what a call comes to when they were changed.
 *
 * Functions run by their numbers and not by their bytes: each begins with the same eight instructions
 * and has no others. A machine whose code nobody could write to never looks at them. From then on the
 * instructions at an address decide, as far as hooks are made of them: jumps, the eight instructions
 * (in a trampoline), and what returns a value. Anything else is an illegal instruction.
 *
 * A function of a program has its number in its bytes. They do not depend on where they lie: copied to
 * other memory that may be run, also in another process, they are the same function.
 */
import {
  STATUS_BREAKPOINT,
  STATUS_ILLEGAL_INSTRUCTION,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import { PTE, RAM_START } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import { NtException } from '../stop'
import type { CodeEntry } from './image'

/** Functions lie this far apart. */
export const FUNCTION_BYTES = 16

/**
 * Instructions that every function begins with. Both usual hooks, of 5 and of 12 bytes, end between two,
 * and differ from their first byte on.
 */
const PROLOGUE: readonly (readonly number[])[] = [
  [0x40, 0x53], //             push rbx
  [0x55], //                   push rbp
  [0x56], //                   push rsi
  [0x57], //                   push rdi
  [0x41, 0x54], //             push r12
  [0x41, 0x56], //             push r14
  [0x48, 0x8b, 0xec], //       mov rbp, rsp
  [0x48, 0x83, 0xec, 0x20], // sub rsp, 20h
]
const FUNCTION = PROLOGUE.flat()

/** push rbx; sub rsp, 20h; mov eax, the number of a program's function. */
const PROGRAM_FUNCTION = [0x40, 0x53, 0x48, 0x83, 0xec, 0x20, 0xb8]

/** Instructions until a walk counts as one without an end. */
const STEPS_MAX = 64
/** Bytes of changed code that the trace shows: the usual hooks. */
const SHOWN_BYTES = 12
/** Bytes of the longest instructions that are known: `jmp [rip+0]` and its address. */
const INSTRUCTION_BYTES = 14

/** Fill a range with code as the loader puts it there: functions side by side. */
export function fillWithCode(bytes: Uint8Array, start: number, end: number): void {
  for (let at = start; at < end; at += FUNCTION_BYTES) bytes.set(FUNCTION, at)
}

/** The bytes of a program's function. */
export function programCode(number: number): Uint8Array {
  const bytes = new Uint8Array(FUNCTION_BYTES).fill(0xcc)
  bytes.set(PROGRAM_FUNCTION)
  new DataView(bytes.buffer).setUint32(PROGRAM_FUNCTION.length, number, true)
  return bytes
}

/**
 * The function of a program whose bytes lie at a place in user memory that may be run. By the bytes:
 * two programs may have different functions at one address, each in a process of its own.
 */
function programFunctionAt(k: Kernel, at: Ptr): CodeEntry | undefined {
  const bytes = k.memory.pte(at) & PTE.execute ? bytesAt(k, at, FUNCTION_BYTES) : null
  if (bytes?.length !== FUNCTION_BYTES) return undefined
  if (!PROGRAM_FUNCTION.every((byte, i) => bytes[i] === byte)) return undefined
  const number = new DataView(bytes.buffer).getUint32(PROGRAM_FUNCTION.length, true)
  return k.images.programFunction(number)
}

/** Offsets in the header of an image (PE32+): where it lies behind the MZ header, and fields of it. */
const HEADER = {
  offset: 0x3c,
  at: 0x80,
  signature: 0x4550, // "PE"
  machine: 4,
  machineX64: 0x8664,
  optionalBytes: 0x14,
  optional: 0xf0,
  magic: 0x18,
  magicPlus: 0x20b,
  entryPoint: 0x28,
  imageBytes: 0x50,
} as const

/** The header of an image, as far as whoever finds one in memory goes by it. */
export function writeHeader(bytes: Uint8Array, entryPoint: number): void {
  const view = new DataView(bytes.buffer)
  const { at } = HEADER
  view.setUint16(0, 0x5a4d, true) // "MZ"
  view.setUint32(HEADER.offset, at, true)
  view.setUint32(at, HEADER.signature, true)
  view.setUint16(at + HEADER.machine, HEADER.machineX64, true)
  view.setUint16(at + HEADER.optionalBytes, HEADER.optional, true)
  view.setUint16(at + HEADER.magic, HEADER.magicPlus, true)
  view.setUint32(at + HEADER.entryPoint, entryPoint, true)
  view.setUint32(at + HEADER.imageBytes, bytes.length, true)
}

/** What an instruction does: where the next one is, and what it leaves in rax. */
interface Step {
  to: bigint | 'returns'
  rax?: number
  /** Bytes of a function's own beginning that it did. */
  own?: number
}

/**
 * Where a call of an address ends up, as its bytes say.
 * @returns the function that runs; one that gives a value back, for code that returns by itself;
 *   undefined where no code can be
 * @throws NtException STATUS_ILLEGAL_INSTRUCTION for bytes that mean nothing here, STATUS_BREAKPOINT for `int 3`
 */
export function walkCode(k: Kernel, start: Ptr): CodeEntry | undefined {
  const { memory, images } = k
  if (memory.isUser(start)) return programFunctionAt(k, start)
  let at = start
  let own = 0
  let rax = 0
  for (let steps = 0; steps < STEPS_MAX; steps++) {
    const inside = at % FUNCTION_BYTES
    const entry = images.function(at - inside)
    // Programs have no bytes of code; the processor keeps the kernel out of them anyway.
    if (entry && memory.isUser(at)) return entry
    if (!(memory.pte(at) & PTE.execute)) {
      if (at === start) return undefined
      throw k.fault(at, 'execute')
    }
    if (entry && isAsLoaded(k, entry.address, inside)) {
      if (inside === own) return entry
      // In the middle of a function without what comes before: its stack is not what it expects.
      throw new NtException(STATUS_ILLEGAL_INSTRUCTION)
    }
    const step = stepAt(memory.address(at), bytesAt(k, at, INSTRUCTION_BYTES), own)
    if (!step) throw new NtException(STATUS_ILLEGAL_INSTRUCTION)
    rax = step.rax ?? rax
    own += step.own ?? 0
    if (step.to === 'returns') return returning(k, start, rax)
    at = memory.index(step.to)
  }
  return k.outOfFuel()
}

/** Say that the bytes at an address led elsewhere than to the function that lies there. */
export function codeDiverted(k: Kernel, address: Ptr, to: CodeEntry): void {
  const { images, memory } = k
  k.emit({
    t: 'code.diverted',
    from: images.symbol(address),
    to: to.address === 0 ? null : images.symbol(to.address),
    bytes: [...bytesAt(k, address, SHOWN_BYTES)]
      .map((byte) => byte.toString(16).toUpperCase().padStart(2, '0'))
      .join(' '),
    place: memory.format(address),
  })
}

/** A function that does nothing but give a value back. */
function returning(k: Kernel, start: Ptr, value: number): CodeEntry {
  const entry = k.images.function(start)
  return {
    address: 0,
    name: entry?.name ?? k.memory.format(start),
    image: entry?.image ?? k.images.nt.number,
    fn: -1,
    *native() {
      return value
    },
  }
}

/** Whether the rest of a function, from an offset on, is as it was loaded. */
export function isAsLoaded(k: Kernel, entry: Ptr, from = 0): boolean {
  const now = bytesAt(k, entry, FUNCTION_BYTES)
  const loaded = k.images.loadedCodeAt(entry) ?? FUNCTION
  for (let i = from; i < FUNCTION_BYTES; i++) if (now[i] !== loaded[i]) return false
  return true
}

/** Bytes at a place, up to one that is not in memory. */
function bytesAt(k: Kernel, at: Ptr, count: number): Uint8Array {
  const bytes = new Uint8Array(count)
  for (let i = 0; i < count; i++) {
    const physical = k.memory.physical(at + i)
    if (physical < 0) return bytes.subarray(0, i)
    // Rarely more than one page, and never read in a hot path.
    bytes[i] = k.memory.ram(RAM_START + physical, 1)[0]!
  }
  return bytes
}

/** The instruction at an address; null for one that this processor does not know. */
function stepAt(address: bigint, code: Uint8Array, own: number): Step | null {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength)
  const begins = (...bytes: readonly number[]): boolean =>
    bytes.every((byte, i) => code[i] === byte)
  const behind = (bytes: number): bigint => BigInt.asUintN(64, address + BigInt(bytes))
  const next = ownInstruction(own)
  if (next && begins(...next)) return { to: behind(next.length), own: next.length }
  if (begins(0xe9) && code.length >= 5) return { to: behind(5 + view.getInt32(1, true)) }
  if (begins(0xeb) && code.length >= 2) return { to: behind(2 + view.getInt8(1)) }
  if (begins(0xff, 0x25, 0, 0, 0, 0) && code.length >= 14) return { to: view.getBigUint64(6, true) }
  if (begins(0x48, 0xb8) && code.length >= 12 && code[10] === 0xff && code[11] === 0xe0)
    return { to: view.getBigUint64(2, true) }
  if (begins(0x33, 0xc0) || begins(0x31, 0xc0)) return { to: behind(2), rax: 0 }
  if (begins(0xb8) && code.length >= 5) return { to: behind(5), rax: view.getUint32(1, true) }
  if (begins(0x90)) return { to: behind(1) }
  if (begins(0xc3)) return { to: 'returns' }
  if (begins(0xcc)) throw new NtException(STATUS_BREAKPOINT)
  return null
}

/** The instruction of a function's own beginning that comes after so many bytes of it. */
function ownInstruction(done: number): readonly number[] | undefined {
  let at = 0
  return PROLOGUE.find((instruction) => {
    const isNext = at === done
    at += instruction.length
    return isNext
  })
}
