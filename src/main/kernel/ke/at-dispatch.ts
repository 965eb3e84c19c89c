/** Memory that the kernel touches at DISPATCH_LEVEL on behalf of a routine, whatever its caller's IRQL is. */
import type { Kernel } from '../kernel'
import { PTE } from '../mm/layout'
import { MemoryFault, type Ptr } from '../mm/memory'
import { DISPATCH_LEVEL } from './irql'

const ACCESS_CODE = { read: 0, write: 1, execute: 8 } as const

/**
 * Run `work` as the kernel does under its own locks.
 * @bugcheck 0x0A when it touches memory that is not there
 */
export function atDispatchLevel<T>(k: Kernel, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof MemoryFault)) throw error
    outOfReach(k, error.index, ACCESS_CODE[error.access], 'nothing is mapped there')
  }
}

/**
 * Stop when a structure that the kernel uses at DISPATCH_LEVEL lies in pageable memory.
 * @param what its type, for the report
 */
export function requireNonpaged(k: Kernel, object: Ptr, what: string): void {
  const entry = k.memory.pte(object)
  if (!(entry & PTE.pageable)) return
  checkNonpaged(k, object, what)
  outOfReach(k, object, 0, 'it lies in pageable memory')
}

/** The verifier's rule alone: for routines that prepare a structure and do not raise the IRQL. */
export function checkNonpaged(k: Kernel, object: Ptr, what: string): void {
  if (!(k.memory.pte(object) & PTE.pageable)) return
  k.verifier.check(
    'VR-LOCK-PAGEABLE',
    true,
    [0xe1, k.memory.address(object), 0, 0],
    `The ${what} at ${k.memory.format(object)} lies in pageable memory.`,
  )
}

function outOfReach(k: Kernel, index: Ptr, access: number, why: string): never {
  const address = k.memory.address(index)
  const level = Math.max(k.irql.level, DISPATCH_LEVEL)
  const routine = k.ddis.running
  k.stopRecord.showOrigin(k.stopRecord.originOfException(routine))
  k.bugCheck(
    0x0a,
    address,
    BigInt(level),
    BigInt(access),
    k.memory.address(k.images.exported(routine)),
    `${routine} ${access === 1 ? 'wrote to' : 'read from'} ${k.memory.format(index)} at DISPATCH_LEVEL; ${why}.`,
  )
}
