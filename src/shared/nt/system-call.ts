/**
 * What a system call of an x64 Windows is made of: the registers that say where it enters the kernel,
 * the segments of both rings, the table of services. The simulated kernel boots with these values, and
 * whoever draws a call computes with them.
 */

/** IA32_LSTAR at boot: KiSystemCall64, the first routine of the kernel's image. */
export const KI_SYSTEM_CALL_64 = 0xffff_f807_0010_1000n
/** KiServiceTable, and KeServiceDescriptorTable, which names it. */
export const KI_SERVICE_TABLE = 0xffff_f807_001f_0000n
export const KE_SERVICE_DESCRIPTOR_TABLE = 0xffff_f807_003f_e680n

/** IA32_STAR: the segments that `syscall` (bits 32 to 47) and `sysret` (48 to 63) load. */
export const IA32_STAR_AT_BOOT = 0x0023_0010_0000_0000n
/** IA32_FMASK: flags that `syscall` clears, among them IF: it arrives with interrupts off. */
export const IA32_FMASK_AT_BOOT = 0x4700n

/** Segment selectors of both rings, as the processor computes them from IA32_STAR. */
export const SELECTORS = {
  kernel: { cs: 0x10, ss: 0x18 },
  user: { cs: 0x33, ss: 0x2b },
} as const

/** RFLAGS at the `syscall` of an ntdll stub: IF, and ZF and PF of the `test` before it. */
export const RFLAGS_AT_SYSCALL = 0x246n

/** An ntdll stub: `mov r10, rcx` / `mov eax, n` / `test` / `jne` / `syscall` / `ret`. */
export const STUB = { syscall: 0x12, ret: 0x14 } as const

/** Entry of KiServiceTable: a distance from the table's start, with the stack arguments in 4 bits. */
export interface ServiceEntry {
  raw: number
  /** The distance: `raw` as a signed number, shifted right by four. */
  offset: number
  stackArguments: number
  /** Where it leads. */
  target: bigint
}

/** Take an entry of KiServiceTable apart. @param raw 32 bits, as they lie in memory */
export function serviceEntry(raw: number): ServiceEntry {
  const offset = (raw | 0) >> 4
  const target = BigInt.asUintN(64, KI_SERVICE_TABLE + BigInt(offset))
  return { raw: raw >>> 0, offset, stackArguments: raw & 0xf, target }
}
