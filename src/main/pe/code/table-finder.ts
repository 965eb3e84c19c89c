/**
 * Jump tables by their looks, for code whose values are not followed: the addresses that the last
 * instructions before an indirect jump mention are tried as tables. Entries count as long as they
 * lead back into the same function.
 */
import type { Bounds, Program } from './program'

const ENTRIES_MAX = 1_024
/** How many of the last addresses are tried. */
const CANDIDATES_MAX = 4
/** Without bounds, a jump table stays within this distance of its jump. */
const DISTANCE_MAX = 0x8000

export class TableFinder {
  #addresses: number[] = []
  #scaled: number[] = []
  /** Largest index that the last comparison by order lets through. */
  #limit: number | null = null

  constructor(readonly program: Program) {}

  /** A new block begins. Addresses loaded in an earlier block are still good candidates. */
  reset(): void {
    if (this.#scaled.length > 0) this.#scaled = []
    this.#limit = null
  }

  /** `cmp index, limit` and a branch by order. */
  noteLimit(limit: number): void {
    this.#limit = limit
  }

  /** `lea reg, [rip+x]`: the base that relative entries are added to. */
  noteAddress(rva: number): void {
    this.#addresses.push(rva)
    if (this.#addresses.length > CANDIDATES_MAX) this.#addresses.shift()
  }

  /** `mov reg, [base+index*4+table]` and `jmp [index*4+table]`, if that is what was just decoded. */
  noteScaledAccess(): void {
    const { current, tables } = this.program.disassembler
    if (current.memoryIndexScale < 4 || tables.registers[current.memoryIndex] < 0) return
    const { displacement } = current
    if (displacement > 0 && displacement <= 0xffff_ffff) this.#scaled.push(displacement)
  }

  /** Where an indirect jump can go. */
  targets(jump: number, bounds: Bounds | null): number[] {
    const found: number[] = []
    // Where a table ends is not to be seen from its entries: those of the next one look alike.
    if (this.#limit === null) return found
    for (const displacement of this.#scaled) {
      if (this.program.bits === 64) {
        // Microsoft's compiler: RVAs, and the image base in a register.
        this.#read(displacement, jump, bounds, (entry) => entry, found)
        continue
      }
      const table = this.program.rvaOf(displacement)
      if (table === null) continue
      this.#read(table, jump, bounds, (entry) => this.program.rvaOf(entry), found)
    }
    for (const table of this.#addresses) {
      this.#read(table, jump, bounds, (entry) => (table + entry) | 0, found)
    }
    return found
  }

  #read(
    table: number,
    jump: number,
    bounds: Bounds | null,
    targetOf: (entry: number) => number | null,
    found: number[],
  ): void {
    const { mapping } = this.program
    const available = mapping.available(table)
    const last = Math.min(this.#limit ?? 0, ENTRIES_MAX)
    for (let index = 0; index <= last && index * 4 + 4 <= available; index++) {
      const target = targetOf(mapping.u32At(table + index * 4))
      if (target === null || !this.#isPlausible(target, jump, bounds)) return
      found.push(target)
    }
  }

  #isPlausible(target: number, jump: number, bounds: Bounds | null): boolean {
    if (bounds) return target >= bounds.start && target < bounds.end
    return Math.abs(target - jump) < DISTANCE_MAX && this.program.isCode(target)
  }
}
