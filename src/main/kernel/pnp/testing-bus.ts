/** A bus driver for tests: reports the children that a test puts on it. */
import {
  DEVICE_OBJECT,
  DEVICE_RELATIONS,
  IO_STACK_LOCATION,
  IRP,
} from '../../../shared/nt/generated/offsets'
import { DO_DEVICE_INITIALIZING } from '../../../shared/nt/generated/constants'
import {
  IRP_MN_QUERY_CAPABILITIES,
  IRP_MN_QUERY_DEVICE_RELATIONS,
  IRP_MN_QUERY_ID,
  IRP_MN_REMOVE_DEVICE,
} from '../../../shared/nt/irp-functions'
import type { Ptr } from '../mm/memory'
import { complete, stackOf } from '../testing/client'
import type { Code, DriverApi, DriverFunction, TestMachine } from '../testing/machine'
import {
  lowerOf,
  minorOf,
  passDown,
  pnpDriver,
  removeDevice,
  type PnpDriverOptions,
} from './testing'

const P = IO_STACK_LOCATION

export interface Child {
  id: string
  instance: string
  pdo?: Ptr
  /** Report it without taking a reference. */
  unreferenced?: boolean
}

export interface BusOptions extends PnpDriverOptions {
  /** Instead of the bus's own: by minor function, for the children. */
  childPnp?: Partial<Record<number, DriverFunction>>
  /** Physical devices that the test makes itself: each is a bus like the one that it is on. */
  isOther?: (device: Ptr) => boolean
}

/** Function driver of a bus whose devices are those of `children`, as the list is when it is asked. */
export function busDriver(
  m: TestMachine,
  name: string,
  children: Child[],
  options: BusOptions = {},
): void {
  const owned: Child[] = []
  const isChild = (device: Ptr): Child | undefined =>
    owned.find(({ pdo }) => pdo === device) ??
    (options.isOther?.(device) ? { id: 'TOY\\Bus', instance: '0', pdo: device } : undefined)

  function* relations(d: DriverApi, device: Ptr, irp: Ptr): Code<number> {
    const { memory } = d.k
    if (memory.u32(stackOf(d, irp) + P['Parameters.QueryDeviceRelations.Type']) === 0) {
      for (const child of children) {
        if (child.pdo) continue
        const out = d.out()
        const driver = memory.ptr(device + DEVICE_OBJECT.DriverObject)
        yield* d.ddi('IoCreateDevice', driver, 0, null, 0x22, 0x80, false, out)
        child.pdo = Number(out.value)
        const flags = child.pdo + DEVICE_OBJECT.Flags
        memory.setU32(flags, memory.u32(flags) & ~DO_DEVICE_INITIALIZING)
        owned.push(child)
      }
      const block = yield* d.ddi('ExAllocatePoolWithTag', 1, 8 + children.length * 8, 0x31677542)
      memory.setU32(block + DEVICE_RELATIONS.Count, children.length)
      for (const [i, { pdo = 0, unreferenced }] of children.entries()) {
        if (!unreferenced) yield* d.ddi('ObReferenceObject', pdo)
        memory.setPtr(block + DEVICE_RELATIONS.Objects + i * 8, pdo)
      }
      memory.setU32(irp + IRP['IoStatus.Status'], 0)
      memory.setPtr(irp + IRP['IoStatus.Information'], block)
    }
    return yield* passDown(d, device, irp)
  }

  function* text(d: DriverApi, irp: Ptr, value: string): Code<number> {
    const block = yield* d.ddi('ExAllocatePoolWithTag', 1, value.length * 2, 0x31677542)
    d.k.memory.setText16(block, value)
    d.k.memory.setPtr(irp + IRP['IoStatus.Information'], block)
    return yield* finish(d, irp, 0)
  }

  /** Complete with Information as it is. */
  function* finish(d: DriverApi, irp: Ptr, status: number | null): Code<number> {
    const at = irp + IRP['IoStatus.Status']
    if (status !== null) d.k.memory.setU32(at, status)
    const answer = d.k.memory.u32(at)
    yield* d.ddi('IoCompleteRequest', irp, 0)
    return answer
  }

  function* child(d: DriverApi, found: Child, irp: Ptr): Code<number> {
    const { memory } = d.k
    const minor = minorOf(d, irp)
    const own = options.childPnp?.[minor]
    if (own) return Number(yield* own(d, found.pdo!, irp))
    if (minor === IRP_MN_QUERY_ID) {
      const type = memory.u32(stackOf(d, irp) + P['Parameters.QueryId.IdType'])
      if (type === 0) return yield* text(d, irp, `${found.id}\0`)
      if (type === 1) return yield* text(d, irp, `${found.id}\0\0`)
      if (type === 3) return yield* text(d, irp, `${found.instance}\0`)
      return yield* finish(d, irp, null)
    }
    if (minor === IRP_MN_QUERY_CAPABILITIES) return yield* finish(d, irp, 0)
    if (minor === IRP_MN_REMOVE_DEVICE) {
      const status = yield* finish(d, irp, 0)
      if (!children.includes(found)) {
        owned.splice(owned.indexOf(found), 1)
        yield* d.ddi('IoDeleteDevice', found.pdo!)
      }
      return status
    }
    const isAgreed = [0, 1, 3, 4, 5, 6, 23, 25].includes(minor)
    return yield* finish(d, irp, isAgreed ? 0 : null)
  }

  pnpDriver(m, name, {
    ...options,
    majors: {
      *27(d, device, irp) {
        const found = isChild(device!)
        if (found) return yield* child(d, found, irp!)
        const minor = minorOf(d, irp!)
        const own = options.pnp?.[minor]
        if (own) return yield* own(d, device!, irp!)
        if (minor === IRP_MN_QUERY_DEVICE_RELATIONS) return yield* relations(d, device!, irp!)
        if (minor !== IRP_MN_REMOVE_DEVICE) return yield* passDown(d, device!, irp!)
        // With the bus its devices go for good.
        for (const { pdo } of owned.splice(0)) yield* d.ddi('IoDeleteDevice', pdo!)
        return yield* removeDevice(d, device!, irp!)
      },
      *22(d, device, irp) {
        return isChild(device!) ? yield* complete(d, irp!, 0) : yield* passDown(d, device!, irp!)
      },
      ...options.majors,
    },
  })
}

export { lowerOf }
