/**
 * What the PnP manager asks of a physical device that a bus driver reported: ids, capabilities, texts,
 * resources. The answers are pool blocks of the bus driver, and the PnP manager frees them.
 */
import {
  BusQueryCompatibleIDs,
  BusQueryContainerID,
  BusQueryDeviceID,
  BusQueryHardwareIDs,
  BusQueryInstanceID,
  DeviceTextDescription,
  DeviceTextLocationInformation,
} from '../../../shared/nt/generated/constants'
import { DEVICE_CAPABILITIES, IO_STACK_LOCATION } from '../../../shared/nt/generated/offsets'
import {
  IRP_MN_DEVICE_ENUMERATED,
  IRP_MN_QUERY_CAPABILITIES,
  IRP_MN_QUERY_DEVICE_TEXT,
  IRP_MN_QUERY_ID,
  IRP_MN_QUERY_RESOURCES,
  IRP_MN_QUERY_RESOURCE_REQUIREMENTS,
} from '../../../shared/nt/irp-functions'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { upcase } from '../rtl/upcase'
import type { DevNode } from './devnode'
import { hashOf } from './packages'
import { sendPnp, sendPnpWith, succeeded } from './send'

/** MAX_DEVICE_ID_LEN. */
const ID_MAX = 200
/** Characters of one list of ids. */
const LIST_MAX = 4096
/** UniqueID of DEVICE_CAPABILITIES: the instance id is unique in the whole machine. */
const CAPABILITY_UNIQUE_ID = 0x40
const CAPABILITIES_VERSION = 1
const ENGLISH = 0x409

/** The fourth parameter of bug check 0xCA, subcode 3. */
const ID_KINDS: Readonly<Record<number, number>> = {
  [BusQueryDeviceID]: 1,
  [BusQueryInstanceID]: 2,
  [BusQueryHardwareIDs]: 3,
  [BusQueryCompatibleIDs]: 4,
}

/**
 * Ask a new device for everything that the tree needs to know.
 * @returns false when it has no device id and cannot be used
 * @bugcheck 0xCA with 3 for an id that is none, with 1 for a second device of the same ids
 */
export function* identify(k: Kernel, node: DevNode): KernelRoutine<boolean> {
  const { pdo } = node
  const [deviceId] = yield* queryId(k, pdo, BusQueryDeviceID)
  if (deviceId === undefined) return false
  if (!/^[^\\]+\\[^\\]+$/.test(deviceId)) badId(k, pdo, 0, BusQueryDeviceID, deviceId)
  yield* queryCapabilities(k, node)
  node.description = yield* queryText(k, pdo, DeviceTextDescription)
  node.location = yield* queryText(k, pdo, DeviceTextLocationInformation)
  const [instanceId = ''] = yield* queryId(k, pdo, BusQueryInstanceID)
  if (instanceId.includes('\\')) badId(k, pdo, 0, BusQueryInstanceID, instanceId)
  node.path = `${deviceId}\\${instanceOf(node, instanceId)}`
  node.hardwareIds = yield* queryId(k, pdo, BusQueryHardwareIDs)
  node.compatibleIds = yield* queryId(k, pdo, BusQueryCompatibleIDs)
  yield* queryId(k, pdo, BusQueryContainerID)
  const twin = k.pnp.byPath(node.path)
  if (twin && twin.parent === node.parent)
    k.bugCheck(
      0xca,
      1,
      k.memory.address(pdo),
      k.memory.address(twin.pdo),
      0,
      `Two devices of one bus have the same ids: ${node.path}.`,
    )
  node.bootResources = (yield* ask(k, pdo, IRP_MN_QUERY_RESOURCES)) ?? 0
  node.requirements = (yield* ask(k, pdo, IRP_MN_QUERY_RESOURCE_REQUIREMENTS)) ?? 0
  yield* sendPnp(k, pdo, IRP_MN_DEVICE_ENUMERATED)
  return true
}

/** An instance id that is unique on its bus only gets a prefix that stands for the bus. */
function instanceOf(node: DevNode, id: string): string {
  if (node.capabilities & CAPABILITY_UNIQUE_ID) return id
  const bus = hashOf(upcase(node.parent?.path ?? '')).toString(16)
  return `1&${bus}&0&${id}`
}

function* ask(k: Kernel, pdo: Ptr, minor: number): KernelRoutine<Ptr | null> {
  const result = yield* sendPnp(k, pdo, minor)
  return succeeded(result) && result.information ? result.information : null
}

/** IRP_MN_QUERY_CAPABILITIES, before the start and after it (K065). */
export function* queryCapabilities(k: Kernel, node: DevNode): KernelRoutine<void> {
  const { memory, pool } = k
  const block = pool.allocate(DEVICE_CAPABILITIES.SIZE, 'PpCa', { system: true })
  if (!block) return
  memory.setU16(block + DEVICE_CAPABILITIES.Size, DEVICE_CAPABILITIES.SIZE)
  memory.setU16(block + DEVICE_CAPABILITIES.Version, CAPABILITIES_VERSION)
  memory.setU32(block + DEVICE_CAPABILITIES.Address, 0xffff_ffff)
  memory.setU32(block + DEVICE_CAPABILITIES.UINumber, 0xffff_ffff)
  const result = yield* sendPnp(k, node.pdo, IRP_MN_QUERY_CAPABILITIES, (location) =>
    memory.setPtr(
      location + IO_STACK_LOCATION['Parameters.DeviceCapabilities.Capabilities'],
      block,
    ),
  )
  if (succeeded(result)) {
    node.capabilities = memory.u32(block + DEVICE_CAPABILITIES.CapabilityFlags)
    node.address = memory.u32(block + DEVICE_CAPABILITIES.Address)
    node.uiNumber = memory.u32(block + DEVICE_CAPABILITIES.UINumber)
  }
  pool.free(block)
}

function* queryText(k: Kernel, pdo: Ptr, type: number): KernelRoutine<string | null> {
  const result = yield* sendPnp(k, pdo, IRP_MN_QUERY_DEVICE_TEXT, (location) => {
    k.memory.setU32(location + IO_STACK_LOCATION['Parameters.QueryDeviceText.DeviceTextType'], type)
    k.memory.setU32(location + IO_STACK_LOCATION['Parameters.QueryDeviceText.LocaleId'], ENGLISH)
  })
  if (!succeeded(result) || !result.information) return null
  const text = k.memory.wsz(result.information, LIST_MAX)
  k.pool.free(result.information)
  return text
}

/** Ids of one kind: one, or for hardware and compatible ids a list. Empty when there are none. */
function* queryId(k: Kernel, pdo: Ptr, type: number): KernelRoutine<string[]> {
  const result = yield* sendPnpWith(k, pdo, IRP_MN_QUERY_ID, type)
  const at = result.information
  if (!succeeded(result) || !at) return []
  const isList = type === BusQueryHardwareIDs || type === BusQueryCompatibleIDs
  const ids = isList ? readList(k, pdo, at, type) : [readId(k, pdo, at, type)]
  k.pool.free(at)
  return ids
}

function readId(k: Kernel, pdo: Ptr, at: Ptr, type: number): string {
  const id = k.memory.wsz(at, ID_MAX)
  if (!/^[\x21-\x2b\x2d-\x7f]*$/.test(id) || id.length === ID_MAX) badId(k, pdo, at, type, id)
  return id
}

function readList(k: Kernel, pdo: Ptr, at: Ptr, type: number): string[] {
  const ids: string[] = []
  for (let next = at; ;) {
    const id = readId(k, pdo, next, type)
    if (id === '') return ids
    ids.push(id)
    next += (id.length + 1) * 2
    if (next - at > LIST_MAX * 2) badId(k, pdo, at, type, id)
  }
}

function badId(k: Kernel, pdo: Ptr, at: Ptr, type: number, id: string): never {
  return k.bugCheck(
    0xca,
    3,
    k.memory.address(pdo),
    at ? k.memory.address(at) : 0n,
    ID_KINDS[type] ?? 0,
    `The bus driver answered IRP_MN_QUERY_ID with "${id}", which is no id of a device.`,
  )
}
