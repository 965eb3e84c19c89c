/**
 * Instructions that C reaches by intrinsics: model-specific and control registers, the interrupt flag,
 * ports.
 */
import { HIGH_LEVEL } from '../../../shared/nt/irql'
import { STATUS_ILLEGAL_INSTRUCTION } from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import { NtException, RunLimit } from '../stop'
import { privileged } from './privileged'
import { ddi, t } from './types'

const ANY_LEVEL: [number, number] = [0, HIGH_LEVEL]
const X64_ONLY = 'On ARM64, which has no such instruction, it raises STATUS_ILLEGAL_INSTRUCTION.'
const SHARED = `All processors share one set of these registers. ${X64_ONLY}`
/** The clock interrupts every 15.625 ms. */
const CLOCK_TICKS = 156_250

/** An I/O port, on a machine whose processor has an instruction to reach it. */
function portOf(k: Kernel, port: number): number {
  if (!k.hal.platform.hasPorts) throw new NtException(STATUS_ILLEGAL_INSTRUCTION)
  return port
}

export const HAL_PROCESSOR_DDIS = {
  __readmsr: privileged({
    params: { Register: t.ulong },
    returns: t.ulonglong,
    support: 'partial',
    note: SHARED,
    run: (k, a) => k.hal.registers.readMsr(a.Register),
  }),
  __writemsr: privileged({
    params: { Register: t.ulong, Value: t.ulonglong },
    returns: t.void,
    support: 'partial',
    note: `${SHARED} A function in IA32_LSTAR is called before KiSystemCall64, which then goes on.`,
    run: (k, a) => k.hal.registers.writeMsr(a.Register, a.Value),
  }),
  __readcr0: privileged({
    params: {},
    returns: t.ulonglong,
    irql: ANY_LEVEL,
    summary: 'Compiler intrinsic: reads CR0.',
    support: 'partial',
    note: SHARED,
    run: (k) => k.hal.registers.readCr0(),
  }),
  __writecr0: privileged({
    params: { Value: t.ulonglong },
    returns: t.void,
    support: 'partial',
    note: SHARED,
    run: (k, a) => k.hal.registers.writeCr0(a.Value),
  }),
  __readcr3: privileged({
    params: {},
    returns: t.ulonglong,
    support: 'partial',
    note: `The page tables it points at are not in physical memory here. ${X64_ONLY}`,
    run: (k) => k.hal.registers.readCr3(),
  }),
  __readcr4: privileged({
    params: {},
    returns: t.ulonglong,
    irql: ANY_LEVEL,
    summary: 'Compiler intrinsic: reads CR4.',
    support: 'partial',
    note: SHARED,
    run: (k) => k.hal.registers.readCr4(),
  }),
  __writecr4: privileged({
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
    module: 'both',
    note: X64_ONLY,
    run: (k) => k.hal.registers.timeStamp(),
  }),
  _disable: privileged({
    params: {},
    returns: t.void,
    run: (k) => k.hal.interrupts.turnOff(),
  }),
  _enable: privileged({
    params: {},
    returns: t.void,
    irql: ANY_LEVEL,
    summary: 'Compiler intrinsic: turns interrupts on again.',
    run: (k) => k.hal.interrupts.turnOn(),
  }),
  __halt: privileged({
    params: {},
    returns: t.void,
    irql: ANY_LEVEL,
    summary: 'Compiler intrinsic: stops the processor until the next interrupt.',
    support: 'partial',
    note: 'The next interrupt is that of the clock. With interrupts off nothing comes, and the run ends.',
    run(k) {
      if (k.hal.interrupts.areOff)
        throw new RunLimit('hang', 'hlt', 'hlt with interrupts off: nothing wakes the processor')
      k.advance(CLOCK_TICKS - (k.tick % CLOCK_TICKS))
    },
  }),
  __inbyte: privileged({
    params: { Port: t.ushort },
    returns: t.uchar,
    irql: ANY_LEVEL,
    summary: 'Compiler intrinsic: reads a byte from an I/O port.',
    note: X64_ONLY,
    run: (k, a) => k.hal.io.readPort(portOf(k, a.Port), 1),
  }),
  __outbyte: privileged({
    params: { Port: t.ushort, Data: t.uchar },
    returns: t.void,
    irql: ANY_LEVEL,
    summary: 'Compiler intrinsic: writes a byte to an I/O port.',
    note: X64_ONLY,
    run: (k, a) => k.hal.io.writePort(portOf(k, a.Port), 1, a.Data),
  }),
}
