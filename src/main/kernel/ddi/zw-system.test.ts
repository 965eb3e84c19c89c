import { describe, expect, test } from 'vitest'
import {
  EPROCESS,
  RTL_PROCESS_MODULE_INFORMATION,
  SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX,
} from '../../../shared/nt/generated/offsets'
import { removeEntry } from '../ke/list'
import { lab, succeed } from '../testing/client'
import { inDriver, scratch } from '../testing/in-driver'
import type { Code, DriverApi } from '../testing/machine'

const INFO_LENGTH_MISMATCH = 0xc0000004
const INVALID_INFO_CLASS = 0xc0000003

/** The whole answer of an information class, asked for its length first. */
function* query(d: DriverApi, kind: number): Code<number> {
  const length = d.out()
  expect(yield* d.ddi('ZwQuerySystemInformation', kind, 0, 0, length)).toBe(INFO_LENGTH_MISMATCH)
  const buffer = scratch(d, Number(length.value))
  expect(yield* d.ddi('ZwQuerySystemInformation', kind, buffer, Number(length.value), length)).toBe(
    0,
  )
  return buffer
}

function processNames(d: DriverApi, buffer: number): string[] {
  const { memory } = d.k
  const names: string[] = []
  for (let at = buffer; ; at += memory.u32(at)) {
    names.push(memory.text16(memory.ptr(at + 0x40), memory.u16(at + 0x38)))
    if (memory.u32(at) === 0) return names
  }
}

describe('ZwQuerySystemInformation', () => {
  test('lists processes with their threads; one that is unlinked is not there', () => {
    const lists: string[][] = []
    const threads: number[] = []
    const { m } = lab({
      majors: {
        *0(d, device, irp) {
          const first = yield* query(d, 5)
          lists.push(processNames(d, first))
          const { memory } = d.k
          threads.push(memory.u32(first + memory.u32(first) + 4))
          const process = yield* d.ddi('PsGetCurrentProcess')
          removeEntry(d.k, process + EPROCESS.ActiveProcessLinks)
          lists.push(processNames(d, yield* query(d, 5)))
          // As rootkits do it, lest the end of the process finds its links broken.
          const links = process + EPROCESS.ActiveProcessLinks
          memory.setPtr(links, links)
          memory.setPtr(links + 8, links)
          return yield* succeed(d, device, irp!)
        },
      },
      *client(d) {
        yield* d.ddi('CreateFile', '\\\\.\\Toy', 0xc000_0000, 3, 0, 3, 0, 0)
      },
    })
    expect(m.bugCheck).toBeNull()
    expect(lists).toEqual([['System', 'client.exe'], ['System']])
    expect(threads).toEqual([1])
  })

  test('lists modules with their bases', () => {
    const found: unknown[] = []
    inDriver(function* (d, driver) {
      const { memory } = d.k
      const buffer = yield* query(d, 11)
      const second = buffer + 8 + RTL_PROCESS_MODULE_INFORMATION.SIZE
      found.push(memory.u32(buffer), memory.sz(second + 0x28))
      found.push(memory.ptr(second + 0x10) === memory.ptr(driver + 0x18))
      found.push(memory.sz(second + 0x28 + memory.u16(second + 0x26)))
      return 0
    })
    expect(found).toEqual([2, '\\SystemRoot\\System32\\drivers\\toy.sys', true, 'toy.sys'])
  })

  test('class 64 lists the handles of all processes with the addresses of their objects', () => {
    const handles: unknown[] = []
    let process = 0
    const { m } = lab({
      majors: {
        *0(d, device, irp) {
          process = yield* d.ddi('PsGetCurrentProcess')
          const all = yield* query(d, 64)
          const { memory } = d.k
          const H = SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX
          for (let i = 0, at = all + 16; i < memory.u32(all); i++, at += H.SIZE)
            handles.push([
              memory.u32(at + H.UniqueProcessId),
              memory.u32(at + H.HandleValue),
              memory.ptr(at + H.Object),
              memory.u32(at + H.GrantedAccess),
              memory.u16(at + H.ObjectTypeIndex),
            ])
          return yield* succeed(d, device, irp!)
        },
      },
      *client(d) {
        yield* d.ddi('OpenProcess', 0x1000, 0, yield* d.ddi('GetCurrentProcessId'))
        yield* d.ddi('CreateFile', '\\\\.\\Toy', 0xc000_0000, 3, 0, 3, 0, 0)
      },
    })
    expect(m.bugCheck).toBeNull()
    // PROCESS_QUERY_LIMITED_INFORMATION, of the type Process, which is 7.
    expect(handles).toContainEqual([4100, 4, process, 0x1000, 7])
  })

  test('knows no other class', () => {
    let status = 0
    inDriver(function* (d) {
      status = yield* d.ddi('ZwQuerySystemInformation', 9999, 0, 0, 0)
      return 0
    })
    expect(status).toBe(INVALID_INFO_CLASS)
  })
})

test('RtlGetVersion says Windows 10 22H2, and more in the larger structure', () => {
  const got: number[] = []
  inDriver(function* (d) {
    const { memory } = d.k
    const at = scratch(d, 0x11c)
    memory.setU32(at, 0x114)
    memory.fill(at + 0x114, 8, 0xcc)
    expect(yield* d.ddi('RtlGetVersion', at)).toBe(0)
    got.push(memory.u32(at + 4), memory.u32(at + 8), memory.u32(at + 12), memory.u8(at + 0x11a))
    memory.setU32(at, 0x11c)
    yield* d.ddi('RtlGetVersion', at)
    got.push(memory.u8(at + 0x11a))
    return 0
  })
  expect(got).toEqual([10, 0, 19045, 0xcc, 1])
})

test('RtlFindExportedRoutineByName finds routines and variables of the kernel only', () => {
  const got: unknown[] = []
  inDriver(function* (d, driver) {
    const { k } = d
    const nt = k.images.nt.base
    const find = (base: number, name: string) => d.ddi('RtlFindExportedRoutineByName', base, name)
    got.push((yield* find(nt, 'IoCreateDevice')) === k.images.exported('IoCreateDevice'))
    got.push((yield* find(nt, 'PsProcessType')) === k.ob.data.find('PsProcessType'))
    got.push(yield* find(nt, 'CreateFile'), yield* find(nt, 'Nothing'))
    got.push(yield* find(k.memory.ptr(driver + 0x18), 'IoCreateDevice'))
    return 0
  })
  expect(got).toEqual([true, true, 0, 0, 0])
})

test('ZwDeleteFile opens a file for its deletion and closes it', () => {
  const seen: unknown[] = []
  const statuses: number[] = []
  const { m } = lab({
    majors: {
      *0(d, device, irp) {
        const { memory } = d.k
        const stack = memory.ptr(irp! + 0xb8)
        seen.push(memory.u32(stack + 0x10) & 0x1000)
        return yield* succeed(d, device, irp!)
      },
      *18(d, device, irp) {
        seen.push('cleanup')
        return yield* succeed(d, device, irp!)
      },
    },
    *client() {},
    *after(machine) {
      const remove = function* (d: DriverApi, name: string): Code<number> {
        const attributes = scratch(d, 0x30)
        yield* d.ddi('InitializeObjectAttributes', attributes, d.string(name), 0x240, 0, 0)
        return yield* d.ddi('ZwDeleteFile', attributes)
      }
      machine.driver('deleter', {
        *DriverEntry(d) {
          statuses.push(yield* remove(d, '\\Device\\Toy\\file'))
          statuses.push(yield* remove(d, '\\Device\\Nowhere\\file'))
          return 0
        },
      })
      yield* machine.k.loader.load('deleter')
    },
  })
  expect(m.bugCheck).toBeNull()
  expect(statuses).toEqual([0, 0xc000003a])
  expect(seen).toEqual([0x1000, 'cleanup'])
})
