import { describe, expect, test } from 'vitest'
import { GUID, UNICODE_STRING } from '../../../shared/nt/generated/offsets'
import { IRP_MN_START_DEVICE } from '../../../shared/nt/irp-functions'
import { foldAll } from '../../../shared/trace/fold'
import { complete, passDown, pdoOf, pnpDriver, scenario } from '../pnp/testing'
import { TestMachine, type Code, type DriverApi } from '../testing/machine'
import { scratch, toyDriver } from '../testing/toy-driver'

const GUID_TEXT = '{6b5a4c3d-1122-3344-5566-778899aabbcc}'
const LINK = `\\??\\TOY#Lamp#0000#${GUID_TEXT}`

function guid(d: DriverApi): number {
  const at = scratch(d, 16)
  d.k.memory.setU32(at + GUID.Data1, 0x6b5a4c3d)
  d.k.memory.setU16(at + GUID.Data2, 0x1122)
  d.k.memory.setU16(at + GUID.Data3, 0x3344)
  d.k.memory.write(at + GUID.Data4, Uint8Array.of(0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc))
  return at
}

function text(d: DriverApi, at: number): string {
  return d.k.memory.text16(d.k.memory.ptr(at + UNICODE_STRING.Buffer), d.k.memory.u16(at))
}

/** Run `start` when the lamp is started; then `then`. */
function lamp(
  start: (d: DriverApi, pdo: number, device: number) => Code<void>,
  then: Parameters<typeof scenario>[1] = function* () {},
): TestMachine {
  const m = new TestMachine()
  pnpDriver(m, 'Lamp', {
    pnp: {
      *[IRP_MN_START_DEVICE](d, device, irp) {
        yield* start(d, pdoOf(d, device!), device!)
        return yield* passDown(d, device!, irp!)
      },
    },
    majors: Object.fromEntries(
      [0, 2, 18].map((major) => [major, (d, _device, irp) => complete(d, irp!, 0)]),
    ),
  })
  m.k.pnp.packages.add({ id: 'TOY\\Lamp', service: 'Lamp', description: 'A lamp', class: 'Toys' })
  return scenario(m, function* (k) {
    yield* k.pnp.plug('TOY\\Lamp', 'lamp')
    yield* then(k)
  })
}

describe('device interfaces', () => {
  test('a registered interface has a name; an enabled one is a link to the top of the stack', () => {
    const statuses: number[] = []
    const m = lamp(
      function* (d, pdo) {
        const name = scratch(d, 16)
        statuses.push(yield* d.ddi('IoRegisterDeviceInterface', pdo, guid(d), null, name))
        expect(text(d, name)).toBe(LINK)
        expect(d.k.ob.find(LINK, 'SymbolicLink')).toBeUndefined()
        statuses.push(yield* d.ddi('IoSetDeviceInterfaceState', name, true))
        statuses.push(yield* d.ddi('IoSetDeviceInterfaceState', name, true))
        yield* d.ddi('RtlFreeUnicodeString', name)
      },
      function* (k) {
        expect(k.pnp.interfaces.list(GUID_TEXT)).toEqual([`\\\\?\\TOY#Lamp#0000#${GUID_TEXT}`])
        const opened = yield* k.io.openFile({
          path: `${LINK}\\part`,
          access: 1,
          synchronous: true,
          userMode: true,
        })
        expect(opened.status).toBe(0)
        yield* k.ob.dereference(opened.file!.address)
        yield* k.pnp.unplug('lamp')
      },
    )
    expect(statuses).toEqual([0, 0, 0x4000_0000])
    const creates = m.of('irp.sent').filter(({ major }) => major === 0)
    expect(creates.map(({ to }) => to)).toEqual(['Lamp'])
    // What the driver left enabled the PnP manager disables.
    expect(m.of('interface.changed').map(({ enabled }) => enabled)).toEqual([true, false])
    expect(m.k.ob.find(LINK, 'SymbolicLink')).toBeUndefined()
    expect(m.k.loader.leaks).toEqual([])
    expect(foldAll(m.events, m.of('interface.changed')[0]!.seq).interfaces).toEqual([
      { link: LINK, guid: GUID_TEXT, devnode: 'TOY\\Lamp\\0000' },
    ])
  })

  test('a reference string is part of the name, and of the open', () => {
    lamp(function* (d, pdo) {
      const name = scratch(d, 16)
      yield* d.ddi('IoRegisterDeviceInterface', pdo, guid(d), d.string('mouse'), name)
      expect(text(d, name)).toBe(`${LINK}\\mouse`)
      expect(yield* d.ddi('IoSetDeviceInterfaceState', name, true)).toBe(0)
      expect(d.k.ob.find(LINK, 'SymbolicLink')).toBeDefined()
      expect(yield* d.ddi('IoSetDeviceInterfaceState', name, false)).toBe(0)
      expect(d.k.ob.find(LINK, 'SymbolicLink')).toBeUndefined()
      expect(yield* d.ddi('IoSetDeviceInterfaceState', name, false)).toBe(0xc000_0034)
      yield* d.ddi('RtlFreeUnicodeString', name)
    })
  })

  test('a device that is no physical one cannot have any, and unknown names cannot be enabled', () => {
    const m = lamp(function* (d, _pdo, device) {
      const name = scratch(d, 16)
      expect(yield* d.ddi('IoRegisterDeviceInterface', device, guid(d), null, name)).toBe(
        0xc000_0010,
      )
      expect(yield* d.ddi('IoSetDeviceInterfaceState', d.string('\\??\\nothing'), true)).toBe(
        0xc000_0034,
      )
    })
    expect(m.bugCheck).toBeNull()
  })
})

describe('IoGetDeviceProperty', () => {
  test('gives texts, lists and numbers, and first of all their length', () => {
    const m = lamp(function* (d, pdo) {
      const buffer = scratch(d, 128)
      const length = d.out()
      const read = function* (property: number): Code<string> {
        const status = yield* d.ddi('IoGetDeviceProperty', pdo, property, 128, buffer, length)
        expect(status).toBe(0)
        return d.k.memory.text16(buffer, Number(length.value))
      }
      expect(yield* d.ddi('IoGetDeviceProperty', pdo, 0, 0, null, length)).toBe(0xc000_0023)
      expect(length.value).toBe('A lamp\0'.length * 2)
      expect(yield* read(0)).toBe('A lamp\0')
      expect(yield* read(1)).toBe('TOY\\Lamp\0\0')
      expect(yield* read(5)).toBe('Toys\0')
      expect(yield* read(10)).toBe('Ring0 Lab bench\0')
      expect(yield* read(11)).toMatch(/^\\Device\\0000002\d\0$/)
      expect(yield* read(15)).toBe('TOY\0')
      // Removable, and not by surprise.
      expect(yield* read(19)).toBe('\u0002\0')
      expect(yield* d.ddi('IoGetDeviceProperty', pdo, 16, 128, buffer, length)).toBe(0xc000_0034)
      expect(yield* d.ddi('IoGetDeviceProperty', pdo, 99, 128, buffer, length)).toBe(0xc000_00f0)
    })
    expect(m.bugCheck).toBeNull()
  })

  test('refuses a device that is no physical one', () => {
    let status = 0
    lamp(function* (d, _pdo, device) {
      status = yield* d.ddi('IoGetDeviceProperty', device, 0, 0, null, d.out())
    })
    expect(status).toBe(0xc000_0010)
  })
})

test.each(['IoInvalidateDeviceRelations', 'IoInvalidateDeviceState'])(
  '%s with a device that is no physical one ends in 0xCA with 2',
  (name) => {
    const m = toyDriver(function* (d, driver) {
      const device = d.out()
      yield* d.ddi('IoCreateDevice', driver, 0, null, 0x22, 0, false, device)
      yield* d.ddi(name, Number(device.value), 0)
    })
    expect(m.bugCheck).toMatchObject({ code: 0xca })
    expect(m.bugCheck?.parameters[0]).toBe(2n)
  },
)
