/**
 * Pointers that the loader adjusts: each is an address in the image for certain. Those that lead to
 * code are callbacks in tables and, in x86 images, operands of instructions.
 */
import type { Program } from './program'

const IMAGE_REL_BASED_HIGHLOW = 3
const IMAGE_REL_BASED_DIR64 = 10
const BLOCK_HEADER = 8
const PAGE = 0x1000
const POINTERS_MAX = 200_000

/** RVAs of code that relocated pointers lead to. */
export function* relocatedPointers(program: Program): Generator<number> {
  const directory = program.image.directories.find(({ name }) => name === 'BASERELOC')
  if (!directory) return
  const { mapping, word } = program
  const type = word === 8 ? IMAGE_REL_BASED_DIR64 : IMAGE_REL_BASED_HIGHLOW
  const end = directory.rva + Math.min(directory.size, mapping.available(directory.rva))
  let left = POINTERS_MAX
  for (let block = directory.rva; block + BLOCK_HEADER <= end;) {
    const [page, size] = [mapping.u32At(block), mapping.u32At(block + 4)]
    if (size < BLOCK_HEADER || page % PAGE !== 0) return
    for (let at = block + BLOCK_HEADER; at + 2 <= Math.min(block + size, end); at += 2) {
      const entry = program.number(at, 2) ?? 0
      if (entry >> 12 !== type || left-- <= 0) continue
      const pointer = program.number(page + (entry & 0xfff), word)
      const target = pointer === null ? null : program.rvaOf(pointer)
      if (target !== null && program.isCode(target)) yield target
    }
    block += size
  }
}
