/** The PCI bus's configuration space, 256 bytes for each function, as HalGetBusDataByOffset shows it. */
import type { DmaEngine } from './devices/dma-engine'
import type { HardwareDevice } from './devices/device'

const CONFIG_BYTES = 256
const COMMAND = 0x04
const COMMAND_MEMORY = 2
const COMMAND_MASTER = 4
const BAR0 = 0x10
const INTERRUPT_LINE = 0x3c
const INVALID_VENDOR = 0xffff

interface PciConfig {
  device: HardwareDevice
  bytes: DataView
}

export class PciBus {
  private readonly functions = new Map<number, PciConfig>()

  constructor(devices: readonly HardwareDevice[]) {
    for (const device of devices)
      if (device.pci) this.functions.set(device.pci.slot, { device, bytes: configOf(device) })
  }

  /**
   * HalGetBusDataByOffset for the PCI bus.
   * @returns bytes of configuration space; `null` when there is no such bus, two bytes of ones when
   * nothing is in the slot
   */
  read(bus: number, slot: number, offset: number, length: number): Uint8Array | null {
    if (bus !== 0) return null
    const found = this.functions.get(slot & 0xff)
    if (!found) return Uint8Array.of(INVALID_VENDOR & 0xff, INVALID_VENDOR >> 8)
    const end = Math.min(offset + length, CONFIG_BYTES)
    return new Uint8Array(found.bytes.buffer.slice(Math.min(offset, end), end))
  }

  /** HalSetBusDataByOffset: bytes that were taken, also those that are read-only there. */
  write(bus: number, slot: number, offset: number, data: Uint8Array): number {
    const found = bus === 0 ? this.functions.get(slot & 0xff) : undefined
    if (!found) return 0
    const count = Math.max(0, Math.min(data.length, CONFIG_BYTES - offset))
    for (let i = 0; i < count; i++) this.writeByte(found, offset + i, data[i]!)
    const command = found.bytes.getUint16(COMMAND, true)
    ;(found.device as DmaEngine).isMaster = (command & COMMAND_MASTER) !== 0
    return count
  }

  private writeByte({ bytes, device }: PciConfig, offset: number, value: number): void {
    if (offset === COMMAND) bytes.setUint8(offset, value & (COMMAND_MEMORY | COMMAND_MASTER))
    else if (offset === INTERRUPT_LINE) bytes.setUint8(offset, value)
    else if (offset >= BAR0 && offset < BAR0 + 4) {
      // Address bits below the size of the range cannot be set: that is how firmware asks for the size.
      const mask = ~(device.memory!.bytes - 1) >>> ((offset - BAR0) * 8)
      bytes.setUint8(offset, value & mask & 0xff)
    }
  }
}

function configOf(device: HardwareDevice): DataView {
  const bytes = new DataView(new ArrayBuffer(CONFIG_BYTES))
  const { pci, memory, line } = device
  if (!pci || !memory) return bytes
  bytes.setUint16(0x00, pci.vendor, true)
  bytes.setUint16(0x02, pci.device, true)
  bytes.setUint16(COMMAND, COMMAND_MEMORY | COMMAND_MASTER, true)
  bytes.setUint8(0x08, 1)
  bytes.setUint8(0x09, pci.classCode & 0xff)
  bytes.setUint8(0x0a, (pci.classCode >> 8) & 0xff)
  bytes.setUint8(0x0b, (pci.classCode >> 16) & 0xff)
  bytes.setUint32(BAR0, memory.base, true)
  bytes.setUint16(0x2c, pci.vendor, true)
  bytes.setUint16(0x2e, 1, true)
  bytes.setUint8(INTERRUPT_LINE, line)
  bytes.setUint8(0x3d, 1)
  return bytes
}
