/** Packets on their way down: from one driver to the next, and what the verifier asks when that one returns. */
import { IO_TYPE_IRP, SL_PENDING_RETURNED } from '../../../shared/nt/generated/constants'
import {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  IO_STACK_LOCATION,
  IRP,
} from '../../../shared/nt/generated/offsets'
import { IRP_MJ_POWER } from '../../../shared/nt/irp-functions'
import { STATUS_PENDING } from '../../../shared/nt/ntstatus'
import { hex32 } from '../../../shared/nt/format'
import type { KernelRoutine } from '../ddi/types'
import { kernelApcDisable } from '../ke/apc'
import { DISPATCH_LEVEL } from '../ke/irql'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { packetSent } from '../pnp/rules'
import { deviceUsed } from '../verifier/rules/device'
import {
  cancelSetCause,
  dispatchReturned,
  forwarding,
  isHeld,
  mayHold,
} from '../verifier/rules/irp'
import type { IrpInfo } from './irp'

const STACK_SIZE = IO_STACK_LOCATION.SIZE
const CURRENT = IRP['Tail.Overlay.CurrentStackLocation']

/**
 * IofCallDriver: move to the next location and call the driver of `device`.
 * @bugcheck 0x35 when no location is left
 */
export function* callDriver(k: Kernel, device: Ptr, irp: Ptr): KernelRoutine<number> {
  const { memory, verifier } = k
  const info = k.irps.info(irp)
  if (device === 0)
    verifier.check(
      'VR-DEV-NULL',
      true,
      [0x204, 0, 0, 0],
      'IoCallDriver was called with DeviceObject NULL.',
    )
  if (!info) {
    const old = k.irps.freed(irp)
    if (old)
      k.bugCheck(
        0x44,
        memory.address(irp),
        0,
        0,
        0,
        `IRP ${old.number} was passed to IoCallDriver after it had been completed.`,
      )
  }
  if (memory.u16(irp + IRP.Type) !== IO_TYPE_IRP)
    verifier.check(
      'VR-IRP-NOT-AN-IRP',
      true,
      [0x03, memory.address(irp), 0, 0],
      'The packet given to IoCallDriver is no IRP.',
    )
  const location = memory.i8(irp + IRP.CurrentLocation) - 1
  if (location <= 0)
    k.bugCheck(
      0x35,
      memory.address(irp),
      0,
      0,
      0,
      `IRP ${k.irps.number(irp)} has no stack location left for another driver: IoAllocateIrp was given too small a StackSize.`,
    )
  if (k.irql.level > DISPATCH_LEVEL)
    verifier.check(
      'VR-IRQL-FORWARD',
      true,
      [0x10, k.irql.level, 0, 0],
      `IoCallDriver was called at IRQL ${k.irql.level}.`,
    )
  if (k.hal.interrupts.areOff)
    verifier.check(
      'VR-MISC-INTERRUPTS',
      true,
      [0xc0, memory.address(irp), 0, 0],
      'IoCallDriver was called with interrupts turned off.',
    )
  if (verifier.watching) {
    forwarding(k, irp, device)
    mayHold(k, irp, location)
    deviceUsed(k, device)
  }
  const stack = memory.ptr(irp + CURRENT) - STACK_SIZE
  memory.setU8(irp + IRP.CurrentLocation, location)
  memory.setPtr(irp + CURRENT, stack)
  memory.setPtr(stack + IO_STACK_LOCATION.DeviceObject, device)
  if (memory.ptr(irp + IRP.CancelRoutine) !== 0)
    verifier.check(
      'VR-IRP-CANCEL-FORWARD',
      true,
      [0x203, k.images.nearestCode(k.thread), memory.address(irp), 0],
      `IRP ${k.irps.number(irp)} was passed down with a cancel routine still set.`,
      cancelSetCause(k, irp),
    )
  const major = memory.u8(stack + IO_STACK_LOCATION.MajorFunction)
  const driver = memory.ptr(device + DEVICE_OBJECT.DriverObject)
  const routine = memory.ptr(driver + DRIVER_OBJECT.MajorFunction + major * 8)
  const number = info?.number ?? 0
  if (info) {
    if (info.depth > 0) info.passedDown = true
    if (info.state === 'fresh') info.major = major
    if (major >= IRP_MJ_POWER) packetSent(k, info, device, stack)
    info.state = 'active'
    info.depth++
  }
  const outerCause = k.thread.cause
  const { thread } = k
  const apcs = verifier.watching ? kernelApcDisable(k, thread) : 0
  if (k.tracing) {
    const sent = k.emit({
      t: 'irp.sent',
      irp: number,
      device: memory.format(device),
      deviceName: k.devices.nameOf(device),
      to: k.devices.driverName(driver),
      major,
      minor: memory.u8(stack + IO_STACK_LOCATION.MinorFunction),
      location,
    })
    k.thread.cause = sent
  }
  const status = (yield* k.call(routine, 'DRIVER_DISPATCH', [device, irp], number)) >>> 0
  k.thread.cause = outerCause
  if (info) {
    info.depth--
    if (verifier.watching && isHeld(info)) return STATUS_PENDING
    if (verifier.watching)
      checkDispatch(k, info, stack, status, routine, {
        before: apcs,
        now: kernelApcDisable(k, thread),
      })
  }
  return status
}

/** What I/O verification looks at when a dispatch routine has returned. */
function checkDispatch(
  k: Kernel,
  info: IrpInfo,
  stack: Ptr,
  status: number,
  routine: Ptr,
  apcs: { before: number; now: number },
): void {
  const { verifier, memory, images } = k
  // The routine has returned, so the place of a stop is the routine itself.
  const entry = images.function(routine)
  const { at } = k.thread
  if (entry) k.thread.at = images.placeOf(entry) ?? at
  const code = memory.address(routine)
  const address = memory.address(info.address)
  const name = images.symbol(routine)
  const isHere = info.state === 'active' && memory.ptr(info.address + CURRENT) === stack
  const marked =
    info.state === 'active' &&
    isHere &&
    (memory.u8(stack + IO_STACK_LOCATION.Control) & SL_PENDING_RETURNED) !== 0
  dispatchReturned(k, info, status, routine, apcs)
  verifier.check(
    'VR-IRP-NOT-COMPLETED',
    isHere && status !== STATUS_PENDING && !marked,
    [0x226, code, address, 0],
    `${name} returned ${hex32(status)} without completing IRP ${info.number}, passing it down or marking it pending.`,
  )
  verifier.check(
    'VR-IRP-PENDING-NOMARK',
    isHere && status === STATUS_PENDING && !marked,
    [0x23d, code, address, STATUS_PENDING],
    `${name} returned STATUS_PENDING for IRP ${info.number} without IoMarkIrpPending.`,
  )
  verifier.check(
    'VR-IRP-MARK-NOPENDING',
    marked && status !== STATUS_PENDING,
    [0x23e, code, address, status],
    `${name} marked IRP ${info.number} pending but returned ${hex32(status)}.`,
  )
  const done = info.state === 'completed' || info.state === 'freed'
  verifier.check(
    'VR-IRP-STATUS-MISMATCH',
    done &&
      status !== STATUS_PENDING &&
      info.depth === 0 &&
      info.status !== status &&
      !info.passedDown,
    [0x224, code, address, info.status],
    `${name} completed IRP ${info.number} with ${hex32(info.status)} but returned ${hex32(status)}.`,
  )
  k.thread.at = at
}
