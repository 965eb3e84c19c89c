/**
 * Simulated memory: checked access to what the page table maps.
 *
 * Addresses are *indexes* here (see layout.ts). Every read and write goes through a page table
 * entry and throws `MemoryFault` when the page does not allow it; the DDI border turns that into an
 * exception or a bug check by the rules of `data/kernel/bugchecks.json`.
 */
import type { AccessKind, SlowAccess } from '../port'
import { HEX8, controlWords, type Backing, type Ptr } from './address-map'
import {
  CONTROL,
  PAGE_SHIFT,
  PAGE_SIZE,
  PHYSICAL_BYTES,
  PTE,
  VIRTUAL_BYTES,
  VIRTUAL_PAGES,
  WILD_BASE,
} from './layout'
import { FRAME_MASK, OFFSET_MASK, PageTable } from './page-table'

export type { Backing, Ptr } from './address-map'

/** Access that the page tables do not allow. Never an error of the simulator. */
export class MemoryFault {
  /** The kernel's routine that met it while it worked for driver code. */
  routine: string | null = null

  constructor(
    readonly index: Ptr,
    readonly access: AccessKind,
  ) {}
}

/** Registers that answer accesses to pages without RAM behind them. */
export interface DeviceBus {
  /** @param physical physical address; `size` 1, 2, 4 or 8 bytes */
  read(physical: number, size: number): bigint
  write(physical: number, size: number, value: bigint): void
}

export function plainBacking(): Backing {
  return { control: new Uint8Array(CONTROL.bytes), physical: new Uint8Array(PHYSICAL_BYTES) }
}

export class Memory extends PageTable {
  /** Points left of the running processor's turn, one word (ke/turns.ts). */
  readonly points: Int32Array
  private readonly view: DataView
  private readonly words: Int32Array
  /** What answers for device registers. */
  bus: DeviceBus | null = null
  /** CR0.WP: kernel mode respects read-only pages. */
  writeProtect = true

  constructor(backing: Backing) {
    super(backing)
    const { buffer, byteOffset, byteLength } = backing.physical
    this.points = controlWords(backing, CONTROL.points, 1)
    this.view = new DataView(buffer, byteOffset, byteLength)
    this.words = new Int32Array(buffer, byteOffset, byteLength >> 2)
  }

  private at(index: Ptr, size: number, access: 'read' | 'write'): number {
    const entry = index < VIRTUAL_BYTES && index >= 0 ? this.ptes[index >>> PAGE_SHIFT]! : 0
    const offset = index & OFFSET_MASK
    const base =
      entry & (access === 'read' ? PTE.read : PTE.write)
        ? entry
        : this.refused(index, entry, access)
    if (offset + size > PAGE_SIZE) return -1
    return (base & FRAME_MASK) | offset
  }

  /**
   * What can still be done about an access that the entry does not allow: a page comes back from the
   * page file, a read-only one is written while CR0.WP is clear.
   * @returns the entry to go on with
   */
  private refused(index: Ptr, entry: number, access: 'read' | 'write'): number {
    const needed = access === 'read' ? PTE.read : PTE.write
    const page = index >>> PAGE_SHIFT
    if (this.watchesUser && entry & PTE.pagedOut && this.spaces.ownerOf(page) >= 0) {
      const shown = this.userPtes[page]!
      if (shown & needed) return shown
    }
    if (entry & PTE.pagedOut && this.pageableResident && this.bringIn(page, access)) {
      const now = this.ptes[page]!
      if (now & needed) return now
    }
    const isOpen = !this.writeProtect && access === 'write' && entry & PTE.read
    if (isOpen && !this.isUser(index) && !this.isSealed(entry)) {
      if (this.codeFrames[entry >>> PAGE_SHIFT]) this.codeOpened = true
      return entry
    }
    throw new MemoryFault(index, access)
  }

  u8(index: Ptr): number {
    return this.bytes[this.at(index, 1, 'read')]!
  }
  i8(index: Ptr): number {
    return (this.u8(index) << 24) >> 24
  }
  u16(index: Ptr): number {
    const at = this.at(index, 2, 'read')
    return at < 0 ? this.u8(index) | (this.u8(index + 1) << 8) : this.view.getUint16(at, true)
  }
  i16(index: Ptr): number {
    return (this.u16(index) << 16) >> 16
  }
  i32(index: Ptr): number {
    const at = this.at(index, 4, 'read')
    if (at < 0) return this.u16(index) | (this.u16(index + 2) << 16)
    return at & 3 ? this.view.getInt32(at, true) : this.words[at >> 2]!
  }
  u32(index: Ptr): number {
    return this.i32(index) >>> 0
  }
  u64(index: Ptr): bigint {
    return (BigInt(this.u32(index + 4)) << 32n) | BigInt(this.u32(index))
  }
  i64(index: Ptr): bigint {
    return BigInt.asIntN(64, this.u64(index))
  }
  /** A pointer field, as an index. */
  ptr(index: Ptr): Ptr {
    const lo = this.i32(index)
    const hi = this.i32(index + 4)
    return lo === 0 && hi === 0 ? 0 : this.fromHalves(lo, hi)
  }

  setU8(index: Ptr, value: number): void {
    this.bytes[this.at(index, 1, 'write')] = value
  }
  setU16(index: Ptr, value: number): void {
    const at = this.at(index, 2, 'write')
    if (at < 0) {
      this.setU8(index, value & 0xff)
      this.setU8(index + 1, (value >> 8) & 0xff)
    } else this.view.setUint16(at, value, true)
  }
  setU32(index: Ptr, value: number): void {
    const at = this.at(index, 4, 'write')
    if (at < 0) {
      this.setU16(index, value & 0xffff)
      this.setU16(index + 2, (value >>> 16) & 0xffff)
    } else if (at & 3) this.view.setInt32(at, value | 0, true)
    else this.words[at >> 2] = value
  }
  setU64(index: Ptr, value: bigint): void {
    this.setU32(index, Number(value & 0xffff_ffffn) | 0)
    this.setU32(index + 4, Number((value >> 32n) & 0xffff_ffffn) | 0)
  }
  /** A 64-bit field with a value that fits 53 bits. */
  setSize(index: Ptr, value: number): void {
    this.setU32(index, value | 0)
    this.setU32(index + 4, Math.floor(value / 0x1_0000_0000) | 0)
  }
  /** A 64-bit field read as a number; exact below 2^53. */
  size(index: Ptr): number {
    return this.u32(index + 4) * 0x1_0000_0000 + this.u32(index)
  }
  setPtr(index: Ptr, value: Ptr): void {
    if (value === 0) {
      this.setU32(index, 0)
      this.setU32(index + 4, 0)
    } else if (value >= WILD_BASE) this.setU64(index, this.address(value))
    else {
      this.setU32(index, value)
      this.setU32(index + 4, this.hi[value >>> 20]!)
    }
  }

  /**
   * The access that a runner could not do by itself: unaligned, across pages, or not allowed.
   * @throws MemoryFault
   */
  slowAccess(access: SlowAccess, userMode: boolean): void {
    const { index, size } = access
    if (access.kind === 'execute') throw new MemoryFault(index, 'execute')
    if (userMode) {
      const needed = access.kind === 'read' ? PTE.read : PTE.write
      for (let at = index; at < index + size; at++)
        if (at >= VIRTUAL_BYTES || !(this.userPtes[at >>> PAGE_SHIFT]! & needed))
          throw new MemoryFault(at, access.kind)
    }
    if (this.hasDevices && this.pte(index) & PTE.device) this.deviceAccess(access)
    else if (access.kind === 'read') {
      if (size === 8) {
        access.lo = this.i32(index)
        access.hi = this.i32(index + 4)
      } else
        access.lo = size === 4 ? this.i32(index) : size === 2 ? this.u16(index) : this.u8(index)
    } else {
      // Check all of it first, so that a fault leaves nothing half written.
      this.probe(index, size, 'write')
      if (size === 8) {
        this.setU32(index, access.lo)
        this.setU32(index + 4, access.hi)
      } else if (size === 4) this.setU32(index, access.lo)
      else if (size === 2) this.setU16(index, access.lo)
      else this.setU8(index, access.lo)
    }
  }

  /** A field of a device's registers, read or written by driver code. */
  private deviceAccess(access: SlowAccess): void {
    const { index, size, kind } = access
    const physical = this.physicalAddress(index)
    if (kind === 'read') {
      const value = this.bus?.read(physical, size) ?? 0n
      access.lo = Number(value & 0xffff_ffffn) | 0
      access.hi = Number((value >> 32n) & 0xffff_ffffn) | 0
    } else {
      const value = (BigInt(access.hi >>> 0) << 32n) | BigInt(access.lo >>> 0)
      this.bus?.write(physical, size, BigInt.asUintN(size * 8, value))
    }
  }

  /** Whether a range holds registers of a device. */
  private touchesDevice(index: Ptr, length: number): boolean {
    if (!this.hasDevices) return false
    // By page numbers: a length of a driver's own may lead beyond 31 bits.
    const last = Math.min(Math.floor((index + length - 1) / PAGE_SIZE), VIRTUAL_PAGES - 1)
    for (let page = index >>> PAGE_SHIFT; page <= last; page++)
      if (this.pte(page << PAGE_SHIFT) & PTE.device) return true
    return false
  }

  /** Check that every page of a range allows the access; throws at the first that does not. */
  probe(index: Ptr, length: number, access: 'read' | 'write'): void {
    for (let at = index; at < index + length; at = (at & FRAME_MASK) + PAGE_SIZE)
      this.at(at, 1, access)
  }

  read(index: Ptr, length: number): Uint8Array {
    const hasDevice = this.touchesDevice(index, length)
    // What is not there is found before so much is set aside for it.
    if (!hasDevice && length > PAGE_SIZE) this.probe(index, length, 'read')
    const out = new Uint8Array(length)
    if (hasDevice)
      return out.map((_, i) =>
        this.pte(index + i) & PTE.device
          ? Number(this.bus?.read(this.physicalAddress(index + i), 1) ?? 0n)
          : this.u8(index + i),
      )
    this.eachRun(index, length, 'read', (at, offset, count) =>
      out.set(this.bytes.subarray(at, at + count), offset),
    )
    return out
  }

  write(index: Ptr, data: Uint8Array): void {
    if (this.touchesDevice(index, data.length)) {
      data.forEach((byte, i) => {
        if (this.pte(index + i) & PTE.device)
          this.bus?.write(this.physicalAddress(index + i), 1, BigInt(byte))
        else this.setU8(index + i, byte)
      })
      return
    }
    this.eachRun(index, data.length, 'write', (at, offset, count) =>
      this.bytes.set(
        offset === 0 && count === data.length ? data : data.subarray(offset, offset + count),
        at,
      ),
    )
  }

  fill(index: Ptr, length: number, value: number): void {
    if (this.touchesDevice(index, length)) {
      this.write(index, new Uint8Array(length).fill(value))
      return
    }
    this.eachRun(index, length, 'write', (at, _offset, count) =>
      this.bytes.fill(value, at, at + count),
    )
  }

  /** Copy with the semantics of memmove. */
  copy(to: Ptr, from: Ptr, length: number): void {
    if (length <= 0) return
    if (this.touchesDevice(from, length) || this.touchesDevice(to, length)) {
      this.write(to, this.read(from, length))
      return
    }
    const source = this.at(from, 1, 'read')
    const target = this.at(to, 1, 'write')
    const inPage =
      (from & OFFSET_MASK) + length <= PAGE_SIZE && (to & OFFSET_MASK) + length <= PAGE_SIZE
    if (inPage) this.bytes.copyWithin(target, source, source + length)
    else this.write(to, this.read(from, length))
  }

  private eachRun(
    index: Ptr,
    length: number,
    access: 'read' | 'write',
    run: (at: number, offset: number, count: number) => void,
  ): void {
    let offset = 0
    while (offset < length) {
      const at = this.at(index + offset, 1, access)
      const count = Math.min(length - offset, PAGE_SIZE - (at & OFFSET_MASK))
      run(at, offset, count)
      offset += count
    }
  }

  /** UTF-16 text of `bytes` bytes. */
  text16(index: Ptr, bytes: number): string {
    const data = this.read(index, bytes & ~1)
    let text = ''
    for (let i = 0; i < data.length; i += 2)
      text += String.fromCharCode(data[i]! | (data[i + 1]! << 8))
    return text
  }

  setText16(index: Ptr, text: string): void {
    for (let i = 0; i < text.length; i++) this.setU16(index + i * 2, text.charCodeAt(i))
  }

  /** Zero-terminated UTF-16 text, at most `max` characters. */
  wsz(index: Ptr, max = 32_767): string {
    let text = ''
    for (let i = 0; i < max; i++) {
      const unit = this.u16(index + i * 2)
      if (unit === 0) break
      text += String.fromCharCode(unit)
    }
    return text
  }

  /** Zero-terminated ANSI text, at most `max` characters. */
  sz(index: Ptr, max = 65_535): string {
    let text = ''
    for (let i = 0; i < max; i++) {
      const unit = this.u8(index + i)
      if (unit === 0) break
      text += String.fromCharCode(unit)
    }
    return text
  }

  /** FNV-1a over all mapped memory: equal machines have equal digests. For tests of determinism. */
  digest(): string {
    let hash = 0x811c9dc5
    for (let page = 0; page < VIRTUAL_PAGES; page++) {
      const entry = this.ptes[page]!
      if (!(entry & FRAME_MASK) || entry & PTE.device) continue
      hash = Math.imul(hash ^ page, 0x01000193)
      const base = (entry & FRAME_MASK) >> 2
      for (let i = 0; i < PAGE_SIZE >> 2; i++)
        hash = Math.imul(hash ^ this.words[base + i]!, 0x01000193)
    }
    return HEX8(hash >>> 0)
  }
}
