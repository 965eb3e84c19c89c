/** Object types: what every object of a kind has in common, as an OBJECT_TYPE in memory and procedures here. */
import type { ObjectType } from '../../../shared/trace/event'
import type { KernelRoutine } from '../ddi/types'
import type { Ptr } from '../mm/memory'
import type { Process } from '../ps/process'
import type { KObject } from './kobject'

/** Where OBJECT_TYPE_INITIALIZER lies in OBJECT_TYPE; only what is filled in here. */
export const TYPE_INFO = { Length: 0x40, GenericMapping: 0x4c, ValidAccessMask: 0x5c } as const

/** Types that the kernel makes at boot. Those outside the trace's vocabulary never show up in it. */
export type TypeName = ObjectType | 'Token' | 'Callback'

/** What the four generic rights mean for a type. */
export interface GenericMapping {
  read: number
  write: number
  execute: number
  all: number
}

export interface TypeFacts {
  /** Value of OBJECT_HEADER.TypeIndex before it is mixed with the cookie. */
  index: number
  tag: string
  mapping: GenericMapping
  /** Exported variable that points at the type (`*IoFileObjectType`), if there is one. */
  variable: string | null
  /** Objects of the type keep their name until they are made temporary. */
  permanent: boolean
  /** Body starts with a DISPATCHER_HEADER. */
  waitable: boolean
}

const STANDARD = 0x000f_0000
const READ = 0x0002_0000

const map = (read: number, write: number, execute: number, all: number): GenericMapping => ({
  read: READ | read,
  write: READ | write,
  execute: READ | execute,
  all,
})

/** Types by name. The indexes are those of one build; like much else here they differ between builds. */
export const TYPE_FACTS: Readonly<Record<TypeName, TypeFacts>> = {
  Type: {
    index: 2,
    tag: 'ObjT',
    mapping: map(0, 0, 0, STANDARD | 1),
    variable: null,
    permanent: true,
    waitable: false,
  },
  Directory: {
    index: 3,
    tag: 'Dire',
    mapping: map(0x3, 0xc, 0x3, STANDARD | 0xf),
    variable: null,
    permanent: true,
    waitable: false,
  },
  SymbolicLink: {
    index: 4,
    tag: 'Symb',
    mapping: map(0x1, 0, 0x1, STANDARD | 1),
    variable: null,
    permanent: true,
    waitable: false,
  },
  Token: {
    index: 5,
    tag: 'Toke',
    mapping: map(0x8, 0xe0, 0, STANDARD | 0x1ff),
    variable: 'SeTokenObjectType',
    permanent: false,
    waitable: false,
  },
  Process: {
    index: 7,
    tag: 'Proc',
    mapping: map(0x410, 0xbea, 0x101000, 0x1f_ffff),
    variable: 'PsProcessType',
    permanent: false,
    waitable: true,
  },
  Thread: {
    index: 8,
    tag: 'Thre',
    mapping: map(0x48, 0x37, 0x101800, 0x1f_ffff),
    variable: 'PsThreadType',
    permanent: false,
    waitable: true,
  },
  Event: {
    index: 16,
    tag: 'Even',
    mapping: map(0x1, 0x2, 0x100000, 0x1f_0003),
    variable: 'ExEventObjectType',
    permanent: false,
    waitable: true,
  },
  Mutant: {
    index: 17,
    tag: 'Muta',
    mapping: map(0x1, 0, 0x100000, 0x1f_0001),
    variable: null,
    permanent: false,
    waitable: true,
  },
  Callback: {
    index: 18,
    tag: 'Call',
    mapping: map(0, 0x1, 0x100000, 0x1f_0001),
    variable: null,
    permanent: true,
    waitable: false,
  },
  Semaphore: {
    index: 19,
    tag: 'Sema',
    mapping: map(0x1, 0x2, 0x100000, 0x1f_0003),
    variable: 'ExSemaphoreObjectType',
    permanent: false,
    waitable: true,
  },
  Timer: {
    index: 20,
    tag: 'Time',
    mapping: map(0x1, 0x2, 0x100000, 0x1f_0003),
    variable: 'ExTimerObjectType',
    permanent: false,
    waitable: true,
  },
  Device: {
    index: 33,
    tag: 'Devi',
    mapping: map(0x12_0089, 0x12_0116, 0x12_00a0, 0x1f_01ff),
    variable: 'IoDeviceObjectType',
    permanent: true,
    waitable: false,
  },
  Driver: {
    index: 34,
    tag: 'Driv',
    mapping: map(0x12_0089, 0x12_0116, 0x12_00a0, 0x1f_01ff),
    variable: 'IoDriverObjectType',
    permanent: true,
    waitable: false,
  },
  File: {
    index: 37,
    tag: 'File',
    mapping: map(0x12_0089, 0x12_0116, 0x12_00a0, 0x1f_01ff),
    variable: 'IoFileObjectType',
    permanent: false,
    waitable: true,
  },
  Key: {
    index: 44,
    tag: 'Key ',
    mapping: map(0x2_0019, 0x2_0006, 0x2_0019, 0xf_003f),
    variable: 'CmKeyObjectType',
    permanent: false,
    waitable: false,
  },
  Section: {
    index: 45,
    tag: 'Sect',
    mapping: map(0x5, 0x2, 0x8, STANDARD | 0x1f),
    variable: null,
    permanent: false,
    waitable: false,
  },
}

/** A type of a machine. Components set the procedures of the types that are theirs. */
export class KernelObjectType {
  /**
   * Called when the last handle in any process is closed, before the object loses that handle's
   * reference. The I/O manager sends IRP_MJ_CLEANUP here.
   */
  onLastHandleClosed: ((object: KObject, process: Process) => KernelRoutine<void>) | null = null
  /**
   * Called when the last reference is gone, before the memory is. A generator when it has to call a
   * driver (IRP_MJ_CLOSE); it then runs at PASSIVE_LEVEL, on another thread if need be.
   */
  onDelete: ((object: KObject) => KernelRoutine<void> | void) | null = null

  constructor(
    readonly name: TypeName,
    readonly facts: TypeFacts,
    /** OBJECT_TYPE. */
    readonly address: Ptr,
    /** The exported variable that points at it; 0 when the type has none. */
    readonly variable: Ptr,
  ) {}
}

/** Replace the generic rights of an access mask by the type's own. */
export function mapAccess(type: KernelObjectType, access: number): number {
  const { mapping } = type.facts
  let mapped = access & 0x0fff_ffff
  if (access & 0x8000_0000) mapped |= mapping.read
  if (access & 0x4000_0000) mapped |= mapping.write
  if (access & 0x2000_0000) mapped |= mapping.execute
  if (access & 0x1000_0000) mapped |= mapping.all
  // MAXIMUM_ALLOWED
  if (access & 0x0200_0000) mapped |= mapping.all
  return mapped & ~0x0200_0000
}
