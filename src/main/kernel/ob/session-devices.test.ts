import { expect, test } from 'vitest'
import { complete, lab, open } from '../testing/client'
import type { Code, DriverApi } from '../testing/machine'

/** What a program of the same user, of another logon session, and the system find under a link. */
function seen(link: string): { own: boolean; other: boolean; system: boolean; path: string[] } {
  const found = { own: false, other: false, system: false, path: [] as string[] }
  const look = function* (d: DriverApi): Code<number> {
    return (yield* open(d, { path: '\\\\.\\Mine' })) | 0
  }
  const { m } = lab({
    elevated: true,
    majors: {
      *14(d, _device, irp) {
        const status = yield* d.ddi(
          'IoCreateSymbolicLink',
          d.string(link),
          d.string('\\Device\\Toy'),
        )
        return yield* complete(d, irp!, status)
      },
    },
    *client(d) {
      const handle = yield* open(d)
      yield* d.ddi('DeviceIoControl', handle, 0x22_2000, 0, 0, 0, 0, d.out(), 0)
      found.own = (yield* look(d)) > 0
    },
    *after(machine) {
      const { k } = machine
      const unit = machine.program('other', {
        *main(d) {
          found.other = (yield* look(d)) > 0
        },
      })
      const other = yield* k.programs.start('other.exe', unit, new Map(), { elevated: false })
      yield* k.programs.exited(other)
      found.system = k.ob.find('\\??\\Mine', 'SymbolicLink') !== undefined
      found.path = [...k.ob.all()].flatMap(({ name }) => (name?.endsWith('Mine') ? [name] : []))
    },
  })
  expect(m.bugCheck).toBeNull()
  return found
}

test('a link that is made in a process of a user is the logon session’s own', () => {
  expect(seen('\\DosDevices\\Mine')).toEqual({
    own: true,
    other: false,
    system: false,
    path: ['\\Sessions\\0\\DosDevices\\00000000-00021f3a\\Mine'],
  })
})

test('\\DosDevices\\Global is everybody’s', () => {
  expect(seen('\\DosDevices\\Global\\Mine')).toEqual({
    own: true,
    other: true,
    system: true,
    path: ['\\GLOBAL??\\Mine'],
  })
})
