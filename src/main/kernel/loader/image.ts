/**
 * Images: where code lives. Every function that can be pointed at has an address in its image, also
 * those of the kernel itself, so that a hook is a changed pointer and a call through it goes where
 * the pointer says.
 */
import type { SourcePlace } from '../../../shared/trace/event'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Thread } from '../ke/thread'
import { PAGE_SIZE, PTE, RAM_START, REGIONS } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import type { FunctionInfo } from '../port'
import { assert, RunLimit } from '../stop'
import { frameworkModule } from '../wdf/module'
import {
  FUNCTION_BYTES,
  fillWithCode,
  isAsLoaded,
  programCode,
  walkCode,
  writeHeader,
} from './code-bytes'

/** Routine of the kernel itself, behind an address. */
export type NativeRoutine = (k: Kernel, args: number[]) => KernelRoutine<unknown>

export interface CodeEntry {
  address: Ptr
  name: string
  /** Number of the image it belongs to. */
  image: number
  /** Function number in the runner; -1 for native ones. */
  fn: number
  native: NativeRoutine | null
  /** Driver that a routine of the kernel belongs to: one of the system's own. */
  driver?: string
}

export interface Image {
  number: number
  /** The runner's number for its compiled code; -1 for the kernel's own image. */
  unit: number
  /** Service name, or the program's name for user images. */
  name: string
  base: Ptr
  size: number
  user: boolean
  unloaded: boolean
  nextFunction: Ptr
  nextData: Ptr
  readonly strings: Map<string, Ptr>
  /** What lies in its data, to be there again when it is mapped a second time. */
  readonly constants: { at: Ptr; bytes: Uint8Array }[]
  /** Where the functions stand in the source, by name. */
  places: ReadonlyMap<string, SourcePlace>
  /** Its file was linked with a code section that can be written. */
  hasWritableCode: boolean
}

const IMAGE_BYTES = 1 << 20
const TEXT_OFFSET = 0x1000
const DATA_OFFSET = 0x10000
/** The entry point that the header names, the last function: what calls DriverEntry. */
const ENTRY_OFFSET = DATA_OFFSET - FUNCTION_BYTES
/** Modules of the system lie in the second megabyte of the kernel's region, this far apart. */
const MODULE_BYTES = DATA_OFFSET
/** More would reach the kernel's variables with the megabyte that counts as theirs. */
const MODULES_MAX = 15

export class Images {
  private readonly images: Image[] = []
  private readonly functions = new Map<Ptr, CodeEntry>()
  private readonly byFn = new Map<string, CodeEntry>()
  private readonly exports = new Map<string, Ptr>()
  /** Code of the kernel that is there as bytes. */
  private readonly nativeCode: { at: Ptr; code: readonly number[] }[] = []
  /** Functions of programs, by the number that their bytes have. */
  private readonly ofPrograms: CodeEntry[] = []
  private drivers = 0
  private modules = 0
  readonly nt: Image

  constructor(private readonly k: Kernel) {
    this.nt = this.create('nt', REGIONS.ntImage.start, false, -1)
  }

  /** Map the image of a driver. Bug check-free: too many images end the run. */
  mapDriver(name: string, unit: number): Image {
    const start = REGIONS.driverImages.start + this.drivers++ * IMAGE_BYTES
    if (start >= REGIONS.driverImages.start + REGIONS.driverImages.bytes)
      throw new RunLimit('limit', 'images', 'too many drivers were loaded in one run')
    return this.create(name, start, false, unit)
  }

  /** Map a module of the system's own, which the kernel's routines can be registered in. */
  mapModule(name: string): Image {
    assert(this.modules < MODULES_MAX, 'too many modules of the system')
    const start = REGIONS.ntImage.start + IMAGE_BYTES + this.modules++ * MODULE_BYTES
    return this.create(name, start, false, -1)
  }

  /** Map a program into a process. */
  mapProgram(name: string, base: Ptr, unit: number): Image {
    return this.create(name, base, true, unit)
  }

  private create(name: string, base: Ptr, user: boolean, unit: number): Image {
    const image: Image = {
      number: this.images.length,
      unit,
      name,
      base,
      size: DATA_OFFSET,
      user,
      unloaded: false,
      nextFunction: base + TEXT_OFFSET,
      nextData: base + DATA_OFFSET,
      strings: new Map(),
      constants: [],
      places: new Map(),
      hasWritableCode: false,
    }
    this.images.push(image)
    this.commitImage(image)
    return image
  }

  private commitImage(image: Image): void {
    const flags = PTE.read | PTE.execute | (image.user ? PTE.user : 0)
    const pages = DATA_OFFSET / PAGE_SIZE
    this.k.memory.commit(image.base, pages, flags | PTE.write)
    // A program's pages are in view only while its process runs.
    if (!image.user) this.k.memory.write(image.base, this.loadedBytes(image))
    this.k.memory.protect(image.base, pages, flags)
    if (image.user) return
    this.k.memory.watchCode(image.base, pages)
    if (this.sealsCode) this.k.memory.seal(image.base, pages)
  }

  /** Memory integrity: nothing writes to the code of the kernel and its drivers. */
  private get sealsCode(): boolean {
    return this.k.defences.has('hvci')
  }

  /** Header and code of an image as they are when it has just been loaded. */
  loadedBytes(image: Image): Uint8Array {
    const bytes = new Uint8Array(DATA_OFFSET)
    writeHeader(bytes, ENTRY_OFFSET)
    fillWithCode(bytes, TEXT_OFFSET, DATA_OFFSET)
    if (image === this.nt)
      for (const { at, code } of this.nativeCode) bytes.set(code, at - image.base)
    return bytes
  }

  /** Give a place in the kernel's image the bytes that real code has there, for whoever reads them. */
  placeCode(at: Ptr, code: readonly number[]): void {
    const { memory } = this.k
    this.nativeCode.push({ at, code })
    memory.ram(RAM_START + memory.physical(at), code.length).set(code)
  }

  /** Take the image away; whoever still points into it faults. */
  unmap(image: Image): void {
    image.unloaded = true
    const pages = Math.ceil((image.nextData - image.base) / PAGE_SIZE)
    if (!image.user) this.k.memory.forgetCode(image.base, DATA_OFFSET / PAGE_SIZE)
    if (this.sealsCode) this.k.memory.unseal(image.base, DATA_OFFSET / PAGE_SIZE)
    this.k.memory.decommit(image.base, Math.max(pages, DATA_OFFSET / PAGE_SIZE), PTE.unloaded)
    for (const [address, entry] of this.functions)
      if (entry.image === image.number) this.functions.delete(address)
    for (const [key, entry] of this.byFn) if (entry.image === image.number) this.byFn.delete(key)
  }

  /** Map an unloaded driver's image anew; its code is evaluated anew as well. */
  mapAgain(image: Image): void {
    image.unloaded = false
    image.nextFunction = image.base + TEXT_OFFSET
    this.commitImage(image)
    // Constants are where they were, as in any file that is loaded at the same address again.
    for (const { at, bytes } of image.constants)
      if (!this.writeData(image, at, bytes))
        throw new RunLimit('limit', 'memory', `no memory left for the data of ${image.name}`)
  }

  byNumber(number: number): Image | undefined {
    return this.images[number]
  }

  /** The image that an address lies in, also when it is gone. */
  at(index: Ptr): Image | undefined {
    return this.images.findLast((image) => index >= image.base && index < image.base + IMAGE_BYTES)
  }

  unloadedAt(index: Ptr): string | null {
    const image = this.at(index)
    return image?.unloaded ? image.name : null
  }

  function(address: Ptr): CodeEntry | undefined {
    return this.functions.get(address)
  }

  /**
   * The function that runs when an address is called: the one that lies there, unless somebody could
   * write to code; then what the bytes lead to.
   * @throws NtException when the bytes are no code that can run
   */
  landing(address: Ptr): CodeEntry | undefined {
    const entry = this.functions.get(address)
    const { memory } = this.k
    if (entry && !memory.codeOpened && !memory.isUser(address)) return entry
    return walkCode(this.k, address)
  }

  /**
   * What is called when a driver starts: DriverEntry, or what the bytes at the entry point lead to when
   * somebody could write to them between the mapping and the start.
   */
  entryPoint(image: Image, entry: Ptr): Ptr {
    const own = this.functions.get(entry)
    if (!own || !this.k.memory.codeOpened) return entry
    const start = image.base + ENTRY_OFFSET
    if (isAsLoaded(this.k, start)) return entry
    this.functions.set(start, { ...own, address: start })
    return start
  }

  /** Bytes that were placed at the beginning of a function; undefined where it has those of all functions. */
  loadedCodeAt(address: Ptr): readonly number[] | undefined {
    return this.nativeCode.find(({ at }) => at === address)?.code
  }

  /** Give a function of driver code its address. */
  registerFunction(info: FunctionInfo): Ptr {
    const key = `${info.image}:${info.fn}`
    const known = this.byFn.get(key)
    if (known) return known.address
    const image = this.images[info.image]!
    const entry = this.add(image, { name: info.name, fn: info.fn, native: null }, key)
    if (image.user) this.writeProgramCode(entry)
    return entry.address
  }

  /** Put the bytes of a program's function into its process, which is in view when it makes the pointer. */
  private writeProgramCode(entry: CodeEntry): void {
    const { memory } = this.k
    const code = programCode(this.ofPrograms.push(entry) - 1)
    const physical = memory.physical(entry.address)
    if (physical >= 0) memory.ram(RAM_START + physical, code.length).set(code)
  }

  /** The function of a program with a number. */
  programFunction(number: number): CodeEntry | undefined {
    return this.ofPrograms[number]
  }

  /**
   * Give a routine of the kernel an address, by which driver code can call or replace it.
   * @param image  the module it lies in; the kernel's own by default
   */
  registerNative(name: string, native: NativeRoutine, driver?: string, image = this.nt): Ptr {
    const key = image === this.nt ? `native:${name}` : `native:${image.number}:${name}`
    const known = this.byFn.get(key)
    if (known) return known.address
    const entry = this.add(image, { name, fn: -1, native }, key)
    if (driver !== undefined) entry.driver = driver
    return entry.address
  }

  private add(
    image: Image,
    entry: Pick<CodeEntry, 'name' | 'fn' | 'native'>,
    key: string,
  ): CodeEntry {
    if (image.nextFunction >= image.base + ENTRY_OFFSET)
      throw new RunLimit('limit', 'functions', `${image.name} makes too many function pointers`)
    const full: CodeEntry = { ...entry, address: image.nextFunction, image: image.number }
    image.nextFunction += FUNCTION_BYTES
    this.functions.set(full.address, full)
    this.byFn.set(key, full)
    return full
  }

  /** Address of a routine of the kernel that is more than a name; 0 for others. */
  nativeAddress(name: string): Ptr {
    return this.byFn.get(`native:${name}`)?.address ?? 0
  }

  addressOf(image: number, fn: number): Ptr {
    return this.byFn.get(`${image}:${fn}`)?.address ?? 0
  }

  /** Address of an exported kernel routine by name; made on first use. */
  exported(name: string): Ptr {
    let address = this.exports.get(name)
    if (address === undefined) {
      address = this.add(this.nt, { name, fn: -1, native: null }, `export:${name}`).address
      this.functions.delete(address)
      this.exports.set(name, address)
    }
    return address
  }

  /** Constant text in the image's read-only data, zero-terminated; equal texts share a place. 0 when full. */
  intern(number: number, text: string, wide: boolean): Ptr {
    const image = this.images[number]!
    const key = (wide ? 'w' : 'a') + text
    const known = image.strings.get(key)
    if (known !== undefined) return known
    const bytes = (text.length + 1) * (wide ? 2 : 1)
    const data = new Uint8Array(bytes)
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      if (wide) {
        data[i * 2] = unit & 0xff
        data[i * 2 + 1] = unit >>> 8
      } else data[i] = unit & 0xff
    }
    const place = this.place(image, data)
    if (place) image.strings.set(key, place)
    return place
  }

  /** A UNICODE_STRING constant (RTL_CONSTANT_STRING). */
  internUnicodeString(number: number, text: string): Ptr {
    const image = this.images[number]!
    const known = image.strings.get('u' + text)
    if (known !== undefined) return known
    const buffer = this.intern(number, text, true)
    const header = new Uint8Array(16)
    const view = new DataView(header.buffer)
    view.setUint16(0, text.length * 2, true)
    view.setUint16(2, text.length * 2 + 2, true)
    view.setBigUint64(8, this.k.memory.address(buffer), true)
    const place = buffer ? this.place(image, header) : 0
    if (place) image.strings.set('u' + text, place)
    return place
  }

  private place(image: Image, data: Uint8Array): Ptr {
    const start = (image.nextData + 15) & ~15
    const end = start + data.length
    if (end > image.base + IMAGE_BYTES || !this.writeData(image, start, data)) return 0
    image.constants.push({ at: start, bytes: data })
    image.nextData = end
    return start
  }

  /** Put bytes into an image's data, mapping what is not there yet. False when memory is short. */
  private writeData(image: Image, start: Ptr, data: Uint8Array): boolean {
    const { memory } = this.k
    const end = start + data.length
    const flags = PTE.read | (image.user ? PTE.user : 0)
    for (let page = start & ~(PAGE_SIZE - 1); page < end; page += PAGE_SIZE)
      if (!(memory.pte(page) & PTE.read) && !memory.commit(page, 1, flags)) return false
    const first = start & ~(PAGE_SIZE - 1)
    const pages = Math.ceil((end - first) / PAGE_SIZE)
    // Constants of C drivers lie in read-only data; UNICODE_STRINGs in writable data, as `static` ones do.
    memory.protect(first, pages, flags | PTE.write)
    memory.write(start, data)
    return true
  }

  placeOf(entry: CodeEntry): SourcePlace | null {
    return this.images[entry.image]?.places.get(entry.name) ?? null
  }

  /** `toy!Dispatch` for a function, else the address. */
  symbol(address: Ptr): string {
    if (address === 0) return 'NULL'
    const entry = this.functions.get(address)
    if (!entry) return this.k.memory.format(address)
    const image = this.images[entry.image]!
    // The framework's own routines have their addresses in the kernel's image.
    const owner = image === this.nt ? frameworkModule(entry.name, false) : null
    return `${owner ?? image.name}!${entry.name}`
  }

  /** Address that stands for "the instruction": the function on top of the thread, plus its line. */
  nearestCode(thread: Thread): bigint {
    const frame = thread.frames.findLast((item) => item.kind === 'code')
    if (frame?.kind !== 'code') return this.k.memory.address(this.nt.base + TEXT_OFFSET)
    const image = this.images[frame.image]!
    const start = this.byFn.get(`${frame.image}:${frame.fn}`)?.address ?? image.base + TEXT_OFFSET
    return this.k.memory.address(start + (thread.at ? thread.at.line & 0xf : 0))
  }
}
