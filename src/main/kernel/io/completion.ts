/** Packets on their way up: completed, through the completion routines, to what the I/O manager does at last. */
import {
  IO_TYPE_IRP,
  IRP_ASSOCIATED_IRP,
  SL_ERROR_RETURNED,
  SL_INVOKE_ON_CANCEL,
  SL_INVOKE_ON_ERROR,
  SL_INVOKE_ON_SUCCESS,
  SL_PENDING_RETURNED,
} from '../../../shared/nt/generated/constants'
import { IO_STACK_LOCATION, IRP } from '../../../shared/nt/generated/offsets'
import { IRP_MJ_POWER } from '../../../shared/nt/irp-functions'
import { STATUS_MORE_PROCESSING_REQUIRED, STATUS_PENDING } from '../../../shared/nt/ntstatus'
import { hex32 } from '../../../shared/nt/format'
import type { KernelRoutine } from '../ddi/types'
import { DISPATCH_LEVEL } from '../ke/irql'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { packetCompleted } from '../pnp/rules'
import { cancelSetCause, completing, holds } from '../verifier/rules/irp'
import { atRoutine } from '../verifier/rules/note'

const STACK_SIZE = IO_STACK_LOCATION.SIZE
const CURRENT = IRP['Tail.Overlay.CurrentStackLocation']

/**
 * IofCompleteRequest: walk the locations upwards and call the completion routines.
 * @bugcheck 0x44 when the packet was completed before
 */
export function* completeRequest(k: Kernel, irp: Ptr): KernelRoutine<void> {
  const { memory, verifier } = k
  const info = k.irps.info(irp)
  if (!info || info.state === 'completed') {
    const old = info ?? k.irps.freed(irp)
    if (old) {
      const first = old.completedBy ? `; the first time by ${old.completedBy}` : ''
      const what = `IRP ${old.number} was completed twice${first}.`
      k.bugCheck(0x44, memory.address(irp), 0, 0, 0, what)
    }
  }
  const stackCount = memory.u8(irp + IRP.StackCount)
  if (
    memory.u16(irp + IRP.Type) !== IO_TYPE_IRP ||
    memory.i8(irp + IRP.CurrentLocation) > stackCount + 1
  )
    k.bugCheck(
      0x44,
      memory.address(irp),
      0,
      0,
      0,
      'The packet was completed already, or is no IRP.',
    )
  if (verifier.watching) completing(k, irp)
  const status = memory.u32(irp + IRP['IoStatus.Status'])
  if (k.irql.level > DISPATCH_LEVEL)
    verifier.check(
      'VR-IRQL-COMPLETE',
      true,
      [0x0e, k.irql.level, memory.address(irp), 0],
      `IoCompleteRequest was called at IRQL ${k.irql.level}.`,
    )
  if (status === STATUS_PENDING || status === 0xffff_ffff)
    verifier.check(
      'VR-IRP-STATUS-PENDING',
      true,
      [0x06, status, memory.address(irp), 0],
      `IRP ${k.irps.number(irp)} was completed with IoStatus.Status ${hex32(status)}.`,
    )
  const cancelRoutine = memory.ptr(irp + IRP.CancelRoutine)
  if (cancelRoutine)
    verifier.check(
      'VR-IRP-CANCEL-SET',
      true,
      [0x07, memory.address(cancelRoutine), memory.address(irp), 0],
      `IRP ${k.irps.number(irp)} was completed with a cancel routine still set.`,
      cancelSetCause(k, irp),
    )
  if (info && info.major >= IRP_MJ_POWER) packetCompleted(k, info)
  if (info) {
    info.status = status
    info.completedBy = completer(k)
    info.completedSeq = k.tracing
      ? k.emit({
          t: 'irp.completed',
          irp: info.number,
          by: k.driverOf(k.thread) ?? 'I/O manager',
          status: hex32(status),
          information: memory.size(irp + IRP['IoStatus.Information']),
          location: memory.u8(irp + IRP.CurrentLocation),
        })
      : 0
  }
  yield* walkUp(k, irp)
}

/** The way up from the current location, completion routine by completion routine. */
function* walkUp(k: Kernel, irp: Ptr): KernelRoutine<void> {
  const { memory, verifier } = k
  const info = k.irps.info(irp)
  const stackCount = memory.u8(irp + IRP.StackCount)
  let stack = memory.ptr(irp + CURRENT)
  let location = memory.i8(irp + IRP.CurrentLocation)
  while (location <= stackCount) {
    if (verifier.watching && holds(k, irp, location, () => walkUp(k, irp))) {
      const at = stack + IO_STACK_LOCATION.Control
      memory.setU8(at, memory.u8(at) | SL_PENDING_RETURNED)
      return
    }
    location++
    memory.setU8(irp + IRP.CurrentLocation, location)
    memory.setPtr(irp + CURRENT, stack + STACK_SIZE)
    const control = memory.u8(stack + IO_STACK_LOCATION.Control)
    const pending = control & SL_PENDING_RETURNED
    memory.setU8(irp + IRP.PendingReturned, pending ? 1 : 0)
    const now = memory.i32(irp + IRP['IoStatus.Status'])
    const invoke =
      (now >= 0 && control & SL_INVOKE_ON_SUCCESS) ||
      (now < 0 && control & SL_INVOKE_ON_ERROR) ||
      (memory.u8(irp + IRP.Cancel) !== 0 && control & SL_INVOKE_ON_CANCEL)
    const routine = memory.ptr(stack + IO_STACK_LOCATION.CompletionRoutine)
    const context = memory.ptr(stack + IO_STACK_LOCATION.Context)
    clearLocation(k, stack)
    if (invoke) {
      const device =
        location <= stackCount ? memory.ptr(stack + STACK_SIZE + IO_STACK_LOCATION.DeviceObject) : 0
      const outerCause = k.thread.cause
      if (info?.completedSeq) k.thread.cause = info.completedSeq
      const result =
        (yield* k.call(
          routine,
          'IO_COMPLETION_ROUTINE',
          [device, irp, context],
          info?.number ?? 0,
        )) >>> 0
      k.thread.cause = outerCause
      if (info && k.tracing)
        k.emit({
          t: 'irp.completion',
          irp: info.number,
          to: k.images.symbol(routine),
          location,
          result: hex32(result),
        })
      if (result === STATUS_MORE_PROCESSING_REQUIRED) return
      const above = stack + STACK_SIZE + IO_STACK_LOCATION.Control
      if (pending && location <= stackCount && k.irps.info(irp) === info)
        atRoutine(k, routine, () =>
          verifier.check(
            'VR-IRP-PENDING-NOTPROPAGATED',
            !(memory.u8(above) & SL_PENDING_RETURNED),
            [0x228, memory.address(routine), memory.address(irp), 0],
            `${k.images.symbol(routine)} saw PendingReturned and did not call IoMarkIrpPending.`,
          ),
        )
    } else if (pending && location <= stackCount) {
      const above = stack + STACK_SIZE + IO_STACK_LOCATION.Control
      memory.setU8(above, memory.u8(above) | SL_PENDING_RETURNED)
    }
    stack += STACK_SIZE
  }
  const master =
    memory.u32(irp + IRP.Flags) & IRP_ASSOCIATED_IRP
      ? memory.ptr(irp + IRP['AssociatedIrp.MasterIrp'])
      : 0
  finish(k, irp)
  if (master) yield* associatedDone(k, master)
}

/** A packet of IoMakeAssociatedIrp is done: the last one completes the master. */
function* associatedDone(k: Kernel, master: Ptr): KernelRoutine<void> {
  const { memory } = k
  const at = master + IRP['AssociatedIrp.IrpCount']
  const left = memory.i32(at) - 1
  memory.setU32(at, left)
  if (left === 0) yield* completeRequest(k, master)
}

function completer(k: Kernel): string {
  const { at } = k.thread
  const driver = k.driverOf(k.thread) ?? 'the I/O manager'
  return at ? `${driver} at ${at.file}:${at.line}` : driver
}

function clearLocation(k: Kernel, stack: Ptr): void {
  const { memory } = k
  memory.setU8(stack + IO_STACK_LOCATION.MinorFunction, 0)
  memory.setU8(stack + IO_STACK_LOCATION.Flags, 0)
  memory.setU8(
    stack + IO_STACK_LOCATION.Control,
    memory.u8(stack + IO_STACK_LOCATION.Control) & SL_ERROR_RETURNED,
  )
  memory.fill(stack + 8, 24, 0)
  memory.setPtr(stack + IO_STACK_LOCATION.FileObject, 0)
}

/** Every completion routine is through: what the I/O manager does at last. */
function finish(k: Kernel, irp: Ptr): void {
  const { memory } = k
  const info = k.irps.info(irp)
  if (!info) return
  info.state = 'completed'
  const status = memory.u32(irp + IRP['IoStatus.Status'])
  const information = memory.size(irp + IRP['IoStatus.Information'])
  if (info.finish) {
    if (k.tracing)
      k.emit({ t: 'irp.finished', irp: info.number, status: hex32(status), information })
    const finish = info.finish
    info.finish = null
    finish(status, information)
  } else {
    // A driver's own packet that no completion routine kept: Windows frees it.
    k.irps.free(irp)
  }
}
