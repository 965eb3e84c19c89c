/**
 * From a physical device to a running one: AddDevice of lower filters, function driver and upper
 * filters, resources, START_DEVICE, and the questions that follow it.
 */
import {
  DOE_START_PENDING,
  PNP_DEVICE_DISABLED,
  PNP_DEVICE_FAILED,
  PNP_DEVICE_REMOVED,
} from '../../../shared/nt/generated/constants'
import {
  DRIVER_EXTENSION,
  DRIVER_OBJECT,
  IO_STACK_LOCATION,
} from '../../../shared/nt/generated/offsets'
import {
  IRP_MN_FILTER_RESOURCE_REQUIREMENTS,
  IRP_MN_QUERY_PNP_DEVICE_STATE,
  IRP_MN_START_DEVICE,
} from '../../../shared/nt/irp-functions'
import { STATUS_INSUFFICIENT_RESOURCES } from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { DevNode, Problem } from './devnode'
import { enumerateChildren } from './enumerate'
import { queryCapabilities } from './identify'
import { removeStack } from './remove'
import { copyList } from './resource-lists'
import { sendPnp, succeeded } from './send'
import { addUmdfDevice, REFLECTOR } from '../wdf/umdf'
import { text } from './packages'
import { deviceAdded } from '../verifier/rules/device'

/** RawDeviceOK of DEVICE_CAPABILITIES: the bus driver can serve it alone. */
const CAPABILITY_RAW_DEVICE_OK = 0x100

/** Build the stack of an identified device and start it; what fails is in `node.problem`. */
export function* startDevice(k: Kernel, node: DevNode): KernelRoutine<void> {
  if (!(yield* addDrivers(k, node))) return
  k.pnp.setState(node, 'DeviceNodeDriversAdded')
  const problem = yield* assignResources(k, node)
  if (problem !== null) {
    yield* giveUp(k, node, problem)
    return
  }
  k.pnp.setState(node, 'DeviceNodeResourcesAssigned')
  const status = yield* sendStart(k, node)
  if ((status | 0) < 0) {
    yield* giveUp(k, node, 'CM_PROB_FAILED_START')
    return
  }
  yield* started(k, node)
}

/** Take the stack down again, with a reason. */
function* giveUp(k: Kernel, node: DevNode, problem: Problem): KernelRoutine<void> {
  k.pnp.setProblem(node, problem)
  yield* removeStack(k, node)
  k.pnp.setState(node, 'DeviceNodeInitialized')
}

// --- drivers -------------------------------------------------------------------------------------

function* addDrivers(k: Kernel, node: DevNode): KernelRoutine<boolean> {
  const plan = k.pnp.packages.stackOf(node)
  const services = [...plan.lower, ...(plan.service === null ? [] : [plan.service]), ...plan.upper]
  if (plan.service === null && !(node.capabilities & CAPABILITY_RAW_DEVICE_OK)) {
    k.pnp.setProblem(node, 'CM_PROB_FAILED_INSTALL')
    return false
  }
  const flags = k.devices.extensionFlags(node.pdo)
  k.devices.setExtensionFlags(node.pdo, flags | DOE_START_PENDING)
  for (const service of services) {
    const problem = yield* addDriver(k, node, service)
    if (problem === null) continue
    yield* giveUp(k, node, problem)
    return false
  }
  return true
}

/** Load a driver if it is not there yet and call its AddDevice routine. */
function* addDriver(k: Kernel, node: DevNode, service: string): KernelRoutine<Problem | null> {
  const { memory } = k
  if (service === REFLECTOR) {
    const name = text(k.pnp.packages.enumKey(node), 'UmdfService') ?? ''
    const added = (yield* addUmdfDevice(k, node, name)) | 0
    return added < 0 ? 'CM_PROB_FAILED_ADD' : null
  }
  if (!k.loader.byName(service) && ((yield* k.loader.load(service)) | 0) < 0)
    return 'CM_PROB_DRIVER_FAILED_LOAD'
  const driver = k.loader.byName(service)
  if (!driver) return 'CM_PROB_DRIVER_FAILED_LOAD'
  const extension = memory.ptr(driver.object + DRIVER_OBJECT.DriverExtension)
  const addDevice = memory.ptr(extension + DRIVER_EXTENSION.AddDevice)
  if (addDevice === 0) return 'CM_PROB_FAILED_ADD'
  const status = (yield* k.call(addDevice, 'DRIVER_ADD_DEVICE', [driver.object, node.pdo])) | 0
  if (status >= 0) deviceAdded(k, driver.object)
  return status < 0 ? 'CM_PROB_FAILED_ADD' : null
}

// --- resources -------------------------------------------------------------------------------------

/** Let the stack filter what the device needs, then choose. What keeps it from its start; null for nothing. */
export function* assignResources(k: Kernel, node: DevNode): KernelRoutine<Problem | null> {
  const result = yield* sendPnp(
    k,
    node.pdo,
    IRP_MN_FILTER_RESOURCE_REQUIREMENTS,
    (location) =>
      k.memory.setPtr(
        location +
          IO_STACK_LOCATION['Parameters.FilterResourceRequirements.IoResourceRequirementList'],
        node.requirements,
      ),
    node.requirements,
  )
  // A driver that changes the list answers with one of its own; the old one is the driver's to free.
  if (succeeded(result) && result.information) node.requirements = result.information
  return k.pnp.arbiter.assign(node)
}

/** START_DEVICE with the resources that were assigned. The PnP manager keeps the lists. */
export function* sendStart(k: Kernel, node: DevNode): KernelRoutine<number> {
  const { memory } = k
  let translated: Ptr = 0
  if (node.allocatedResources) {
    translated = copyList(k, node.allocatedResources)
    if (!translated) return STATUS_INSUFFICIENT_RESOURCES
  }
  const result = yield* sendPnp(k, node.pdo, IRP_MN_START_DEVICE, (location) => {
    memory.setPtr(
      location + IO_STACK_LOCATION['Parameters.StartDevice.AllocatedResources'],
      node.allocatedResources,
    )
    memory.setPtr(
      location + IO_STACK_LOCATION['Parameters.StartDevice.AllocatedResourcesTranslated'],
      translated,
    )
  })
  if (translated) k.pool.free(translated)
  return result.status
}

// --- afterwards ------------------------------------------------------------------------------------

/** What follows a successful START_DEVICE: capabilities, device state, children. */
export function* started(k: Kernel, node: DevNode): KernelRoutine<void> {
  for (const device of k.devices.stack(node.pdo))
    k.devices.setExtensionFlags(device, k.devices.extensionFlags(device) & ~DOE_START_PENDING)
  k.pnp.setProblem(node, null)
  k.pnp.setState(node, 'DeviceNodeStarted')
  yield* queryCapabilities(k, node)
  if (yield* isUnwell(k, node)) yield* k.pnp.fail(node)
  else yield* enumerateChildren(k, node)
}

/** Whether the drivers say that the device does not work (IRP_MN_QUERY_PNP_DEVICE_STATE). */
export function* isUnwell(k: Kernel, node: DevNode): KernelRoutine<boolean> {
  const state = yield* sendPnp(k, node.pdo, IRP_MN_QUERY_PNP_DEVICE_STATE)
  const unwell = PNP_DEVICE_FAILED | PNP_DEVICE_REMOVED | PNP_DEVICE_DISABLED
  return succeeded(state) && (state.information & unwell) !== 0
}
