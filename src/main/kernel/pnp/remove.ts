/**
 * How devices go: asked first (QUERY_REMOVE, then REMOVE or CANCEL_REMOVE) or not asked at all
 * (SURPRISE_REMOVAL at once, REMOVE_DEVICE when the last handle is closed). Children go before their
 * parents, and are told before them.
 */
import { DOE_REMOVE_PENDING } from '../../../shared/nt/generated/constants'
import { DEVICE_OBJECT } from '../../../shared/nt/generated/offsets'
import {
  IRP_MN_CANCEL_REMOVE_DEVICE,
  IRP_MN_QUERY_REMOVE_DEVICE,
  IRP_MN_REMOVE_DEVICE,
  IRP_MN_SURPRISE_REMOVAL,
} from '../../../shared/nt/irp-functions'
import { STATUS_PLUGPLAY_QUERY_VETOED, STATUS_SUCCESS } from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { DevNode } from './devnode'
import { checkRemoved } from './rules'
import { sendPnp, sendPnpSeen } from './send'

/** No open from here on, or again. */
function setRemovePending(k: Kernel, node: DevNode, pending: boolean): void {
  for (const device of k.devices.stack(node.pdo)) {
    const flags = k.devices.extensionFlags(device)
    k.devices.setExtensionFlags(
      device,
      pending ? flags | DOE_REMOVE_PENDING : flags & ~DOE_REMOVE_PENDING,
    )
  }
}

/** Whether anybody has a device of the stack open. */
function isOpen(k: Kernel, node: DevNode): boolean {
  return k.devices
    .stack(node.pdo)
    .some((device) => k.memory.i32(device + DEVICE_OBJECT.ReferenceCount) > 0)
}

// --- asked first -----------------------------------------------------------------------------------

/**
 * Ask the device and all below it, then remove them. One driver that fails the query, or one open
 * handle, is a veto: everybody who was asked gets CANCEL_REMOVE_DEVICE.
 */
export function* queryAndRemove(k: Kernel, node: DevNode): KernelRoutine<number> {
  const asked: DevNode[] = []
  let veto = STATUS_SUCCESS as number
  for (const each of node.childrenFirst()) {
    // Pulled out already and still open: what it sits on cannot go before it.
    if (each.surpriseRemoved) {
      veto = STATUS_PLUGPLAY_QUERY_VETOED
      break
    }
    if (!each.wasStarted) continue
    asked.push(each)
    setRemovePending(k, each, true)
    const { status } = yield* sendPnp(k, each.pdo, IRP_MN_QUERY_REMOVE_DEVICE)
    if ((status | 0) < 0) veto = status
    else if (isOpen(k, each)) veto = STATUS_PLUGPLAY_QUERY_VETOED
    if (veto !== STATUS_SUCCESS) break
    k.pnp.setState(each, 'DeviceNodeQueryRemoved')
  }
  if (veto !== STATUS_SUCCESS) {
    // Parents first on the way back, and the one that refused as well: its lower drivers may have agreed.
    for (const each of asked.reverse()) {
      yield* sendPnp(k, each.pdo, IRP_MN_CANCEL_REMOVE_DEVICE)
      setRemovePending(k, each, false)
      k.pnp.setState(each, 'DeviceNodeStarted')
    }
    return veto
  }
  yield* removeTree(k, node)
  return STATUS_SUCCESS
}

// --- not asked -------------------------------------------------------------------------------------

/**
 * The device is gone already, or has failed. Started devices are told by SURPRISE_REMOVAL; the
 * removal itself waits until nobody has a device of the tree open (K067).
 */
export function* surpriseRemove(k: Kernel, node: DevNode): KernelRoutine<void> {
  const { beingSurprised } = k.pnp
  for (const each of node.childrenFirst()) {
    if (!each.wasStarted || each.surpriseRemoved) continue
    each.surpriseRemoved = true
    setRemovePending(k, each, true)
    const stack = k.devices.stack(each.pdo)
    yield* sendPnpSeen(k, each.pdo, IRP_MN_SURPRISE_REMOVAL, (irp) => {
      for (const device of stack) beingSurprised.set(device, irp)
    })
    beingSurprised.clear()
    k.pnp.setState(each, 'DeviceNodeRemovePendingCloses')
  }
  k.pnp.pendingCloses.add(node)
  yield* closesDone(k)
}

/** Remove the surprise removed trees that nobody has open any more. */
export function* closesDone(k: Kernel): KernelRoutine<void> {
  for (const node of [...k.pnp.pendingCloses]) {
    if ([...node.childrenFirst()].some((each) => isOpen(k, each))) continue
    k.pnp.pendingCloses.delete(node)
    yield* removeTree(k, node)
  }
}

// --- the end ---------------------------------------------------------------------------------------

/** REMOVE_DEVICE to the tree, children first. What its bus still reports stays as a device without drivers. */
function* removeTree(k: Kernel, node: DevNode): KernelRoutine<void> {
  for (const each of [...node.childrenFirst()]) {
    // Below a device that goes nobody is left to report them.
    if (each !== node) each.missing = true
    const hadStack = each.hasStack || each.missing
    if (hadStack) yield* removeStack(k, each)
    if (each.missing) k.pnp.delete(each)
    else k.pnp.setState(each, 'DeviceNodeRemoved')
    each.surpriseRemoved = false
  }
}

/**
 * REMOVE_DEVICE to one stack. Function driver and filters detach and delete their devices; drivers
 * that serve no device any more are unloaded.
 */
export function* removeStack(k: Kernel, node: DevNode): KernelRoutine<void> {
  const above = k.devices.stack(node.pdo).slice(1)
  const drivers: Ptr[] = above.map((device) => k.memory.ptr(device + DEVICE_OBJECT.DriverObject))
  for (const device of above) k.ob.reference(device)
  k.pnp.interfaces.disableAll(node)
  let packet = 0n
  yield* sendPnpSeen(k, node.pdo, IRP_MN_REMOVE_DEVICE, (irp) => {
    packet = irp
  })
  checkRemoved(k, above, packet)
  for (const device of above) k.ob.release(device)
  k.pnp.arbiter.release(node)
  setRemovePending(k, node, false)
  for (const driver of new Set(drivers)) yield* k.loader.unloadUnused(driver)
}
