/** I/O request packets. */
import { DEVICE_OBJECT, IO_STACK_LOCATION, IRP } from '../../../shared/nt/generated/offsets'
import {
  DO_BUFFERED_IO,
  DO_DIRECT_IO,
  IRP_BUFFERED_IO,
  IRP_DEALLOCATE_BUFFER,
  IRP_INPUT_OPERATION,
} from '../../../shared/nt/constants'
import {
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_INTERNAL_DEVICE_CONTROL,
  IRP_MJ_READ,
  IRP_MJ_WRITE,
} from '../../../shared/nt/irp-functions'
import { STATUS_MORE_PROCESSING_REQUIRED, STATUS_SUCCESS } from '../../../shared/nt/ntstatus'
import type { Kernel } from '../kernel'
import { writeAfterSpin } from '../ke/spinlock'
import type { Ptr } from '../mm/memory'
import {
  freeingIrp,
  initializingIrp,
  noteMade,
  notePrepared,
  settingCancel,
  settingCompletion,
} from '../verifier/rules/irp'
import { ddi, t, type KernelRoutine } from './types'

const CURRENT = IRP['Tail.Overlay.CurrentStackLocation']
const irpOnly = { Irp: t.ptr('IRP') }

const callDriver = ddi({
  params: { DeviceObject: t.ptr('DEVICE_OBJECT'), Irp: t.ptr('IRP') },
  returns: t.ntstatus,
  run: (k, a) => k.irps.callDriver(a.DeviceObject, a.Irp),
})

const completeRequest = ddi({
  params: { Irp: t.ptr('IRP'), PriorityBoost: t.cchar },
  returns: t.void,
  note: 'The last stage runs at once in the completing thread; Windows queues an APC to the requesting one.',
  support: 'partial',
  run: (k, a) => k.irps.complete(a.Irp),
})

const setCompletion = {
  Irp: t.ptr('IRP'),
  CompletionRoutine: t.optional(t.fn('IO_COMPLETION_ROUTINE')),
  Context: t.optional(t.pvoid),
  InvokeOnSuccess: t.boolean,
  InvokeOnError: t.boolean,
  InvokeOnCancel: t.boolean,
}

/** A packet that a driver builds for another device's stack. */
function buildRequest(
  k: Kernel,
  device: Ptr,
  major: number,
  iosb: Ptr,
  event: Ptr,
  fill: (irp: Ptr, next: Ptr) => void,
): Ptr {
  const { memory } = k
  const irp = k.irps.allocate(memory.u8(device + DEVICE_OBJECT.StackSize), 'driver')
  if (!irp) return 0
  const next = memory.ptr(irp + CURRENT) - IO_STACK_LOCATION.SIZE
  memory.setU8(next + IO_STACK_LOCATION.MajorFunction, major)
  memory.setPtr(irp + IRP.UserIosb, iosb)
  memory.setPtr(irp + IRP.UserEvent, event)
  memory.setPtr(irp + IRP['Tail.Overlay.Thread'], k.thread.address)
  fill(irp, next)
  k.io.packets.adopt(irp)
  k.irps.traceCreated(irp, 0, 0)
  return irp
}

function copiedBuffer(k: Kernel, irp: Ptr, bytes: number, from: Ptr, fromLength: number): void {
  const buffer = k.pool.allocate(bytes, 'IoSB', { system: true })
  if (fromLength) k.memory.copy(buffer, from, fromLength)
  k.memory.setPtr(irp + IRP['AssociatedIrp.SystemBuffer'], buffer)
  k.irps.info(irp)!.systemBuffer = buffer
}

function lockedBuffer(k: Kernel, irp: Ptr, buffer: Ptr, length: number, write: boolean): void {
  const mdl = k.mdls.allocate(buffer, length)
  k.mdls.probeAndLock(mdl, false, write)
  k.memory.setPtr(irp + IRP.MdlAddress, mdl)
}

function buildFsdRequest(
  k: Kernel,
  a: {
    MajorFunction: number
    DeviceObject: Ptr
    Buffer: Ptr
    Length: number
    StartingOffset: bigint | null
    IoStatusBlock: Ptr
  },
  event: Ptr,
): Ptr {
  const { memory } = k
  return buildRequest(k, a.DeviceObject, a.MajorFunction, a.IoStatusBlock, event, (irp, next) => {
    if (a.MajorFunction !== IRP_MJ_READ && a.MajorFunction !== IRP_MJ_WRITE) return
    const write = a.MajorFunction === IRP_MJ_WRITE
    memory.setU32(next + IO_STACK_LOCATION['Parameters.Read.Length'], a.Length)
    memory.setU64(
      next + IO_STACK_LOCATION['Parameters.Read.ByteOffset'],
      BigInt.asUintN(64, a.StartingOffset ?? 0n),
    )
    const flags = memory.u32(a.DeviceObject + DEVICE_OBJECT.Flags)
    if (flags & DO_BUFFERED_IO && a.Length) {
      copiedBuffer(k, irp, a.Length, a.Buffer, write ? a.Length : 0)
      memory.setPtr(irp + IRP.UserBuffer, a.Buffer)
      memory.setU32(
        irp + IRP.Flags,
        IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER | (write ? 0 : IRP_INPUT_OPERATION),
      )
    } else if (flags & DO_DIRECT_IO && a.Length) lockedBuffer(k, irp, a.Buffer, a.Length, !write)
    else memory.setPtr(irp + IRP.UserBuffer, a.Buffer)
  })
}

export const IO_IRP_DDIS = {
  IoCallDriver: callDriver,
  IofCallDriver: callDriver,
  IoCompleteRequest: completeRequest,
  IofCompleteRequest: completeRequest,

  IoMarkIrpPending: ddi({
    params: irpOnly,
    returns: t.void,
    run: (k, a) => k.irps.markPending(a.Irp),
  }),

  IoGetCurrentIrpStackLocation: ddi({
    params: irpOnly,
    returns: t.ptr('IO_STACK_LOCATION'),
    traced: false,
    run: (k, a) => k.memory.ptr(a.Irp + CURRENT),
  }),

  IoGetNextIrpStackLocation: ddi({
    params: irpOnly,
    returns: t.ptr('IO_STACK_LOCATION'),
    traced: false,
    run: (k, a) => k.memory.ptr(a.Irp + CURRENT) - IO_STACK_LOCATION.SIZE,
  }),

  IoSetNextIrpStackLocation: ddi({
    params: irpOnly,
    returns: t.void,
    irql: [0, 2],
    summary:
      'Moves to the next stack location, so that the creator of a packet has one of its own.',
    run: (k, a) => k.irps.setNext(a.Irp),
  }),

  IoCopyCurrentIrpStackLocationToNext: ddi({
    params: irpOnly,
    returns: t.void,
    run(k, a) {
      k.irps.copyToNext(a.Irp)
      notePrepared(k, a.Irp, 'copied')
    },
  }),

  IoSkipCurrentIrpStackLocation: ddi({
    params: irpOnly,
    returns: t.void,
    run(k, a) {
      k.irps.skip(a.Irp)
      notePrepared(k, a.Irp, 'skipped')
    },
  }),

  IoSetCompletionRoutine: ddi({
    params: setCompletion,
    returns: t.void,
    run(k, a) {
      settingCompletion(k, a.Irp, a.CompletionRoutine)
      k.irps.setCompletion(
        k.memory.ptr(a.Irp + CURRENT) - IO_STACK_LOCATION.SIZE,
        a.CompletionRoutine,
        a.Context,
        a.InvokeOnSuccess,
        a.InvokeOnError,
        a.InvokeOnCancel,
      )
    },
  }),

  IoSetCompletionRoutineEx: ddi({
    params: { DeviceObject: t.ptr('DEVICE_OBJECT'), ...setCompletion },
    returns: t.ntstatus,
    support: 'partial',
    note: 'The driver is not kept loaded for the time of the request.',
    run(k, a) {
      settingCompletion(k, a.Irp, a.CompletionRoutine)
      k.irps.setCompletion(
        k.memory.ptr(a.Irp + CURRENT) - IO_STACK_LOCATION.SIZE,
        a.CompletionRoutine,
        a.Context,
        a.InvokeOnSuccess,
        a.InvokeOnError,
        a.InvokeOnCancel,
      )
      return STATUS_SUCCESS
    },
  }),

  IoAllocateIrp: ddi({
    params: { StackSize: t.cchar, ChargeQuota: t.boolean },
    returns: t.ptr('IRP'),
    run: (k, a) => (a.StackSize < 1 ? 0 : noteMade(k, k.irps.allocate(a.StackSize, 'driver'))),
  }),

  IoFreeIrp: ddi({
    params: irpOnly,
    returns: t.void,
    run(k, a) {
      freeingIrp(k, a.Irp)
      k.irps.free(a.Irp)
    },
  }),

  IoReuseIrp: ddi({
    params: { Irp: t.ptr('IRP'), Iostatus: t.ntstatus },
    returns: t.void,
    run: (k, a) => k.irps.reuse(a.Irp, a.Iostatus),
  }),

  IoInitializeIrp: ddi({
    params: { Irp: t.ptr('IRP'), PacketSize: t.ushort, StackSize: t.cchar },
    returns: t.void,
    run(k, a) {
      initializingIrp(k, a.Irp)
      k.irps.initialize(a.Irp, a.PacketSize, a.StackSize)
    },
  }),

  IoSizeOfIrp: ddi({
    params: { StackSize: t.cchar },
    returns: t.ushort,
    irql: [0, 15],
    traced: false,
    summary: 'Bytes of a packet with that many stack locations.',
    run: (_k, a) => IRP.SIZE + a.StackSize * IO_STACK_LOCATION.SIZE,
  }),

  IoBuildDeviceIoControlRequest: ddi({
    params: {
      IoControlCode: t.ulong,
      DeviceObject: t.ptr('DEVICE_OBJECT'),
      InputBuffer: t.optional(t.pvoid),
      InputBufferLength: t.ulong,
      OutputBuffer: t.optional(t.pvoid),
      OutputBufferLength: t.ulong,
      InternalDeviceIoControl: t.boolean,
      Event: t.optional(t.ptr('KEVENT')),
      IoStatusBlock: t.ptr('IO_STATUS_BLOCK'),
    },
    returns: t.ptr('IRP'),
    run(k, a) {
      const { memory } = k
      const major = a.InternalDeviceIoControl
        ? IRP_MJ_INTERNAL_DEVICE_CONTROL
        : IRP_MJ_DEVICE_CONTROL
      const irp = buildRequest(k, a.DeviceObject, major, a.IoStatusBlock, a.Event, (irp, next) => {
        const method = a.IoControlCode & 3
        const inputLength = a.InputBuffer || method === 3 ? a.InputBufferLength : 0
        const outputLength = a.OutputBuffer || method === 3 ? a.OutputBufferLength : 0
        memory.setU32(
          next + IO_STACK_LOCATION['Parameters.DeviceIoControl.OutputBufferLength'],
          outputLength,
        )
        memory.setU32(
          next + IO_STACK_LOCATION['Parameters.DeviceIoControl.InputBufferLength'],
          inputLength,
        )
        memory.setU32(
          next + IO_STACK_LOCATION['Parameters.DeviceIoControl.IoControlCode'],
          a.IoControlCode,
        )
        if (method === 3) {
          memory.setPtr(
            next + IO_STACK_LOCATION['Parameters.DeviceIoControl.Type3InputBuffer'],
            a.InputBuffer,
          )
          memory.setPtr(irp + IRP.UserBuffer, a.OutputBuffer)
          return
        }
        const bytes = method === 0 ? Math.max(inputLength, outputLength) : inputLength
        if (bytes) {
          copiedBuffer(k, irp, bytes, a.InputBuffer, inputLength)
          memory.setPtr(irp + IRP.UserBuffer, a.OutputBuffer)
          memory.setU32(
            irp + IRP.Flags,
            IRP_BUFFERED_IO |
              IRP_DEALLOCATE_BUFFER |
              (method === 0 && outputLength ? IRP_INPUT_OPERATION : 0),
          )
        }
        if (method !== 0 && outputLength)
          lockedBuffer(k, irp, a.OutputBuffer, outputLength, method === 2)
      })
      return noteMade(k, irp, true)
    },
  }),

  IoBuildSynchronousFsdRequest: ddi({
    params: {
      MajorFunction: t.ulong,
      DeviceObject: t.ptr('DEVICE_OBJECT'),
      Buffer: t.optional(t.pvoid),
      Length: t.ulong,
      StartingOffset: t.optional(t.large),
      Event: t.ptr('KEVENT'),
      IoStatusBlock: t.ptr('IO_STATUS_BLOCK'),
    },
    returns: t.ptr('IRP'),
    run: (k, a) => noteMade(k, buildFsdRequest(k, a, a.Event), true),
  }),

  IoBuildAsynchronousFsdRequest: ddi({
    params: {
      MajorFunction: t.ulong,
      DeviceObject: t.ptr('DEVICE_OBJECT'),
      Buffer: t.optional(t.pvoid),
      Length: t.ulong,
      StartingOffset: t.optional(t.large),
      IoStatusBlock: t.optional(t.ptr('IO_STATUS_BLOCK')),
    },
    returns: t.ptr('IRP'),
    run: (k, a) => noteMade(k, buildFsdRequest(k, a, 0)),
  }),

  IoForwardIrpSynchronously: ddi({
    params: { DeviceObject: t.ptr('DEVICE_OBJECT'), Irp: t.ptr('IRP') },
    returns: t.boolean,
    *run(k, a) {
      if (k.memory.i8(a.Irp + IRP.CurrentLocation) <= 1) return false
      k.irps.copyToNext(a.Irp)
      const event = k.pool.allocate(0x18, 'IoEv', { system: true })
      k.dispatcher.initializeEvent(event, 0, false)
      const next = k.memory.ptr(a.Irp + CURRENT) - IO_STACK_LOCATION.SIZE
      k.irps.setCompletion(next, forwardedRoutine(k), event, true, true, true)
      const status = yield* k.irps.callDriver(a.DeviceObject, a.Irp)
      if (status === 0x103) yield* k.dispatcher.wait([event])
      k.pool.free(event)
      return true
    },
  }),

  IoSetCancelRoutine: ddi({
    params: { Irp: t.ptr('IRP'), CancelRoutine: t.optional(t.fn('DRIVER_CANCEL')) },
    returns: t.fn('DRIVER_CANCEL'),
    run(k, a) {
      settingCancel(k, a.Irp, a.CancelRoutine)
      return k.irps.setCancelRoutine(a.Irp, a.CancelRoutine)
    },
  }),

  IoCancelIrp: ddi({
    params: irpOnly,
    returns: t.boolean,
    run: (k, a) => k.irps.cancel(a.Irp),
  }),

  IoAcquireCancelSpinLock: ddi({
    params: { Irql: t.out(t.kirql) },
    returns: t.void,
    run(k, a) {
      const level = k.irps.acquireCancelLock()
      return typeof level === 'number' ? a.Irql.write(level) : writeAfterSpin(level, a.Irql)
    },
  }),

  IoReleaseCancelSpinLock: ddi({
    params: { Irql: t.kirql },
    returns: t.void,
    run: (k, a) => k.irps.releaseCancelLock(a.Irql),
  }),

  IoGetRequestorProcess: ddi({
    params: irpOnly,
    returns: t.ptr('EPROCESS'),
    run(k, a) {
      const thread = k.scheduler.byAddress(k.memory.ptr(a.Irp + IRP['Tail.Overlay.Thread']))
      return thread ? thread.process.address : 0
    },
  }),

  IoGetRequestorProcessId: ddi({
    params: irpOnly,
    returns: t.ulong,
    irql: [0, 2],
    summary: 'Id of the process whose thread asked for the packet.',
    run(k, a) {
      const thread = k.scheduler.byAddress(k.memory.ptr(a.Irp + IRP['Tail.Overlay.Thread']))
      return thread ? thread.process.id : 0
    },
  }),
}

/** Completion routine of IoForwardIrpSynchronously: wake the forwarding thread and keep the packet. */
function forwardedRoutine(k: Kernel): Ptr {
  return k.images.registerNative(
    'IopForwardedCompletion',
    function* (kernel, [, , event = 0]): KernelRoutine<number> {
      kernel.dispatcher.setEvent(event)
      return STATUS_MORE_PROCESSING_REQUIRED
    },
  )
}
