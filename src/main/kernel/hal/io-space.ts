/**
 * Ports and device registers: finds the device behind a port or a physical address, asks it, and says
 * so in the trace.
 */
import { STATUS_DATATYPE_MISALIGNMENT } from '../../../shared/nt/generated/ntstatus'
import { hex } from '../../../shared/nt/format'
import type { Kernel } from '../kernel'
import { PTE } from '../mm/layout'
import type { DeviceBus, Ptr } from '../mm/memory'
import { NtException } from '../stop'
import type { HardwareDevice } from './devices/device'
import type { Platform } from './platform'

/** What an address or port gives where no device answers. */
const FLOATING = [0, 0xff, 0xffff, 0, 0xffff_ffff] as const

export class IoSpace implements DeviceBus {
  private readonly byPort = new Map<number, HardwareDevice>()

  constructor(
    private readonly k: Kernel,
    private readonly platform: Platform,
    private readonly devices: readonly HardwareDevice[],
  ) {
    for (const device of devices)
      for (let i = 0; i < (device.ports?.count ?? 0); i++)
        this.byPort.set(device.ports!.base + i, device)
  }

  // --- ports ---------------------------------------------------------------------------------------

  /** READ_PORT_*: from a port, or on a machine without ports from memory at that address. */
  readPort(port: Ptr, size: 1 | 2 | 4): number {
    if (!this.platform.hasPorts) return this.readRegister32(port, size)
    const device = this.byPort.get(port & 0xffff)
    if (!device) return FLOATING[size]
    const offset = (port & 0xffff) - device.ports!.base
    const value = device.read(offset, size) >>> 0
    this.trace(device, 'port', offset, 'read', size, value)
    return value
  }

  writePort(port: Ptr, size: 1 | 2 | 4, value: number): void {
    if (!this.platform.hasPorts) {
      this.writeRegister(port, size, BigInt(value >>> 0))
      return
    }
    const device = this.byPort.get(port & 0xffff)
    if (!device) return
    const offset = (port & 0xffff) - device.ports!.base
    this.started(this.trace(device, 'port', offset, 'write', size, value), () =>
      device.write(offset, size, value),
    )
  }

  // --- registers in memory -------------------------------------------------------------------------

  /** READ_REGISTER_*: an access that the compiler neither moves nor splits. */
  readRegister(at: Ptr, size: number): bigint {
    const { memory } = this.k
    this.checkAlignment(at, size)
    if (memory.pte(at) & PTE.device) return this.read(memory.physicalAddress(at), size)
    if (size === 8) return memory.u64(at)
    return BigInt(size === 4 ? memory.u32(at) : size === 2 ? memory.u16(at) : memory.u8(at))
  }

  private readRegister32(at: Ptr, size: number): number {
    return Number(this.readRegister(at, size))
  }

  writeRegister(at: Ptr, size: number, value: bigint): void {
    const { memory } = this.k
    this.checkAlignment(at, size)
    if (memory.pte(at) & PTE.device) this.write(memory.physicalAddress(at), size, value)
    else if (size === 8) memory.setU64(at, value)
    else if (size === 4) memory.setU32(at, Number(value) | 0)
    else if (size === 2) memory.setU16(at, Number(value))
    else memory.setU8(at, Number(value))
  }

  /** ARM64 maps registers as device memory, where an unaligned access is an exception. */
  private checkAlignment(at: Ptr, size: number): void {
    if (this.platform.allowsUnalignedRegisters || at % size === 0) return
    if (this.k.memory.pte(at) & PTE.device)
      throw new NtException(STATUS_DATATYPE_MISALIGNMENT, this.k.memory.address(at), null)
  }

  // --- the bus -------------------------------------------------------------------------------------

  deviceAt(physical: number): HardwareDevice | undefined {
    return this.devices.find(
      ({ memory }) => memory && physical >= memory.base && physical < memory.base + memory.bytes,
    )
  }

  read(physical: number, size: number): bigint {
    const device = this.deviceAt(physical)
    if (!device) return BigInt.asUintN(size * 8, -1n)
    const offset = physical - device.memory!.base
    // Wide reads are two transactions on this bus.
    const low = device.read(offset, Math.min(size, 4)) >>> 0
    this.trace(device, 'memory', offset, 'read', Math.min(size, 4), low)
    return size === 8 ? (this.read(physical + 4, 4) << 32n) | BigInt(low) : BigInt(low)
  }

  write(physical: number, size: number, value: bigint): void {
    const device = this.deviceAt(physical)
    if (!device) return
    const offset = physical - device.memory!.base
    const low = Number(value & 0xffff_ffffn)
    const narrow = Math.min(size, 4)
    this.started(this.trace(device, 'memory', offset, 'write', narrow, low), () =>
      device.write(offset, narrow, low),
    )
    if (size === 8) this.write(physical + 4, 4, value >> 32n)
  }

  /** What a write sets going has the write as its cause. */
  private started(seq: number, work: () => void): void {
    const { thread } = this.k
    const outer = thread.cause
    if (seq) thread.cause = seq
    work()
    thread.cause = outer
  }

  private trace(
    device: HardwareDevice,
    space: 'port' | 'memory',
    offset: number,
    access: 'read' | 'write',
    size: number,
    value: number,
  ): number {
    const { k } = this
    if (!k.tracing) return 0
    return k.emit({
      t: 'device.accessed',
      device: device.name,
      space,
      register: device.registerName(offset, access),
      offset,
      access,
      size,
      value: hex(value >>> 0),
    })
  }
}
