/** How a memory fault becomes an exception or a bug check: the table of `data/kernel/bugchecks.json`, in its order. */
import { hex } from '../../../shared/nt/format'
import {
  STATUS_ACCESS_VIOLATION,
  STATUS_GUARD_PAGE_VIOLATION,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import { PAGE_SIZE, PTE } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import { openedGuard } from '../mm/user-memory'
import type { AccessKind } from '../port'
import { NtException } from '../stop'
import { DISPATCH_LEVEL } from './irql'

const ACCESS_CODE = { read: 0n, write: 1n, execute: 8n } as const
/** Bug check 0x50 counts the kinds of access in its own way. */
const PAGE_FAULT_CODE = { read: 0n, write: 2n, execute: 0x10n } as const
const GENERAL_PROTECTION = 0xffff_ffff_ffff_ffffn

/**
 * The exception for an access to `index` that the page tables refused.
 * @param routine the kernel's routine that touched it for driver code, null when the code did it itself
 * @throws BugCheck when Windows would stop instead of raising
 */
export function faultOf(
  k: Kernel,
  index: Ptr,
  access: AccessKind,
  userMode: boolean,
  routine: string | null = null,
): NtException {
  const address = k.memory.address(index)
  const code = ACCESS_CODE[access]
  const guard = k.memory.pte(index)
  if (guard & PTE.userGuard) {
    // The first touch takes the guard away, whoever it was.
    k.memory.protect(index, 1, openedGuard(guard) & (PAGE_SIZE - 1))
    return new NtException(STATUS_GUARD_PAGE_VIOLATION, address, access)
  }
  if (userMode) return new NtException(STATUS_ACCESS_VIOLATION, address, access)

  const level = k.irql.level
  const entry = k.memory.pte(index)
  const driver = k.driverOf(k.thread)
  const inDriver = driver !== undefined && !routine
  const where = routine
    ? k.memory.address(k.images.exported(routine))
    : k.images.nearestCode(k.thread)
  const place = k.memory.format(index)
  const verb = access === 'read' ? 'read from' : access === 'write' ? 'wrote to' : 'ran code at'
  const who = whoTouched(driver, routine)
  const stop = (...bug: Parameters<Kernel['bugCheck']>): never => {
    if (routine) k.stopRecord.showOrigin(k.stopRecord.originOfException(routine))
    return k.bugCheck(...bug)
  }

  const unloaded = k.images.unloadedAt(index)
  if (unloaded)
    stop(
      level < DISPATCH_LEVEL ? 0xce : 0xd4,
      address,
      code,
      where,
      0n,
      `Code of ${unloaded}.sys was needed after it was unloaded.`,
    )
  if (entry & PTE.guard)
    stop(
      inDriver ? 0xd6 : 0xcd,
      address,
      code,
      where,
      0n,
      `${who} ${verb} ${place}, behind the end of a pool block.`,
    )
  if (entry & PTE.freed && k.pool.isSpecial(index))
    stop(
      inDriver ? 0xd5 : 0xcc,
      address,
      code,
      where,
      0n,
      `${who} ${verb} ${place}, in a pool block that was freed.`,
    )
  if (k.scheduler.isBelowStack(index)) stop(0x7f, 8n, 0n, 0n, 0n, 'The kernel stack is used up.')
  if (level >= DISPATCH_LEVEL && !(entry & PTE.read))
    stop(
      inDriver ? 0xd1 : 0x0a,
      address,
      BigInt(level),
      code,
      where,
      `${who} ${verb} ${place} at IRQL ${level}; ${entry & PTE.pagedOut ? 'it is pageable memory, which may be out of reach from DISPATCH_LEVEL on' : 'nothing is mapped there'}.`,
    )
  if (access === 'write' && entry & PTE.read && !k.memory.isUser(index))
    stop(
      0xbe,
      address,
      BigInt(entry >>> 0),
      where,
      0n,
      `${who} wrote to read-only memory at ${place}.`,
    )
  if (access === 'execute' && entry & PTE.read && !(entry & PTE.execute))
    stop(
      0xfc,
      address,
      BigInt(entry >>> 0),
      where,
      0n,
      `${who} jumped to ${place}, which holds no code.`,
    )
  if (!k.memory.isCanonical(index))
    return new NtException(STATUS_ACCESS_VIOLATION, GENERAL_PROTECTION, access, routine)
  if (!k.memory.isUser(index))
    stop(
      0x50,
      address,
      PAGE_FAULT_CODE[access],
      where,
      k.pool.find(index) ? 0n : 2n,
      `${who} ${verb} ${place}${k.pool.describe(index)}.`,
    )
  return new NtException(STATUS_ACCESS_VIOLATION, address, access, routine)
}

/** An exception that no `try` took: the bug check that fits where the thread came from. */
export function unhandled(k: Kernel, exception: NtException): never {
  const { origin } = exception
  // The frames are unwound; the report is about the place where it began.
  if (origin) k.stopRecord.showOrigin(origin)
  const where = origin?.instruction ?? k.images.nearestCode(k.thread)
  const code = BigInt(exception.code)
  const info0 = exception.access === null ? 0n : ACCESS_CODE[exception.access]
  const info1 = exception.address ?? 0n
  const text = describeException(exception)
  if (k.irql.level >= DISPATCH_LEVEL || k.dpcs.running)
    k.bugCheck(0x1e, code, where, info0, info1, text)
  const { record, context } = writeRecords(k, exception, where)
  if (k.thread.previousMode === 1) k.bugCheck(0x3b, code, where, context, 0n, text)
  k.bugCheck(0x7e, code, where, record, context, text)
}

/** Offsets in EXCEPTION_RECORD64 and in CONTEXT of x64. */
const RECORD = { code: 0, address: 0x10, parameters: 0x18, information: 0x20, bytes: 0xa0 }
const CONTEXT = { flags: 0x30, rsp: 0x98, rip: 0xf8, bytes: 0x4d0 }
const CONTEXT_CONTROL = 0x10_0001

/** What the dispatcher of exceptions leaves on the stack of the thread for whoever looks at the stop. */
function writeRecords(
  k: Kernel,
  exception: NtException,
  instruction: bigint,
): { record: bigint; context: bigint } {
  const { memory, thread } = k
  const pointer = exception.origin?.stackPointer ?? thread.stackBase
  const lowest = thread.stackLimit + RECORD.bytes
  const context = Math.max((pointer - CONTEXT.bytes) & ~15, lowest)
  const record = context - RECORD.bytes
  memory.fill(record, RECORD.bytes + CONTEXT.bytes, 0)
  memory.setU32(record + RECORD.code, exception.code)
  memory.setU64(record + RECORD.address, instruction)
  if (exception.access) {
    memory.setU32(record + RECORD.parameters, 2)
    memory.setU64(record + RECORD.information, ACCESS_CODE[exception.access])
    memory.setU64(record + RECORD.information + 8, exception.address ?? 0n)
  }
  memory.setU32(context + CONTEXT.flags, CONTEXT_CONTROL)
  memory.setU64(context + CONTEXT.rsp, memory.address(pointer))
  memory.setU64(context + CONTEXT.rip, instruction)
  return { record: memory.address(record), context: memory.address(context) }
}

function whoTouched(driver: string | undefined, routine: string | null): string {
  const image = driver ? `${driver}.sys` : 'The kernel'
  if (!routine) return image
  return driver ? `${routine}, called by ${image},` : routine
}

function describeException(exception: NtException): string {
  const who = whoTouched(exception.origin?.driver, exception.routine)
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
