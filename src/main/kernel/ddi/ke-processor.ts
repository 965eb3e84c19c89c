/** Processors: which one runs, which ones a thread may run on, and all of them at once. */
import { GROUP_AFFINITY, PROCESSOR_NUMBER } from '../../../shared/nt/generated/offsets'
import { STATUS_INVALID_PARAMETER, STATUS_SUCCESS } from '../../../shared/nt/generated/ntstatus'
import { APC_LEVEL, DISPATCH_LEVEL, HIGH_LEVEL, IPI_LEVEL } from '../../../shared/nt/irql'
import { ALL_PROCESSORS } from '../ke/thread'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { ddi, t } from './types'

const ANY = [0, HIGH_LEVEL] as [number, number]
const ALL_PROCESSOR_GROUPS = 0xffff
const affinity = { k: 'u64', c: 'KAFFINITY' } as const

/** A bit for each processor. */
function active(k: Kernel): bigint {
  return (1n << BigInt(k.processors.length)) - 1n
}

/** A thread's affinity as drivers see it. */
function affinityOf(k: Kernel): bigint {
  return BigInt(k.thread.affinity >>> 0) & active(k)
}

/** @bugcheck 0x03 when none of the processors exists */
function setAffinity(k: Kernel, mask: bigint): void {
  if (!(mask & active(k)))
    k.bugCheck(0x03, 0n, 0n, 0n, 0n, 'A thread was bound to processors that do not exist.')
  // Where it has to leave its processor it does so as soon as the IRQL allows.
  k.thread.affinity = Number(mask & active(k))
}

function countOf(k: Kernel, group: number): number {
  return group === 0 || group === ALL_PROCESSOR_GROUPS ? k.processors.length : 0
}

function writeNumber(k: Kernel, at: Ptr): void {
  k.memory.setU16(at + PROCESSOR_NUMBER.Group, 0)
  k.memory.setU8(at + PROCESSOR_NUMBER.Number, k.processor.number)
  k.memory.setU8(at + PROCESSOR_NUMBER.Reserved, 0)
}

export const KE_PROCESSOR_DDIS = {
  KeQueryActiveProcessorCount: ddi({
    params: { ActiveProcessors: t.optional(t.out(affinity)) },
    returns: t.ulong,
    run(k, a) {
      a.ActiveProcessors.write(active(k))
      return k.processors.length
    },
  }),
  KeQueryActiveProcessorCountEx: ddi({
    params: { GroupNumber: t.ushort },
    returns: t.ulong,
    irql: ANY,
    summary: 'Returns the number of active CPUs of a group.',
    docs: 'wdm/nf-wdm-kequeryactiveprocessorcountex',
    run: (k, a) => countOf(k, a.GroupNumber),
  }),
  KeQueryMaximumProcessorCount: ddi({
    params: {},
    returns: t.ulong,
    irql: ANY,
    summary: 'Returns how many CPUs the machine may have.',
    docs: 'wdm/nf-wdm-kequerymaximumprocessorcount',
    run: (k) => k.processors.length,
  }),
  KeQueryMaximumProcessorCountEx: ddi({
    params: { GroupNumber: t.ushort },
    returns: t.ulong,
    irql: ANY,
    summary: 'Returns how many CPUs a group may have.',
    docs: 'wdm/nf-wdm-kequerymaximumprocessorcountex',
    run: (k, a) => countOf(k, a.GroupNumber),
  }),
  KeQueryActiveProcessors: ddi({
    params: {},
    returns: affinity,
    irql: ANY,
    summary: 'Returns a bit for each active CPU.',
    docs: 'wdm/nf-wdm-kequeryactiveprocessors',
    run: (k) => active(k),
  }),
  KeGetCurrentProcessorNumber: ddi({
    params: {},
    returns: t.ulong,
    irql: ANY,
    traced: false,
    summary: 'Returns the number of the CPU that runs the caller.',
    docs: 'wdm/nf-wdm-kegetcurrentprocessornumber',
    run: (k) => k.processor.number,
  }),
  KeGetCurrentProcessorNumberEx: ddi({
    params: { ProcNumber: t.optional(t.ptr('PROCESSOR_NUMBER')) },
    returns: t.ulong,
    irql: ANY,
    traced: false,
    summary: 'Returns the index of the CPU that runs the caller, and its group and number.',
    docs: 'wdm/nf-wdm-kegetcurrentprocessornumberex',
    run(k, a) {
      if (a.ProcNumber) writeNumber(k, a.ProcNumber)
      return k.processor.number
    },
  }),

  KeSetSystemAffinityThread: ddi({
    params: { Affinity: affinity },
    returns: t.void,
    irql: [0, DISPATCH_LEVEL],
    run: (k, a) => setAffinity(k, a.Affinity),
  }),
  KeSetSystemAffinityThreadEx: ddi({
    params: { Affinity: affinity },
    returns: affinity,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Binds the thread to CPUs and returns those that it was bound to, 0 for none.',
    docs: 'wdm/nf-wdm-kesetsystemaffinitythreadex',
    run(k, a) {
      const old = k.thread.affinity === ALL_PROCESSORS ? 0n : affinityOf(k)
      if (a.Affinity & active(k)) setAffinity(k, a.Affinity)
      return old
    },
  }),
  KeRevertToUserAffinityThread: ddi({
    params: {},
    returns: t.void,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Undoes KeSetSystemAffinityThread.',
    docs: 'wdm/nf-wdm-kereverttouseraffinitythread',
    run(k) {
      k.thread.affinity = ALL_PROCESSORS
    },
  }),
  KeRevertToUserAffinityThreadEx: ddi({
    params: { Affinity: affinity },
    returns: t.void,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Goes back to what KeSetSystemAffinityThreadEx returned.',
    docs: 'wdm/nf-wdm-kereverttouseraffinitythreadex',
    run(k, a) {
      if (a.Affinity === 0n) k.thread.affinity = ALL_PROCESSORS
      else if (a.Affinity & active(k)) setAffinity(k, a.Affinity)
    },
  }),
  KeSetSystemGroupAffinityThread: ddi({
    params: {
      Affinity: t.ptr('GROUP_AFFINITY'),
      PreviousAffinity: t.optional(t.ptr('GROUP_AFFINITY')),
    },
    returns: t.void,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Binds the thread to CPUs of a group.',
    docs: 'wdm/nf-wdm-kesetsystemgroupaffinitythread',
    run(k, a) {
      const { memory } = k
      const group = memory.u16(a.Affinity + GROUP_AFFINITY.Group)
      const mask = memory.u64(a.Affinity + GROUP_AFFINITY.Mask)
      if (a.PreviousAffinity) {
        memory.fill(a.PreviousAffinity, GROUP_AFFINITY.SIZE, 0)
        const old = k.thread.affinity === ALL_PROCESSORS ? 0n : affinityOf(k)
        memory.setU64(a.PreviousAffinity + GROUP_AFFINITY.Mask, old)
      }
      if (group === 0 && mask & active(k)) setAffinity(k, mask)
    },
  }),
  KeRevertToUserGroupAffinityThread: ddi({
    params: { PreviousAffinity: t.ptr('GROUP_AFFINITY') },
    returns: t.void,
    irql: [0, APC_LEVEL],
    summary: 'Goes back to what KeSetSystemGroupAffinityThread returned.',
    docs: 'wdm/nf-wdm-kereverttousergroupaffinitythread',
    run(k, a) {
      const mask = k.memory.u64(a.PreviousAffinity + GROUP_AFFINITY.Mask)
      if (mask & active(k)) setAffinity(k, mask)
      else k.thread.affinity = ALL_PROCESSORS
    },
  }),

  KeSetTargetProcessorDpc: ddi({
    params: { Dpc: t.ptr('KDPC'), Number: t.cchar },
    returns: t.void,
    run(k, a) {
      const count = k.processors.length
      if (a.Number < 0 || a.Number >= count)
        k.bugCheck(
          0xc7,
          3n,
          k.memory.address(a.Dpc),
          BigInt(a.Number & 0xff),
          BigInt(count),
          `A DPC was bound to processor ${a.Number}; ${count === 1 ? 'there is processor 0 only' : `there are processors 0 to ${count - 1}`}.`,
        )
      k.dpcs.setTarget(a.Dpc, a.Number)
    },
  }),
  KeSetTargetProcessorDpcEx: ddi({
    params: { Dpc: t.ptr('KDPC'), ProcNumber: t.ptr('PROCESSOR_NUMBER') },
    returns: t.ntstatus,
    irql: ANY,
    summary: 'Binds a DPC to a CPU, named by group and number.',
    docs: 'wdm/nf-wdm-kesettargetprocessordpcex',
    run(k, a) {
      const { memory } = k
      const number = memory.u8(a.ProcNumber + PROCESSOR_NUMBER.Number)
      const isThere =
        memory.u16(a.ProcNumber + PROCESSOR_NUMBER.Group) === 0 &&
        memory.u8(a.ProcNumber + PROCESSOR_NUMBER.Reserved) === 0 &&
        number < k.processors.length
      if (!isThere) return STATUS_INVALID_PARAMETER
      k.dpcs.setTarget(a.Dpc, number)
      return STATUS_SUCCESS
    },
  }),

  KeIpiGenericCall: ddi({
    params: { BroadcastFunction: t.fn('KIPI_BROADCAST_WORKER'), Context: t.optional(t.pvoid) },
    returns: t.ulong,
    irql: [0, IPI_LEVEL - 1],
    support: 'partial',
    note: 'The context is a pointer, and of the result the lower 32 bits come back.',
    *run(k, a) {
      return yield* k.ipis.broadcast(a.BroadcastFunction, a.Context)
    },
  }),
}
