/**
 * The two machines that the kernel runs on, as far as drivers can tell them apart.
 *
 * Both have 4 KiB pages and the same names for the levels that software uses (PASSIVE_LEVEL 0,
 * APC_LEVEL 1, DISPATCH_LEVEL 2, HIGH_LEVEL 15). They differ in how interrupts are numbered and
 * ranked, in what x86 calls ports and model-specific registers, and in whether memory that a device
 * wrote is at once what the processor sees.
 */

export const HAL_NAMES = ['x64', 'arm64'] as const
export type HalName = (typeof HAL_NAMES)[number]

export interface Platform {
  name: HalName
  /** What distributes interrupts. */
  interruptController: 'I/O APIC' | 'GIC'
  /** Whether an edge waits at the controller while the interrupt before it is in service. */
  keepsEdgesBack: boolean
  /** Whether the processor has an I/O address space beside memory. */
  hasPorts: boolean
  /** Whether the processor has model-specific registers and CR0. */
  hasMsrs: boolean
  /** Whether the processor's cache follows what devices write to memory. */
  isDmaCoherent: boolean
  /** Whether registers of a device can be reached at odd addresses. */
  allowsUnalignedRegisters: boolean
  /** Vector that stands for an interrupt line of the board. */
  vectorOf(line: number): number
  /** Level to which an interrupt of this vector raises the processor; 0 for no device's vector. */
  irqlOf(vector: number): number
}

/** On x64 the upper half of a vector's eight bits is its level; devices have 5 to 11 here. */
const X64: Platform = {
  name: 'x64',
  interruptController: 'I/O APIC',
  keepsEdgesBack: false,
  hasPorts: true,
  hasMsrs: true,
  isDmaCoherent: true,
  allowsUnalignedRegisters: true,
  vectorOf: (line) => ((5 + (line % 7)) << 4) | (line & 15),
  irqlOf: (vector) => (vector >= 0x30 && vector < 0xc0 ? vector >> 4 : 0),
}

/** Shared peripheral interrupts of a GIC begin here. */
const FIRST_SPI = 32
const LAST_SPI = 1019

/** On ARM64 a line keeps its number in the GIC, and the HAL ranks it by a priority of its own. */
const ARM64: Platform = {
  name: 'arm64',
  interruptController: 'GIC',
  keepsEdgesBack: true,
  hasPorts: false,
  hasMsrs: false,
  isDmaCoherent: false,
  allowsUnalignedRegisters: false,
  vectorOf: (line) => FIRST_SPI + line,
  irqlOf: (vector) =>
    vector >= FIRST_SPI && vector <= LAST_SPI ? 3 + ((vector - FIRST_SPI) % 9) : 0,
}

export function platformOf(name: HalName): Platform {
  return name === 'arm64' ? ARM64 : X64
}
