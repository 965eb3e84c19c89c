/** A driver with one device and a client program, for tests of the way between them. */
import { DRIVER_OBJECT, IRP } from '../../../shared/nt/generated/offsets'
import type { KernelOptions } from '../options'
import type { KernelRoutine } from '../ddi/types'
import type { Ptr } from '../mm/memory'
import { TestMachine, type Code, type DriverApi, type DriverFunction } from './machine'

const CURRENT = IRP['Tail.Overlay.CurrentStackLocation']

/** Complete a packet as most dispatch routines do; the status is also what the routine returns. */
export function* complete(d: DriverApi, irp: Ptr, status: number, information = 0): Code {
  d.k.memory.setU32(irp + IRP['IoStatus.Status'], status)
  d.k.memory.setSize(irp + IRP['IoStatus.Information'], information)
  yield* d.ddi('IoCompleteRequest', irp, 0)
  return status
}

export const succeed: DriverFunction = (d, _device, irp) => complete(d, irp!, 0)

/** Current stack location. */
export function stackOf(d: DriverApi, irp: Ptr): Ptr {
  return d.k.memory.ptr(irp + CURRENT)
}

export interface LabOptions extends Partial<KernelOptions> {
  /** Dispatch routines by major function; CREATE, CLEANUP and CLOSE succeed unless given. */
  majors?: Record<number, DriverFunction>
  /** Further functions of the driver. */
  driver?: Record<string, DriverFunction>
  /** Set up beside device and link, inside DriverEntry. */
  entry?: (d: DriverApi, driver: Ptr, device: Ptr) => Code
  exclusive?: boolean
  /** DEVICE_OBJECT.Flags to add. */
  flags?: number
  /** The program's `main`. */
  client: (d: DriverApi) => Code
  /** Further functions of the program. */
  program?: Record<string, DriverFunction>
  elevated?: boolean
  /** What the main thread does when the program has ended. */
  after?: (m: TestMachine) => KernelRoutine<unknown>
}

export interface Lab {
  m: TestMachine
  exitCode: number | null
}

/** Run a driver `toy` with the device `\Device\Toy`, linked as `\\.\Toy`, and a program that talks to it. */
export function lab(options: LabOptions): Lab {
  const { majors = {}, driver = {}, entry, exclusive, flags, client, program, ...rest } = options
  const { elevated, after, ...kernelOptions } = rest
  const m = new TestMachine(kernelOptions)
  const all: Record<number, DriverFunction> = { 0: succeed, 2: succeed, 18: succeed, ...majors }
  m.driver('toy', {
    *DriverEntry(d, object) {
      const out = d.out()
      const name = d.string('\\Device\\Toy')
      yield* d.ddi('IoCreateDevice', object!, 0, name, 0x22, 0, exclusive ?? false, out)
      const device = Number(out.value)
      const at = device + 0x30
      d.k.memory.setU32(at, d.k.memory.u32(at) | (flags ?? 0))
      yield* d.ddi('IoCreateSymbolicLink', d.string('\\DosDevices\\Toy'), name)
      for (const major of Object.keys(all))
        d.k.memory.setPtr(
          object! + DRIVER_OBJECT.MajorFunction + Number(major) * 8,
          d.fn(`Major${major}`),
        )
      d.k.memory.setPtr(object! + DRIVER_OBJECT.DriverUnload, d.fn('Unload'))
      if (entry) yield* entry(d, object!, device)
      return 0
    },
    *Unload(d, object) {
      yield* d.ddi('IoDeleteSymbolicLink', d.string('\\DosDevices\\Toy'))
      yield* d.ddi('IoDeleteDevice', d.k.memory.ptr(object! + DRIVER_OBJECT.DeviceObject))
    },
    ...Object.fromEntries(Object.entries(all).map(([major, run]) => [`Major${major}`, run])),
    ...driver,
  })
  const unit = m.program('client', { main: (d) => client(d), ...program })
  const result: Lab = { m, exitCode: null }
  m.main(function* (k) {
    yield* k.loader.load('toy')
    const process = yield* k.programs.start(
      'client.exe',
      unit,
      new Map(),
      elevated === undefined ? {} : { elevated },
    )
    result.exitCode = yield* k.programs.exited(process)
    if (after) yield* after(m)
  })
  m.run()
  return result
}

/** CreateFile on the device: read and write, synchronous unless told otherwise. */
export function open(
  d: DriverApi,
  options: { path?: string; access?: number; overlapped?: boolean } = {},
): Code<number> {
  const { path = '\\\\.\\Toy', access = 0xc000_0000, overlapped = false } = options
  return d.ddi('CreateFile', path, access, 3, 0, 3, overlapped ? 0x4000_0000 : 0, 0)
}
