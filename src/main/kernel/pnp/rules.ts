/**
 * What Driver Verifier's I/O verification says about PnP and power packets, and about devices that are
 * being removed.
 */
import { DO_BUS_ENUMERATED_DEVICE } from '../../../shared/nt/generated/constants'
import {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  IO_STACK_LOCATION,
  IRP,
} from '../../../shared/nt/generated/offsets'
import { STATUS_NOT_SUPPORTED } from '../../../shared/nt/generated/ntstatus'
import {
  IRP_MJ_PNP,
  IRP_MJ_POWER,
  IRP_MN_REMOVE_DEVICE,
  minorInfo,
  minorName,
} from '../../../shared/nt/irp-functions'
import { hex32 } from '../../../shared/nt/format'
import type { IrpInfo } from '../io/irp'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'

const CURRENT = IRP['Tail.Overlay.CurrentStackLocation']

/**
 * A PnP or power packet is about to reach `device`.
 * @param info.depth  dispatch routines that have it: above 0 a driver passes it on
 */
export function packetSent(k: Kernel, info: IrpInfo, device: Ptr, location: Ptr): void {
  const { memory } = k
  if (k.devices.lookup(device)?.data.attachedTo === 0) info.reachedBottom = true
  if (info.major !== IRP_MJ_PNP || info.depth === 0) return
  const status = memory.u32(info.address + IRP['IoStatus.Status'])
  const minor = memory.u8(location + IO_STACK_LOCATION.MinorFunction)
  k.verifier.check(
    'VR-PNP-STATUS',
    (status | 0) < 0 && status !== STATUS_NOT_SUPPORTED,
    [0x215, k.images.nearestCode(k.thread), memory.address(info.address), 0],
    `${minorName(IRP_MJ_PNP, minor)} was passed down with ${hex32(status)}: a packet that failed is to be completed.`,
  )
}

/** A PnP or power packet is being completed by the driver whose location is the current one. */
export function packetCompleted(k: Kernel, info: IrpInfo): void {
  const { memory, verifier } = k
  const irp = info.address
  const location = memory.ptr(irp + CURRENT)
  const minor = memory.u8(location + IO_STACK_LOCATION.MinorFunction)
  const status = memory.u32(irp + IRP['IoStatus.Status'])
  const isFailure = (status | 0) < 0
  const code = k.images.nearestCode(k.thread)
  const address = memory.address(irp)
  const name = minorName(info.major, minor)
  if (info.major === IRP_MJ_PNP) {
    verifier.check(
      'VR-PNP-REMOVE-FAILED',
      minor === IRP_MN_REMOVE_DEVICE && isFailure,
      [0x306, code, address, 0],
      `${name} was completed with ${hex32(status)}; it cannot be failed.`,
    )
    const isUntouched = status === STATUS_NOT_SUPPORTED
    verifier.check(
      'VR-PNP-COMPLETED',
      !info.reachedBottom && (!isFailure || isUntouched),
      [!minorInfo(IRP_MJ_PNP, minor) ? 0x22d : isUntouched ? 0x22f : 0x22e, code, address, 0],
      `${name} was completed by a driver that is not the bus driver; it has to be passed down.`,
    )
  } else if (info.major === IRP_MJ_POWER)
    verifier.check(
      'VR-PWR-COMPLETED',
      !info.reachedBottom && !isFailure,
      [0x231, code, address, 0],
      `${name} was completed by a driver that is not the bus driver; it has to be passed down.`,
    )
}

/** REMOVE_DEVICE is through: what is left of function driver and filters, from the bottom upwards. */
export function checkRemoved(k: Kernel, above: readonly Ptr[], irp: bigint): void {
  const { memory, verifier } = k
  for (const device of [...above].reverse()) {
    const object = k.devices.lookup(device)
    if (!object) continue
    const driver = memory.ptr(device + DEVICE_OBJECT.DriverObject)
    const routine = memory.ptr(driver + DRIVER_OBJECT.MajorFunction + IRP_MJ_PNP * 8)
    const entry = k.images.function(routine)
    const { at } = k.thread
    // The routine has returned, so the place of a stop is the routine itself.
    if (entry) k.thread.at = k.images.placeOf(entry) ?? at
    const name = k.images.symbol(routine)
    const parameters = [memory.address(routine), irp, memory.address(device)]
    verifier.check(
      'VR-PNP-REMOVE-NODETACH',
      object.data.attachedTo !== 0,
      [0x21d, ...parameters],
      `${name} handled IRP_MN_REMOVE_DEVICE without IoDetachDevice.`,
    )
    verifier.check(
      'VR-PNP-REMOVE-NODELETE',
      !object.data.deletePending,
      [0x21e, ...parameters],
      `${name} handled IRP_MN_REMOVE_DEVICE without IoDeleteDevice.`,
    )
    k.thread.at = at
  }
}

/** A device is detached or deleted; not while its stack handles SURPRISE_REMOVAL. */
export function checkNotSurprised(k: Kernel, device: Ptr, deleted: boolean): void {
  const irp = k.pnp.beingSurprised.get(device)
  k.verifier.check(
    'VR-PNP-SURPRISE-DETACH',
    irp !== undefined,
    [deleted ? 0x242 : 0x241, k.images.nearestCode(k.thread), irp ?? 0n, k.memory.address(device)],
    `A device was ${deleted ? 'deleted' : 'detached'} in IRP_MN_SURPRISE_REMOVAL; IRP_MN_REMOVE_DEVICE comes later.`,
  )
}

/** A bus driver takes a reference to each device that it reports. */
export function checkRelationReference(k: Kernel, pdo: Ptr): void {
  k.verifier.check(
    'VR-PNP-RELATIONS-REF',
    k.ob.pointerCount(pdo) <= ownReferences(k, pdo) + (k.pnp.byPdo(pdo) ? 1 : 0),
    [0x22c, k.images.nearestCode(k.thread), k.memory.address(pdo), 0],
    'A physical device object was reported without ObReferenceObject.',
  )
}

/** References to a device that come with its being there: of its maker, its name, and its open files. */
export function ownReferences(k: Kernel, device: Ptr): number {
  const object = k.devices.lookup(device)
  if (!object) return 0
  return (
    (object.data.deletePending ? 0 : 1) +
    (object.directory ? 1 : 0) +
    Math.max(k.memory.i32(device + DEVICE_OBJECT.ReferenceCount), 0)
  )
}

/** Whether the PnP manager knows the device as the physical one of a node. */
export function isPdo(k: Kernel, device: Ptr): boolean {
  return (
    k.devices.lookup(device) !== undefined &&
    (k.memory.u32(device + DEVICE_OBJECT.Flags) & DO_BUS_ENUMERATED_DEVICE) !== 0
  )
}
