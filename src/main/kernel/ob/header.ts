/** OBJECT_HEADER, and OBJECT_HEADER_NAME_INFO before it: reading and writing what lies there. */
import {
  OBJECT_HEADER,
  OBJECT_HEADER_NAME_INFO,
  UNICODE_STRING,
} from '../../../shared/nt/generated/offsets'
import type { Memory, Ptr } from '../mm/memory'

/** From the header to the body. */
export const BODY = OBJECT_HEADER.Body
export const NAME_INFO_BYTES = OBJECT_HEADER_NAME_INFO.SIZE

/** Bits of OBJECT_HEADER.Flags. */
const FLAG_KERNEL_OBJECT = 0x02
const FLAG_PERMANENT = 0x10
/** Bit of OBJECT_HEADER.InfoMask: OBJECT_HEADER_NAME_INFO lies before the header. */
const INFO_NAME = 0x02

/** The headers of a machine. Every object is named by its body. */
export class Headers {
  constructor(
    private readonly memory: Memory,
    /** ObHeaderCookie: mixed into every TypeIndex, as Windows 10 does. */
    readonly cookie: number,
  ) {}

  /** A header with one reference and no handle. */
  initialize(
    object: Ptr,
    options: { typeIndex: number; permanent: boolean; named: boolean },
  ): void {
    const { memory } = this
    const header = object - BODY
    this.setCount(header + OBJECT_HEADER.PointerCount, 1)
    this.setCount(header + OBJECT_HEADER.HandleCount, 0)
    memory.setU8(header + OBJECT_HEADER.TypeIndex, this.mix(header, options.typeIndex))
    memory.setU8(header + OBJECT_HEADER.InfoMask, options.named ? INFO_NAME : 0)
    memory.setU8(
      header + OBJECT_HEADER.Flags,
      FLAG_KERNEL_OBJECT | (options.permanent ? FLAG_PERMANENT : 0),
    )
  }

  /** Type index, decoded. */
  typeIndex(object: Ptr): number {
    const header = object - BODY
    return this.mix(header, this.memory.u8(header + OBJECT_HEADER.TypeIndex))
  }

  /** Index and stored byte into each other: mixed with the cookie and the header's second address byte. */
  private mix(header: Ptr, value: number): number {
    return (value ^ this.cookie ^ (header >>> 8)) & 0xff
  }

  pointerCount(object: Ptr): number {
    return this.count(object - BODY + OBJECT_HEADER.PointerCount)
  }

  setPointerCount(object: Ptr, count: number): void {
    this.setCount(object - BODY + OBJECT_HEADER.PointerCount, count)
  }

  handleCount(object: Ptr): number {
    return this.count(object - BODY + OBJECT_HEADER.HandleCount)
  }

  setHandleCount(object: Ptr, count: number): void {
    this.setCount(object - BODY + OBJECT_HEADER.HandleCount, count)
  }

  // Counts are LONG64. They are read and written in halves: this runs for every request, and a
  // damaged count only has to be recognisably wrong, not exact beyond 2^53.
  private count(at: Ptr): number {
    return this.memory.i32(at + 4) * 0x1_0000_0000 + this.memory.u32(at)
  }

  private setCount(at: Ptr, value: number): void {
    this.memory.setU32(at, value)
    this.memory.setU32(at + 4, Math.floor(value / 0x1_0000_0000))
  }

  isPermanent(object: Ptr): boolean {
    return (this.memory.u8(object - BODY + OBJECT_HEADER.Flags) & FLAG_PERMANENT) !== 0
  }

  clearPermanent(object: Ptr): void {
    const at = object - BODY + OBJECT_HEADER.Flags
    this.memory.setU8(at, this.memory.u8(at) & ~FLAG_PERMANENT)
  }

  /**
   * Fill the name information in. The object has to be made with room for it.
   * @param text where the characters go
   */
  setName(object: Ptr, directory: Ptr, text: Ptr, name: string): void {
    const info = object - BODY - NAME_INFO_BYTES
    placeText(this.memory, info + OBJECT_HEADER_NAME_INFO.Name, text, name)
    this.memory.setPtr(info + OBJECT_HEADER_NAME_INFO.Directory, directory)
    this.memory.setU32(info + OBJECT_HEADER_NAME_INFO.ReferenceCount, 1)
  }
}

/** Fill the UNICODE_STRING at `at` with `text`, its characters lying at `buffer`, terminated. */
export function placeText(memory: Memory, at: Ptr, buffer: Ptr, text: string): void {
  const bytes = text.length * 2
  memory.setText16(buffer, text)
  memory.setU16(buffer + bytes, 0)
  memory.setU16(at + UNICODE_STRING.Length, bytes)
  memory.setU16(at + UNICODE_STRING.MaximumLength, bytes + 2)
  memory.setPtr(at + UNICODE_STRING.Buffer, buffer)
}

/** Bytes of a terminated UTF-16 copy. */
export function textBytes(text: string): number {
  return text.length * 2 + 2
}
