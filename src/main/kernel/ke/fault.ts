/** How a memory fault becomes an exception or a bug check: the table of `data/kernel/bugchecks.json`, in its order. */
import { hex } from '../../../shared/nt/format'
import { STATUS_ACCESS_VIOLATION } from '../../../shared/nt/ntstatus'
import type { Kernel } from '../kernel'
import { PTE } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import type { AccessKind } from '../port'
import { NtException } from '../stop'
import { DISPATCH_LEVEL } from './irql'

const ACCESS_CODE = { read: 0n, write: 1n, execute: 8n } as const
/** Bug check 0x50 counts the kinds of access in its own way. */
const PAGE_FAULT_CODE = { read: 0n, write: 2n, execute: 0x10n } as const
const GENERAL_PROTECTION = 0xffff_ffff_ffff_ffffn

/**
 * The exception for an access to `index` that the page tables refused.
 * @throws BugCheck when Windows would stop instead of raising
 */
export function faultOf(k: Kernel, index: Ptr, access: AccessKind, userMode: boolean): NtException {
  const address = k.memory.address(index)
  const code = ACCESS_CODE[access]
  if (userMode) return new NtException(STATUS_ACCESS_VIOLATION, address, access)

  const level = k.irql.level
  const entry = k.memory.pte(index)
  const where = k.images.nearestCode(k.thread)
  const inDriver = k.driverOf(k.thread) !== undefined
  const place = k.memory.format(index)
  const verb = access === 'read' ? 'read from' : access === 'write' ? 'wrote to' : 'ran code at'
  const who = k.driverOf(k.thread) ? `${k.driverOf(k.thread)}.sys` : 'The kernel'

  const unloaded = k.images.unloadedAt(index)
  if (unloaded)
    k.bugCheck(
      level < DISPATCH_LEVEL ? 0xce : 0xd4,
      address,
      code,
      where,
      0n,
      `Code of ${unloaded}.sys was needed after it was unloaded.`,
    )
  if (entry & PTE.guard)
    k.bugCheck(
      inDriver ? 0xd6 : 0xcd,
      address,
      code,
      where,
      0n,
      `${who} ${verb} ${place}, behind the end of a pool block.`,
    )
  if (entry & PTE.freed && k.pool.isSpecial(index))
    k.bugCheck(
      inDriver ? 0xd5 : 0xcc,
      address,
      code,
      where,
      0n,
      `${who} ${verb} ${place}, in a pool block that was freed.`,
    )
  if (k.scheduler.isBelowStack(index))
    k.bugCheck(0x7f, 8n, 0n, 0n, 0n, 'The kernel stack is used up.')
  if (level >= DISPATCH_LEVEL && !(entry & PTE.read))
    k.bugCheck(
      inDriver ? 0xd1 : 0x0a,
      address,
      BigInt(level),
      code,
      where,
      `${who} ${verb} ${place} at IRQL ${level}; ${entry & PTE.pagedOut ? 'it is pageable memory, which may be out of reach from DISPATCH_LEVEL on' : 'nothing is mapped there'}.`,
    )
  if (access === 'write' && entry & PTE.read && !k.memory.isUser(index))
    k.bugCheck(
      0xbe,
      address,
      BigInt(entry >>> 0),
      where,
      0n,
      `${who} wrote to read-only memory at ${place}.`,
    )
  if (access === 'execute' && entry & PTE.read && !(entry & PTE.execute))
    k.bugCheck(
      0xfc,
      address,
      BigInt(entry >>> 0),
      where,
      0n,
      `${who} jumped to ${place}, which holds no code.`,
    )
  if (!k.memory.isCanonical(index))
    return new NtException(STATUS_ACCESS_VIOLATION, GENERAL_PROTECTION, access)
  if (!k.memory.isUser(index))
    k.bugCheck(
      0x50,
      address,
      PAGE_FAULT_CODE[access],
      where,
      k.pool.find(index) ? 0n : 2n,
      `${who} ${verb} ${place}${k.pool.describe(index)}.`,
    )
  return new NtException(STATUS_ACCESS_VIOLATION, address, access)
}

/** An exception that no `try` took: the bug check that fits where the thread came from. */
export function unhandled(k: Kernel, exception: NtException): never {
  const { origin } = exception
  // The frames are unwound; the report is about the place where it began.
  if (origin) k.showOrigin(origin)
  const where = origin?.instruction ?? k.images.nearestCode(k.thread)
  const code = BigInt(exception.code)
  const info0 = exception.access === null ? 0n : ACCESS_CODE[exception.access]
  const info1 = exception.address ?? 0n
  const text = describeException(exception)
  if (k.irql.level >= DISPATCH_LEVEL || k.dpcs.running)
    k.bugCheck(0x1e, code, where, info0, info1, text)
  if (k.thread.previousMode === 1) k.bugCheck(0x3b, code, where, 0n, 0n, text)
  k.bugCheck(0x7e, code, where, 0n, 0n, text)
}

function describeException(exception: NtException): string {
  const who = exception.origin?.driver ? `${exception.origin.driver}.sys` : 'The kernel'
  if (exception.code !== STATUS_ACCESS_VIOLATION)
    return `${who} raised exception ${hex(exception.code)} and nothing handled it.`
  const at = exception.address ?? 0n
  const verb =
    exception.access === 'write'
      ? 'wrote to'
      : exception.access === 'execute'
        ? 'jumped to'
        : 'read from'
  if (at < 0x10000n)
    return `${who} ${verb} address ${hex(at)}: a NULL pointer${at ? ' plus an offset' : ''}.`
  if (at === GENERAL_PROTECTION) return `${who} used a pointer that is no valid address.`
  return `${who} ${verb} ${hex(at)}, where nothing is mapped.`
}
