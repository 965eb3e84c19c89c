import { describe, expect, test } from 'vitest'
import { DRIVER_OBJECT, KTHREAD, OBJECT_ATTRIBUTES } from '../../../shared/nt/generated/offsets'
import { CTL_CODE } from '../../../shared/nt/ioctl'
import { complete, lab, open, stackOf } from '../testing/client'
import { TestMachine, type Code, type DriverApi } from '../testing/machine'

const BUFFERED = CTL_CODE(0x8000, 0x800, 0, 0)
const KERNEL_HANDLE = 0x240
const STATUS_OBJECT_NAME_NOT_FOUND = 0xc0000034

const memory = (d: DriverApi, bytes: number): number =>
  d.k.pool.allocate(bytes, 'Test', { system: true })

function attributes(d: DriverApi, name: string, flags = KERNEL_HANDLE): number {
  const at = memory(d, OBJECT_ATTRIBUTES.SIZE)
  d.k.memory.setU32(at, OBJECT_ATTRIBUTES.SIZE)
  d.k.memory.setPtr(at + OBJECT_ATTRIBUTES.ObjectName, d.string(name))
  d.k.memory.setU32(at + OBJECT_ATTRIBUTES.Attributes, flags)
  return at
}

/** Two drivers: `lower` notes what it is sent, `upper` runs `code` in DriverEntry. */
function twoDrivers(
  code: (d: DriverApi, driver: number) => Code,
  seen: string[] = [],
): { m: TestMachine; seen: string[] } {
  const m = new TestMachine()
  m.driver('lower', {
    *DriverEntry(d, driver) {
      const name = d.string('\\Device\\Lower')
      yield* d.ddi('IoCreateDevice', driver!, 0, name, 0x22, 0, false, d.out())
      for (let major = 0; major < 28; major++)
        d.k.memory.setPtr(driver! + DRIVER_OBJECT.MajorFunction + major * 8, d.fn('Any'))
      d.k.memory.setPtr(driver! + DRIVER_OBJECT.DriverUnload, d.fn('Unload'))
      return 0
    },
    *Unload(d, driver) {
      seen.push('unload')
      yield* d.ddi('IoDeleteDevice', d.k.memory.ptr(driver! + 8))
    },
    *Any(d, _device, irp) {
      const major = d.k.memory.u8(stackOf(d, irp!))
      const mode = d.k.memory.u8(irp! + 0x40)
      seen.push(`${major} mode ${mode}`)
      const buffer = d.k.memory.ptr(irp! + 0x18)
      if (major === 14) {
        d.k.memory.setU32(buffer, d.k.memory.u32(buffer) + 1)
        return yield* complete(d, irp!, 0, 4)
      }
      if (major === 5) {
        d.k.memory.setU64(buffer + 8, 1234n)
        return yield* complete(d, irp!, 0, 24)
      }
      return yield* complete(d, irp!, 0, major === 3 ? d.k.memory.u32(stackOf(d, irp!) + 8) : 0)
    },
  })
  m.driver('upper', { DriverEntry: (d, driver) => code(d, driver!) })
  m.main(function* (k) {
    yield* k.loader.load('lower')
    yield* k.loader.load('upper')
  })
  return { m: m.run(), seen }
}

describe('a driver opens a device', () => {
  test('by ZwCreateFile, asks it and closes it, all in kernel mode', () => {
    const { seen, m } = twoDrivers(function* (d) {
      const handle = d.out()
      const iosb = memory(d, 16)
      const status = yield* d.ddi(
        'ZwCreateFile',
        handle,
        0x0010_0003,
        attributes(d, '\\Device\\Lower'),
        iosb,
        null,
        0,
        0,
        1,
        0x20,
        0,
        0,
      )
      expect(status).toBe(0)
      const file = Number(handle.value)
      expect(file).toBeLessThan(0)
      const buffer = memory(d, 8)
      d.k.memory.setU32(buffer, 41)
      const asked = [file, 0, 0, 0, iosb, BUFFERED, buffer, 4, buffer, 4]
      expect(yield* d.ddi('ZwDeviceIoControlFile', ...asked)).toBe(0)
      expect(d.k.memory.u32(buffer)).toBe(42)
      expect(d.k.memory.u32(iosb + 8)).toBe(4)
      expect(yield* d.ddi('ZwReadFile', file, 0, 0, 0, iosb, buffer, 8, null, 0)).toBe(0)
      expect(d.k.memory.u32(iosb + 8)).toBe(8)
      expect(yield* d.ddi('ZwWriteFile', file, 0, 0, 0, iosb, buffer, 8, 16n, 0)).toBe(0)

      const info = memory(d, 24)
      expect(yield* d.ddi('ZwQueryInformationFile', file, iosb, info, 24, 5)).toBe(0)
      expect(d.k.memory.u64(info + 8)).toBe(1234n)
      d.k.memory.setU64(info, 77n)
      expect(yield* d.ddi('ZwSetInformationFile', file, iosb, info, 8, 14)).toBe(0)
      d.k.memory.setU64(info, 0n)
      expect(yield* d.ddi('ZwQueryInformationFile', file, iosb, info, 8, 14)).toBe(0)
      expect(d.k.memory.u64(info)).toBe(77n)
      expect(yield* d.ddi('ZwQueryInformationFile', file, iosb, info, 4, 14)).toBe(0xc0000004)
      expect(yield* d.ddi('ZwQueryInformationFile', file, iosb, info, 4, 99)).toBe(0xc0000003)
      expect(yield* d.ddi('ZwClose', file)).toBe(0)
      return 0
    })
    expect(seen).toEqual(['0', '14', '3', '4', '5', '18', '2'].map((major) => `${major} mode 0`))
    expect(m.k.io.requests).toEqual([])
    expect(m.bugCheck).toBeNull()
    expect.assertions(19)
  })

  test('by IoGetDeviceObjectPointer: CLEANUP at once, CLOSE with the last reference', () => {
    const seen: string[] = []
    twoDrivers(function* (d) {
      const [file, device] = [d.out(), d.out()]
      const name = d.string('\\Device\\Lower')
      expect(yield* d.ddi('IoGetDeviceObjectPointer', name, 3, file, device)).toBe(0)
      expect(d.k.devices.nameOf(Number(device.value))).toBe('\\Device\\Lower')
      expect(seen).toEqual(['0 mode 0', '18 mode 0'])
      yield* d.ddi('ObDereferenceObject', Number(file.value))
      expect(seen.at(-1)).toBe('2 mode 0')
      const nobody = d.string('\\Device\\Nobody')
      expect(yield* d.ddi('IoGetDeviceObjectPointer', nobody, 3, file, device)).toBe(
        STATUS_OBJECT_NAME_NOT_FOUND,
      )
      return 0
    }, seen)
    expect.assertions(5)
  })

  test('an exception over a bad argument goes to the driver', () => {
    let code = 0
    const { m } = twoDrivers(function* (d) {
      try {
        yield* d.ddi('ZwOpenFile', d.out(), 3, 0x500, memory(d, 16), 0, 0)
      } catch (error) {
        code = (error as { code: number }).code
      }
      return 0
    })
    expect(code).toBe(0xc0000005)
    expect(m.bugCheck).toBeNull()
  })
})

test('ZwUnloadDriver and ZwLoadDriver', () => {
  const { seen } = twoDrivers(function* (d) {
    const path = d.string('\\Registry\\Machine\\System\\CurrentControlSet\\Services\\lower')
    expect(yield* d.ddi('ZwLoadDriver', path)).toBe(0xc000010e)
    expect(yield* d.ddi('ZwUnloadDriver', path)).toBe(0)
    expect(yield* d.ddi('ZwLoadDriver', path)).toBe(0)
    const missing = d.string('\\Registry\\Machine\\System\\CurrentControlSet\\Services\\none')
    expect(yield* d.ddi('ZwLoadDriver', missing)).toBe(STATUS_OBJECT_NAME_NOT_FOUND)
    expect(yield* d.ddi('ZwLoadDriver', d.string('\\x'))).toBe(0xc0000033)
    return 0
  })
  expect(seen).toEqual(['unload'])
  expect.assertions(6)
})

describe('in the context of a program', () => {
  test('previous mode is KernelMode inside a Zw routine only; IoCreateFile keeps it', () => {
    lab({
      majors: {
        *14(d, _device, irp) {
          const mode = (): number => d.k.memory.u8(d.k.thread.address + KTHREAD.PreviousMode)
          const iosb = memory(d, 16)
          const oa = attributes(d, '\\Device\\Toy')
          expect(yield* d.ddi('ZwOpenFile', d.out(), 3, oa, iosb, 0, 0)).toBe(0)
          expect(mode()).toBe(1)
          const file = [3, oa, iosb, null, 0, 0, 1, 0, 0, 0, 0, 0] as const
          // Kernel pointers are no good for a service that believes its caller in user mode.
          expect(yield* d.ddi('IoCreateFile', d.out(), ...file, 0)).toBe(0xc0000005)
          expect(yield* d.ddi('IoCreateFile', d.out(), ...file, 0x100)).toBe(0)
          return yield* complete(d, irp!, 0)
        },
      },
      *client(d) {
        yield* d.ddi('DeviceIoControl', yield* open(d), BUFFERED, 0, 0, 0, 0, d.out(), 0)
        return 0
      },
    })
    expect.assertions(4)
  })

  test('memory for a program, and its end', () => {
    const { exitCode, m } = lab({
      majors: {
        *14(d, _device, irp) {
          const range = memory(d, 16)
          d.k.memory.setSize(range + 8, 100)
          const [base, size] = [range, range + 8]
          expect(yield* d.ddi('ZwAllocateVirtualMemory', -1, base, 0n, size, 0x3000, 4)).toBe(0)
          const at = d.k.memory.ptr(base)
          expect(d.k.memory.isUser(at)).toBe(true)
          expect(d.k.memory.size(size)).toBe(4096)
          d.k.memory.setU8(at, 1)
          const old = d.out()
          expect(yield* d.ddi('ZwProtectVirtualMemory', -1, base, size, 2, old)).toBe(0)
          expect(old.value).toBe(4)
          d.k.memory.setSize(size, 0)
          expect(yield* d.ddi('ZwFreeVirtualMemory', -1, base, size, 0x8000)).toBe(0)
          yield* complete(d, irp!, 0)
          yield* d.ddi('ZwTerminateProcess', -1, 0xdead)
          return 0
        },
      },
      *client(d) {
        yield* d.ddi('DeviceIoControl', yield* open(d), BUFFERED, 0, 0, 0, 0, d.out(), 0)
        return 0
      },
    })
    expect(exitCode).toBe(0xdead)
    expect(m.bugCheck).toBeNull()
    expect.assertions(8)
  })
})
