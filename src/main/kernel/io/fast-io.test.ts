import { expect, test } from 'vitest'
import { DRIVER_OBJECT, FAST_IO_DISPATCH, FILE_OBJECT } from '../../../shared/nt/generated/offsets'
import { lab, open, complete, stackOf } from '../testing/client'
import type { DriverApi } from '../testing/machine'

const CODE = 0x222003

/** A table with the routines that are named. */
function table(d: DriverApi, driver: number, routines: Record<string, number>): void {
  const { memory, pool } = d.k
  const at = pool.allocate(FAST_IO_DISPATCH.SIZE, 'Fast', { system: true })
  memory.setU32(at, FAST_IO_DISPATCH.SIZE)
  for (const [name, offset] of Object.entries(routines)) memory.setPtr(at + offset, d.fn(name))
  memory.setPtr(driver + DRIVER_OBJECT.FastIoDispatch, at)
}

test('FastIoDeviceControl is asked first, and a request that it does makes no packet', () => {
  const { m } = lab({
    *entry(d, driver) {
      table(d, driver, { Fast: FAST_IO_DISPATCH.FastIoDeviceControl })
    },
    driver: {
      *Fast(d, _file, _wait, _in, inLength, output, _outLength, code, iosb) {
        d.k.memory.setU32(output!, code! + inLength!)
        d.k.memory.setU32(iosb!, 0)
        d.k.memory.setSize(iosb! + 8, 4)
        return 1
      },
    },
    majors: { 14: (d, _device, irp) => complete(d, irp!, 0xc0000001) },
    *client(d) {
      const handle = yield* open(d)
      const buffer = yield* d.ddi('HeapAlloc', yield* d.ddi('GetProcessHeap'), 8, 16)
      const returned = d.out()
      const ok = yield* d.ddi('DeviceIoControl', handle, CODE, buffer, 3, buffer, 16, returned, 0)
      return ok && returned.value === 4 ? d.k.memory.u32(buffer) : 1
    },
  })
  expect(m.of('process.exited')[0]?.exitCode).toBe(CODE + 3)
  expect(m.of('irp.created').filter((event) => event.major === 14)).toEqual([])
  expect(m.k.io.requests.find(({ api }) => api === 'DeviceIoControl')).toMatchObject({
    status: 0,
    information: 4,
  })
})

test('a request that FastIoDeviceControl declines goes on as a packet', () => {
  const { m, exitCode } = lab({
    *entry(d, driver) {
      table(d, driver, { Fast: FAST_IO_DISPATCH.FastIoDeviceControl })
    },
    driver: {
      *Fast() {
        return 0
      },
    },
    majors: { 14: (d, _device, irp) => complete(d, irp!, 0, 0) },
    *client(d) {
      const handle = yield* open(d)
      return yield* d.ddi('DeviceIoControl', handle, CODE, 0, 0, 0, 0, d.out(), 0)
    },
  })
  expect(exitCode).toBe(1)
  expect(m.of('irp.created').filter((event) => event.major === 14)).toHaveLength(1)
})

test('FastIoRead counts only for a file that the driver has begun to cache', () => {
  const reads: string[] = []
  const { exitCode } = lab({
    *entry(d, driver) {
      table(d, driver, { Fast: FAST_IO_DISPATCH.FastIoRead })
    },
    driver: {
      *Fast(d, _file, _offset, length, _wait, _key, _buffer, iosb) {
        reads.push('fast')
        d.k.memory.setU32(iosb!, 0)
        d.k.memory.setSize(iosb! + 8, length!)
        return 1
      },
    },
    majors: {
      *3(d, _device, irp) {
        reads.push('packet')
        const file = d.k.memory.ptr(stackOf(d, irp!) + 0x30)
        d.k.memory.setPtr(file + FILE_OBJECT.PrivateCacheMap, file)
        return yield* complete(d, irp!, 0, 0)
      },
    },
    *client(d) {
      const handle = yield* open(d)
      const buffer = yield* d.ddi('HeapAlloc', yield* d.ddi('GetProcessHeap'), 8, 16)
      const read = d.out()
      yield* d.ddi('ReadFile', handle, buffer, 8, read, 0)
      yield* d.ddi('ReadFile', handle, buffer, 8, read, 0)
      return Number(read.value)
    },
  })
  expect(reads).toEqual(['packet', 'fast'])
  expect(exitCode).toBe(8)
})
