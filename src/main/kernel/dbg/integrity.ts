/**
 * Whether the kernel is what it was made as: the table of system services, the registers that decide
 * where it is entered, the lists of processes and images against what the kernel knows by other ways,
 * and the bytes of its code.
 *
 * It only looks: nothing is paged in, no device is asked, a list that a driver tied in a knot has an
 * end. Kernel Patch Protection and the verifier decide what a finding means. There is no interrupt or
 * global descriptor table in this machine's memory, so nothing is said about them.
 */
import { hex } from '../../../shared/nt/format'
import { EPROCESS } from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import { PAGE_SIZE, RAM_START, VIRTUAL_BYTES } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import { SERVICES } from '../ps/services'

/** Types of regions, parameter 4 of bug check 0x109 (data/kernel/bugchecks.json). */
export const REGION = {
  code: 0x1,
  processList: 0x4,
  msr: 0x7,
  serviceTable: 0xa,
  controlRegister: 0x15,
  moduleList: 0x19,
} as const
export type RegionName = keyof typeof REGION

export interface IntegrityFinding {
  region: RegionName
  /** Value of `REGION` for it. */
  type: number
  /** What is not as it should be, one sentence. */
  what: string
  /** Place in memory that it is about; 0 for a register. */
  at: Ptr
}

/** All that there is to look at, from what costs little to what costs most. */
export const REGIONS_CHECKED: readonly RegionName[] = [
  'msr',
  'controlRegister',
  'serviceTable',
  'processList',
  'moduleList',
  'code',
]

/** Entries of a list that a look follows, should a driver have made it endless. */
const WALK_MAX = 100_000

/** What is not as it was when the machine started, by regions, each region in the order of its memory. */
export function integrityFindings(
  k: Kernel,
  regions: readonly RegionName[] = REGIONS_CHECKED,
): IntegrityFinding[] {
  return regions.flatMap((region) =>
    [...LOOK[region](k)].map(([what, at]) => ({ region, type: REGION[region], what, at })),
  )
}

type Look = (k: Kernel) => Iterable<readonly [what: string, at: Ptr]>

const LOOK: Readonly<Record<RegionName, Look>> = {
  *msr(k) {
    const { registers } = k.hal
    if (registers.isEntryMoved)
      yield [`IA32_LSTAR leads to ${k.images.symbol(registers.entry)}, not to KiSystemCall64.`, 0]
  },
  *controlRegister(k) {
    if (k.hal.registers.isProtectionOff)
      yield ['CR0 or CR4 lacks a protection that it had at boot.', 0]
  },
  serviceTable,
  processList,
  moduleList,
  code: kernelCode,
}

/** KiServiceTable: every entry leads to the service of its number. */
function* serviceTable(k: Kernel): Generator<readonly [string, Ptr]> {
  const { table } = k.syscalls
  for (const { name, number, run } of SERVICES) {
    // The address that it was given at boot.
    const own = k.images.registerNative(name, run)
    const target = k.syscalls.target(number)
    if (target !== own)
      yield [
        `Entry ${hex(number)} of KiServiceTable, ${name}, leads to ${k.images.symbol(target)}.`,
        table + number * 4,
      ]
  }
}

/** PsActiveProcessHead: every process that look-ups by id find is on it. */
function* processList(k: Kernel): Generator<readonly [string, Ptr]> {
  const listed = linksFrom(k, k.ob.data.find('PsActiveProcessHead'))
  for (const process of k.processes.all()) {
    if (process.exitCode !== null) continue
    const links = process.address + EPROCESS.ActiveProcessLinks
    if (!listed.has(links))
      yield [
        `${process.name}, process ${process.id}, lives and is not in the list that begins at PsActiveProcessHead.`,
        links,
      ]
  }
}

/** PsLoadedModuleList: every image that was put on it and not taken off by the loader is on it. */
function* moduleList(k: Kernel): Generator<readonly [string, Ptr]> {
  const listed = linksFrom(k, k.ob.data.find('PsLoadedModuleList'))
  for (const [number, entry] of k.loader.modules.known())
    if (!listed.has(entry))
      yield [
        `${k.images.byNumber(number)?.name ?? 'An image'} is loaded and is not in PsLoadedModuleList.`,
        entry,
      ]
}

/** The kernel's image: header and code as they were loaded. */
function* kernelCode(k: Kernel): Generator<readonly [string, Ptr]> {
  const { nt } = k.images
  const loaded = k.images.loadedBytes(k.images.nt)
  for (let page = 0; page < loaded.length; page += PAGE_SIZE) {
    const now = pageAt(k, nt.base + page)
    const offset = now?.findIndex((byte, i) => byte !== loaded[page + i]) ?? -1
    if (offset < 0) continue
    const at = nt.base + page + offset
    yield [`The bytes of ${nameOfCode(k, at)} are not those that were loaded.`, at]
  }
}

/** Functions begin at multiples of 16. */
function nameOfCode(k: Kernel, at: Ptr): string {
  const start = at & ~15
  const entry = k.images.function(start)
  return entry ? `nt!${entry.name}` : `nt+${hex(start - k.images.nt.base)}`
}

/** Links of a list by its forward pointers: until the head or a link comes again, or nothing is there. */
function linksFrom(k: Kernel, head: Ptr): ReadonlySet<Ptr> {
  const seen = new Set<Ptr>()
  for (let at = pointerAt(k, head); at !== head && at !== 0 && !seen.has(at);) {
    seen.add(at)
    if (seen.size > WALK_MAX) break
    at = pointerAt(k, at)
  }
  return seen
}

/** The place that a pointer in memory names; 0 where none can be read, or it names no place. */
function pointerAt(k: Kernel, at: Ptr): Ptr {
  const page = pageAt(k, at)
  const offset = at & (PAGE_SIZE - 1)
  if (!page || offset + 8 > PAGE_SIZE) return 0
  const address = new DataView(page.buffer, page.byteOffset + offset, 8).getBigUint64(0, true)
  const index = Number(address & 0xffff_ffffn)
  return index < VIRTUAL_BYTES && k.memory.address(index) === address ? index : 0
}

/** The page that a place lies in, shared with the machine; null when it is not in memory. */
function pageAt(k: Kernel, at: Ptr): Uint8Array | null {
  const physical = k.memory.physical(at & ~(PAGE_SIZE - 1))
  return physical < 0 ? null : k.memory.ram(RAM_START + physical, PAGE_SIZE)
}
