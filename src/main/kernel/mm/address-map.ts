/**
 * Addresses and their indexes: the upper half of each megabyte (layout.ts), and the wild window in which
 * values that name no place get an index of their own.
 */
import {
  CONTROL,
  PAGE_SHIFT,
  REGIONS,
  USER_SLICE_BYTES,
  USER_SLICES,
  VIRTUAL_BYTES,
  WILD_BASE,
  WILD_SLOT_SHIFT,
  WILD_SLOTS,
} from './layout'

/** A pointer in kernel code: an index of simulated virtual memory. 0 is NULL. */
export type Ptr = number

/** The bytes behind a machine; the sandbox makes them inside WebAssembly, tests plainly. */
export interface Backing {
  control: Uint8Array
  physical: Uint8Array
}

/** A power of two. */
const TEXTS_KEPT = 1024

/** Words of the control block that sandbox and kernel share. */
export function controlWords({ control }: Backing, offset: number, length: number): Int32Array {
  return new Int32Array(control.buffer, control.byteOffset + offset, length)
}

export class AddressMap {
  protected readonly hi: Int32Array
  /** Texts of addresses, as a trace names few addresses very often. */
  private readonly texts: string[] = new Array<string>(TEXTS_KEPT).fill('')
  private readonly textOf = new Int32Array(TEXTS_KEPT).fill(-1)
  private readonly wild: bigint[] = []
  private readonly wildSlots = new Map<bigint, number>()

  constructor(backing: Backing) {
    this.hi = controlWords(backing, CONTROL.hi, 256)
    for (const region of Object.values(REGIONS))
      for (let i = region.start >>> 20; i < (region.start + region.bytes) >>> 20; i++)
        this.hi[i] = region.hi
    for (let slice = 0; slice < USER_SLICES; slice++) {
      const first = (REGIONS.user.start + slice * USER_SLICE_BYTES) >>> 20
      // Each process lives at an address of its own, as address space randomisation would have it.
      for (let i = 0; i < USER_SLICE_BYTES >>> 20; i++)
        this.hi[first + i] = REGIONS.user.hi + slice * 0x17
    }
    for (let i = 0; i < 256; i++) if (i > 0 && this.hi[i] === 0) this.hi[i] = 0x7fff_0000 | i
  }

  /** The 64-bit address of an index. */
  address(index: Ptr): bigint {
    if (index >= WILD_BASE) {
      const slot = (index - WILD_BASE) >>> WILD_SLOT_SHIFT
      return BigInt.asUintN(64, (this.wild[slot] ?? 0n) + BigInt(index & 0xffff))
    }
    return (BigInt(this.hi[index >>> 20]! >>> 0) << 32n) | BigInt(index >>> 0)
  }

  /** `0xFFFF9A0101403060`. */
  format(index: Ptr): string {
    if (index >= WILD_BASE) return '0x' + hex(this.address(index), 16)
    const slot = (index ^ (index >>> PAGE_SHIFT)) & (TEXTS_KEPT - 1)
    if (this.textOf[slot] !== index) {
      this.textOf[slot] = index
      this.texts[slot] = '0x' + HEX8(this.hi[index >>> 20]! >>> 0) + HEX8(index >>> 0)
    }
    return this.texts[slot]!
  }

  /** The index of an address; foreign addresses get one in the wild window. */
  index(address: bigint): Ptr {
    const value = BigInt.asUintN(64, address)
    return this.fromHalves(Number(value & 0xffff_ffffn) | 0, Number(value >> 32n) | 0)
  }

  fromHalves(lo: number, hi: number): Ptr {
    const index = lo >>> 0
    if (index < VIRTUAL_BYTES && this.hi[index >>> 20] === hi) return index
    return this.wildIndex((BigInt(hi >>> 0) << 32n) | BigInt(index))
  }

  private wildIndex(address: bigint): Ptr {
    let slot = this.wildSlots.get(address)
    if (slot === undefined) {
      slot = this.wildSlots.size % WILD_SLOTS
      const old = this.wild[slot]
      if (old !== undefined) this.wildSlots.delete(old)
      this.wild[slot] = address
      this.wildSlots.set(address, slot)
    }
    return WILD_BASE + (slot << WILD_SLOT_SHIFT)
  }

  /** Pointer arithmetic that keeps the 64-bit meaning across regions. */
  add(index: Ptr, bytes: number | bigint): Ptr {
    if (typeof bytes === 'number' && index < VIRTUAL_BYTES) {
      const sum = index + bytes
      if (sum > 0 && sum >>> 20 === index >>> 20) return sum
    }
    return this.index(this.address(index) + BigInt(bytes))
  }

  isUser(index: Ptr): boolean {
    if (index >= WILD_BASE) return this.address(index) < 0x8000_0000_0000n
    return this.hi[index >>> 20]! >= 0
  }

  isCanonical(index: Ptr): boolean {
    const address = this.address(index)
    return address < 0x8000_0000_0000n || address >= 0xffff_8000_0000_0000n
  }
}

/** Eight upper-case digits of 32 bits. */
export const HEX8 = (value: number): string => value.toString(16).toUpperCase().padStart(8, '0')
const hex = (value: bigint, digits: number): string =>
  value.toString(16).toUpperCase().padStart(digits, '0')
