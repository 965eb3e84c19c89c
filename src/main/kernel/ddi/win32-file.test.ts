import { describe, expect, test } from 'vitest'
import {
  FILE_OBJECT,
  IO_STACK_LOCATION,
  IRP,
  MDL,
  OVERLAPPED,
} from '../../../shared/nt/generated/offsets'
import { CTL_CODE } from '../../../shared/nt/ioctl'
import { ntPath } from './win32-file'
import { complete, lab, open, stackOf, succeed } from '../testing/client'
import type { Code, DriverApi } from '../testing/machine'

const INVALID = 0xffff_ffff
const BUFFERED = CTL_CODE(0x8000, 0x800, 0, 0)
const IN_DIRECT = CTL_CODE(0x8000, 0x801, 1, 0)
const OUT_DIRECT = CTL_CODE(0x8000, 0x802, 2, 0)
const NEITHER = CTL_CODE(0x8000, 0x803, 3, 0)
const [CREATE, CLOSE, READ, WRITE, CONTROL, CLEANUP] = [0, 2, 3, 4, 14, 18]
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

describe('opening and closing', () => {
  test('K020 a deleted link is not found', () => {
    lab({
      *client(d) {
        const first = yield* open(d)
        expect(first).not.toBe(INVALID)
        yield* d.ddi('DeviceIoControl', first, BUFFERED, 0, 0, 0, 0, d.out(), 0)
        expect(yield* open(d)).toBe(INVALID)
        expect(yield* lastError(d)).toBe(2)
        return 0
      },
      majors: {
        *[CONTROL](d, _device, irp) {
          const link = d.string('\\DosDevices\\Toy')
          expect(yield* d.ddi('IoDeleteSymbolicLink', link)).toBe(0)
          expect(yield* d.ddi('IoDeleteSymbolicLink', link)).toBe(0xc0000034)
          return yield* complete(d, irp!, 0)
        },
      },
    })
    expect.assertions(5)
  })

  test('K021 an exclusive device opens once at a time', () => {
    lab({
      exclusive: true,
      *client(d) {
        const first = yield* open(d)
        expect(yield* open(d)).toBe(INVALID)
        expect(yield* lastError(d)).toBe(5)
        yield* d.ddi('CloseHandle', first)
        expect(yield* open(d)).not.toBe(INVALID)
        return 0
      },
    })
    expect.assertions(3)
  })

  test('K022 the rest of the path is the file name, K024 each open has a file object of its own', () => {
    const names: string[] = []
    const files: number[] = []
    lab({
      majors: {
        *[CREATE](d, _device, irp) {
          const { memory } = d.k
          const file = memory.ptr(stackOf(d, irp!) + IO_STACK_LOCATION.FileObject)
          const at = file + FILE_OBJECT.FileName
          names.push(memory.u16(at) ? memory.text16(memory.ptr(at + 8), memory.u16(at)) : '')
          expect(memory.u64(file + FILE_OBJECT.FsContext)).toBe(0n)
          memory.setU64(file + FILE_OBJECT.FsContext, BigInt(files.push(file)))
          return yield* complete(d, irp!, 0)
        },
      },
      *client(d) {
        yield* open(d, { path: '\\\\.\\Toy\\sub\\x' })
        yield* open(d)
        return 0
      },
    })
    expect(names).toEqual(['\\sub\\x', ''])
    expect(new Set(files).size).toBe(2)
  })

  test('K023 duplicating sends nothing, the last close sends CLEANUP, then CLOSE', () => {
    const seen: string[] = []
    const note = (name: string) =>
      function* (d: DriverApi, _device: number | undefined, irp: number | undefined): Code {
        seen.push(name)
        return yield* complete(d, irp!, 0)
      }
    lab({
      majors: { [CREATE]: note('CREATE'), [CLEANUP]: note('CLEANUP'), [CLOSE]: note('CLOSE') },
      *client(d) {
        const first = yield* open(d)
        const second = d.out()
        expect(yield* d.ddi('DuplicateHandle', -1, first, -1, second, 0, 0, 2)).toBe(1)
        seen.push('duplicated')
        yield* d.ddi('CloseHandle', first)
        seen.push('closed one')
        yield* d.ddi('CloseHandle', Number(second.value))
        seen.push('closed both')
        return 0
      },
    })
    expect(seen).toEqual(['CREATE', 'duplicated', 'closed one', 'CLEANUP', 'CLOSE', 'closed both'])
  })

  test('K025 a refused CREATE is followed by nothing', () => {
    const { m } = lab({
      majors: { [CREATE]: (d, _device, irp) => complete(d, irp!, 0xc0000022) },
      *client(d) {
        expect(yield* open(d)).toBe(INVALID)
        expect(yield* lastError(d)).toBe(5)
        return 0
      },
    })
    expect(m.k.io.requests.map((request) => request.major)).toEqual([CREATE])
    expect.assertions(3)
  })

  test('K026 inside a dispatch routine', () => {
    lab({
      majors: {
        *[CONTROL](d, device, irp) {
          const stack = stackOf(d, irp!)
          expect(d.k.memory.ptr(stack + IO_STACK_LOCATION.DeviceObject)).toBe(device)
          expect(yield* d.ddi('IoGetRequestorProcess', irp!)).toBe(
            yield* d.ddi('IoGetCurrentProcess'),
          )
          return yield* complete(d, irp!, 0)
        },
      },
      *client(d) {
        yield* d.ddi('DeviceIoControl', yield* open(d), BUFFERED, 0, 0, 0, 0, d.out(), 0)
        return 0
      },
    })
    expect.assertions(2)
  })

  test('K027 no read handler, K028 only CREATE', () => {
    const m = lab({
      *entry(d, driver) {
        const invalid = d.k.memory.ptr(driver + 0x70 + READ * 8)
        for (const major of [CLOSE, CLEANUP]) d.k.memory.setPtr(driver + 0x70 + major * 8, invalid)
      },
      *client(d) {
        const file = yield* open(d)
        const buffer = yield* bytes(d, '', 16)
        expect(yield* d.ddi('ReadFile', file, buffer, 16, d.out(), 0)).toBe(0)
        expect(yield* lastError(d)).toBe(1)
        expect(yield* d.ddi('CloseHandle', file)).toBe(1)
        expect(yield* d.ddi('CloseHandle', file)).toBe(0)
        expect(yield* lastError(d)).toBe(6)
        return 0
      },
    })
    expect(m.exitCode).toBe(0)
    expect.assertions(6)
  })
})

describe('control codes', () => {
  test('K029 a handle for reading does not send codes for writing', () => {
    let sent = 0
    lab({
      majors: {
        *[CONTROL](d, _device, irp) {
          sent++
          return yield* complete(d, irp!, 0)
        },
      },
      *client(d) {
        const file = yield* open(d, { access: 0x8000_0000 })
        const write = CTL_CODE(0x8000, 0x800, 0, 2)
        expect(yield* d.ddi('DeviceIoControl', file, write, 0, 0, 0, 0, d.out(), 0)).toBe(0)
        expect(yield* lastError(d)).toBe(5)
        expect(sent).toBe(0)
        expect(yield* d.ddi('DeviceIoControl', file, BUFFERED, 0, 0, 0, 0, d.out(), 0)).toBe(1)
        expect(sent).toBe(1)
        return 0
      },
    })
    expect.assertions(5)
  })

  test('K030 buffered: one block for both directions, K031 none without lengths', () => {
    let call = 0
    let output = 0
    lab({
      majors: {
        *[CONTROL](d, _device, irp) {
          const { memory, pool } = d.k
          const buffer = memory.ptr(irp! + IRP['AssociatedIrp.SystemBuffer'])
          const flags = memory.u32(irp! + IRP.Flags) & 0x70
          if (call++ === 0) {
            expect(pool.block(buffer)?.bytes).toBe(16)
            expect(textAt(d, buffer, 4)).toBe('abcd')
            expect(memory.ptr(irp! + IRP.UserBuffer)).toBe(output)
            expect(flags).toBe(0x70)
          } else {
            expect(buffer).toBe(0)
            expect(flags).toBe(0)
          }
          return yield* complete(d, irp!, 0)
        },
      },
      *client(d) {
        const file = yield* open(d)
        const input = yield* bytes(d, 'abcd')
        output = yield* d.ddi('malloc', 16)
        yield* d.ddi('DeviceIoControl', file, BUFFERED, input, 4, output, 16, d.out(), 0)
        yield* d.ddi('DeviceIoControl', file, BUFFERED, 0, 0, 0, 0, d.out(), 0)
        return 0
      },
    })
    expect.assertions(6)
  })

  test('K032 direct: input copied, output locked', () => {
    let call = 0
    lab({
      majors: {
        *[CONTROL](d, _device, irp) {
          const { memory } = d.k
          const mdl = memory.ptr(irp! + IRP.MdlAddress)
          if (call++ === 0) {
            const buffer = memory.ptr(irp! + IRP['AssociatedIrp.SystemBuffer'])
            expect(textAt(d, buffer, 4)).toBe('abcd')
            expect(memory.u16(mdl + MDL.MdlFlags) & 2).toBe(2)
            const mapped = yield* d.ddi('MmGetSystemAddressForMdlSafe', mdl, 16)
            memory.write(mapped, Uint8Array.from([0x78, 0x79]))
          } else expect(mdl).toBe(0)
          return yield* complete(d, irp!, 0, 2)
        },
      },
      *client(d) {
        const file = yield* open(d)
        const input = yield* bytes(d, 'abcd')
        const output = yield* bytes(d, '....')
        yield* d.ddi('DeviceIoControl', file, OUT_DIRECT, input, 4, output, 4, d.out(), 0)
        expect(textAt(d, output, 4)).toBe('xy..')
        yield* d.ddi('DeviceIoControl', file, OUT_DIRECT, input, 4, 0, 0, d.out(), 0)
        return 0
      },
    })
    expect.assertions(4)
  })

  test('K033 neither: raw pointers, nothing probed', () => {
    lab({
      majors: {
        *[CONTROL](d, _device, irp) {
          const { memory } = d.k
          const type3 = IO_STACK_LOCATION['Parameters.DeviceIoControl.Type3InputBuffer']
          expect(memory.address(memory.ptr(stackOf(d, irp!) + type3))).toBe(0x123n)
          expect(memory.address(memory.ptr(irp! + IRP.UserBuffer))).toBe(0x456n)
          expect(memory.ptr(irp! + IRP['AssociatedIrp.SystemBuffer'])).toBe(0)
          expect(memory.ptr(irp! + IRP.MdlAddress)).toBe(0)
          return yield* complete(d, irp!, 0)
        },
      },
      *client(d) {
        const file = yield* open(d)
        const ok = yield* d.ddi('DeviceIoControl', file, NEITHER, 0x123, 8, 0x456, 8, d.out(), 0)
        expect(ok).toBe(1)
        return 0
      },
    })
    expect.assertions(5)
  })

  test.each([
    ['K034 exactly Information bytes are copied', 0, 'ghidef', 1, 0, 3],
    ['K035 nothing is copied for an error', 0xc0000001, 'abcdef', 0, 31, 0],
    ['K036 a warning copies and fails', 0x80000005, 'ghidef', 0, 234, 3],
  ])('%s', (_name, status, text, ok, error, count) => {
    lab({
      majors: {
        *[CONTROL](d, _device, irp) {
          const buffer = d.k.memory.ptr(irp! + IRP['AssociatedIrp.SystemBuffer'])
          d.k.memory.write(buffer, Uint8Array.from([0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c]))
          return yield* complete(d, irp!, status, 3)
        },
      },
      *client(d) {
        const file = yield* open(d)
        const output = yield* bytes(d, 'abcdef')
        const returned = d.out()
        yield* d.ddi('SetLastError', 0)
        const result = yield* d.ddi('DeviceIoControl', file, BUFFERED, 0, 0, output, 6, returned, 0)
        expect(textAt(d, output, 6)).toBe(text)
        expect([result, yield* lastError(d), returned.value]).toEqual([ok, error, count])
        return 0
      },
    })
    expect.assertions(2)
  })

  test('K034 without comparing Information with the output length', () => {
    lab({
      majors: {
        *[CONTROL](d, _device, irp) {
          const buffer = d.k.memory.ptr(irp! + IRP['AssociatedIrp.SystemBuffer'])
          d.k.memory.write(buffer, Uint8Array.from([0x67, 0x68, 0x69, 0x6a]))
          return yield* complete(d, irp!, 0, 4)
        },
      },
      *client(d) {
        const file = yield* open(d)
        const input = yield* bytes(d, '1234')
        const output = yield* bytes(d, 'abcdef')
        yield* d.ddi('DeviceIoControl', file, BUFFERED, input, 4, output, 2, d.out(), 0)
        expect(textAt(d, output, 6)).toBe('ghijef')
        return 0
      },
    })
    expect.assertions(1)
  })

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
  test.each([
    ['not pended: what the routine returns', false, 0, 0xc0000001, 31],
    ['not pended: success although the packet says error', false, 0xc0000001, 0, 0],
    ['pended: what the packet says', true, 0xc0000022, 0, 5],
    ['pended: a success', true, 0, 0, 0],
  ])('K037 synchronous, %s', (_name, pend, inPacket, returned, error) => {
    lab({
      majors: {
        *[CONTROL](d, _device, irp) {
          if (pend) yield* d.ddi('IoMarkIrpPending', irp!)
          yield* complete(d, irp!, inPacket)
          return pend ? PENDING : returned
        },
      },
      *client(d) {
        const file = yield* open(d)
        yield* d.ddi('SetLastError', 0)
        const ok = yield* d.ddi('DeviceIoControl', file, BUFFERED, 0, 0, 0, 0, d.out(), 0)
        expect([ok, yield* lastError(d)]).toEqual([error === 0 ? 1 : 0, error])
        return 0
      },
    })
    expect.assertions(1)
  })

  test('K038 an error that was not pended leaves status block and event alone', () => {
    lab({
      majors: { [CONTROL]: (d, _device, irp) => complete(d, irp!, 0xc0000001, 77) },
      *client(d) {
        const { memory } = d.k
        const file = yield* open(d, { overlapped: true })
        const event = yield* d.ddi('CreateEvent', 0, 1, 0, null)
        const overlapped = yield* d.ddi('calloc', 1, OVERLAPPED.SIZE)
        memory.setSize(overlapped + OVERLAPPED.hEvent, event)
        memory.setSize(overlapped + OVERLAPPED.InternalHigh, 0x1234)
        const ok = yield* d.ddi('DeviceIoControl', file, BUFFERED, 0, 0, 0, 0, 0, overlapped)
        expect([ok, yield* lastError(d)]).toEqual([0, 31])
        expect(memory.size(overlapped + OVERLAPPED.InternalHigh)).toBe(0x1234)
        expect(memory.u32(overlapped + OVERLAPPED.Internal)).toBe(PENDING)
        expect(yield* d.ddi('WaitForSingleObject', event, 0)).toBe(0x102)
        return 0
      },
    })
    expect.assertions(4)
  })

  test('K039 a pended request on an asynchronous handle ends later', () => {
    let packet = 0
    const FINISH = CTL_CODE(0x8000, 0x900, 0, 0)
    lab({
      majors: {
        *[CONTROL](d, _device, irp) {
          const code = d.k.memory.u32(stackOf(d, irp!) + 0x18)
          if (code === FINISH) {
            yield* complete(d, packet, 0, 5)
            return yield* complete(d, irp!, 0)
          }
          packet = irp!
          yield* d.ddi('IoMarkIrpPending', irp!)
          return PENDING
        },
      },
      *client(d) {
        const { memory } = d.k
        const file = yield* open(d, { overlapped: true })
        const event = yield* d.ddi('CreateEvent', 0, 1, 0, null)
        const overlapped = yield* d.ddi('calloc', 1, OVERLAPPED.SIZE)
        memory.setSize(overlapped + OVERLAPPED.hEvent, event)
        const ok = yield* d.ddi('DeviceIoControl', file, BUFFERED, 0, 0, 0, 0, 0, overlapped)
        expect([ok, yield* lastError(d)]).toEqual([0, 997])
        expect(memory.u32(overlapped + OVERLAPPED.Internal)).toBe(PENDING)
        expect(yield* d.ddi('WaitForSingleObject', event, 0)).toBe(0x102)
        expect(yield* d.ddi('GetOverlappedResult', file, overlapped, d.out(), 0)).toBe(0)
        expect(yield* lastError(d)).toBe(996)

        const second = yield* open(d)
        yield* d.ddi('DeviceIoControl', second, FINISH, 0, 0, 0, 0, d.out(), 0)
        expect(memory.u32(overlapped + OVERLAPPED.Internal)).toBe(0)
        expect(yield* d.ddi('WaitForSingleObject', event, 0)).toBe(0)
        const moved = d.out()
        expect(yield* d.ddi('GetOverlappedResult', file, overlapped, moved, 1)).toBe(1)
        expect(moved.value).toBe(5)
        return 0
      },
    })
    expect.assertions(9)
  })

  test('K039 also when the packet is back before the call returns', () => {
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

  test('K040 a buffered read of nothing, and one of something', () => {
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

  test('K059 CancelIo cancels what the thread has on the handle', () => {
    lab({
      ...queue,
      *client(d) {
        const file = yield* open(d, { overlapped: true })
        const other = yield* open(d, { overlapped: true })
        const mine = [yield* send(d, file), yield* send(d, file)]
        const kept = yield* send(d, other)
        expect(yield* d.ddi('CancelIo', file)).toBe(1)
        for (const overlapped of mine) {
          expect(yield* d.ddi('GetOverlappedResult', file, overlapped, d.out(), 1)).toBe(0)
          expect(yield* lastError(d)).toBe(995)
        }
        expect(yield* d.ddi('GetOverlappedResult', other, kept, d.out(), 0)).toBe(0)
        expect(yield* lastError(d)).toBe(996)
        return 0
      },
    })
    expect.assertions(3 + 1 + 4 + 2)
  })

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
