/**
 * Privileged instructions, which compilers reach by intrinsics. The processor runs them in ring 0 only:
 * in a program they raise an exception, which ends the program and nothing else.
 */
import {
  STATUS_ILLEGAL_INSTRUCTION,
  STATUS_PRIVILEGED_INSTRUCTION,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import { NtException } from '../stop'
import { ddi, type DdiEntry, type ParamType, type ReturnType } from './types'

/**
 * What the processor does first with a privileged instruction.
 * @throws NtException STATUS_PRIVILEGED_INSTRUCTION in user mode (on ARM64 the instruction is none)
 */
function requireRing0(k: Kernel): void {
  if (!k.scheduler.userMode) return
  const isX64 = k.hal.platform.hasMsrs
  throw new NtException(isX64 ? STATUS_PRIVILEGED_INSTRUCTION : STATUS_ILLEGAL_INSTRUCTION)
}

/** An intrinsic for a privileged instruction: programs may write it, too, and see what happens. */
export function privileged<const P extends Record<string, ParamType>, const R extends ReturnType>(
  entry: DdiEntry<P, R>,
): DdiEntry {
  return ddi<P, R>({
    ...entry,
    module: 'both',
    run(k, a) {
      requireRing0(k)
      return entry.run(k, a)
    },
  })
}
