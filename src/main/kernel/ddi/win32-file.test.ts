import { describe, expect, test } from 'vitest'
import { IO_STACK_LOCATION, IRP, OVERLAPPED } from '../../../shared/nt/generated/offsets'
import { CTL_CODE } from '../../../shared/nt/ioctl'
import { ntPath } from './win32-file'
import { complete, lab, open, stackOf, succeed } from '../testing/client'
import type { Code, DriverApi } from '../testing/machine'

const INVALID = 0xffff_ffff
const BUFFERED = CTL_CODE(0x8000, 0x800, 0, 0)
const IN_DIRECT = CTL_CODE(0x8000, 0x801, 1, 0)
const OUT_DIRECT = CTL_CODE(0x8000, 0x802, 2, 0)
const [CLOSE, READ, WRITE, CONTROL, CLEANUP] = [2, 3, 4, 14, 18]
const PENDING = 0x103

const lastError = (d: DriverApi): Code<number> => d.ddi('GetLastError')

/** User memory with `text` in it. */
function* bytes(d: DriverApi, text: string, size = text.length): Code<number> {
  const at = yield* d.ddi('malloc', size)
  d.k.memory.write(
    at,
    Uint8Array.from(text, (char) => char.charCodeAt(0)),
  )
  return at
}

const textAt = (d: DriverApi, at: number, length: number): string =>
  String.fromCharCode(...d.k.memory.read(at, length))

describe('names', () => {
  test.each([
    ['\\\\.\\Toy', '\\??\\Toy'],
    ['\\\\.\\Toy\\sub\\x', '\\??\\Toy\\sub\\x'],
    ['\\\\?\\Toy', '\\??\\Toy'],
    ['//./Toy', '\\??\\Toy'],
    ['C:\\a.txt', '\\??\\C:\\a.txt'],
    ['a.txt', '\\??\\C:\\a.txt'],
    ['\\a', '\\??\\C:\\a'],
    ['NUL', '\\??\\NUL'],
    ['\\\\server\\share', '\\??\\UNC\\server\\share'],
  ])('%s is %s', (dos, nt) => expect(ntPath(dos)).toBe(nt))
})

describe('control codes', () => {
  test('a buffer that is not there is ERROR_NOACCESS and reaches no driver', () => {
    let calls = 0
    const { exitCode } = lab({
      majors: {
        *[CONTROL](d, _device, irp) {
          calls++
          return yield* complete(d, irp!, 0)
        },
      },
      *client(d) {
        const file = yield* open(d)
        for (const code of [BUFFERED, IN_DIRECT, OUT_DIRECT]) {
          expect(yield* d.ddi('DeviceIoControl', file, code, 0x1000, 8, 0, 0, d.out(), 0)).toBe(0)
          expect(yield* lastError(d)).toBe(998)
        }
        // A kernel address is no better than none.
        const pool = d.k.pool.allocate(16, 'Test', { system: true })
        expect(yield* d.ddi('DeviceIoControl', file, BUFFERED, 0, 0, pool, 8, d.out(), 0)).toBe(0)
        expect(yield* lastError(d)).toBe(998)
        return 7
      },
    })
    expect([calls, exitCode]).toEqual([0, 7])
  })

  test('WriteFile from a kernel address is ERROR_NOACCESS, and the driver sees none of it', () => {
    let calls = 0
    const { exitCode } = lab({
      flags: 4,
      majors: {
        *[WRITE](d, _device, irp) {
          calls++
          return yield* complete(d, irp!, 0)
        },
      },
      *client(d) {
        const file = yield* open(d)
        const pool = d.k.pool.allocate(16, 'Test', { system: true })
        expect(yield* d.ddi('WriteFile', file, pool, 8, d.out(), 0)).toBe(0)
        expect(yield* lastError(d)).toBe(998)
        return 7
      },
    })
    expect([calls, exitCode]).toEqual([0, 7])
  })
})

describe('status of a request', () => {
  test('a pended request ends later also when the packet is back before the call returns', () => {
    lab({
      majors: {
        *[CONTROL](d, _device, irp) {
          yield* d.ddi('IoMarkIrpPending', irp!)
          yield* complete(d, irp!, 0xc0000022)
          return PENDING
        },
      },
      *client(d) {
        const file = yield* open(d, { overlapped: true })
        const overlapped = yield* d.ddi('calloc', 1, OVERLAPPED.SIZE)
        yield* d.ddi('DeviceIoControl', file, BUFFERED, 0, 0, 0, 0, 0, overlapped)
        expect(yield* lastError(d)).toBe(997)
        expect(yield* d.ddi('GetOverlappedResult', file, overlapped, d.out(), 1)).toBe(0)
        expect(yield* lastError(d)).toBe(5)
        return 0
      },
    })
    expect.assertions(3)
  })

  test('a buffered read of nothing, and one of something', () => {
    const lengths: number[] = []
    lab({
      flags: 4,
      majors: {
        *[READ](d, _device, irp) {
          const { memory } = d.k
          const length = memory.u32(stackOf(d, irp!) + IO_STACK_LOCATION['Parameters.Read.Length'])
          lengths.push(length)
          const buffer = memory.ptr(irp! + IRP['AssociatedIrp.SystemBuffer'])
          expect(buffer === 0).toBe(length === 0)
          if (length) memory.write(buffer, Uint8Array.from([0x6f, 0x6b]))
          return yield* complete(d, irp!, 0, Math.min(length, 2))
        },
        *[WRITE](d, _device, irp) {
          const buffer = d.k.memory.ptr(irp! + IRP['AssociatedIrp.SystemBuffer'])
          expect(textAt(d, buffer, 3)).toBe('abc')
          return yield* complete(d, irp!, 0, 3)
        },
      },
      *client(d) {
        const file = yield* open(d)
        const buffer = yield* bytes(d, '....')
        const count = d.out()
        expect(yield* d.ddi('ReadFile', file, 0, 0, count, 0)).toBe(1)
        expect(count.value).toBe(0)
        expect(yield* d.ddi('ReadFile', file, buffer, 4, count, 0)).toBe(1)
        expect([count.value, textAt(d, buffer, 4)]).toEqual([2, 'ok..'])
        expect(yield* d.ddi('WriteFile', file, yield* bytes(d, 'abc'), 3, count, 0)).toBe(1)
        expect(count.value).toBe(3)
        return 0
      },
    })
    expect(lengths).toEqual([0, 4])
    expect.assertions(10)
  })
})

describe('cancel', () => {
  const queue = {
    majors: {
      *[CONTROL](d: DriverApi, _device: number | undefined, irp: number | undefined): Code {
        yield* d.ddi('IoMarkIrpPending', irp!)
        yield* d.ddi('IoSetCancelRoutine', irp!, d.fn('Cancel'))
        return PENDING
      },
    },
    driver: {
      *Cancel(d: DriverApi, _device: number | undefined, irp: number | undefined): Code {
        yield* d.ddi('IoReleaseCancelSpinLock', d.k.memory.u8(irp! + IRP.CancelIrql))
        yield* complete(d, irp!, 0xc0000120)
      },
    },
  }

  function* send(d: DriverApi, file: number): Code<number> {
    const overlapped = yield* d.ddi('calloc', 1, OVERLAPPED.SIZE)
    const ok = yield* d.ddi('DeviceIoControl', file, BUFFERED, 0, 0, 0, 0, 0, overlapped)
    expect([ok, yield* lastError(d)]).toEqual([0, 997])
    return overlapped
  }

  test('CancelIoEx cancels the one request, and says when there is none', () => {
    lab({
      ...queue,
      *client(d) {
        const file = yield* open(d, { overlapped: true })
        const [first, second] = [yield* send(d, file), yield* send(d, file)]
        expect(yield* d.ddi('CancelIoEx', file, second)).toBe(1)
        expect(d.k.memory.u32(first)).toBe(PENDING)
        expect(d.k.memory.u32(second)).toBe(0xc0000120)
        expect(yield* d.ddi('CancelIoEx', file, second)).toBe(0)
        expect(yield* lastError(d)).toBe(1168)
        return 0
      },
    })
    expect.assertions(7)
  })

  test('a process that ends cancels its packets and closes its handles first', () => {
    const { m } = lab({
      ...queue,
      *client(d) {
        yield* send(d, yield* open(d, { overlapped: true }))
        return 3
      },
      *after({ k }) {
        expect(yield* k.loader.unload('toy')).toBe(0)
      },
    })
    expect(m.of('irp.cancelled')).toHaveLength(1)
    expect(m.of('process.exited').map((event) => event.exitCode)).toEqual([3])
    expect(m.of('driver.unloaded')).toHaveLength(1)
    expect(m.k.loader.leaks).toEqual([])
  })
})

test('closing an event that a request is to signal does no harm', () => {
  let packet = 0
  const { m } = lab({
    majors: {
      *[CONTROL](d, _device, irp) {
        packet = irp!
        yield* d.ddi('IoMarkIrpPending', irp!)
        return PENDING
      },
      *[CLEANUP](d, _device, irp) {
        yield* complete(d, packet, 0)
        return yield* complete(d, irp!, 0)
      },
      [CLOSE]: succeed,
    },
    *client(d) {
      const file = yield* open(d, { overlapped: true })
      const event = yield* d.ddi('CreateEvent', 0, 1, 0, null)
      const overlapped = yield* d.ddi('calloc', 1, OVERLAPPED.SIZE)
      d.k.memory.setSize(overlapped + OVERLAPPED.hEvent, event)
      yield* d.ddi('DeviceIoControl', file, BUFFERED, 0, 0, 0, 0, 0, overlapped)
      yield* d.ddi('CloseHandle', event)
      yield* d.ddi('CloseHandle', file)
      return 0
    },
  })
  expect(m.bugCheck).toBeNull()
  expect(m.of('object.deleted').filter((event) => event.type === 'Event')).toHaveLength(1)
})

test('requests that fail before there is a packet are in the report, too', () => {
  const { m } = lab({
    flags: 4,
    *client(d) {
      const reader = yield* open(d, { access: 0x8000_0000 })
      yield* d.ddi('WriteFile', reader, yield* bytes(d, 'x'), 1, 0, 0)
      yield* d.ddi('ReadFile', reader, 0x10, 4, 0, 0)
      yield* d.ddi('DeviceIoControl', INVALID, BUFFERED, 0, 0, 0, 0, d.out(), 0)
      return 0
    },
  })
  const asked = m.k.io.requests.map(({ api, status }) => [api, status])
  expect(asked.slice(0, 4)).toEqual([
    ['CreateFile', 0],
    ['WriteFile', 0xc0000022],
    ['ReadFile', 0xc0000005],
    ['DeviceIoControl', 0xc0000008],
  ])
})
