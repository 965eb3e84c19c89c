/**
 * The map of simulated virtual memory.
 *
 * An address is 64 bits wide for whoever looks at it, but kernel and sandbox both work with its
 * *index*: a number below 2^28 that is the low 32 bits of the address. Each megabyte of indexes has
 * one fixed upper half (`hi`), so converting costs one table look-up: address = hi[index >> 20] :
 * index. Values that name no place in the map (0x4141414141414141, a freed wild pointer) get an
 * index in the wild window, where nothing is ever mapped.
 */
export const PAGE_SIZE = 4096
export const PAGE_SHIFT = 12

/** Indexes of simulated virtual memory: 256 MiB, one page table entry for each 4 KiB. */
export const VIRTUAL_BYTES = 256 << 20
export const VIRTUAL_PAGES = VIRTUAL_BYTES >>> PAGE_SHIFT
/** Physical memory behind it. */
export const PHYSICAL_BYTES = 64 << 20
export const PHYSICAL_PAGES = PHYSICAL_BYTES >>> PAGE_SHIFT
/** Physical address of the first byte of RAM; what lies below belongs to the firmware. */
export const RAM_START = 0x10_0000

/** Wild window: slot n holds one foreign address; the low 16 bits of an index are an offset to it. */
export const WILD_BASE = 0x4000_0000
export const WILD_SLOT_SHIFT = 16
export const WILD_SLOTS = 8192

export interface Region {
  /** First index and length in bytes, whole megabytes. */
  start: number
  bytes: number
  /** Upper 32 bits of every address in it. */
  hi: number
}

const mb = (start: number, count: number, hi: number): Region => ({
  start: start << 20,
  bytes: count << 20,
  hi: hi | 0,
})

export const REGIONS = {
  /** The first megabyte of user space: never mapped, so that NULL plus an offset faults. */
  nullPage: mb(0, 1, 0),
  ntImage: mb(1, 3, 0xffff_f807),
  /** Near the kernel image, so that a 32-bit distance reaches from one to the other. */
  driverImages: mb(4, 16, 0xffff_f807),
  nonpagedPool: mb(20, 64, 0xffff_9a01),
  pagedPool: mb(84, 32, 0xffff_b58c),
  stacks: mb(116, 16, 0xffff_a10e),
  systemPtes: mb(132, 16, 0xffff_c980),
  specialPool: mb(148, 32, 0xffff_cf83),
  /** One slice of 8 MiB for each user process. */
  user: mb(180, 64, 0x0000_018c),
} as const
export const USER_SLICE_BYTES = 8 << 20
export const USER_SLICES = REGIONS.user.bytes / USER_SLICE_BYTES

/** Page table entry: physical byte address of the page in the upper bits, these flags in the low 12. */
export const PTE = {
  read: 1,
  write: 2,
  execute: 4,
  user: 8,
  pageable: 16,
  /** Valid, but unreachable until the IRQL falls below DISPATCH_LEVEL. */
  pagedOut: 32,
  /** Remembered access of a paged-out entry. */
  wasWrite: 64,
  /** Guard page behind a special-pool block. */
  guard: 128,
  /** Page of a freed special-pool block. */
  freed: 256,
  /** Page of an image that was unloaded. */
  unloaded: 512,
  /** Registers of a device: no RAM behind it, the upper bits are the physical address itself. */
  device: 1024,
  /** PAGE_GUARD: the first touch raises an exception and takes the guard away. */
  userGuard: 2048,
} as const

/**
 * The control block: memory that both sides see and that no simulated address reaches. Byte
 * offsets; sizes follow from the next one.
 */
export const CONTROL = {
  /** Int32Array of VIRTUAL_PAGES: what kernel mode may reach now. */
  kernelPtes: 0,
  /** Int32Array of VIRTUAL_PAGES: what user mode of the current process may reach now. */
  userPtes: VIRTUAL_PAGES * 4,
  /** Int32Array of 256: upper halves by megabyte. */
  hi: VIRTUAL_PAGES * 8,
  /** Mailbox: 1,024 words, see dsl/sandbox. */
  mailbox: VIRTUAL_PAGES * 8 + 1024,
  /** Uint16Array of 32,768: text on its way between the sides. */
  scratch: VIRTUAL_PAGES * 8 + 1024 + 4096,
  /** Int32: points left of the turn of the processor that runs (ke/turns.ts), then unused. */
  points: VIRTUAL_PAGES * 8 + 1024 + 4096 + 65536,
  bytes: VIRTUAL_PAGES * 8 + 1024 + 4096 + 65536 + 64,
} as const
