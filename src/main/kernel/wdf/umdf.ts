/** UMDF drivers of a machine: which there are, and the reflector's driver object that serves them all. */
import {
  IRP_MJ_CLEANUP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_PNP,
  IRP_MJ_POWER,
  IRP_MJ_READ,
  IRP_MJ_SYSTEM_CONTROL,
  IRP_MJ_WRITE,
} from '../../../shared/nt/generated/irp-functions'
import { PNP_DEVICE_FAILED } from '../../../shared/nt/generated/constants'
import {
  IRP_MN_QUERY_PNP_DEVICE_STATE,
  IRP_MN_REMOVE_DEVICE,
} from '../../../shared/nt/irp-functions'
import { STATUS_NO_SUCH_DEVICE, STATUS_SUCCESS } from '../../../shared/nt/generated/ntstatus'
import { IO_STACK_LOCATION, IRP } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { NativeRoutine } from '../loader/image'
import type { Ptr } from '../mm/memory'
import type { DevNode } from '../pnp/devnode'
import { AGREED } from './pnp'
import { finish } from './queue'
import { addReflector, dropReflector, fileOf, reflectorsOf, type UmdfService } from './reflector'

/** Service name of the reflector: what the Enum key of a UMDF driver's device names. */
export const REFLECTOR = 'WUDFRd'

const services = new WeakMap<Kernel, Map<string, UmdfService>>()
const drivers = new WeakMap<Kernel, Ptr>()

/** Make a UMDF driver known, so that a device can ask for it. */
export function installUmdf(k: Kernel, service: UmdfService): void {
  const known = services.get(k) ?? new Map<string, UmdfService>()
  services.set(k, known.set(service.name.toLowerCase(), service))
}

export function isUmdf(k: Kernel, name: string): boolean {
  return services.get(k)?.has(name.toLowerCase()) ?? false
}

/** AddDevice of the reflector. @returns an NTSTATUS */
export function* addUmdfDevice(k: Kernel, node: DevNode, name: string): KernelRoutine<number> {
  const service = services.get(k)?.get(name.toLowerCase())
  if (!service) return STATUS_NO_SUCH_DEVICE
  let driver = drivers.get(k)
  if (driver === undefined) {
    driver = k.loader.createBuiltin(REFLECTOR, {
      [IRP_MJ_CREATE]: open,
      [IRP_MJ_CLEANUP]: close,
      [IRP_MJ_CLOSE]: close,
      [IRP_MJ_READ]: reflect,
      [IRP_MJ_WRITE]: reflect,
      [IRP_MJ_DEVICE_CONTROL]: reflect,
      [IRP_MJ_PNP]: pnp,
      [IRP_MJ_POWER]: passDown,
      [IRP_MJ_SYSTEM_CONTROL]: passDown,
    })
    drivers.set(k, driver)
  }
  return yield* addReflector(k, driver, node, service)
}

const open: NativeRoutine = function* (k, [device = 0, irp = 0]) {
  const found = reflectorsOf(k).get(device)
  return found
    ? yield* found.open(irp, fileOf(k, irp))
    : yield* finish(k, irp, STATUS_NO_SUCH_DEVICE)
}

const close: NativeRoutine = function* (k, [device = 0, irp = 0]) {
  const isClose = k.memory.u8(k.irps.current(irp)) === IRP_MJ_CLOSE
  if (isClose) reflectorsOf(k).get(device)?.closed(fileOf(k, irp))
  return yield* finish(k, irp, STATUS_SUCCESS)
}

const reflect: NativeRoutine = function* (k, [device = 0, irp = 0]) {
  const found = reflectorsOf(k).get(device)
  return found
    ? yield* found.reflect(irp, fileOf(k, irp))
    : yield* finish(k, irp, STATUS_NO_SUCH_DEVICE)
}

const passDown: NativeRoutine = function* (k, [device = 0, irp = 0]) {
  const found = reflectorsOf(k).get(device)
  if (!found) return yield* finish(k, irp, STATUS_NO_SUCH_DEVICE)
  k.irps.skip(irp)
  return yield* k.irps.callDriver(found.below, irp)
}

const pnp: NativeRoutine = function* (k, [device = 0, irp = 0]) {
  const found = reflectorsOf(k).get(device)
  if (!found) return yield* finish(k, irp, STATUS_NO_SUCH_DEVICE)
  const { memory } = k
  const minor = memory.u8(k.irps.current(irp) + IO_STACK_LOCATION.MinorFunction)
  if (AGREED.has(minor)) memory.setU32(irp + IRP['IoStatus.Status'], STATUS_SUCCESS)
  if (minor === IRP_MN_QUERY_PNP_DEVICE_STATE && found.isFailed) {
    const state = memory.size(irp + IRP['IoStatus.Information'])
    memory.setSize(irp + IRP['IoStatus.Information'], state | PNP_DEVICE_FAILED)
    memory.setU32(irp + IRP['IoStatus.Status'], STATUS_SUCCESS)
  }
  if (minor === IRP_MN_REMOVE_DEVICE) yield* found.remove()
  k.irps.skip(irp)
  const status = yield* k.irps.callDriver(found.below, irp)
  if (minor === IRP_MN_REMOVE_DEVICE) dropReflector(k, found)
  return status
}
