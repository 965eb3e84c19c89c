/** WDM drivers for tests of the PnP and power managers. */
import {
  DEVICE_OBJECT,
  DRIVER_EXTENSION,
  DRIVER_OBJECT,
  IO_STACK_LOCATION,
  IRP,
} from '../../../shared/nt/generated/offsets'
import { DO_DEVICE_INITIALIZING, DO_POWER_PAGABLE } from '../../../shared/nt/generated/constants'
import {
  IRP_MJ_PNP,
  IRP_MJ_POWER,
  IRP_MN_REMOVE_DEVICE,
  IRP_MN_SURPRISE_REMOVAL,
  minorName,
} from '../../../shared/nt/irp-functions'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { complete, stackOf } from '../testing/client'
import type { Code, DriverApi, DriverFunction, TestMachine } from '../testing/machine'

export interface PnpDriverOptions {
  /** Instead of passing it on: by minor function. */
  pnp?: Partial<Record<number, DriverFunction>>
  power?: DriverFunction
  majors?: Record<number, DriverFunction>
  addDevice?: (d: DriverApi, device: Ptr, pdo: Ptr) => Code<void>
  /** DEVICE_OBJECT.Flags to add; DO_POWER_PAGABLE by default. */
  flags?: number
  /** Status of AddDevice. */
  addStatus?: number
  others?: Record<string, DriverFunction>
}

/** Device below: the first 8 bytes of the extension. The physical device follows. */
export function lowerOf(d: DriverApi, device: Ptr): Ptr {
  return d.k.memory.ptr(d.k.memory.ptr(device + DEVICE_OBJECT.DeviceExtension))
}

export function pdoOf(d: DriverApi, device: Ptr): Ptr {
  return d.k.memory.ptr(d.k.memory.ptr(device + DEVICE_OBJECT.DeviceExtension) + 8)
}

export function minorOf(d: DriverApi, irp: Ptr): number {
  return d.k.memory.u8(stackOf(d, irp) + IO_STACK_LOCATION.MinorFunction)
}

/** Skip the own location and pass on. */
export function* passDown(d: DriverApi, device: Ptr, irp: Ptr): Code<number> {
  yield* d.ddi('IoSkipCurrentIrpStackLocation', irp)
  return yield* d.ddi('IofCallDriver', lowerOf(d, device), irp)
}

/** A function driver or filter as the WDK wants it, with what `options` changes. */
export function pnpDriver(m: TestMachine, name: string, options: PnpDriverOptions = {}): void {
  const { pnp = {}, majors = {} } = options
  m.driver(name, {
    *DriverEntry(d, object) {
      const { memory } = d.k
      const extension = memory.ptr(object! + DRIVER_OBJECT.DriverExtension)
      memory.setPtr(extension + DRIVER_EXTENSION.AddDevice, d.fn('AddDevice'))
      memory.setPtr(object! + DRIVER_OBJECT.DriverUnload, d.fn('Unload'))
      const major = (number: number, routine: string): void =>
        memory.setPtr(object! + DRIVER_OBJECT.MajorFunction + number * 8, d.fn(routine))
      for (let i = 0; i <= 27; i++) major(i, 'Pass')
      major(IRP_MJ_PNP, 'Pnp')
      major(IRP_MJ_POWER, 'Power')
      for (const number of Object.keys(majors)) major(Number(number), `Major${number}`)
      return 0
    },
    *Unload() {},
    *AddDevice(d, object, pdo) {
      if (options.addStatus) return options.addStatus
      const { memory } = d.k
      const out = d.out()
      yield* d.ddi('IoCreateDevice', object!, 64, null, 0x22, 0x100, false, out)
      const device = Number(out.value)
      const lower = yield* d.ddi('IoAttachDeviceToDeviceStack', device, pdo!)
      const extension = memory.ptr(device + DEVICE_OBJECT.DeviceExtension)
      memory.setPtr(extension, lower)
      memory.setPtr(extension + 8, pdo!)
      if (options.addDevice) yield* options.addDevice(d, device, pdo!)
      const flags = device + DEVICE_OBJECT.Flags
      memory.setU32(
        flags,
        (memory.u32(flags) | (options.flags ?? DO_POWER_PAGABLE)) & ~DO_DEVICE_INITIALIZING,
      )
      return 0
    },
    Pass: (d, device, irp) => passDown(d, device!, irp!),
    *Pnp(d, device, irp) {
      const minor = minorOf(d, irp!)
      const own = pnp[minor]
      if (own) return yield* own(d, device!, irp!)
      if (minor === IRP_MN_REMOVE_DEVICE) return yield* removeDevice(d, device!, irp!)
      if (minor === IRP_MN_SURPRISE_REMOVAL) d.k.memory.setU32(irp! + IRP['IoStatus.Status'], 0)
      return yield* passDown(d, device!, irp!)
    },
    Power: options.power ?? ((d, device, irp) => passDown(d, device!, irp!)),
    ...Object.fromEntries(Object.entries(majors).map(([major, run]) => [`Major${major}`, run])),
    ...options.others,
  })
}

/** REMOVE_DEVICE: pass down, detach, delete. */
export function* removeDevice(d: DriverApi, device: Ptr, irp: Ptr): Code<number> {
  d.k.memory.setU32(irp + IRP['IoStatus.Status'], 0)
  const lower = lowerOf(d, device)
  yield* d.ddi('IoSkipCurrentIrpStackLocation', irp)
  const status = yield* d.ddi('IofCallDriver', lower, irp)
  yield* d.ddi('IoDetachDevice', lower)
  yield* d.ddi('IoDeleteDevice', device)
  return status
}

/** Run `work` as the main thread of the machine. */
export function scenario(m: TestMachine, work: (k: Kernel) => KernelRoutine<unknown>): TestMachine {
  m.main(work)
  return m.run()
}

/** Minor functions of the packets that arrived at drivers, in order: `Lamp START_DEVICE`. */
export function minors(m: TestMachine, major = IRP_MJ_PNP): string[] {
  return m
    .of('irp.sent')
    .filter((event) => event.major === major)
    .map(({ to, minor }) => `${to} ${minorName(major, minor).replace('IRP_MN_', '')}`)
}

export { complete }
