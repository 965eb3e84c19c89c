/**
 * The form of a DDI table entry. One entry makes the stub in `wdm.d.ts`, the marshalling in the
 * sandbox, the argument and IRQL checks, the trace events, the hover and the support table.
 *
 * In kernel code an argument is: a pointer a `number` (see `mm/memory.ts`: an index of simulated
 * virtual memory, 0 = NULL), an integer of up to 32 bits a `number`, a 64-bit integer a `bigint`.
 */
import type { RoutineKind } from '../../../shared/trace/event'
import type { Kernel } from '../kernel'
import { FRAMEWORK_ROUTINES } from './framework-routines'

export type ScalarKind =
  | 'u8'
  | 'i8'
  | 'u16'
  | 'i16'
  | 'u32'
  | 'i32'
  | 'u64'
  | 'i64'
  | 'bool'
  | 'ntstatus'
  | 'handle'
  | 'size'

/** What crosses between driver code and kernel at one parameter. */
export type ParamType =
  /** Integers. `handle` is a signed number (-1 = INVALID_HANDLE_VALUE); `size` any number or bigint, clamped to 2^31-1. */
  | { k: ScalarKind; c: string; optional?: boolean }
  /** Pointer to memory; `target` is the structure it points at when it is a known one. A string literal becomes ANSI bytes in the image. */
  | { k: 'ptr'; c: string; target: string | null; optional?: boolean }
  /** LARGE_INTEGER by value, or a pointer to one: a view, a number or a bigint. `null` when optional. */
  | { k: 'large'; c: string; optional?: boolean }
  /** Function of the driver, by signature name; NULL when optional. */
  | { k: 'fn'; c: string; routine: RoutineName; optional?: boolean }
  /** PCWSTR / PCSTR: a script string, or a pointer to a zero-terminated string in memory. */
  | { k: 'wstr'; c: string; optional?: boolean }
  | { k: 'astr'; c: string; optional?: boolean }
  /** Result parameter: `out()` object or a pointer to memory of the right width. */
  | { k: 'out'; c: string; of: OutType; optional?: boolean }
  /** The rest of a printf-like call. Only last. */
  | { k: 'varargs'; c: string }

export type OutType =
  { k: Exclude<ScalarKind, 'size'>; c: string } | { k: 'ptr'; c: string; target: string | null }

export type ReturnType =
  | { k: 'void'; c: 'VOID' }
  | { k: Exclude<ScalarKind, 'size'>; c: string }
  | { k: 'ptr'; c: string; target: string | null }
  /** Code address: a function of the driver or an opaque pointer. */
  | { k: 'fn'; c: string; routine: RoutineName }

/** A result parameter as kernel code sees it. */
export interface Out<T> {
  /** False when the caller passed NULL. */
  readonly given: boolean
  /** Where in memory it goes; 0 for NULL, -1 for an object of the script. */
  readonly target: number
  write(value: T): void
}

/** A value of a printf-like call's tail: integers of any width, strings, pointers (number of `ptr`). */
export type VarArg = { k: 'int'; v: bigint } | { k: 'str'; v: string } | { k: 'ptr'; v: number }

type ScalarValue<K> = K extends 'u64' | 'i64' ? bigint : K extends 'bool' ? boolean : number

export type ArgValue<P> = P extends { k: 'out'; of: infer O }
  ? Out<O extends { k: infer K } ? (K extends 'ptr' ? number : ScalarValue<K>) : never>
  : P extends { k: 'varargs' }
    ? VarArg[]
    : P extends { k: 'wstr' | 'astr' }
      ? string | null
      : P extends { k: 'large' }
        ? bigint | null
        : P extends { k: infer K }
          ? ScalarValue<K>
          : never

export type Args<P extends Record<string, ParamType>> = { [N in keyof P]: ArgValue<P[N]> }

type ReturnValue<R> = R extends { k: 'void' }
  ? void
  : R extends { k: infer K }
    ? ScalarValue<K>
    : never

/** Steps that a kernel routine asks of the thread that runs it; made by the helpers in `ke/thread.ts`. */
export type KernelRoutine<T> = Generator<KernelOp, T, number>

/** What a kernel routine can wait for; the value that comes back is an NTSTATUS or a return value. */
export type KernelOp =
  | { op: 'call'; address: number; routine: RoutineName; args: number[]; irp: number }
  /** Evaluate code unit `unit` for an image; the value that comes back is its entry function's address. */
  | { op: 'load'; unit: number; image: number }
  | { op: 'wait' }
  /** Keep the processor busy until another one has made something so. */
  | { op: 'spin'; until: () => boolean }
  | { op: 'yield' }
  | { op: 'exit' }

export interface DdiEntry<
  P extends Record<string, ParamType> = Record<string, ParamType>,
  R extends ReturnType = ReturnType,
> {
  params: P
  returns: R
  /** Overrides the IRQL range of the reference facts (data/kernel/ddi.json). */
  irql?: [min: number, max: number]
  /** It judges a call above that range itself: its misuse has a bug check of its own. */
  checksIrql?: boolean
  /** `wdm` by default. One of `both` checks for itself what a program may reach. */
  module?: 'wdm' | 'win32' | 'both'
  support?: 'full' | 'partial'
  /** What a `partial` one leaves out or does differently. */
  note?: string
  /** Only for routines that the reference facts do not hold. */
  summary?: string
  docs?: string
  /** False for routines too small for an event of their own (list and string helpers, macros). Default true. */
  traced?: boolean
  /** A plain function, or a generator when it may wait or call the driver. */
  run(k: Kernel, a: Args<P>): ReturnValue<R> | KernelRoutine<ReturnValue<R>>
}

/** Whether a routine is one of a module's. */
export function isOfModule(entry: Pick<DdiEntry, 'module'>, module: 'wdm' | 'win32'): boolean {
  return entry.module === 'both' || (entry.module ?? 'wdm') === module
}

/** Keeps the parameter types of an entry while checking its form. */
export function ddi<const P extends Record<string, ParamType>, const R extends ReturnType>(
  entry: DdiEntry<P, R>,
): DdiEntry {
  return entry as unknown as DdiEntry
}

const scalar = <K extends ScalarKind>(k: K, c: string) => ({ k, c }) as const

/** Parameter and return types by their C names. */
export const t = {
  void: { k: 'void', c: 'VOID' } as const,
  uchar: scalar('u8', 'UCHAR'),
  cchar: scalar('i8', 'CCHAR'),
  ushort: scalar('u16', 'USHORT'),
  ulong: scalar('u32', 'ULONG'),
  long: scalar('i32', 'LONG'),
  ulonglong: scalar('u64', 'ULONGLONG'),
  longlong: scalar('i64', 'LONGLONG'),
  ulongptr: scalar('u64', 'ULONG_PTR'),
  size: scalar('size', 'SIZE_T'),
  boolean: scalar('bool', 'BOOLEAN'),
  ntstatus: scalar('ntstatus', 'NTSTATUS'),
  handle: scalar('handle', 'HANDLE'),
  kirql: scalar('u8', 'KIRQL'),
  mode: scalar('i8', 'KPROCESSOR_MODE'),
  accessMask: scalar('u32', 'ACCESS_MASK'),
  deviceType: scalar('u32', 'DEVICE_TYPE'),
  poolType: scalar('u32', 'POOL_TYPE'),
  /** Pool tag: a number, or up to four characters that mean what the C constant means. */
  tag: scalar('u32', 'POOL_TAG'),
  /** A 32-bit value with another C name: enumerations and the like. */
  enum: (c: string) => scalar('u32', c),
  u32: (c: string) => scalar('u32', c),
  i32: (c: string) => scalar('i32', c),
  /** PVOID. */
  pvoid: { k: 'ptr', c: 'PVOID', target: null } as const,
  /** Pointer to a known structure. */
  ptr: <T extends string>(target: T) => ({ k: 'ptr', c: `P${target}`, target }) as const,
  wstr: { k: 'wstr', c: 'PCWSTR' } as const,
  astr: { k: 'astr', c: 'PCSTR' } as const,
  /** PLARGE_INTEGER or LARGE_INTEGER. */
  large: { k: 'large', c: 'LARGE_INTEGER' } as const,
  fn: <T extends RoutineName>(routine: T) => ({ k: 'fn', c: `P${routine}`, routine }) as const,
  out: <const O extends OutType>(of: O) => ({ k: 'out', c: `P${of.c}`, of }) as const,
  varargs: { k: 'varargs', c: '...' } as const,
  optional: <const P extends ParamType>(type: P) => ({ ...type, optional: true }) as const,
}

/** A callback's signature: how the kernel calls a function of a driver. */
export interface RoutineSignature {
  kind: RoutineKind
  params: Record<
    string,
    | { k: 'ptr'; c: string; target: string | null }
    | { k: 'u32' | 'i32' | 'u8' | 'bool' | 'handle'; c: string }
  >
  returns:
    | { k: 'void' | 'ntstatus' | 'u32' | 'i32' | 'bool'; c: string }
    | { k: 'ptr'; c: string; target: string | null }
}

const pvoid = { k: 'ptr', c: 'PVOID', target: null } as const
const to = (target: string) => ({ k: 'ptr', c: `P${target}`, target }) as const
const nothing = { k: 'void', c: 'VOID' } as const
const status = { k: 'ntstatus', c: 'NTSTATUS' } as const

/** Every signature by its WDK type name. The order is the id that the sandbox uses. */
export const ROUTINES = {
  DRIVER_INITIALIZE: {
    kind: 'DriverEntry',
    params: { DriverObject: to('DRIVER_OBJECT'), RegistryPath: to('UNICODE_STRING') },
    returns: status,
  },
  DRIVER_UNLOAD: {
    kind: 'DriverUnload',
    params: { DriverObject: to('DRIVER_OBJECT') },
    returns: nothing,
  },
  DRIVER_DISPATCH: {
    kind: 'dispatch',
    params: { DeviceObject: to('DEVICE_OBJECT'), Irp: to('IRP') },
    returns: status,
  },
  DRIVER_ADD_DEVICE: {
    kind: 'other',
    params: { DriverObject: to('DRIVER_OBJECT'), PhysicalDeviceObject: to('DEVICE_OBJECT') },
    returns: status,
  },
  REQUEST_POWER_COMPLETE: {
    kind: 'completion',
    params: {
      DeviceObject: to('DEVICE_OBJECT'),
      MinorFunction: { k: 'u8', c: 'UCHAR' },
      PowerState: { k: 'u32', c: 'ULONG' },
      Context: pvoid,
      IoStatus: to('IO_STATUS_BLOCK'),
    },
    returns: nothing,
  },
  DRIVER_FS_NOTIFICATION: {
    kind: 'notify',
    params: { DeviceObject: to('DEVICE_OBJECT'), FsActive: { k: 'bool', c: 'BOOLEAN' } },
    returns: nothing,
  },
  FAST_IO_READ: {
    kind: 'other',
    params: {
      FileObject: to('FILE_OBJECT'),
      FileOffset: to('LARGE_INTEGER'),
      Length: { k: 'u32', c: 'ULONG' },
      Wait: { k: 'bool', c: 'BOOLEAN' },
      LockKey: { k: 'u32', c: 'ULONG' },
      Buffer: pvoid,
      IoStatus: to('IO_STATUS_BLOCK'),
      DeviceObject: to('DEVICE_OBJECT'),
    },
    returns: { k: 'bool', c: 'BOOLEAN' },
  },
  FAST_IO_WRITE: {
    kind: 'other',
    params: {
      FileObject: to('FILE_OBJECT'),
      FileOffset: to('LARGE_INTEGER'),
      Length: { k: 'u32', c: 'ULONG' },
      Wait: { k: 'bool', c: 'BOOLEAN' },
      LockKey: { k: 'u32', c: 'ULONG' },
      Buffer: pvoid,
      IoStatus: to('IO_STATUS_BLOCK'),
      DeviceObject: to('DEVICE_OBJECT'),
    },
    returns: { k: 'bool', c: 'BOOLEAN' },
  },
  FAST_IO_DEVICE_CONTROL: {
    kind: 'other',
    params: {
      FileObject: to('FILE_OBJECT'),
      Wait: { k: 'bool', c: 'BOOLEAN' },
      InputBuffer: pvoid,
      InputBufferLength: { k: 'u32', c: 'ULONG' },
      OutputBuffer: pvoid,
      OutputBufferLength: { k: 'u32', c: 'ULONG' },
      IoControlCode: { k: 'u32', c: 'ULONG' },
      IoStatus: to('IO_STATUS_BLOCK'),
      DeviceObject: to('DEVICE_OBJECT'),
    },
    returns: { k: 'bool', c: 'BOOLEAN' },
  },
  DRIVER_STARTIO: {
    kind: 'startio',
    params: { DeviceObject: to('DEVICE_OBJECT'), Irp: to('IRP') },
    returns: nothing,
  },
  DRIVER_CANCEL: {
    kind: 'cancel',
    params: { DeviceObject: to('DEVICE_OBJECT'), Irp: to('IRP') },
    returns: nothing,
  },
  IO_COMPLETION_ROUTINE: {
    kind: 'completion',
    params: { DeviceObject: to('DEVICE_OBJECT'), Irp: to('IRP'), Context: pvoid },
    returns: status,
  },
  IO_WORKITEM_ROUTINE: {
    kind: 'workitem',
    params: { DeviceObject: to('DEVICE_OBJECT'), Context: pvoid },
    returns: nothing,
  },
  WORKER_THREAD_ROUTINE: { kind: 'workitem', params: { Parameter: pvoid }, returns: nothing },
  KDEFERRED_ROUTINE: {
    kind: 'dpc',
    params: {
      Dpc: to('KDPC'),
      DeferredContext: pvoid,
      SystemArgument1: pvoid,
      SystemArgument2: pvoid,
    },
    returns: nothing,
  },
  IO_DPC_ROUTINE: {
    kind: 'dpc',
    params: { Dpc: to('KDPC'), DeviceObject: to('DEVICE_OBJECT'), Irp: to('IRP'), Context: pvoid },
    returns: nothing,
  },
  IO_TIMER_ROUTINE: {
    kind: 'timer',
    params: { DeviceObject: to('DEVICE_OBJECT'), Context: pvoid },
    returns: nothing,
  },
  KSERVICE_ROUTINE: {
    kind: 'isr',
    params: { Interrupt: to('KINTERRUPT'), ServiceContext: pvoid },
    returns: { k: 'bool', c: 'BOOLEAN' },
  },
  EXPAND_STACK_CALLOUT: { kind: 'other', params: { Parameter: pvoid }, returns: nothing },
  KSYNCHRONIZE_ROUTINE: {
    kind: 'other',
    params: { SynchronizeContext: pvoid },
    returns: { k: 'bool', c: 'BOOLEAN' },
  },
  /** What IA32_LSTAR points at after a driver moved it; KiSystemCall64 goes on when it returns. */
  SYSTEM_CALL_ENTRY: {
    kind: 'other',
    params: { SystemServiceNumber: { k: 'u32', c: 'ULONG' } },
    returns: nothing,
  },
  KSTART_ROUTINE: { kind: 'thread', params: { StartContext: pvoid }, returns: nothing },
  DRIVER_REINITIALIZE: {
    kind: 'other',
    params: { DriverObject: to('DRIVER_OBJECT'), Context: pvoid, Count: { k: 'u32', c: 'ULONG' } },
    returns: nothing,
  },
  CREATE_PROCESS_NOTIFY_ROUTINE: {
    kind: 'notify',
    params: {
      ParentId: { k: 'handle', c: 'HANDLE' },
      ProcessId: { k: 'handle', c: 'HANDLE' },
      Create: { k: 'bool', c: 'BOOLEAN' },
    },
    returns: nothing,
  },
  CSQ_INSERT_IRP: {
    kind: 'other',
    params: { Csq: to('IO_CSQ'), Irp: to('IRP') },
    returns: nothing,
  },
  CSQ_REMOVE_IRP: {
    kind: 'other',
    params: { Csq: to('IO_CSQ'), Irp: to('IRP') },
    returns: nothing,
  },
  CSQ_PEEK_NEXT_IRP: {
    kind: 'other',
    params: { Csq: to('IO_CSQ'), Irp: to('IRP'), PeekContext: pvoid },
    returns: to('IRP'),
  },
  CSQ_ACQUIRE_LOCK: { kind: 'other', params: { Csq: to('IO_CSQ'), Irql: pvoid }, returns: nothing },
  CSQ_RELEASE_LOCK: {
    kind: 'other',
    params: { Csq: to('IO_CSQ'), Irql: { k: 'u8', c: 'KIRQL' } },
    returns: nothing,
  },
  CSQ_COMPLETE_CANCELED_IRP: {
    kind: 'cancel',
    params: { Csq: to('IO_CSQ'), Irp: to('IRP') },
    returns: nothing,
  },
  KBUGCHECK_CALLBACK_ROUTINE: {
    kind: 'other',
    params: { Buffer: pvoid, Length: { k: 'u32', c: 'ULONG' } },
    returns: nothing,
  },
  KBUGCHECK_REASON_CALLBACK_ROUTINE: {
    kind: 'other',
    params: {
      Reason: { k: 'u32', c: 'KBUGCHECK_CALLBACK_REASON' },
      Record: to('KBUGCHECK_REASON_CALLBACK_RECORD'),
      ReasonSpecificData: pvoid,
      ReasonSpecificDataLength: { k: 'u32', c: 'ULONG' },
    },
    returns: nothing,
  },
  NMI_CALLBACK: {
    kind: 'other',
    params: { Context: pvoid, Handled: { k: 'bool', c: 'BOOLEAN' } },
    returns: { k: 'bool', c: 'BOOLEAN' },
  },
  /** What KeIpiGenericCall runs on every processor. */
  KIPI_BROADCAST_WORKER: {
    kind: 'other',
    params: { Argument: pvoid },
    returns: { k: 'u32', c: 'ULONG_PTR' },
  },
  /** A client program's `main`. */
  MAIN: { kind: 'main', params: {}, returns: { k: 'i32', c: 'int' } },
  /** A client program's thread. */
  THREAD_START_ROUTINE: {
    kind: 'thread',
    params: { lpParameter: pvoid },
    returns: { k: 'u32', c: 'DWORD' },
  },
  /** Receives the values that RtlQueryRegistryValues finds. */
  RTL_QUERY_REGISTRY_ROUTINE: {
    kind: 'other',
    params: {
      ValueName: { k: 'ptr', c: 'PWSTR', target: null },
      ValueType: { k: 'u32', c: 'ULONG' },
      ValueData: pvoid,
      ValueLength: { k: 'u32', c: 'ULONG' },
      Context: pvoid,
      EntryContext: pvoid,
    },
    returns: status,
  },
  /** What a driver puts in the place of a system service: arguments as they stand in registers and on the stack. */
  SYSTEM_SERVICE: {
    kind: 'other',
    params: {
      Argument1: pvoid,
      Argument2: pvoid,
      Argument3: pvoid,
      Argument4: pvoid,
      Argument5: pvoid,
      Argument6: pvoid,
      Argument7: pvoid,
      Argument8: pvoid,
      Argument9: pvoid,
      Argument10: pvoid,
      Argument11: pvoid,
    },
    returns: status,
  },
  CREATE_PROCESS_NOTIFY_ROUTINE_EX: {
    kind: 'notify',
    params: {
      Process: to('EPROCESS'),
      ProcessId: { k: 'handle', c: 'HANDLE' },
      CreateInfo: to('PS_CREATE_NOTIFY_INFO'),
    },
    returns: nothing,
  },
  CREATE_THREAD_NOTIFY_ROUTINE: {
    kind: 'notify',
    params: {
      ProcessId: { k: 'handle', c: 'HANDLE' },
      ThreadId: { k: 'handle', c: 'HANDLE' },
      Create: { k: 'bool', c: 'BOOLEAN' },
    },
    returns: nothing,
  },
  LOAD_IMAGE_NOTIFY_ROUTINE: {
    kind: 'notify',
    params: {
      FullImageName: to('UNICODE_STRING'),
      ProcessId: { k: 'handle', c: 'HANDLE' },
      ImageInfo: to('IMAGE_INFO'),
    },
    returns: nothing,
  },
  OB_PRE_OPERATION_CALLBACK: {
    kind: 'notify',
    params: {
      RegistrationContext: pvoid,
      OperationInformation: to('OB_PRE_OPERATION_INFORMATION'),
    },
    returns: { k: 'u32', c: 'ULONG' },
  },
  OB_POST_OPERATION_CALLBACK: {
    kind: 'notify',
    params: {
      RegistrationContext: pvoid,
      OperationInformation: to('OB_POST_OPERATION_INFORMATION'),
    },
    returns: nothing,
  },
  /** A registry callback: CmRegisterCallbackEx. */
  EX_CALLBACK_FUNCTION: {
    kind: 'notify',
    params: { CallbackContext: pvoid, Argument1: pvoid, Argument2: pvoid },
    returns: status,
  },
  /** A routine of a callback object: ExRegisterCallback. */
  CALLBACK_FUNCTION: {
    kind: 'notify',
    params: { CallbackContext: pvoid, Argument1: pvoid, Argument2: pvoid },
    returns: nothing,
  },
  KKERNEL_ROUTINE: {
    kind: 'other',
    params: {
      Apc: to('KAPC'),
      NormalRoutine: pvoid,
      NormalContext: pvoid,
      SystemArgument1: pvoid,
      SystemArgument2: pvoid,
    },
    returns: nothing,
  },
  /** What a user APC calls in a program. */
  USER_APC_ROUTINE: {
    kind: 'other',
    params: { NormalContext: pvoid, SystemArgument1: pvoid, SystemArgument2: pvoid },
    returns: nothing,
  },
  KRUNDOWN_ROUTINE: { kind: 'other', params: { Apc: to('KAPC') }, returns: nothing },
  KNORMAL_ROUTINE: {
    kind: 'other',
    params: { NormalContext: pvoid, SystemArgument1: pvoid, SystemArgument2: pvoid },
    returns: nothing,
  },
  ...FRAMEWORK_ROUTINES,
} as const satisfies Record<string, RoutineSignature>

export type RoutineName = keyof typeof ROUTINES
export const ROUTINE_NAMES = Object.keys(ROUTINES) as RoutineName[]
/** Where a routine stands in ROUTINE_NAMES. */
export const ROUTINE_INDEX = Object.fromEntries(
  ROUTINE_NAMES.map((name, index) => [name, index]),
) as Readonly<Record<RoutineName, number>>
