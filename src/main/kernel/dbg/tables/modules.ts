/** Images in memory, from three views, and what in them is not as it was loaded. */
import { hex, pointer } from '../../../../shared/nt/format'
import { KLDR_DATA_TABLE_ENTRY } from '../../../../shared/nt/generated/offsets'
import type { Row } from '../../../../shared/memory/tables'
import type { Kernel } from '../../kernel'
import type { Image } from '../../loader/image'
import { PAGE_SIZE, PTE, REGIONS } from '../../mm/layout'
import type { Ptr } from '../../mm/memory'
import { codePlace, imagesOf } from './code-place'
import type { Reader } from './reader'

interface Found {
  name: string
  path: string | null
  size: number
  byList: boolean
  byLoader: boolean
  byMemory: boolean
}

const MZ = 0x5a4d

/**
 * Modules of the kernel: as PsLoadedModuleList has them (`byList`), as the loader mapped them
 * (`byLoader`), and as images that a scan of memory finds by their header (`byMemory`).
 */
export function modules(k: Kernel, reader: Reader): Row[] {
  const found = new Map<bigint, Found>()
  const at = (base: bigint): Found => {
    let module = found.get(base)
    if (!module) {
      module = { name: '', path: null, size: 0, byList: false, byLoader: false, byMemory: false }
      found.set(base, module)
    }
    return module
  }
  const head = k.ob.data.find('PsLoadedModuleList')
  for (const entry of reader.links(head)) {
    const module = at(reader.u64(entry + KLDR_DATA_TABLE_ENTRY.DllBase))
    module.name = reader.unicode(entry + KLDR_DATA_TABLE_ENTRY.BaseDllName)
    module.path = reader.unicode(entry + KLDR_DATA_TABLE_ENTRY.FullDllName)
    module.size = reader.u32(entry + KLDR_DATA_TABLE_ENTRY.SizeOfImage)
    module.byList = true
  }
  for (const image of imagesOf(k)) {
    // The image of a driver that is known and not loaded has its pages too.
    if (image.user || !isLoaded(k, image)) continue
    const module = at(k.memory.address(image.base))
    module.name ||= image.name
    module.size ||= image.size
    module.byLoader = true
  }
  for (const base of headers(k, reader)) {
    const image = k.images.at(base)
    if (image && !isLoaded(k, image)) continue
    const module = at(k.memory.address(base))
    module.name ||= image?.name ?? ''
    module.byMemory = true
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([base, { name, path, size, ...views }]) => ({
      base: pointer(base),
      name,
      path,
      size,
      ...views,
    }))
}

/** Whether an image is more than a file that a service key names. */
function isLoaded(k: Kernel, image: Image): boolean {
  if (image.unit < 0) return true
  return k.loader.stillLoaded().some((driver) => driver.image === image)
}

/** Pages of the regions of images that begin like an image. */
function* headers(k: Kernel, reader: Reader): Generator<Ptr> {
  for (const { start, bytes } of [REGIONS.ntImage, REGIONS.driverImages])
    for (let page = start; page < start + bytes; page += PAGE_SIZE)
      if (k.memory.pte(page) & PTE.execute && reader.u16(page) === MZ) yield page
}

/** Bytes of one change that are shown. */
const SHOWN_BYTES = 16
/** Equal bytes between two changes that make them two. */
const GAP_BYTES = 8
const CHANGES_MAX = 1000

/**
 * Code that differs from what was loaded, a row for each run of changed bytes; `leadsTo` where they
 * are a jump.
 */
export function code(k: Kernel, reader: Reader): Row[] {
  const rows: Row[] = []
  for (const image of imagesOf(k)) {
    if (image.user) continue
    const loaded = k.images.loadedBytes(image)
    for (let offset = 0; offset < loaded.length && rows.length < CHANGES_MAX; offset += PAGE_SIZE) {
      const page = reader.bytes(image.base + offset, PAGE_SIZE)
      if (page) rows.push(...changesIn(k, reader, image, page, loaded, offset))
    }
  }
  return rows
}

function changesIn(
  k: Kernel,
  reader: Reader,
  image: Image,
  page: Uint8Array,
  loaded: Uint8Array,
  offset: number,
): Row[] {
  const rows: Row[] = []
  for (let i = 0; i < PAGE_SIZE; i++) {
    if (page[i] === loaded[offset + i]) continue
    let end = i + 1
    for (let j = end; j < PAGE_SIZE && j < end + GAP_BYTES; j++)
      if (page[j] !== loaded[offset + j]) end = j + 1
    const shown = Math.min(end, i + SHOWN_BYTES)
    const address = k.memory.address(image.base + offset + i)
    const target = jumpTarget(page.subarray(i, Math.min(i + SHOWN_BYTES, PAGE_SIZE)), address)
    const to = target === null ? null : codePlace(k, reader, target)
    rows.push({
      address: pointer(address),
      module: image.name,
      symbol: functionAt(k, image, image.base + offset + i),
      length: end - i,
      bytes: bytesText(page.subarray(i, shown)),
      loaded: bytesText(loaded.subarray(offset + i, offset + shown)),
      leadsTo: to && (to.symbol ?? to.address),
      leadsToModule: to?.module ?? null,
    })
    i = end
  }
  return rows
}

const FUNCTION_BYTES = 16

/** `nt!NtClose+0x2` for a place in a function. */
function functionAt(k: Kernel, image: Image, at: Ptr): string {
  const start = at - (at % FUNCTION_BYTES)
  const entry = k.images.function(start)
  if (!entry) return `${image.name}+${hex(at - image.base)}`
  return `${image.name}!${entry.name}${at > start ? `+${hex(at - start)}` : ''}`
}

function bytesText(data: Uint8Array): string {
  return [...data].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ')
}

/** Where the usual jumps of a hook lead: `jmp rel32`, `jmp [rip]` and `mov rax, imm64; jmp rax`. */
function jumpTarget(code: Uint8Array, address: bigint): bigint | null {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength)
  if (code[0] === 0xe9 && code.length >= 5)
    return BigInt.asUintN(64, address + 5n + BigInt(view.getInt32(1, true)))
  if (code[0] === 0xff && code[1] === 0x25 && code.length >= 14 && view.getUint32(2, true) === 0)
    return view.getBigUint64(6, true)
  if (code[0] === 0x48 && code[1] === 0xb8 && code[10] === 0xff && code[11] === 0xe0)
    return view.getBigUint64(2, true)
  return null
}
