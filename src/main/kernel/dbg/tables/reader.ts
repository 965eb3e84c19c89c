/**
 * Reading memory from outside, as a memory analyst reads an image of it: nothing is paged in, no
 * device register is asked, no address gets a place in the wild window. What cannot be read is 0.
 */
import { pointer } from '../../../../shared/nt/format'
import type { Kernel } from '../../kernel'
import { PAGE_SIZE, RAM_START, VIRTUAL_BYTES } from '../../mm/layout'
import type { Ptr } from '../../mm/memory'

/** Entries that a walk looks at, should somebody have tied a list in a knot. */
const WALK_MAX = 10_000
/** Entries that all walks of one reader look at together, should there be many long lists. */
const WALKS_MAX = 50_000
const TEXT_BYTES_MAX = 1024

export class Reader {
  private left = WALKS_MAX

  constructor(private readonly k: Kernel) {}

  /** So many bytes, also across pages; null when one of them is not in memory. */
  bytes(at: Ptr, length: number): Uint8Array | null {
    const { memory } = this.k
    const found = new Uint8Array(length)
    for (let done = 0; done < length;) {
      const index = at + done
      const physical = index > 0 && index < VIRTUAL_BYTES ? memory.physical(index) : -1
      if (physical < 0) return null
      const part = Math.min(length - done, PAGE_SIZE - (index & (PAGE_SIZE - 1)))
      found.set(memory.ram(RAM_START + physical, part), done)
      done += part
    }
    return found
  }

  /** The same with zeros where nothing can be read. */
  read(at: Ptr, length: number): Uint8Array {
    return this.bytes(at, length) ?? new Uint8Array(length)
  }

  add(at: Ptr, bytes: number | bigint): Ptr {
    return at === 0 ? 0 : at + Number(bytes)
  }

  u64(at: Ptr): bigint {
    const data = this.bytes(at, 8)
    return data ? new DataView(data.buffer).getBigUint64(0, true) : 0n
  }

  u32(at: Ptr): number {
    const data = this.bytes(at, 4)
    return data ? new DataView(data.buffer).getUint32(0, true) : 0
  }

  u16(at: Ptr): number {
    return this.u32(at) & 0xffff
  }

  u8(at: Ptr): number {
    return this.bytes(at, 1)?.[0] ?? 0
  }

  /** The place that an address names; 0 for one that names none. */
  placeOf(address: bigint): Ptr {
    const index = Number(address & 0xffff_ffffn)
    return index < VIRTUAL_BYTES && this.k.memory.address(index) === address ? index : 0
  }

  /** The place that the pointer at `at` names; 0 for NULL and for what names none. */
  ptr(at: Ptr): Ptr {
    return this.placeOf(this.u64(at))
  }

  /** The pointer at `at` as text, whatever it names. */
  pointerText(at: Ptr): string {
    return pointer(this.u64(at))
  }

  addressText(at: Ptr): string {
    return pointer(this.k.memory.address(at))
  }

  /** Text of a UNICODE_STRING, cut where it is absurdly long. */
  unicode(at: Ptr): string {
    const length = Math.min(this.u16(at), TEXT_BYTES_MAX) & ~1
    const data = length ? this.bytes(this.ptr(at + 8), length) : null
    let text = ''
    if (data)
      for (let i = 0; i < data.length; i += 2)
        text += String.fromCharCode(data[i]! | (data[i + 1]! << 8))
    return text
  }

  /** Zero-terminated text of single bytes. */
  ansi(at: Ptr, max: number): string {
    let text = ''
    for (let i = 0; i < max; i++) {
      const unit = this.u8(at + i)
      if (unit === 0) break
      text += String.fromCharCode(unit)
    }
    return text
  }

  /** Links of a list by its forward pointers, until the head comes again, nothing does, or a knot shows. */
  *links(head: Ptr): Generator<Ptr> {
    const seen = new Set<Ptr>([head])
    for (let at = this.ptr(head); at !== 0 && !seen.has(at); at = this.ptr(at)) {
      if (seen.size > WALK_MAX || this.left-- <= 0) return
      seen.add(at)
      yield at
    }
  }

  /** Objects that hang one behind the other up to NULL, by the pointer `link` bytes into each. */
  *chain(first: Ptr, link: number): Generator<Ptr> {
    const seen = new Set<Ptr>()
    for (let at = first; at !== 0 && !seen.has(at); at = this.ptr(at + link)) {
      if (seen.size > WALK_MAX || this.left-- <= 0) return
      seen.add(at)
      yield at
    }
  }
}
