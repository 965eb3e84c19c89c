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

/** Tell the RVAs of code that relocated pointers lead to. */
export function relocatedPointers(program: Program, tell: (rva: number) => void): void {
  const directory = program.image.directories.find(({ name }) => name === 'BASERELOC')
  const start = directory ? program.mapping.offsetOf(directory.rva) : null
  if (!directory || start === null) return
  const { mapping, word } = program
  const { reader } = mapping
  const type = word === 8 ? IMAGE_REL_BASED_DIR64 : IMAGE_REL_BASED_HIGHLOW
  // All of the directory lies in one piece of the file.
  const end = start + Math.min(directory.size, mapping.available(directory.rva))
  let left = POINTERS_MAX
  for (let block = start; block + BLOCK_HEADER <= end;) {
    const [page, size] = [reader.u32(block), reader.u32(block + 4)]
    if (size < BLOCK_HEADER || page % PAGE !== 0) return
    const stop = Math.min(block + size, end)
    for (let at = block + BLOCK_HEADER; at + 2 <= stop; at += 2) {
      const entry = reader.u16(at)
      if (entry >> 12 !== type || left-- <= 0) continue
      const pointer = program.number(page + (entry & 0xfff), word)
      const target = pointer === null ? null : program.rvaOf(pointer)
      if (target !== null && program.isCode(target)) tell(target)
    }
    block += size
  }
}
