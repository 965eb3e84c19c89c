/** Asking a bus which devices it has (BusRelations), and what to do about those that are new or gone. */
import { BusRelations, DOE_DELETE_PENDING } from '../../../shared/nt/generated/constants'
import { DEVICE_OBJECT, DEVICE_RELATIONS } from '../../../shared/nt/generated/offsets'
import { IRP_MN_QUERY_DEVICE_RELATIONS } from '../../../shared/nt/irp-functions'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { DevNode } from './devnode'
import { identify } from './identify'
import { surpriseRemove } from './remove'
import { checkRelationReference } from './rules'
import { sendPnpWith, succeeded } from './send'
import { startDevice } from './start'

/** A bus on a bus on a bus: deeper is a driver that finds itself again and again. */
const DEPTH_MAX = 32

/**
 * IRP_MN_QUERY_DEVICE_RELATIONS for BusRelations to the stack of a bus. Devices that the answer no
 * longer names are removed, new ones are identified and started.
 */
export function* enumerateChildren(k: Kernel, bus: DevNode): KernelRoutine<void> {
  if (bus.depth >= DEPTH_MAX) return
  const reported = yield* queryBusRelations(k, bus)
  if (!reported) return
  const fresh: Ptr[] = []
  const seen = new Set<Ptr>()
  for (const [i, pdo] of reported.entries()) {
    checkPdo(k, bus, pdo, reported.length, i)
    const node = k.pnp.byPdo(pdo)
    checkOnce(k, bus, pdo, seen.has(pdo) || (node !== undefined && node.parent !== bus))
    seen.add(pdo)
    if (node) k.pnp.dropReference(pdo)
    else fresh.push(pdo)
  }
  for (const child of bus.children.filter(({ pdo }) => !seen.has(pdo))) {
    child.missing = true
    yield* surpriseRemove(k, child)
  }
  const nodes: DevNode[] = []
  for (const pdo of fresh) {
    const node = yield* addDevice(k, bus, pdo)
    if (node) nodes.push(node)
  }
  for (const node of nodes) yield* startDevice(k, node)
}

/** The devices that a bus reports; null when it does not say. */
function* queryBusRelations(k: Kernel, bus: DevNode): KernelRoutine<Ptr[] | null> {
  const { memory } = k
  const result = yield* sendPnpWith(k, bus.pdo, IRP_MN_QUERY_DEVICE_RELATIONS, BusRelations)
  if (!succeeded(result) || !result.information) return null
  const list: Ptr[] = []
  const count = memory.u32(result.information + DEVICE_RELATIONS.Count)
  for (let i = 0; i < count; i++)
    list.push(memory.ptr(result.information + DEVICE_RELATIONS.Objects + i * 8))
  k.pool.free(result.information)
  return list
}

/** @bugcheck 0xCA for what cannot be a physical device: NULL, no device, one that was deleted */
function checkPdo(k: Kernel, bus: DevNode, pdo: Ptr, count: number, index: number): void {
  const { memory } = k
  if (pdo === 0)
    k.bugCheck(
      0xca,
      8,
      memory.address(bus.pdo),
      count,
      index,
      'A bus driver reported a physical device object that is NULL.',
    )
  const object = k.devices.lookup(pdo)
  if (!object)
    k.bugCheck(0xca, 2, memory.address(pdo), 0, 0, 'A bus driver reported what is no device.')
  if (object.data.attachedTo !== 0)
    k.bugCheck(
      0xca,
      2,
      memory.address(pdo),
      memory.address(memory.ptr(pdo + DEVICE_OBJECT.DriverObject)),
      0,
      'A bus driver reported a device that is attached to another: a physical device is at the bottom.',
    )
  if (object.data.deletePending || k.devices.extensionFlags(pdo) & DOE_DELETE_PENDING)
    k.bugCheck(
      0xca,
      4,
      memory.address(pdo),
      0,
      0,
      'A bus driver reported a physical device object that it had deleted.',
    )
  checkRelationReference(k, pdo)
}

/** @bugcheck 0xCA with 1 for a device that is in the same answer twice, or on another bus already */
function checkOnce(k: Kernel, bus: DevNode, pdo: Ptr, again: boolean): void {
  if (!again) return
  const at = k.memory.address(pdo)
  const where = k.pnp.byPdo(pdo)?.parent ?? bus
  const words = where === bus ? 'twice in one answer' : `that is on the bus ${where.path} already`
  k.bugCheck(0xca, 1, at, at, 0, `A bus driver reported a physical device object ${words}.`)
}

function* addDevice(k: Kernel, bus: DevNode, pdo: Ptr): KernelRoutine<DevNode | null> {
  const node = new DevNode(pdo, bus)
  k.devices.setNode(pdo, true)
  if (!(yield* identify(k, node))) {
    k.devices.setNode(pdo, false)
    k.pnp.dropReference(pdo)
    return null
  }
  k.pnp.packages.describe(node)
  k.pnp.add(node)
  k.pnp.arbiter.reserve(node)
  k.pnp.setState(node, 'DeviceNodeInitialized')
  return node
}
