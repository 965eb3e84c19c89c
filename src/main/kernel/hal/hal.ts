/**
 * The hardware abstraction layer of a machine: its platform, its devices, their interrupts, the
 * spaces in which drivers reach them, and what the processor keeps in registers of its own.
 *
 * The rest of the kernel touches four places: `schedule.next` and `schedule.run` when time passes,
 * `interrupts.isDue` and `interrupts.dispatch` before a thread goes on.
 */
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { ControlRegisters } from './control-registers'
import type { Board, HardwareDevice } from './devices/device'
import { DmaEngine } from './devices/dma-engine'
import { Uart } from './devices/uart'
import { DmaMemory } from './dma-memory'
import { Interrupts } from './interrupts'
import { IoSpace } from './io-space'
import { Lines } from './lines'
import { PatchGuard } from './patch-guard'
import { PciBus } from './pci'
import { platformOf, type HalName, type Platform } from './platform'
import { Schedule } from './schedule'

/** Where the serial port is on a PC, and on a machine without ports. */
const UART_PORTS = { base: 0x3f8, count: 8 }
const UART_MEMORY = { base: 0x0900_0000, bytes: 8 }

/** What a device of the board takes, as PnP would list it. */
export interface DeviceResources {
  name: string
  ports: { base: number; count: number } | null
  memory: { base: number; bytes: number } | null
  line: number
  vector: number
  irql: number
  mode: 'level' | 'edge'
}

export class Hal {
  readonly platform: Platform
  readonly devices: readonly HardwareDevice[]
  readonly schedule: Schedule
  readonly interrupts: Interrupts
  readonly lines: Lines
  readonly io: IoSpace
  readonly pci: PciBus
  readonly registers: ControlRegisters
  readonly dma: DmaMemory
  readonly patchGuard: PatchGuard
  /** Devices that PnP has given to a physical device object, for line-based connections. */
  private readonly assigned = new Map<Ptr, HardwareDevice>()

  constructor(
    private readonly k: Kernel,
    name: HalName,
  ) {
    this.platform = platformOf(name)
    this.schedule = new Schedule(k)
    this.lines = new Lines(k, this.platform)
    this.interrupts = new Interrupts(k, this.lines)
    this.dma = new DmaMemory(k, this.platform)
    const board = this.board()
    const { hasPorts } = this.platform
    this.devices = [
      new Uart(board, hasPorts ? UART_PORTS : null, hasPorts ? null : UART_MEMORY),
      new DmaEngine(board),
    ]
    for (const { line, mode, name: device } of this.devices) this.lines.add(line, mode, device)
    this.io = new IoSpace(k, this.platform, this.devices)
    this.pci = new PciBus(this.devices)
    this.registers = new ControlRegisters(k, this.platform)
    this.patchGuard = new PatchGuard(k, this.schedule, k.defences.has('patchguard'))
    this.registers.onChange = () => this.patchGuard.arm()
    k.memory.bus = this.io
  }

  private board(): Board {
    const { k } = this
    return {
      setLine: (line, asserted) => this.lines.set(line, asserted),
      after: (ticks, work) => this.schedule.after(ticks, work),
      readMemory: (physical, length) => this.dma.read(physical, length),
      writeMemory: (physical, data) => this.dma.write(physical, data),
      sent: (device, data) => {
        k.emit({ t: 'device.sent', device: device.name, bytes: data.length, data: shown(data) })
      },
      get now() {
        return k.tick
      },
    }
  }

  device(name: string): HardwareDevice | undefined {
    return this.devices.find((device) => device.name === name)
  }

  /** The device that a bus would report with one of these hardware ids. */
  deviceOfId(ids: readonly string[]): HardwareDevice | undefined {
    const wanted = new Set(ids.map((id) => id.toUpperCase()))
    return this.devices.find((device) => wanted.has(device.hardwareId))
  }

  /** Where what a PC has at a port is found in memory, on a machine without ports; null for nothing. */
  memoryOfPort(port: number): number | null {
    const offset = port - UART_PORTS.base
    return offset >= 0 && offset < UART_PORTS.count ? UART_MEMORY.base + offset : null
  }

  /** What a device takes: for PnP's resource lists, and for whoever wants to show it. */
  resourcesOf(device: HardwareDevice): DeviceResources {
    const vector = this.platform.vectorOf(device.line)
    return {
      name: device.name,
      ports: device.ports,
      memory: device.memory,
      line: device.line,
      vector,
      irql: this.platform.irqlOf(vector),
      mode: device.mode,
    }
  }

  /** PnP has found a device: line-based connections of this physical device object are for it. */
  assign(physicalDeviceObject: Ptr, device: HardwareDevice): void {
    this.assigned.set(physicalDeviceObject, device)
  }

  unassign(physicalDeviceObject: Ptr): void {
    this.assigned.delete(physicalDeviceObject)
  }

  assignedTo(physicalDeviceObject: Ptr): HardwareDevice | undefined {
    return this.assigned.get(physicalDeviceObject)
  }

  // --- the world outside ---------------------------------------------------------------------------

  /** Bytes arrive at a device. False when there is no device of that name. */
  receive(name: string, data: Uint8Array): boolean {
    const device = this.device(name)
    if (!device) return false
    this.fromOutside(
      { t: 'device.received', device: name, bytes: data.length, data: shown(data) },
      () => device.receive(data),
    )
    return true
  }

  /** Noise on a device's interrupt line. False when there is no device of that name. */
  pulse(name: string): boolean {
    const device = this.device(name)
    if (device) this.lines.pulse(device.line)
    return device !== undefined
  }

  private fromOutside(event: Parameters<Kernel['emit']>[0], work: () => void): void {
    const { thread } = this.k
    const outer = thread.cause
    thread.cause = this.k.emit(event) || outer
    work()
    thread.cause = outer
  }
}

const SHOWN_BYTES = 64

/** Bytes for people: as text when that is what they are, else as hexadecimal digits. */
function shown(data: Uint8Array): string {
  const head = data.subarray(0, SHOWN_BYTES)
  const isText = head.every((byte) => (byte >= 0x20 && byte < 0x7f) || byte === 10 || byte === 13)
  const text = isText
    ? String.fromCharCode(...head)
    : Array.from(head, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
  return data.length > SHOWN_BYTES ? `${text}…` : text
}
