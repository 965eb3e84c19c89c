/** Ports, device registers and the bus. */
import { DISPATCH_LEVEL, HIGH_LEVEL } from '../../../shared/nt/irql'
import { MDL } from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import { RAM_START } from '../mm/layout'
import { Mdls } from '../mm/mdl'
import type { Ptr } from '../mm/memory'
import { ddi, t, type DdiEntry } from './types'

const ANY_LEVEL: [number, number] = [0, HIGH_LEVEL]
const ARM64_PORTS =
  'Without I/O ports (ARM64) the port is taken as an address, as the header does there.'

type Width = 'UCHAR' | 'USHORT' | 'ULONG'
const SIZES = { UCHAR: 1, USHORT: 2, ULONG: 4 } as const
const SCALARS = { UCHAR: t.uchar, USHORT: t.ushort, ULONG: t.ulong } as const

const page = (name: string): string => `wdm/nf-wdm-${name.toLowerCase()}`

/** One value, or a buffer of them, from one port. */
function portRoutines(width: Width): Record<string, DdiEntry> {
  const size = SIZES[width]
  const port = t.ptr(width)
  const inName = `READ_PORT_${width}`
  const outName = `WRITE_PORT_${width}`
  const text = { UCHAR: 'byte', USHORT: '16-bit value', ULONG: '32-bit value' }[width]
  return {
    [inName]: ddi({
      params: { Port: port },
      returns: SCALARS[width],
      irql: ANY_LEVEL,
      summary: `Reads a ${text} from an I/O port.`,
      docs: page(inName),
      note: ARM64_PORTS,
      run: (k, a) => k.hal.io.readPort(a.Port, size),
    }),
    [outName]: ddi({
      params: { Port: port, Value: SCALARS[width] },
      returns: t.void,
      irql: ANY_LEVEL,
      summary: `Writes a ${text} to an I/O port.`,
      docs: page(outName),
      note: ARM64_PORTS,
      run: (k, a) => k.hal.io.writePort(a.Port, size, a.Value),
    }),
    [`READ_PORT_BUFFER_${width}`]: ddi({
      params: { Port: port, Buffer: port, Count: t.ulong },
      returns: t.void,
      irql: ANY_LEVEL,
      summary: `Reads a number of values of ${size * 8} bits from one port into a buffer.`,
      docs: page(`READ_PORT_BUFFER_${width}`),
      note: ARM64_PORTS,
      run(k, a) {
        for (let i = 0; i < a.Count; i++)
          put(k, a.Buffer + i * size, size, k.hal.io.readPort(a.Port, size))
      },
    }),
    [`WRITE_PORT_BUFFER_${width}`]: ddi({
      params: { Port: port, Buffer: port, Count: t.ulong },
      returns: t.void,
      irql: ANY_LEVEL,
      summary: `Writes a number of values of ${size * 8} bits from a buffer to one port.`,
      docs: page(`WRITE_PORT_BUFFER_${width}`),
      note: ARM64_PORTS,
      run(k, a) {
        for (let i = 0; i < a.Count; i++)
          k.hal.io.writePort(a.Port, size, take(k, a.Buffer + i * size, size))
      },
    }),
  }
}

/** A register in memory, and a run of registers. */
function registerRoutines(width: Width): Record<string, DdiEntry> {
  const size = SIZES[width]
  const register = t.ptr(width)
  return {
    [`READ_REGISTER_${width}`]: ddi({
      params: { Register: register },
      returns: SCALARS[width],
      irql: ANY_LEVEL,
      summary: `Reads a device register of ${size * 8} bits in mapped memory.`,
      docs: page(`READ_REGISTER_${width}`),
      run: (k, a) => Number(k.hal.io.readRegister(a.Register, size)),
    }),
    [`WRITE_REGISTER_${width}`]: ddi({
      params: { Register: register, Value: SCALARS[width] },
      returns: t.void,
      irql: ANY_LEVEL,
      summary: `Writes a device register of ${size * 8} bits in mapped memory.`,
      docs: page(`WRITE_REGISTER_${width}`),
      run: (k, a) => k.hal.io.writeRegister(a.Register, size, BigInt(a.Value)),
    }),
    [`READ_REGISTER_BUFFER_${width}`]: ddi({
      params: { Register: register, Buffer: register, Count: t.ulong },
      returns: t.void,
      irql: ANY_LEVEL,
      summary: `Reads a run of registers of ${size * 8} bits into a buffer.`,
      docs: page(`READ_REGISTER_BUFFER_${width}`),
      run(k, a) {
        for (let i = 0; i < a.Count; i++) {
          const value = k.hal.io.readRegister(a.Register + i * size, size)
          put(k, a.Buffer + i * size, size, Number(value))
        }
      },
    }),
    [`WRITE_REGISTER_BUFFER_${width}`]: ddi({
      params: { Register: register, Buffer: register, Count: t.ulong },
      returns: t.void,
      irql: ANY_LEVEL,
      summary: `Writes a run of registers of ${size * 8} bits from a buffer.`,
      docs: page(`WRITE_REGISTER_BUFFER_${width}`),
      run(k, a) {
        for (let i = 0; i < a.Count; i++) {
          const value = take(k, a.Buffer + i * size, size)
          k.hal.io.writeRegister(a.Register + i * size, size, BigInt(value))
        }
      },
    }),
  }
}

function put(k: Kernel, at: Ptr, size: number, value: number): void {
  if (size === 4) k.memory.setU32(at, value)
  else if (size === 2) k.memory.setU16(at, value)
  else k.memory.setU8(at, value)
}

function take(k: Kernel, at: Ptr, size: number): number {
  return size === 4 ? k.memory.u32(at) : size === 2 ? k.memory.u16(at) : k.memory.u8(at)
}

/** PCIConfiguration of BUS_DATA_TYPE; the machine has no other bus with data. */
const PCI_CONFIGURATION = 4
/** Bytes of the largest configuration space that there is. */
const CONFIG_BYTES_MAX = 4096
/** Interface types of INTERFACE_TYPE whose interrupts are the board's lines. */
const BUSES_WITH_LINES = new Set([0, 1, 2, 5])
const IO_SPACE = 1
const KAFFINITY = { ...t.ulonglong, c: 'KAFFINITY' } as const

export const HAL_IO_DDIS = {
  ...portRoutines('UCHAR'),
  ...portRoutines('USHORT'),
  ...portRoutines('ULONG'),
  ...registerRoutines('UCHAR'),
  ...registerRoutines('USHORT'),
  ...registerRoutines('ULONG'),

  READ_REGISTER_ULONG64: ddi({
    params: { Register: t.ptr('ULONG64') },
    returns: t.ulonglong,
    irql: ANY_LEVEL,
    summary: 'Reads a device register of 64 bits in mapped memory.',
    docs: page('READ_REGISTER_ULONG64'),
    run: (k, a) => k.hal.io.readRegister(a.Register, 8),
  }),
  WRITE_REGISTER_ULONG64: ddi({
    params: { Register: t.ptr('ULONG64'), Value: t.ulonglong },
    returns: t.void,
    irql: ANY_LEVEL,
    summary: 'Writes a device register of 64 bits in mapped memory.',
    docs: page('WRITE_REGISTER_ULONG64'),
    run: (k, a) => k.hal.io.writeRegister(a.Register, 8, a.Value),
  }),

  HalGetBusDataByOffset: ddi({
    params: {
      BusDataType: t.enum('BUS_DATA_TYPE'),
      BusNumber: t.ulong,
      SlotNumber: t.ulong,
      Buffer: t.pvoid,
      Offset: t.ulong,
      Length: t.ulong,
    },
    returns: t.ulong,
    support: 'partial',
    note: 'PCIConfiguration only; other types of data give 0.',
    run(k, a) {
      if (a.BusDataType !== PCI_CONFIGURATION) return 0
      const data = k.hal.pci.read(a.BusNumber, a.SlotNumber, a.Offset, a.Length)
      if (!data) return 0
      const found = data.subarray(0, Math.min(a.Length, data.length))
      k.memory.write(a.Buffer, found)
      return found.length
    },
  }),
  HalSetBusDataByOffset: ddi({
    params: {
      BusDataType: t.enum('BUS_DATA_TYPE'),
      BusNumber: t.ulong,
      SlotNumber: t.ulong,
      Buffer: t.pvoid,
      Offset: t.ulong,
      Length: t.ulong,
    },
    returns: t.ulong,
    support: 'partial',
    note: 'PCIConfiguration only; other types of data give 0.',
    run(k, a) {
      if (a.BusDataType !== PCI_CONFIGURATION) return 0
      const data = k.memory.read(a.Buffer, Math.min(a.Length, CONFIG_BYTES_MAX))
      return k.hal.pci.write(a.BusNumber, a.SlotNumber, a.Offset, data)
    },
  }),
  HalGetInterruptVector: ddi({
    params: {
      InterfaceType: t.enum('INTERFACE_TYPE'),
      BusNumber: t.ulong,
      BusInterruptLevel: t.ulong,
      BusInterruptVector: t.ulong,
      Irql: t.out(t.kirql),
      Affinity: t.out(KAFFINITY),
    },
    returns: t.ulong,
    irql: [0, 0],
    summary: 'Turns a bus-relative interrupt line into the system vector and level to connect to.',
    docs: 'ntddk/nf-ntddk-halgetinterruptvector',
    note: 'Windows has kept it for old drivers only; PnP drivers get the vector as a resource.',
    run(k, a) {
      const { platform } = k.hal
      const vector = platform.vectorOf(a.BusInterruptLevel & 0xff)
      if (a.BusNumber !== 0 || !BUSES_WITH_LINES.has(a.InterfaceType)) return 0
      a.Irql.write(platform.irqlOf(vector))
      a.Affinity.write(BigInt((1 << k.processors.length) - 1))
      return vector
    },
  }),
  HalTranslateBusAddress: ddi({
    params: {
      InterfaceType: t.enum('INTERFACE_TYPE'),
      BusNumber: t.ulong,
      BusAddress: { k: 'large', c: 'PHYSICAL_ADDRESS' },
      AddressSpace: t.ptr('ULONG'),
      TranslatedAddress: t.ptr('LARGE_INTEGER'),
    },
    returns: t.boolean,
    irql: [0, DISPATCH_LEVEL],
    summary:
      'Turns a bus address into a system address, and tells whether that is a port or memory.',
    docs: 'ntddk/nf-ntddk-haltranslatebusaddress',
    run(k, a) {
      if (a.BusNumber !== 0) return false
      const address = a.BusAddress ?? 0n
      const isPort = k.memory.u32(a.AddressSpace) === IO_SPACE
      // Where there are no ports, a PC's serial port is found in memory.
      const moved = isPort && !k.hal.platform.hasPorts ? k.hal.memoryOfPort(Number(address)) : null
      if (isPort && !k.hal.platform.hasPorts && moved === null) return false
      if (moved !== null) k.memory.setU32(a.AddressSpace, 0)
      k.memory.setU64(a.TranslatedAddress, moved === null ? address : BigInt(moved))
      return true
    },
  }),
  KeFlushIoBuffers: ddi({
    params: { Mdl: t.ptr('MDL'), ReadOperation: t.boolean, DmaOperation: t.boolean },
    returns: t.void,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Makes the processor and a device see the same contents of the pages of an MDL.',
    docs: 'wdm/nf-wdm-keflushiobuffers',
    run(k, a) {
      const { memory } = k
      const count = Mdls.span(memory.u32(a.Mdl + MDL.ByteOffset), memory.u32(a.Mdl + MDL.ByteCount))
      const frames: number[] = []
      for (let i = 0; i < count; i++) {
        const number = memory.size(a.Mdl + MDL.SIZE + i * 8)
        frames.push(number - RAM_START / 4096)
      }
      k.hal.dma.flush(frames)
    },
  }),
  KeMemoryBarrier: ddi({
    params: {},
    returns: t.void,
    irql: ANY_LEVEL,
    traced: false,
    summary: 'Keeps the processor from moving memory accesses across this place.',
    docs: 'wdm/nf-wdm-kememorybarrier',
    note: 'Memory accesses happen in program order here, so there is nothing to keep.',
    run: () => undefined,
  }),
} satisfies Record<string, DdiEntry>
