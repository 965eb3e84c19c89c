/**
 * PsLoadedModuleList: the images of the kernel and of drivers, as a list in memory of
 * KLDR_DATA_TABLE_ENTRYs that drivers can walk and unlink from. DRIVER_OBJECT.DriverSection is a way
 * into it.
 */
import { KLDR_DATA_TABLE_ENTRY, LIST_ENTRY } from '../../../shared/nt/generated/offsets'
import { initializeListHead, insertTail, removeEntry } from '../ke/list'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { Image } from './image'

/** Bit of Flags: the image was linked with /INTEGRITYCHECK, so its signature is always checked. */
const IMAGE_INTEGRITY_FORCED = 0x20
const TAG = 'MmLd'
/** Entries that a walk looks at most, should a driver tie the list in a knot. */
const WALK_MAX = 4096
/** Of a path, which is written as 256 bytes at most. */
const PATH_BYTES_MAX = 1024

/** One image as the list says. */
export interface ModuleInfo {
  base: bigint
  size: number
  flags: number
  path: string
}

export class LoadedModules {
  private readonly head: Ptr
  private readonly entries = new Map<number, Ptr>()

  constructor(private readonly k: Kernel) {
    this.head = k.ob.data.variable('PsLoadedModuleList', LIST_ENTRY.SIZE)
    initializeListHead(k.memory, this.head)
    this.add(k.images.nt, '\\SystemRoot\\system32\\ntoskrnl.exe', true)
  }

  /**
   * Put an image on the list.
   * @param integrity linked with /INTEGRITYCHECK
   * @returns its entry; 0 when memory is short
   */
  add(image: Image, path: string, integrity: boolean): Ptr {
    const { k } = this
    const { memory, ob, pool } = k
    const entry = pool.allocate(KLDR_DATA_TABLE_ENTRY.SIZE, TAG, { system: true })
    if (!entry) return 0
    memory.setPtr(entry + KLDR_DATA_TABLE_ENTRY.DllBase, image.base)
    memory.setU32(entry + KLDR_DATA_TABLE_ENTRY.SizeOfImage, image.size)
    memory.setU32(entry + KLDR_DATA_TABLE_ENTRY.Flags, integrity ? IMAGE_INTEGRITY_FORCED : 0)
    memory.setU16(entry + KLDR_DATA_TABLE_ENTRY.LoadCount, 1)
    ob.writeText(entry + KLDR_DATA_TABLE_ENTRY.FullDllName, path)
    ob.writeText(entry + KLDR_DATA_TABLE_ENTRY.BaseDllName, path.slice(path.lastIndexOf('\\') + 1))
    insertTail(k, this.head, entry)
    this.entries.set(image.number, entry)
    return entry
  }

  /** Entry of an image; 0 for one that has none. */
  entryOf(image: Image): Ptr {
    return this.entries.get(image.number) ?? 0
  }

  /** Take an image off the list; a driver may have unlinked its entry before. */
  remove(image: Image): void {
    const { k } = this
    const entry = this.entries.get(image.number)
    if (entry === undefined) return
    this.entries.delete(image.number)
    const next = k.memory.ptr(entry)
    if (next !== 0 && next !== entry && k.memory.ptr(next + 8) === entry) removeEntry(k, entry)
    k.ob.freeText(entry + KLDR_DATA_TABLE_ENTRY.FullDllName)
    k.ob.freeText(entry + KLDR_DATA_TABLE_ENTRY.BaseDllName)
    k.pool.free(entry)
  }

  /** Entries that were put on the list and not taken off, by the number of their image. */
  known(): ReadonlyMap<number, Ptr> {
    return this.entries
  }

  /**
   * MmVerifyCallbackFunctionCheckFlags: whether a routine lies in an image that was linked with
   * /INTEGRITYCHECK, as its entry's flags say now.
   */
  isTrusted(routine: Ptr): boolean {
    const image = this.k.images.at(routine)
    const entry = image && !image.user ? this.entries.get(image.number) : undefined
    if (entry === undefined) return false
    const flags = this.k.memory.u32(entry + KLDR_DATA_TABLE_ENTRY.Flags)
    return (flags & IMAGE_INTEGRITY_FORCED) !== 0
  }

  /** The images that the list in memory leads to, in its order. */
  list(): ModuleInfo[] {
    const { memory } = this.k
    const found: ModuleInfo[] = []
    let entry = memory.ptr(this.head)
    for (let i = 0; entry !== this.head && i < WALK_MAX; i++, entry = memory.ptr(entry)) {
      const name = entry + KLDR_DATA_TABLE_ENTRY.FullDllName
      found.push({
        base: memory.u64(entry + KLDR_DATA_TABLE_ENTRY.DllBase),
        size: memory.u32(entry + KLDR_DATA_TABLE_ENTRY.SizeOfImage),
        flags: memory.u32(entry + KLDR_DATA_TABLE_ENTRY.Flags),
        path: memory.text16(memory.ptr(name + 8), Math.min(memory.u16(name), PATH_BYTES_MAX)),
      })
    }
    return found
  }
}
