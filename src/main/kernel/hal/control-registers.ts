/**
 * Model-specific registers and control registers of an x64 processor, as far as writing them matters:
 * IA32_LSTAR decides where system calls enter the kernel, CR0.WP whether the kernel can write to
 * read-only pages.
 *
 * All processors of the machine share one set here; on real ones each has its own.
 */
import {
  STATUS_ACCESS_VIOLATION,
  STATUS_ILLEGAL_INSTRUCTION,
} from '../../../shared/nt/generated/ntstatus'
import { EPROCESS } from '../../../shared/nt/generated/offsets'
import { pointer, hex } from '../../../shared/nt/format'
import { IA32_FMASK_AT_BOOT, IA32_STAR_AT_BOOT } from '../../../shared/nt/system-call'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { NtException } from '../stop'
import type { Platform } from './platform'

export const IA32_LSTAR = 0xc000_0082
const IA32_TSC = 0x10
/** The time stamp counter runs at 3 GHz: so many steps for 100 ns. */
const TSC_PER_TICK = 300n

const CR0_PE = 1n
const CR0_WP = 1n << 16n
const CR0_PG = 1n << 31n
const CR0_CD_NW = 3n << 29n
const CR0_AT_BOOT = 0x8005_0033n
/** OSFXSR, SMEP, SMAP and what else a machine of this age has. */
const CR4_AT_BOOT = 0x37_0678n
const GENERAL_PROTECTION = 0xffff_ffff_ffff_ffffn

const NAMES: Readonly<Record<number, string>> = {
  0x10: 'IA32_TIME_STAMP_COUNTER',
  0x1b: 'IA32_APIC_BASE',
  0x3a: 'IA32_FEATURE_CONTROL',
  0x174: 'IA32_SYSENTER_CS',
  0x175: 'IA32_SYSENTER_ESP',
  0x176: 'IA32_SYSENTER_EIP',
  0x1a0: 'IA32_MISC_ENABLE',
  0x277: 'IA32_PAT',
  0xc000_0080: 'IA32_EFER',
  0xc000_0081: 'IA32_STAR',
  0xc000_0082: 'IA32_LSTAR',
  0xc000_0083: 'IA32_CSTAR',
  0xc000_0084: 'IA32_FMASK',
  0xc000_0100: 'IA32_FS_BASE',
  0xc000_0101: 'IA32_GS_BASE',
  0xc000_0102: 'IA32_KERNEL_GS_BASE',
  0xc000_0103: 'IA32_TSC_AUX',
}
/** Registers that hold an address, which has to be a canonical one. */
const ADDRESSES = new Set([
  0x175, 0x176, 0xc000_0082, 0xc000_0083, 0xc000_0100, 0xc000_0101, 0xc000_0102,
])

export class ControlRegisters {
  private readonly msrs = new Map<number, bigint>()
  private cr0 = CR0_AT_BOOT
  private cr4 = CR4_AT_BOOT
  /** Whether IA32_LSTAR points elsewhere than at boot. */
  isEntryMoved = false
  /** Called when a register that protects the system has changed. */
  onChange: (() => void) | null = null

  constructor(
    private readonly k: Kernel,
    private readonly platform: Platform,
  ) {
    for (const register of Object.keys(NAMES)) this.msrs.set(Number(register), 0n)
    this.msrs.set(0x1b, 0xfee0_0900n)
    this.msrs.set(0x3a, 1n)
    this.msrs.set(0x1a0, 0x85_0089n)
    this.msrs.set(0x277, 0x0007_0106_0007_0106n)
    this.msrs.set(0xc000_0080, 0xd01n)
    this.msrs.set(0xc000_0081, IA32_STAR_AT_BOOT)
    this.msrs.set(0xc000_0084, IA32_FMASK_AT_BOOT)
    this.msrs.set(IA32_LSTAR, this.bootEntry)
  }

  private get bootEntry(): bigint {
    return this.k.memory.address(this.k.syscalls.entryPoint)
  }

  /** Where system calls enter the kernel now. */
  get entry(): Ptr {
    return this.k.memory.index(this.msrs.get(IA32_LSTAR) ?? 0n)
  }

  /** Whether CR0 or CR4 lack a protection that they had at boot. */
  get isProtectionOff(): boolean {
    return (this.cr0 & CR0_WP) === 0n || this.cr4 !== CR4_AT_BOOT
  }

  // --- instructions --------------------------------------------------------------------------------

  /** rdmsr. @throws NtException STATUS_ACCESS_VIOLATION (a general protection fault) for one that is not there */
  readMsr(register: number): bigint {
    this.requireX64()
    if (register === IA32_TSC) return this.timeStamp()
    const value = this.msrs.get(register)
    if (value === undefined) throw protectionFault('read')
    return value
  }

  /** wrmsr. @throws NtException as `readMsr`, and for values that the register does not take */
  writeMsr(register: number, value: bigint): void {
    this.requireX64()
    const old = this.msrs.get(register)
    const wrong = old === undefined || (ADDRESSES.has(register) && !isCanonical(value))
    if (wrong || this.isGuarded(register)) throw protectionFault('write')
    this.msrs.set(register, value)
    if (register === IA32_LSTAR) this.isEntryMoved = value !== this.bootEntry
    this.changed(NAMES[register] ?? hex(register), old, value)
  }

  /** Under memory integrity the hypervisor is asked first, and refuses to move the entry. */
  private isGuarded(register: number): boolean {
    return register === IA32_LSTAR && this.k.defences.has('hvci')
  }

  readCr0(): bigint {
    this.requireX64()
    return this.cr0
  }

  /** mov cr0. Turning paging or protected mode off is not survived; it faults here. */
  writeCr0(value: bigint): void {
    this.requireX64()
    const wrong =
      value >> 32n !== 0n ||
      (value & CR0_PE) === 0n ||
      (value & CR0_PG) === 0n ||
      // No write-through without cache disable.
      (value & CR0_CD_NW) === 1n << 29n
    if (wrong) throw protectionFault('write')
    const old = this.cr0
    this.cr0 = value
    this.k.memory.writeProtect = (value & CR0_WP) !== 0n
    this.changed('CR0', old, value)
  }

  /** The page table base of the process whose address space is current. */
  readCr3(): bigint {
    this.requireX64()
    const { memory, processes } = this.k
    return memory.u64(processes.current.address + EPROCESS['Pcb.DirectoryTableBase'])
  }

  readCr4(): bigint {
    this.requireX64()
    return this.cr4
  }

  writeCr4(value: bigint): void {
    this.requireX64()
    // Physical address extension is what long mode is made of.
    if ((value & 0x20n) === 0n || value >> 32n !== 0n) throw protectionFault('write')
    const old = this.cr4
    this.cr4 = value
    this.changed('CR4', old, value)
  }

  timeStamp(): bigint {
    this.requireX64()
    return BigInt(this.k.tick) * TSC_PER_TICK + (this.msrs.get(IA32_TSC) ?? 0n)
  }

  private changed(register: string, old: bigint, value: bigint): void {
    this.k.emit({ t: 'register.written', register, from: pointer(old), to: pointer(value) })
    this.onChange?.()
  }

  /** The instructions of these registers mean nothing to an ARM64 processor. */
  private requireX64(): void {
    if (!this.platform.hasMsrs) throw new NtException(STATUS_ILLEGAL_INSTRUCTION)
  }
}

function protectionFault(access: 'read' | 'write'): NtException {
  return new NtException(STATUS_ACCESS_VIOLATION, GENERAL_PROTECTION, access)
}

function isCanonical(value: bigint): boolean {
  return value < 0x8000_0000_0000n || value >= 0xffff_8000_0000_0000n
}
