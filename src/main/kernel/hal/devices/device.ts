/** What a simulated device is to the machine, and the machine to it. */

/** A function of the PCI bus, as its configuration space says it. */
export interface PciFunction {
  bus: number
  /** Device number in the low five bits, function in the next three. */
  slot: number
  vendor: number
  device: number
  /** Base class, sub-class and programming interface in one number. */
  classCode: number
}

/** What a device can do to the machine it sits in. */
export interface Board {
  /** Drive the device's interrupt line: up while it has something to say, down when it has not. */
  setLine(line: number, asserted: boolean): void
  /** Have something happen later. @param ticks units of 100 ns */
  after(ticks: number, work: () => void): void
  /** Read memory by physical address; null when no RAM is there. */
  readMemory(physical: number, length: number): Uint8Array | null
  /** Write memory by physical address; false, with nothing written, when no RAM is there. */
  writeMemory(physical: number, data: Uint8Array): boolean
  /** Something left the machine: bytes on a wire. */
  sent(device: HardwareDevice, data: Uint8Array): void
  /** Units of 100 ns since boot. */
  readonly now: number
}

export interface HardwareDevice {
  /** As scenarios and traces name it. */
  readonly name: string
  readonly description: string
  /** What its bus would report it as. */
  readonly hardwareId: string
  /** Interrupt line of the board. */
  readonly line: number
  readonly mode: 'level' | 'edge'
  /** First port and number of ports; null when the machine has none for it. */
  readonly ports: { base: number; count: number } | null
  /** Physical address and length of its registers in memory; null when it has none. */
  readonly memory: { base: number; bytes: number } | null
  readonly pci: PciFunction | null
  /** @param offset from the first port or register */
  read(offset: number, size: number): number
  write(offset: number, size: number, value: number): void
  /** What the register at an offset is called, for the trace. */
  registerName(offset: number, access: 'read' | 'write'): string
  /** Bytes arrive from outside. */
  receive(data: Uint8Array): void
}
