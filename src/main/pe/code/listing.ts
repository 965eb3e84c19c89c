/** A few lines of disassembly, to show beside a piece of evidence. */
import type { Image } from '../../../shared/driver-file/facts'
import { MACHINES, Program } from './program'

/** One line; `bytes` in hexadecimal. */
export interface ListingLine {
  rva: number
  bytes: string
  text: string
}

const LINES_MAX = 200
/** How far back decoding may start so as to fall into step before the address. */
const RUN_UP = 64

/**
 * The instructions around an address, `count` of them, the one at `rva` in the middle where that is
 * possible. Empty for other machines than x86 and for addresses outside code.
 */
export function disassembleAround(
  bytes: Uint8Array,
  image: Image,
  rva: number,
  count: number,
): ListingLine[] {
  const bits = MACHINES[image.machine]
  if (bits === undefined) return []
  const program = new Program(bytes, image, bits)
  try {
    const { disassembler, mapping } = program
    const wanted = Math.min(count, LINES_MAX)
    const before = leadIn(program, rva).slice(-Math.floor(wanted / 2))
    const lines: ListingLine[] = []
    for (let place = before[0] ?? rva; lines.length < wanted;) {
      const length = disassembler.step(place)
      if (length === 0) break
      const raw = Buffer.from(mapping.bytesAt(place, length)).toString('hex')
      lines.push({ rva: place, bytes: raw, text: disassembler.text(place) })
      place += length
    }
    return lines
  } finally {
    program.free()
  }
}

/** Addresses of the instructions before `rva`, from the start of its function or from a run-up. */
function leadIn(program: Program, rva: number): number[] {
  const { disassembler } = program
  const own = program.boundsOf(rva)?.start ?? rva - RUN_UP
  for (let start = Math.max(own, rva - RUN_UP * 16); start < rva; start++) {
    const places: number[] = []
    let place = start
    while (place < rva) {
      const length = disassembler.step(place)
      if (length === 0) break
      places.push(place)
      place += length
    }
    if (place === rva) return places
  }
  return []
}
