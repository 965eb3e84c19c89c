/** Interrupt objects. */
import { DISPATCH_LEVEL, HIGH_LEVEL } from '../../../shared/nt/irql'
import {
  IO_CONNECT_INTERRUPT_PARAMETERS as CONNECT,
  IO_DISCONNECT_INTERRUPT_PARAMETERS as DISCONNECT,
} from '../../../shared/nt/generated/offsets'
import {
  STATUS_INVALID_PARAMETER,
  STATUS_NOT_FOUND,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import {
  CONNECT_FULLY_SPECIFIED,
  CONNECT_FULLY_SPECIFIED_GROUP,
  CONNECT_LINE_BASED,
  CONNECT_MESSAGE_BASED,
} from '../../../shared/nt/generated/constants'
import type { ConnectRequest, InterruptObject } from '../hal/interrupt-object'
import { lockInterrupt, unlockInterrupt } from '../hal/interrupt-object'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { ddi, t } from './types'

const interrupt = t.ptr('KINTERRUPT')
const LATCHED = 1
const KAFFINITY = { ...t.ulonglong, c: 'KAFFINITY' } as const

/** A pointer that has to be a connected object: what the kernel reads from memory would be nonsense else. */
function objectAt(k: Kernel, pointer: Ptr, routine: string): InterruptObject {
  const object = k.hal.interrupts.find(pointer)
  if (object) return object
  return k.bugCheck(
    0x0a,
    k.memory.address(pointer),
    BigInt(Math.max(k.irql.level, DISPATCH_LEVEL)),
    0n,
    k.memory.address(k.images.exported(routine)),
    `${routine} was called for ${k.memory.format(pointer)}, which is no connected interrupt object.`,
  )
}

/** What all processors together are in a KAFFINITY. */
function everyProcessor(k: Kernel): bigint {
  return (1n << BigInt(k.processors.length)) - 1n
}

function connect(k: Kernel, request: ConnectRequest, writeTo: (object: Ptr) => void): number {
  const object = k.hal.interrupts.connect(request)
  if (typeof object === 'number') return object
  writeTo(object.address)
  return STATUS_SUCCESS
}

/** CONNECT_FULLY_SPECIFIED: the driver names vector and levels itself. */
function connectFully(k: Kernel, at: Ptr): number {
  const { memory } = k
  if ((memory.u64(at + CONNECT['FullySpecified.ProcessorEnableMask']) & everyProcessor(k)) === 0n)
    return STATUS_INVALID_PARAMETER
  const request: ConnectRequest = {
    serviceRoutine: memory.ptr(at + CONNECT['FullySpecified.ServiceRoutine']),
    serviceContext: memory.ptr(at + CONNECT['FullySpecified.ServiceContext']),
    spinLock: memory.ptr(at + CONNECT['FullySpecified.SpinLock']),
    vector: memory.u32(at + CONNECT['FullySpecified.Vector']),
    irql: memory.u8(at + CONNECT['FullySpecified.Irql']),
    synchronizeIrql: memory.u8(at + CONNECT['FullySpecified.SynchronizeIrql']),
    mode: memory.u32(at + CONNECT['FullySpecified.InterruptMode']) === LATCHED ? 'edge' : 'level',
    isShared: memory.u8(at + CONNECT['FullySpecified.ShareVector']) !== 0,
    floatingSave: memory.u8(at + CONNECT['FullySpecified.FloatingSave']) !== 0,
  }
  const place = memory.ptr(at + CONNECT['FullySpecified.InterruptObject'])
  return connect(k, request, (object) => memory.setPtr(place, object))
}

/** CONNECT_LINE_BASED: PnP knows the device's interrupt. */
function connectLine(k: Kernel, at: Ptr, serviceRoutine: Ptr): number {
  const { memory, hal } = k
  const device = hal.assignedTo(memory.ptr(at + CONNECT['LineBased.PhysicalDeviceObject']))
  if (!device) return STATUS_NOT_FOUND
  const { vector, irql, mode } = hal.resourcesOf(device)
  const wanted = memory.u8(at + CONNECT['LineBased.SynchronizeIrql'])
  const request: ConnectRequest = {
    serviceRoutine,
    serviceContext: memory.ptr(at + CONNECT['LineBased.ServiceContext']),
    spinLock: memory.ptr(at + CONNECT['LineBased.SpinLock']),
    vector,
    irql,
    // 0 leaves the choice to the I/O manager.
    synchronizeIrql: wanted === 0 ? irql : wanted,
    mode,
    isShared: mode === 'level',
    floatingSave: memory.u8(at + CONNECT['LineBased.FloatingSave']) !== 0,
  }
  const place = memory.ptr(at + CONNECT['LineBased.InterruptObject'])
  return connect(k, request, (object) => memory.setPtr(place, object))
}

function connectEx(k: Kernel, at: Ptr): number {
  const { memory } = k
  switch (memory.u32(at + CONNECT.Version)) {
    case CONNECT_FULLY_SPECIFIED:
    case CONNECT_FULLY_SPECIFIED_GROUP:
      return connectFully(k, at)
    case CONNECT_LINE_BASED:
      return connectLine(k, at, memory.ptr(at + CONNECT['LineBased.ServiceRoutine']))
    case CONNECT_MESSAGE_BASED: {
      // No device here signals by message: what remains is the line, if the driver can handle it.
      const fallback = memory.ptr(at + CONNECT['MessageBased.FallBackServiceRoutine'])
      if (!fallback) return STATUS_NOT_FOUND
      const status = connectLine(k, at, fallback)
      if (status === STATUS_SUCCESS) memory.setU32(at + CONNECT.Version, CONNECT_LINE_BASED)
      return status
    }
    default:
      return STATUS_INVALID_PARAMETER
  }
}

export const HAL_INTERRUPT_DDIS = {
  IoConnectInterruptEx: ddi({
    params: { Parameters: t.ptr('IO_CONNECT_INTERRUPT_PARAMETERS') },
    returns: t.ntstatus,
    support: 'partial',
    note: 'Devices signal by line only, so CONNECT_MESSAGE_BASED uses the fallback routine.',
    run: (k, a) => connectEx(k, a.Parameters),
  }),
  IoConnectInterrupt: ddi({
    params: {
      InterruptObject: t.out(interrupt),
      ServiceRoutine: t.fn('KSERVICE_ROUTINE'),
      ServiceContext: t.optional(t.pvoid),
      SpinLock: t.optional(t.ptr('KSPIN_LOCK')),
      Vector: t.ulong,
      Irql: t.kirql,
      SynchronizeIrql: t.kirql,
      InterruptMode: t.enum('KINTERRUPT_MODE'),
      ShareVector: t.boolean,
      ProcessorEnableMask: KAFFINITY,
      FloatingSave: t.boolean,
    },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Connects a service routine to a vector. Newer drivers use IoConnectInterruptEx.',
    docs: 'wdm/nf-wdm-ioconnectinterrupt',
    run(k, a) {
      if ((a.ProcessorEnableMask & everyProcessor(k)) === 0n) return STATUS_INVALID_PARAMETER
      const request: ConnectRequest = {
        serviceRoutine: a.ServiceRoutine,
        serviceContext: a.ServiceContext,
        spinLock: a.SpinLock,
        vector: a.Vector,
        irql: a.Irql,
        synchronizeIrql: a.SynchronizeIrql,
        mode: a.InterruptMode === LATCHED ? 'edge' : 'level',
        isShared: a.ShareVector,
        floatingSave: a.FloatingSave,
      }
      return connect(k, request, (object) => a.InterruptObject.write(object))
    },
  }),
  IoDisconnectInterrupt: ddi({
    params: { InterruptObject: interrupt },
    returns: t.void,
    irql: [0, 0],
    summary: 'Disconnects a service routine; afterwards it is not called any more.',
    docs: 'wdm/nf-wdm-iodisconnectinterrupt',
    *run(k, a) {
      objectAt(k, a.InterruptObject, 'IoDisconnectInterrupt')
      yield* k.hal.interrupts.disconnect(a.InterruptObject)
    },
  }),
  IoDisconnectInterruptEx: ddi({
    params: { Parameters: t.ptr('IO_DISCONNECT_INTERRUPT_PARAMETERS') },
    returns: t.void,
    irql: [0, 0],
    summary: 'Disconnects what IoConnectInterruptEx connected; the version has to be the same.',
    docs: 'wdm/nf-wdm-iodisconnectinterruptex',
    *run(k, a) {
      const pointer = k.memory.ptr(a.Parameters + DISCONNECT['ConnectionContext.InterruptObject'])
      objectAt(k, pointer, 'IoDisconnectInterruptEx')
      yield* k.hal.interrupts.disconnect(pointer)
    },
  }),
  KeSynchronizeExecution: ddi({
    params: {
      Interrupt: interrupt,
      SynchronizeRoutine: t.fn('KSYNCHRONIZE_ROUTINE'),
      SynchronizeContext: t.optional(t.pvoid),
    },
    returns: t.boolean,
    irql: [0, HIGH_LEVEL],
    summary:
      'Calls a routine at the level of an interrupt, with its lock held, and returns its result.',
    docs: 'wdm/nf-wdm-kesynchronizeexecution',
    *run(k, a) {
      const object = objectAt(k, a.Interrupt, 'KeSynchronizeExecution')
      const level = yield* lockInterrupt(k, object, 'KeSynchronizeExecution')
      const result = yield* k.call(a.SynchronizeRoutine, 'KSYNCHRONIZE_ROUTINE', [
        a.SynchronizeContext,
      ])
      unlockInterrupt(k, object, level, 'KeSynchronizeExecution')
      return (result & 0xff) !== 0
    },
  }),
  KeAcquireInterruptSpinLock: ddi({
    params: { Interrupt: interrupt },
    returns: t.kirql,
    irql: [0, HIGH_LEVEL],
    summary: 'Raises to the level of an interrupt, takes its lock and returns the old level.',
    docs: 'wdm/nf-wdm-keacquireinterruptspinlock',
    run: (k, a) =>
      lockInterrupt(
        k,
        objectAt(k, a.Interrupt, 'KeAcquireInterruptSpinLock'),
        'KeAcquireInterruptSpinLock',
      ),
  }),
  KeReleaseInterruptSpinLock: ddi({
    params: { Interrupt: interrupt, OldIrql: t.kirql },
    returns: t.void,
    irql: [0, HIGH_LEVEL],
    summary: 'Gives the lock of an interrupt back and lowers the level.',
    docs: 'wdm/nf-wdm-kereleaseinterruptspinlock',
    run: (k, a) =>
      unlockInterrupt(
        k,
        objectAt(k, a.Interrupt, 'KeReleaseInterruptSpinLock'),
        a.OldIrql & HIGH_LEVEL,
        'KeReleaseInterruptSpinLock',
      ),
  }),
}
