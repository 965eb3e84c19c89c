import { describe, expect, test } from 'vitest'
import {
  DEVICE_OBJECT,
  DEVOBJ_EXTENSION,
  DRIVER_EXTENSION,
  DRIVER_OBJECT,
  IO_STACK_LOCATION,
  IRP,
} from '../../../shared/nt/generated/offsets'
import type { Ptr } from '../mm/memory'
import { inDriver } from '../testing/in-driver'
import { TestMachine, type Code, type DriverApi, type DriverFunction } from '../testing/machine'

const FILE_DEVICE_UNKNOWN = 0x22
const CURRENT = IRP['Tail.Overlay.CurrentStackLocation']
const STACK = IO_STACK_LOCATION.SIZE
const STATUS_MORE_PROCESSING_REQUIRED = 0xc0000016

function* createDevice(
  d: DriverApi,
  driver: Ptr,
  name: string | null,
  extension = 0,
  exclusive = false,
): Code<{ status: number; device: Ptr }> {
  const out = d.out()
  const status = yield* d.ddi(
    'IoCreateDevice',
    driver,
    extension,
    name === null ? null : d.string(name),
    FILE_DEVICE_UNKNOWN,
    0,
    exclusive,
    out,
  )
  return { status, device: Number(out.value) }
}

const succeed: DriverFunction = function* (d, _device, irp) {
  d.k.memory.setU32(irp! + IRP['IoStatus.Status'], 0)
  yield* d.ddi('IoCompleteRequest', irp!, 0)
  return 0
}

/** A driver with a device `\Device\T`, a link `T` and the given dispatch routines. */
function machine(
  majors: Record<number, DriverFunction>,
  more: Record<string, DriverFunction> = {},
): TestMachine {
  const m = new TestMachine()
  const names = Object.fromEntries(
    Object.entries(majors).map(([major, run]) => [`Major${major}`, run]),
  )
  m.driver('t', {
    *DriverEntry(d, driver) {
      yield* createDevice(d, driver!, '\\Device\\T')
      for (const major of Object.keys(majors))
        d.k.memory.setPtr(
          driver! + DRIVER_OBJECT.MajorFunction + Number(major) * 8,
          d.fn(`Major${major}`),
        )
      return 0
    },
    ...names,
    ...more,
  })
  return m
}

describe('drivers and devices', () => {
  test('K001 a second device with the same name collides, K002 a directory that does not exist', () => {
    const results: number[] = []
    inDriver(function* (d, driver) {
      results.push((yield* createDevice(d, driver, '\\Device\\A')).status)
      results.push((yield* createDevice(d, driver, '\\Device\\A')).status)
      results.push((yield* createDevice(d, driver, '\\NoSuchDirectory\\A')).status)
      return 0
    })
    expect(results).toEqual([0, 0xc0000035, 0xc000003a])
  })

  test('K003 K004 K005 fields of a fresh device', () => {
    inDriver(function* (d, driver) {
      const { memory } = d.k
      const { device } = yield* createDevice(d, driver, '\\Device\\A', 0x20)
      expect(memory.u16(device)).toBe(3)
      expect(memory.u16(device + DEVICE_OBJECT.Size)).toBe(0x170)
      expect(memory.u32(device + DEVICE_OBJECT.ReferenceCount)).toBe(0)
      expect(memory.ptr(device + DEVICE_OBJECT.AttachedDevice)).toBe(0)
      expect(memory.ptr(device + DEVICE_OBJECT.CurrentIrp)).toBe(0)
      expect(memory.u8(device + DEVICE_OBJECT.StackSize)).toBe(1)
      expect(memory.u32(device + DEVICE_OBJECT.ActiveThreadCount)).toBe(0)
      expect(memory.ptr(device + DEVICE_OBJECT.DeviceExtension)).toBe(device + 0x150)
      expect([...memory.read(device + 0x150, 0x20)].every((byte) => byte === 0)).toBe(true)
      expect(memory.u32(device + DEVICE_OBJECT.Flags)).toBe(0xc0)
      const extension = memory.ptr(device + DEVICE_OBJECT.DeviceObjectExtension)
      expect(memory.u16(extension)).toBe(13)
      expect(memory.ptr(extension + DEVOBJ_EXTENSION.DeviceObject)).toBe(device)
      const unnamed = yield* createDevice(d, driver, null, 0, true)
      expect(memory.u32(unnamed.device + DEVICE_OBJECT.Flags)).toBe(0x88)
      return 0
    })
  })

  test('K006 K007 the list of devices', () => {
    inDriver(function* (d, driver) {
      const { memory } = d.k
      const first = yield* createDevice(d, driver, '\\Device\\A')
      const second = yield* createDevice(d, driver, '\\Device\\B')
      expect(memory.ptr(driver + DRIVER_OBJECT.DeviceObject)).toBe(second.device)
      expect(memory.ptr(second.device + DEVICE_OBJECT.NextDevice)).toBe(first.device)
      yield* d.ddi('IoDeleteDevice', second.device)
      yield* d.ddi('IoDeleteDevice', first.device)
      expect(memory.ptr(driver + DRIVER_OBJECT.DeviceObject)).toBe(0)
      expect((yield* createDevice(d, driver, '\\Device\\A')).status).toBe(0)
      return 0
    })
  })

  test('K008 initializing until DriverEntry succeeded, K013 flags of the driver', () => {
    const m = new TestMachine()
    let device = 0
    const flags: number[] = []
    m.driver('foo', {
      *DriverEntry(d, driver) {
        device = (yield* createDevice(d, driver!, '\\Device\\A')).device
        flags.push(d.k.memory.u32(driver! + DRIVER_OBJECT.Flags))
        d.k.memory.setPtr(driver! + DRIVER_OBJECT.DriverUnload, d.fn('Unload'))
        expect(d.k.memory.u32(device + DEVICE_OBJECT.Flags) & 0x80).toBe(0x80)
        return 0
      },
      *Unload(d, driver) {
        flags.push(d.k.memory.u32(driver! + DRIVER_OBJECT.Flags))
        yield* d.ddi('IoDeleteDevice', device)
      },
    })
    m.main(function* (k) {
      yield* k.loader.load('foo')
      expect(k.memory.u32(device + DEVICE_OBJECT.Flags) & 0x80).toBe(0)
      flags.push(k.memory.u32(k.loader.byName('foo')!.object + DRIVER_OBJECT.Flags))
      yield* k.loader.unload('foo')
    })
    m.run()
    expect(flags).toEqual([0x02, 0x12, 0x13])
    expect(m.k.loader.leaks).toEqual([])
  })

  test('K009 to K012 what DriverEntry is given', () => {
    inDriver(function* (d, driver, path) {
      const { memory } = d.k
      const text = (at: Ptr): string => memory.text16(memory.ptr(at + 8), memory.u16(at))
      expect([memory.u16(driver), memory.u16(driver + 2)]).toEqual([4, 0x150])
      expect(memory.ptr(driver + DRIVER_OBJECT.DeviceObject)).toBe(0)
      const extension = memory.ptr(driver + DRIVER_OBJECT.DriverExtension)
      expect(extension).toBe(driver + 0x150)
      expect(memory.ptr(extension + DRIVER_EXTENSION.DriverObject)).toBe(driver)
      expect(memory.ptr(extension + DRIVER_EXTENSION.AddDevice)).toBe(0)
      expect(memory.u32(extension + DRIVER_EXTENSION.Count)).toBe(0)
      expect(memory.ptr(driver + DRIVER_OBJECT.FastIoDispatch)).toBe(0)
      expect(memory.ptr(driver + DRIVER_OBJECT.DriverUnload)).toBe(0)
      const handlers = new Set(
        Array.from({ length: 28 }, (_, i) =>
          memory.ptr(driver + DRIVER_OBJECT.MajorFunction + i * 8),
        ),
      )
      expect(handlers.size).toBe(1)
      expect(handlers.has(0)).toBe(false)
      expect(text(driver + DRIVER_OBJECT.DriverName)).toBe('\\Driver\\toy')
      expect(text(extension + DRIVER_EXTENSION.ServiceKeyName)).toBe('toy')
      expect(text(memory.ptr(driver + DRIVER_OBJECT.HardwareDatabase)).toUpperCase()).toBe(
        '\\REGISTRY\\MACHINE\\HARDWARE\\DESCRIPTION\\SYSTEM',
      )
      expect(text(path).toUpperCase()).toBe(
        '\\REGISTRY\\MACHINE\\SYSTEM\\CONTROLSET001\\SERVICES\\TOY',
      )
      return 0
    })
  })

  test('K014 no DriverUnload, K015 loading twice or a missing service', () => {
    const m = machine({})
    const statuses: number[] = []
    m.main(function* (k) {
      statuses.push(yield* k.loader.load('t'))
      statuses.push(yield* k.loader.unload('t'))
      statuses.push(yield* k.loader.load('t'))
      statuses.push(yield* k.loader.load('nobody'))
    })
    m.run()
    expect(statuses).toEqual([0, 0xc0000010, 0xc000010e, 0xc0000034])
    expect(m.k.loader.byName('t')).toBeDefined()
  })

  test('K016 driver object extensions', () => {
    inDriver(function* (d, driver) {
      const out = d.out()
      expect(yield* d.ddi('IoAllocateDriverObjectExtension', driver, 0x1234, 64, out)).toBe(0)
      const first = out.value
      expect(yield* d.ddi('IoAllocateDriverObjectExtension', driver, 0x1234, 64, out)).toBe(
        0xc0000035,
      )
      expect(out.value).toBe(0)
      expect(yield* d.ddi('IoGetDriverObjectExtension', driver, 0x1234)).toBe(first)
      expect(yield* d.ddi('IoGetDriverObjectExtension', driver, 0x9999)).toBe(0)
      return 0
    })
  })

  test('K017 K018 device stacks', () => {
    inDriver(function* (d, driver) {
      const { memory } = d.k
      const devices: Ptr[] = []
      for (let i = 0; i < 3; i++) devices.push((yield* createDevice(d, driver, null)).device)
      const [one, two, three] = devices as [Ptr, Ptr, Ptr]
      expect(yield* d.ddi('IoAttachDeviceToDeviceStack', two, one)).toBe(one)
      expect(yield* d.ddi('IoAttachDeviceToDeviceStack', three, one)).toBe(two)
      const sizes = (): number[] =>
        devices.map((device) => memory.u8(device + DEVICE_OBJECT.StackSize))
      expect(sizes()).toEqual([1, 2, 3])
      expect(memory.ptr(one + DEVICE_OBJECT.AttachedDevice)).toBe(two)
      expect(memory.ptr(two + DEVICE_OBJECT.AttachedDevice)).toBe(three)
      yield* d.ddi('IoDetachDevice', two)
      expect(memory.ptr(two + DEVICE_OBJECT.AttachedDevice)).toBe(0)
      expect(sizes()).toEqual([1, 2, 3])
      return 0
    })
  })
})

describe('packets', () => {
  test('K041 K042 a fresh packet and a reused one', () => {
    inDriver(function* (d) {
      const { memory } = d.k
      const irp = yield* d.ddi('IoAllocateIrp', 3, false)
      expect(memory.u16(irp)).toBe(6)
      expect(memory.u8(irp + IRP.StackCount)).toBe(3)
      expect(memory.u8(irp + IRP.CurrentLocation)).toBe(4)
      expect(memory.u16(irp + IRP.Size)).toBeGreaterThanOrEqual(0x1a8)
      expect(memory.ptr(irp + IRP.ThreadListEntry)).toBe(irp + IRP.ThreadListEntry)
      expect(memory.ptr(irp + CURRENT)).toBe(irp + 0x1a8)
      expect(memory.u8(irp + IRP.AllocationFlags)).toBe(4)
      memory.setU8(irp + IRP.CurrentLocation, 1)
      yield* d.ddi('IoReuseIrp', irp, 0xc0000001)
      expect(memory.u8(irp + IRP.CurrentLocation)).toBe(4)
      expect(memory.u32(irp + IRP['IoStatus.Status'])).toBe(0xc0000001)
      expect(memory.u8(irp + IRP.AllocationFlags)).toBe(4)
      yield* d.ddi('IoFreeIrp', irp)
      return 0
    })
  })

  test('K043 to K048 down and up through three devices', () => {
    const order: string[] = []
    const locations: number[] = []
    const m = new TestMachine()
    const devices: Ptr[] = []
    const note = (label: string): DriverFunction =>
      function* (_d, device, _irp, context) {
        order.push(`${label} ${devices.indexOf(device!)} ${context}`)
        return 0
      }
    m.driver('stack', {
      *DriverEntry(d, driver) {
        for (let i = 0; i < 3; i++) devices.push((yield* createDevice(d, driver!, null)).device)
        yield* d.ddi('IoAttachDeviceToDeviceStack', devices[1]!, devices[0]!)
        yield* d.ddi('IoAttachDeviceToDeviceStack', devices[2]!, devices[0]!)
        d.k.memory.setPtr(driver! + DRIVER_OBJECT.MajorFunction + 3 * 8, d.fn('Read'))
        const irp = yield* d.ddi('IoAllocateIrp', 3, false)
        const next = yield* d.ddi('IoGetNextIrpStackLocation', irp)
        d.k.memory.setU8(next, 3)
        yield* d.ddi('IoSetCompletionRoutine', irp, d.fn('Keep'), 77, true, true, true)
        const status = yield* d.ddi('IoCallDriver', devices[2]!, irp)
        expect(status).toBe(0)
        order.push('called')
        yield* d.ddi('IoFreeIrp', irp)
        return 0
      },
      *Read(d, device, irp) {
        const { memory } = d.k
        const stack = memory.ptr(irp! + CURRENT)
        expect(memory.ptr(stack + IO_STACK_LOCATION.DeviceObject)).toBe(device)
        locations.push(memory.u8(irp! + IRP.CurrentLocation))
        const index = devices.indexOf(device!)
        if (index === 0) {
          memory.setU32(irp! + IRP['IoStatus.Status'], 0)
          yield* d.ddi('IoCompleteRequest', irp!, 0)
          return 0
        }
        const routine = memory.ptr(stack - STACK + IO_STACK_LOCATION.CompletionRoutine)
        yield* d.ddi('IoCopyCurrentIrpStackLocationToNext', irp!)
        // K045: everything before CompletionRoutine is copied, Control is 0, the routine is untouched.
        expect(memory.u8(stack - STACK + IO_STACK_LOCATION.MajorFunction)).toBe(3)
        expect(memory.u8(stack - STACK + IO_STACK_LOCATION.Control)).toBe(0)
        expect(memory.ptr(stack - STACK + IO_STACK_LOCATION.CompletionRoutine)).toBe(routine)
        yield* d.ddi('IoSetCompletionRoutine', irp!, d.fn('Done'), index, true, true, true)
        return yield* d.ddi('IoCallDriver', devices[index - 1]!, irp!)
      },
      Done: note('done'),
      *Keep(d, device, irp, context) {
        order.push(`keep ${device} ${context} ${d.k.memory.u8(irp! + IRP.CurrentLocation)}`)
        return STATUS_MORE_PROCESSING_REQUIRED
      },
    })
    m.main(function* (k) {
      yield* k.loader.load('stack')
    })
    m.run()
    expect(m.bugCheck).toBeNull()
    expect(locations).toEqual([3, 2, 1])
    expect(order).toEqual(['done 1 1', 'done 2 2', 'keep 0 77 4', 'called'])
  })

  test('K044 skip keeps the location', () => {
    const seen: Ptr[] = []
    const m = new TestMachine()
    const devices: Ptr[] = []
    m.driver('skip', {
      *DriverEntry(d, driver) {
        devices.push((yield* createDevice(d, driver!, null)).device)
        devices.push((yield* createDevice(d, driver!, null)).device)
        yield* d.ddi('IoAttachDeviceToDeviceStack', devices[1]!, devices[0]!)
        d.k.memory.setPtr(driver! + DRIVER_OBJECT.MajorFunction, d.fn('Create'))
        const irp = yield* d.ddi('IoAllocateIrp', 2, false)
        yield* d.ddi('IoCallDriver', devices[1]!, irp)
        return 0
      },
      *Create(d, device, irp) {
        seen.push(d.k.memory.ptr(irp! + CURRENT))
        if (device === devices[0]) return yield* succeed(d, device!, irp!) as Code<number>
        yield* d.ddi('IoSkipCurrentIrpStackLocation', irp!)
        return yield* d.ddi('IoCallDriver', devices[0]!, irp!)
      },
    })
    m.main(function* (k) {
      yield* k.loader.load('skip')
    })
    m.run()
    expect(seen).toHaveLength(2)
    expect(seen[0]).toBe(seen[1])
  })

  test.each([
    ['success only, success', 0x40, 0, false, true],
    ['success only, informational', 0x40, 0x40000000, false, true],
    ['success only, warning', 0x40, 0x80000005, false, false],
    ['error only, warning', 0x80, 0x80000005, false, true],
    ['error only, error', 0x80, 0xc0000001, false, true],
    ['error only, success', 0x80, 0, false, false],
    ['cancel only, cancelled with success', 0x20, 0, true, true],
    ['cancel only, not cancelled', 0x20, 0xc0000001, false, false],
  ])('K049 K050 completion flags: %s', (_name, control, status, cancel, expected) => {
    let called = false
    const m = new TestMachine()
    m.driver('flags', {
      *DriverEntry(d, driver) {
        const { device } = yield* createDevice(d, driver!, null)
        d.k.memory.setPtr(driver! + DRIVER_OBJECT.MajorFunction, d.fn('Create'))
        const irp = yield* d.ddi('IoAllocateIrp', 1, false)
        if (cancel) d.k.memory.setU8(irp + IRP.Cancel, 1)
        yield* d.ddi(
          'IoSetCompletionRoutine',
          irp,
          d.fn('Done'),
          0,
          (control & 0x40) !== 0,
          (control & 0x80) !== 0,
          (control & 0x20) !== 0,
        )
        yield* d.ddi('IoCallDriver', device, irp)
        return 0
      },
      *Create(d, _device, irp) {
        d.k.memory.setU32(irp! + IRP['IoStatus.Status'], status)
        yield* d.ddi('IoCompleteRequest', irp!, 0)
        return status
      },
      *Done() {
        called = true
        return STATUS_MORE_PROCESSING_REQUIRED
      },
    })
    m.main(function* (k) {
      yield* k.loader.load('flags')
    })
    m.run()
    expect(called).toBe(expected)
  })

  test('K051 K052 K053 the pending bit moves up and locations are cleared', () => {
    const seen: { pending: number; minor: number; control: number; file: number }[] = []
    const m = new TestMachine()
    const devices: Ptr[] = []
    m.driver('pend', {
      *DriverEntry(d, driver) {
        for (let i = 0; i < 3; i++) devices.push((yield* createDevice(d, driver!, null)).device)
        yield* d.ddi('IoAttachDeviceToDeviceStack', devices[1]!, devices[0]!)
        yield* d.ddi('IoAttachDeviceToDeviceStack', devices[2]!, devices[0]!)
        d.k.memory.setPtr(driver! + DRIVER_OBJECT.MajorFunction, d.fn('Create'))
        const irp = yield* d.ddi('IoAllocateIrp', 3, false)
        yield* d.ddi('IoSetCompletionRoutine', irp, d.fn('Done'), 0, true, true, true)
        yield* d.ddi('IoCallDriver', devices[2]!, irp)
        return 0
      },
      *Create(d, device, irp) {
        if (device === devices[0]) {
          yield* d.ddi('IoMarkIrpPending', irp!)
          yield* d.ddi('IoCompleteRequest', irp!, 0)
          return 0x103
        }
        yield* d.ddi('IoCopyCurrentIrpStackLocationToNext', irp!)
        return yield* d.ddi('IoCallDriver', devices[devices.indexOf(device!) - 1]!, irp!)
      },
      *Done(d, _device, irp) {
        const { memory } = d.k
        const own = memory.ptr(irp! + CURRENT) - STACK
        seen.push({
          pending: memory.u8(irp! + IRP.PendingReturned),
          minor: memory.u8(own + IO_STACK_LOCATION.MinorFunction),
          control: memory.u8(own + IO_STACK_LOCATION.Control) & ~2,
          file: memory.ptr(own + IO_STACK_LOCATION.FileObject),
        })
        return STATUS_MORE_PROCESSING_REQUIRED
      },
    })
    m.main(function* (k) {
      yield* k.loader.load('pend')
    })
    m.run()
    expect(seen).toEqual([{ pending: 1, minor: 0, control: 0, file: 0 }])
  })

  test('K054 no location left', () => {
    const m = inDriver(function* (d, driver) {
      const { device } = yield* createDevice(d, driver, null)
      const irp = yield* d.ddi('IoAllocateIrp', 1, false)
      yield* d.ddi('IoSetNextIrpStackLocation', irp)
      yield* d.ddi('IoCallDriver', device, irp)
      return 0
    })
    expect(m.bugCheck?.code).toBe(0x35)
  })

  test('K055 completed twice', () => {
    const m = machine({
      *0(d, device, irp) {
        yield* succeed(d, device!, irp!)
        yield* d.ddi('IoCompleteRequest', irp!, 0)
        return 0
      },
    })
    m.main(function* (k) {
      yield* k.loader.load('t')
      yield* k.io.open({ path: '\\Device\\T', access: 3, synchronous: true, userMode: false })
    })
    m.run()
    expect(m.bugCheck?.code).toBe(0x44)
    expect(m.bugCheck?.what).toContain('completed twice')
  })

  test('K056 a synchronous read request', () => {
    inDriver(function* (d, driver) {
      const { memory } = d.k
      const { device } = yield* createDevice(d, driver, null)
      const event = d.k.pool.allocate(0x18, 'Test')
      const iosb = d.k.pool.allocate(16, 'Test')
      const irp = yield* d.ddi(
        'IoBuildSynchronousFsdRequest',
        3,
        device,
        null,
        0,
        null,
        event,
        iosb,
      )
      expect(memory.u8(irp + IRP.CurrentLocation)).toBe(2)
      expect(memory.ptr(irp + IRP.UserIosb)).toBe(iosb)
      expect(memory.ptr(irp + IRP.UserEvent)).toBe(event)
      expect(memory.ptr(irp + IRP['Tail.Overlay.Thread'])).toBe(d.k.thread.address)
      expect(memory.u8(irp + IRP.Cancel)).toBe(0)
      expect(memory.ptr(irp + IRP.CancelRoutine)).toBe(0)
      expect(memory.u8(memory.ptr(irp + CURRENT) - STACK)).toBe(3)
      return 0
    })
  })
})

describe('cancel', () => {
  test('K057 without a routine, K058 with one', () => {
    const seen: unknown[] = []
    const m = new TestMachine()
    m.driver('cancel', {
      *DriverEntry(d) {
        const { memory } = d.k
        const plain = yield* d.ddi('IoAllocateIrp', 1, false)
        seen.push(yield* d.ddi('IoCancelIrp', plain), memory.u8(plain + IRP.Cancel))
        const irp = yield* d.ddi('IoAllocateIrp', 1, false)
        memory.setU8(irp + IRP.CurrentLocation, 1)
        memory.setPtr(irp + CURRENT, memory.ptr(irp + CURRENT) - STACK)
        yield* d.ddi('IoSetCancelRoutine', irp, d.fn('Cancel'))
        seen.push(yield* d.ddi('IoCancelIrp', irp))
        seen.push(yield* d.ddi('IoCancelIrp', irp))
        seen.push(d.k.irql.level)
        return 0
      },
      *Cancel(d, _device, irp) {
        const { memory } = d.k
        seen.push([
          memory.ptr(irp! + IRP.CancelRoutine),
          d.k.irql.level,
          d.k.irps.cancelLockIrql,
          memory.u8(irp! + IRP.CancelIrql),
        ])
        yield* d.ddi('IoReleaseCancelSpinLock', memory.u8(irp! + IRP.CancelIrql))
      },
    })
    m.main(function* (k) {
      yield* k.loader.load('cancel')
    })
    m.run()
    expect(m.bugCheck).toBeNull()
    expect(seen).toEqual([0, 1, [0, 2, 0, 0], 1, 0, 0])
  })

  test('K060 completed with the cancel routine still set, then cancelled', () => {
    const m = new TestMachine()
    m.driver('stale', {
      *DriverEntry(d, driver) {
        const { device } = yield* createDevice(d, driver!, null)
        d.k.memory.setPtr(driver! + DRIVER_OBJECT.MajorFunction, d.fn('Create'))
        const irp = yield* d.ddi('IoAllocateIrp', 1, false)
        yield* d.ddi('IoSetCompletionRoutine', irp, d.fn('Keep'), 0, true, true, true)
        yield* d.ddi('IoCallDriver', device, irp)
        yield* d.ddi('IoCancelIrp', irp)
        return 0
      },
      *Create(d, device, irp) {
        yield* d.ddi('IoSetCancelRoutine', irp!, d.fn('Cancel'))
        return yield* succeed(d, device!, irp!) as Code<number>
      },
      *Keep(d, _device, irp) {
        // What a packet looks like once its last location is through.
        d.k.memory.setU8(irp! + IRP.CurrentLocation, 3)
        return STATUS_MORE_PROCESSING_REQUIRED
      },
      *Cancel(d) {
        yield* d.ddi('IoReleaseCancelSpinLock', 0)
      },
    })
    m.main(function* (k) {
      yield* k.loader.load('stale')
    })
    m.run()
    expect(m.bugCheck?.code).toBe(0x48)
  })
})
