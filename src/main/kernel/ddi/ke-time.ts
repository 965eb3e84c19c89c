/** Time, and the ways to stop the machine. */
import { hex } from '../../../shared/nt/format'
import { HIGH_LEVEL } from '../../../shared/nt/irql'
import {
  STATUS_ACCESS_VIOLATION,
  STATUS_DATATYPE_MISALIGNMENT,
} from '../../../shared/nt/generated/ntstatus'
import { PERFORMANCE_FREQUENCY, systemTime, tickCount, TIME_INCREMENT } from '../ke/time'
import type { Kernel } from '../kernel'
import { NtException } from '../stop'
import { ddi, t } from './types'

const largeInteger = { k: 'i64', c: 'LARGE_INTEGER' } as const
const outLarge = t.out(largeInteger)
const ANY = [0, HIGH_LEVEL] as [number, number]
const TICKS_PER_MICROSECOND = 10

function bugCheck(k: Kernel, code: number, parameters: readonly bigint[] = []): never {
  const [p1 = 0n, p2 = 0n, p3 = 0n, p4 = 0n] = parameters
  k.bugCheck(code, p1, p2, p3, p4, `The driver stopped the machine itself with code ${hex(code)}.`)
}

export const KE_TIME_DDIS = {
  KeQuerySystemTime: ddi({
    params: { CurrentTime: outLarge },
    returns: t.void,
    support: 'partial',
    note: 'Every run boots at the same moment, so that it can be repeated.',
    run: (k, a) => a.CurrentTime.write(systemTime(k)),
  }),
  KeQuerySystemTimePrecise: ddi({
    params: { CurrentTime: outLarge },
    returns: t.void,
    irql: ANY,
    summary: 'Returns the system time to the 100 ns.',
    docs: 'wdm/nf-wdm-kequerysystemtimeprecise',
    run: (k, a) => a.CurrentTime.write(systemTime(k)),
  }),
  KeQueryPerformanceCounter: ddi({
    params: { PerformanceFrequency: t.optional(outLarge) },
    returns: largeInteger,
    run(k, a) {
      a.PerformanceFrequency.write(PERFORMANCE_FREQUENCY)
      return BigInt(k.tick)
    },
  }),
  KeQueryTimeIncrement: ddi({ params: {}, returns: t.ulong, run: () => TIME_INCREMENT }),
  KeQueryTickCount: ddi({
    params: { CurrentCount: outLarge },
    returns: t.void,
    irql: ANY,
    summary: 'Returns the number of clock interrupts since boot.',
    docs: 'wdm/nf-wdm-kequerytickcount',
    run: (k, a) => a.CurrentCount.write(tickCount(k)),
  }),
  KeQueryInterruptTime: ddi({
    params: {},
    returns: t.ulonglong,
    irql: ANY,
    summary: 'Returns the time since boot in units of 100 ns.',
    docs: 'wdm/nf-wdm-kequeryinterrupttime',
    run: (k) => BigInt(k.tick),
  }),
  KeQueryUnbiasedInterruptTime: ddi({
    params: {},
    returns: t.ulonglong,
    irql: ANY,
    summary: 'As KeQueryInterruptTime, without the time spent asleep.',
    docs: 'wdm/nf-wdm-kequeryunbiasedinterrupttime',
    run: (k) => BigInt(k.tick),
  }),
  KeStallExecutionProcessor: ddi({
    params: { MicroSeconds: t.ulong },
    returns: t.void,
    irql: ANY,
    summary: 'Keeps the processor busy for a time; for some microseconds at most.',
    docs: 'ntifs/nf-ntifs-kestallexecutionprocessor',
    run: (k, a) => k.advance(a.MicroSeconds * TICKS_PER_MICROSECOND),
  }),

  KeBugCheckEx: ddi({
    params: {
      BugCheckCode: t.ulong,
      BugCheckParameter1: t.ulongptr,
      BugCheckParameter2: t.ulongptr,
      BugCheckParameter3: t.ulongptr,
      BugCheckParameter4: t.ulongptr,
    },
    returns: t.void,
    run: (k, a) =>
      bugCheck(k, a.BugCheckCode, [
        a.BugCheckParameter1,
        a.BugCheckParameter2,
        a.BugCheckParameter3,
        a.BugCheckParameter4,
      ]),
  }),
  KeBugCheck: ddi({
    params: { BugCheckCode: t.ulong },
    returns: t.void,
    run: (k, a) => bugCheck(k, a.BugCheckCode),
  }),
  ExRaiseStatus: ddi({
    checksIrql: true,
    params: { Status: t.ntstatus },
    returns: t.void,
    run(_k, a) {
      throw new NtException(a.Status)
    },
  }),
  ExRaiseAccessViolation: ddi({
    checksIrql: true,
    params: {},
    returns: t.void,
    irql: [0, 1],
    summary: 'Raises STATUS_ACCESS_VIOLATION.',
    docs: 'ntddk/nf-ntddk-exraiseaccessviolation',
    run() {
      throw new NtException(STATUS_ACCESS_VIOLATION)
    },
  }),
  ExRaiseDatatypeMisalignment: ddi({
    checksIrql: true,
    params: {},
    returns: t.void,
    irql: [0, 1],
    summary: 'Raises STATUS_DATATYPE_MISALIGNMENT.',
    docs: 'ntddk/nf-ntddk-exraisedatatypemisalignment',
    run() {
      throw new NtException(STATUS_DATATYPE_MISALIGNMENT)
    },
  }),
}
