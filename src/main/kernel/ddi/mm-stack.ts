/** The kernel stack of the thread that asks. */
import { HIGH_LEVEL } from '../../../shared/nt/irql'
import {
  STATUS_INVALID_PARAMETER_3,
  STATUS_NO_MEMORY,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import { ddi, t } from './types'

const ANY_LEVEL: [number, number] = [0, HIGH_LEVEL]
/** MAXIMUM_EXPANSION_SIZE of x64: the large stack without half a page. */
const EXPANSION_BYTES_MAX = 0x12000 - 0x800

/** Bytes between the stack pointer and the guard page. */
function remaining(k: Kernel): number {
  return Math.max(k.scheduler.kernelStackPointer(k.thread) - k.thread.stackLimit, 0)
}

export const MM_STACK_DDIS = {
  IoGetStackLimits: ddi({
    params: { LowLimit: t.out(t.ulongptr), HighLimit: t.out(t.ulongptr) },
    returns: t.void,
    irql: ANY_LEVEL,
    run(k, a) {
      a.LowLimit.write(k.memory.address(k.thread.stackLimit))
      a.HighLimit.write(k.memory.address(k.thread.stackBase))
    },
  }),
  IoGetRemainingStackSize: ddi({
    params: {},
    returns: t.ulongptr,
    irql: ANY_LEVEL,
    support: 'partial',
    note: 'Only variables made with local() lie on the stack; calls take nothing of it.',
    run: (k) => BigInt(remaining(k)),
  }),
  KeExpandKernelStackAndCallout: ddi({
    params: {
      Callout: t.fn('EXPAND_STACK_CALLOUT'),
      Parameter: t.optional(t.pvoid),
      Size: t.size,
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'The stack does not grow: STATUS_NO_MEMORY when less is left of it than is asked for.',
    *run(k, a) {
      if (a.Size > EXPANSION_BYTES_MAX) return STATUS_INVALID_PARAMETER_3
      if (a.Size > remaining(k)) return STATUS_NO_MEMORY
      yield* k.call(a.Callout, 'EXPAND_STACK_CALLOUT', [a.Parameter])
      return STATUS_SUCCESS
    },
  }),
}
