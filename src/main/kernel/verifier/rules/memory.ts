/** Rules about MDLs: what state one has to be in before each routine is called with it. */
import {
  MDL_IO_SPACE,
  MDL_MAPPED_TO_SYSTEM_VA,
  MDL_PAGES_LOCKED,
  MDL_PARTIAL,
  MDL_SOURCE_IS_NONPAGED_POOL,
  MdlMappingNoExecute,
} from '../../../../shared/nt/generated/constants'
import type { SourcePlace } from '../../../../shared/trace/event'
import type { Kernel } from '../../kernel'
import { PTE } from '../../mm/layout'
import type { Ptr } from '../../mm/memory'
import type { Process } from '../../ps/process'
import type { FirstCause } from '../../stop'
import { atPlace } from './note'

type Step =
  | 'allocated'
  | 'built for nonpaged pool'
  | 'made partial'
  | 'locked'
  | 'mapped'
  | 'unlocked'
  | 'unmapped'

interface Past {
  step: Step
  at: SourcePlace | null
  seq: number
}

interface Known {
  /** The latest of each kind of step. */
  past: Map<Step, Past>
  /** Whose user pages a driver locked with it. */
  lockedOf: Process | null
  by: string | null
}

/** MDLs that drivers work with; of each machine its own. */
const machines = new WeakMap<Kernel, Map<Ptr, Known>>()

function mdlsOf(k: Kernel): Map<Ptr, Known> {
  let mdls = machines.get(k)
  if (!mdls) machines.set(k, (mdls = new Map()))
  return mdls
}

/** A driver did something with an MDL: kept as the first cause of what may follow. */
export function noteMdl(k: Kernel, mdl: Ptr, step: Step): void {
  if (!mdl || !k.verifier.watching) return
  const mdls = mdlsOf(k)
  let known = mdls.get(mdl)
  if (!known || step === 'allocated')
    mdls.set(mdl, (known = { past: new Map(), lockedOf: null, by: null }))
  known.past.set(step, { step, at: k.thread.at, seq: k.thread.cause })
  if (step === 'unlocked') known.lockedOf = null
  if (step === 'locked') {
    const isUser = k.memory.isUser(k.mdls.va(mdl))
    known.lockedOf = isUser ? (k.thread.attached ?? k.thread.process) : null
    known.by = k.driverOf(k.thread) ?? null
  }
}

/** The newest of some steps in an MDL's past, as a first cause. */
function since(k: Kernel, mdl: Ptr, ...steps: Step[]): FirstCause | null {
  const past = mdlsOf(k).get(mdl)?.past
  let newest: Past | undefined
  for (const step of steps) {
    const item = past?.get(step)
    if (item && (!newest || item.seq > newest.seq)) newest = item
  }
  return newest
    ? { text: `The MDL was ${newest.step} here.`, at: newest.at, seq: newest.seq }
    : null
}

/** MmProbeAndLockPages. */
export function lockingMdl(k: Kernel, mdl: Ptr): void {
  const flags = k.mdls.flags(mdl)
  const wrong =
    flags &
    (MDL_PAGES_LOCKED |
      MDL_MAPPED_TO_SYSTEM_VA |
      MDL_SOURCE_IS_NONPAGED_POOL |
      MDL_PARTIAL |
      MDL_IO_SPACE)
  if (wrong)
    k.verifier.check(
      'VR-MM-LOCK-FLAGS',
      true,
      [0xb0, k.memory.address(mdl), flags, wrong],
      `MmProbeAndLockPages was called for an MDL that is ${stateOf(wrong)}.`,
      since(k, mdl, 'locked', 'mapped', 'built for nonpaged pool', 'made partial'),
    )
}

/** MmUnlockPages. */
export function unlockingMdl(k: Kernel, mdl: Ptr): void {
  const flags = k.mdls.flags(mdl)
  const at = k.memory.address(mdl)
  if (flags & MDL_SOURCE_IS_NONPAGED_POOL)
    k.verifier.check(
      'VR-MM-UNLOCK-NONPAGED',
      true,
      [0x7d, at, flags, 0],
      'MmUnlockPages was called for an MDL that describes nonpaged pool and was never locked.',
      since(k, mdl, 'built for nonpaged pool', 'made partial'),
    )
  if (flags & MDL_PARTIAL)
    k.verifier.check(
      'VR-MM-UNLOCK-PARTIAL',
      true,
      [0xb4, at, flags, MDL_PARTIAL],
      'MmUnlockPages was called for a partial MDL; the pages belong to the MDL that it is part of.',
      since(k, mdl, 'made partial'),
    )
  if (!(flags & MDL_PAGES_LOCKED))
    k.verifier.check(
      'VR-MM-UNLOCK-NOTLOCKED',
      true,
      [0x7c, at, flags, 0],
      'MmUnlockPages was called for an MDL that is not locked.',
      since(k, mdl, 'unlocked', 'allocated'),
    )
}

/**
 * MmMapLockedPages, MmMapLockedPagesSpecifyCache, MmGetSystemAddressForMdlSafe.
 * @param safe  the last of them, which gives the address of an MDL that is mapped already
 */
export function mappingMdl(
  k: Kernel,
  mdl: Ptr,
  how: { safe?: boolean; userMode?: boolean; bugCheckOnFailure?: boolean; priority: number },
): void {
  const { verifier } = k
  const flags = k.mdls.flags(mdl)
  const at = k.memory.address(mdl)
  if (how.bugCheckOnFailure && !how.userMode)
    verifier.check(
      'VR-MM-MAP-OBSOLETE',
      true,
      [0x82, at, flags, 0],
      'Pages were to be mapped in a way that stops the machine when there is no room (BugCheckOnFailure).',
      since(k, mdl, 'locked', 'built for nonpaged pool', 'allocated'),
    )
  if (!how.safe && !how.userMode && flags & MDL_MAPPED_TO_SYSTEM_VA)
    verifier.check(
      'VR-MM-MAP-TWICE',
      true,
      [0xb2, at, flags, MDL_MAPPED_TO_SYSTEM_VA],
      'An MDL that is mapped into system space was mapped again.',
      since(k, mdl, 'mapped'),
    )
  const needed =
    MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL | MDL_MAPPED_TO_SYSTEM_VA
  if (!(flags & needed))
    verifier.check(
      'VR-MM-MAP-NOTLOCKED',
      true,
      [0xb3, at, flags, MDL_PAGES_LOCKED],
      'An MDL was mapped whose pages are not locked.',
      since(k, mdl, 'unlocked', 'allocated'),
    )
  const isNew = !(flags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
  if (isNew && !how.userMode && !((how.priority >>> 0) & MdlMappingNoExecute))
    verifier.check(
      'VR-MM-EXEC-MAPPING',
      true,
      [0x2002, k.images.nearestCode(k.thread), how.priority >>> 0, 0],
      'Pages were mapped so that their bytes can be run as code; MdlMappingNoExecute is missing.',
      since(k, mdl, 'locked', 'allocated'),
    )
}

/** MmUnmapLockedPages. */
export function unmappingMdl(k: Kernel, base: Ptr, mdl: Ptr): void {
  const flags = k.mdls.flags(mdl)
  if (!(flags & MDL_MAPPED_TO_SYSTEM_VA) && !k.memory.isUser(base))
    k.verifier.check(
      'VR-MM-UNMAP-NOTMAPPED',
      true,
      [0xb6, k.memory.address(mdl), flags, MDL_MAPPED_TO_SYSTEM_VA],
      'MmUnmapLockedPages was called for an MDL that is not mapped.',
      since(k, mdl, 'unmapped', 'locked', 'allocated'),
    )
}

/** IoFreeMdl. */
export function freeingMdl(k: Kernel, mdl: Ptr): void {
  const flags = k.mdls.flags(mdl)
  if (flags & MDL_MAPPED_TO_SYSTEM_VA && !(flags & (MDL_PARTIAL | MDL_SOURCE_IS_NONPAGED_POOL)))
    k.verifier.check(
      'VR-MM-FREE-MAPPED',
      true,
      [0xb8, k.memory.address(mdl), flags, 0],
      'IoFreeMdl was called for an MDL that is still mapped into system space.',
      since(k, mdl, 'mapped'),
    )
  mdlsOf(k).delete(mdl)
}

/** MmBuildMdlForNonPagedPool. */
export function buildingMdl(k: Kernel, mdl: Ptr): void {
  const { memory } = k
  const va = k.mdls.va(mdl)
  const isPageable = memory.isUser(va) || (memory.pte(va) & PTE.pageable) !== 0
  k.verifier.check(
    'VR-MM-BUILD-PAGED',
    isPageable,
    [0x7f, k.irql.level, memory.address(mdl), k.mdls.flags(mdl)],
    `MmBuildMdlForNonPagedPool was called for a buffer at ${memory.format(va)}, which is pageable memory.`,
    since(k, mdl, 'allocated'),
  )
}

/** A process is about to end: pages of it that a driver still has locked. */
export function processEnding(k: Kernel, process: Process): void {
  for (const [mdl, { lockedOf, by }] of mdlsOf(k)) {
    if (lockedOf !== process) continue
    const first = since(k, mdl, 'locked')
    atPlace(k, first?.at, () =>
      k.verifier.check(
        'VR-MM-LOCKED-AT-EXIT',
        true,
        [k.memory.address(mdl), 0, k.memory.address(mdl), pageCount(k, mdl)],
        `Process ${process.id} ended while ${by ?? 'a driver'} still has pages of it locked.`,
        first,
      ),
    )
    return
  }
}

function pageCount(k: Kernel, mdl: Ptr): number {
  const first = k.mdls.va(mdl) & 0xfff
  return Math.ceil((first + k.mdls.byteCount(mdl)) / 4096)
}

function stateOf(flags: number): string {
  if (flags & MDL_PAGES_LOCKED) return 'locked already'
  if (flags & MDL_SOURCE_IS_NONPAGED_POOL) return 'built for nonpaged pool'
  if (flags & MDL_PARTIAL) return 'part of another'
  if (flags & MDL_IO_SPACE) return 'for device memory'
  return 'mapped already'
}
