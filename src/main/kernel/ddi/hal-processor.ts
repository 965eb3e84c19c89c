/** Instructions that C reaches by intrinsics: model-specific and control registers, the interrupt flag. */
import { HIGH_LEVEL } from '../../../shared/nt/irql'
import { ddi, t } from './types'

const ANY_LEVEL: [number, number] = [0, HIGH_LEVEL]
const X64_ONLY = 'On ARM64, which has no such instruction, it raises STATUS_ILLEGAL_INSTRUCTION.'
const SHARED = `All processors share one set of these registers. ${X64_ONLY}`

export const HAL_PROCESSOR_DDIS = {
  __readmsr: ddi({
    params: { Register: t.ulong },
    returns: t.ulonglong,
    support: 'partial',
    note: SHARED,
    run: (k, a) => k.hal.registers.readMsr(a.Register),
  }),
  __writemsr: ddi({
    params: { Register: t.ulong, Value: t.ulonglong },
    returns: t.void,
    support: 'partial',
    note: `${SHARED} A function in IA32_LSTAR is called before KiSystemCall64, which then goes on.`,
    run: (k, a) => k.hal.registers.writeMsr(a.Register, a.Value),
  }),
  __readcr0: ddi({
    params: {},
    returns: t.ulonglong,
    irql: ANY_LEVEL,
    summary: 'Compiler intrinsic: reads CR0.',
    support: 'partial',
    note: SHARED,
    run: (k) => k.hal.registers.readCr0(),
  }),
  __writecr0: ddi({
    params: { Value: t.ulonglong },
    returns: t.void,
    support: 'partial',
    note: SHARED,
    run: (k, a) => k.hal.registers.writeCr0(a.Value),
  }),
  __readcr3: ddi({
    params: {},
    returns: t.ulonglong,
    support: 'partial',
    note: `The page tables it points at are not in physical memory here. ${X64_ONLY}`,
    run: (k) => k.hal.registers.readCr3(),
  }),
  __readcr4: ddi({
    params: {},
    returns: t.ulonglong,
    irql: ANY_LEVEL,
    summary: 'Compiler intrinsic: reads CR4.',
    support: 'partial',
    note: SHARED,
    run: (k) => k.hal.registers.readCr4(),
  }),
  __writecr4: ddi({
    params: { Value: t.ulonglong },
    returns: t.void,
    irql: ANY_LEVEL,
    summary: 'Compiler intrinsic: writes CR4.',
    support: 'partial',
    note: `Clearing SMEP or SMAP is noticed by Kernel Patch Protection and has no other effect. ${SHARED}`,
    run: (k, a) => k.hal.registers.writeCr4(a.Value),
  }),
  __rdtsc: ddi({
    params: {},
    returns: t.ulonglong,
    irql: ANY_LEVEL,
    summary: 'Compiler intrinsic: reads the time stamp counter, 3,000 to the microsecond.',
    note: X64_ONLY,
    run: (k) => k.hal.registers.timeStamp(),
  }),
  _disable: ddi({
    params: {},
    returns: t.void,
    run: (k) => k.hal.interrupts.turnOff(),
  }),
  _enable: ddi({
    params: {},
    returns: t.void,
    irql: ANY_LEVEL,
    summary: 'Compiler intrinsic: turns interrupts on again.',
    run: (k) => k.hal.interrupts.turnOn(),
  }),
}
