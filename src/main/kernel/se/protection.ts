/**
 * Protected processes: who may open whom. PS_PROTECTION is one byte of EPROCESS: a type (0 none, 1
 * light, 2 protected), an audit bit, and the signer of the image in the upper four bits.
 */
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { EPROCESS } from '../../../shared/nt/generated/offsets'

/** Signers that a signer has power over, as bits; each over itself, and the system's over those below. */
const DOMINATED = [0, 0x02, 0x04, 0x08, 0x10, 0x3e, 0x7e, 0xfe, 0]

const typeOf = (protection: number): number => protection & 7
const signerOf = (protection: number): number => protection >>> 4

/** RtlTestProtectedAccess: whether a process with one protection has power over one with another. */
export function dominates(caller: number, target: number): boolean {
  if (typeOf(target) === 0) return true
  if (typeOf(caller) < typeOf(target)) return false
  return (((DOMINATED[signerOf(caller)] ?? 0) >> signerOf(target)) & 1) === 1
}

/** Whether the current process may do to another what only an equal may. What memory says now counts. */
export function currentDominates(k: Kernel, target: Ptr): boolean {
  const own = k.memory.u8(k.thread.process.address + EPROCESS.Protection)
  return dominates(own, k.memory.u8(target + EPROCESS.Protection))
}
