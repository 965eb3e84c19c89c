/** Declarations of what the language itself adds: types as values, pointers, helpers. */
import { SCALARS, type ScalarAccess } from './c-types'
import { docComment } from './text'

const MEANING: Record<ScalarAccess, string> = {
  u8: 'unsigned, 8 bits',
  i8: 'signed, 8 bits',
  u16: 'unsigned, 16 bits',
  i16: 'signed, 16 bits',
  u32: 'unsigned, 32 bits',
  i32: 'signed, 32 bits',
  u64: 'unsigned, 64 bits: a bigint',
  i64: 'signed, 64 bits: a bigint',
  handle: 'a handle, 64 bits in memory: a number',
  bool: 'one byte: TRUE or FALSE',
}

const SPECIAL: Record<string, string> = {
  NTSTATUS:
    'Status of a routine, unsigned here. Ask NT_SUCCESS(status); 0xC... and 0x8... are failures.',
  KIRQL: 'Interrupt request level: PASSIVE_LEVEL (0) to HIGH_LEVEL (15).',
}

/** Scalar types: each an integer that remembers its C name, so that arithmetic wraps as in C. */
export function scalarDeclarations(): string {
  let text = ''
  for (const [name, access] of SCALARS) {
    const base = access === 'u64' || access === 'i64' ? 'bigint' : 'number'
    const tagged = `${base} & { readonly ${scalarTag(name)}?: never }`
    text += docComment([SPECIAL[name] ?? `C's ${name}: ${MEANING[access]}.`], '  ')
    text += `  export type ${name} = ${access === 'bool' ? `boolean | (${tagged})` : tagged}\n`
    text += `  export const ${name}: ScalarType<${name}>\n`
  }
  return text
}

const TAG = '__c_'

/** The property that tells a scalar type from others; it exists only for the type checker. */
export function scalarTag(name: string): string {
  return TAG + name
}

/** C name of the scalar type that has this property; undefined for other properties. */
export function scalarOfTag(property: string): string | undefined {
  return property.startsWith(TAG) ? property.slice(TAG.length) : undefined
}

/** Parameter, field or variable type for a scalar where a value is written: 64-bit ones take numbers too. */
export function writableScalar(name: string): string {
  // C's TRUE is a number, but nobody who writes `true` here means anything else.
  if (name === 'BOOL') return 'BOOL | boolean'
  const access = SCALARS.get(name)
  return access === 'u64' || access === 'i64' ? `${name} | number` : name
}

/** Names that only the language has, exported by both modules. */
export const LANGUAGE_NAMES = [
  'POINTER',
  'ARRAY',
  'OUT',
  'Ptr',
  'ScalarType',
  'StructType',
  'PointerType',
  'ArrayType',
  'FunctionType',
  'out',
  'local',
  'struct',
  'array',
  'pointer',
  'sizeof',
  'offsetof',
  'cast',
  'addressof',
  'CONTAINING_RECORD',
  'RTL_CONSTANT_STRING',
  'CTL_CODE',
  'NT_SUCCESS',
  'NT_INFORMATION',
  'NT_WARNING',
  'NT_ERROR',
  'GetExceptionCode',
  'UNREFERENCED_PARAMETER',
  'PAGED_CODE',
  'NtCurrentProcess',
  'NtCurrentThread',
  'ZwCurrentProcess',
  'ZwCurrentThread',
] as const

export const LANGUAGE_DECLARATIONS = `
  const kind: unique symbol
  const content: unique symbol

  /** Pointer to anything: a view of memory, or null. */
  export interface PVOID {
    readonly [kind]?: string
    /** The pointer \`bytes\` further on. */
    add(bytes: number | bigint): PVOID
    /** The bytes from here on. */
    readonly u8: POINTER<UCHAR>
    readonly u16: POINTER<USHORT>
    readonly u32: POINTER<ULONG>
    readonly u64: POINTER<ULONGLONG>
  }
  export const PVOID: PointerType<PVOID>

  /** Pointer to the first of any number of values. */
  export interface POINTER<T> extends PVOID {
    [index: number]: T
  }

  /** Array inside a structure. */
  export interface ARRAY<T> extends POINTER<T> {
    /** Number of elements. */
    readonly length: number
  }

  /** What a routine gives back through a pointer parameter. */
  export interface OUT<T> {
    value: T
  }

  /** A scalar type as a value. */
  export interface ScalarType<T> { readonly [content]?: T; readonly [kind]?: 'scalar' }
  /** A structure as a value. */
  export interface StructType<T, N extends string> { readonly [content]?: T; readonly [kind]?: 'struct'; readonly name?: N }
  /** A pointer type as a value. */
  export interface PointerType<T> { readonly [content]?: T; readonly [kind]?: 'pointer' }
  /** An array type as a value. */
  export interface ArrayType<T> { readonly [content]?: T; readonly [kind]?: 'array' }
  /** The type of a callback as a value. */
  export interface FunctionType<T> { readonly [content]?: T; readonly [kind]?: 'function' }

  type AnyType = ScalarType<any> | StructType<any, any> | PointerType<any> | ArrayType<any> | FunctionType<any>
  type ContentOf<S> =
    S extends StructType<infer T, any> ? T
    : S extends ArrayType<infer T> ? ARRAY<T>
    : S extends ScalarType<infer T> | PointerType<infer T> | FunctionType<infer T> ? T
    : never
  type ArrayFields<F> = { [K in keyof F]: F[K] extends { readonly [kind]?: 'array' } ? K : never }[keyof F]
  type Fields<F> = { readonly [K in ArrayFields<F>]: ContentOf<F[K]> } & {
    -readonly [K in Exclude<keyof F, ArrayFields<F>>]: ContentOf<F[K]>
  }
  type View<N extends string, F> = PVOID & { readonly [kind]?: N } & Fields<F>

  /** The pointer type of a structure of your own: \`type PEXTENSION = Ptr<typeof EXTENSION>\`. */
  export type Ptr<S extends AnyType> = ContentOf<S>

  /** A place for what a routine gives back through a pointer: \`const device = out<DEVICE_OBJECT>()\`, then \`device.value\`. */
  export function out<T = any>(): OUT<T>

  /**
   * A structure, array or value on the stack of this function, zeroed; gone when the function returns.
   * @example const event = local(KEVENT)
   */
  export function local<T>(type: StructType<T, any>): T
  export function local<T>(type: ArrayType<T>): ARRAY<T>
  export function local<T>(type: ScalarType<T> | PointerType<T>): POINTER<T>

  /**
   * A structure of your own, laid out as C would.
   * @example const EXTENSION = struct('EXTENSION', { Count: ULONG, Lock: KSPIN_LOCK, Buffer: array(UCHAR, 16), Next: PVOID })
   */
  export function struct<const N extends string, F extends { readonly [name: string]: AnyType }>(
    name: N,
    fields: F,
  ): StructType<View<N, F>, N>

  /** An array type, for fields and \`local\`. */
  export function array<T>(type: StructType<T, any> | ScalarType<T> | PointerType<T> | FunctionType<T>, count: number): ArrayType<T>

  /** The type of a pointer to a structure, or to values. */
  export function pointer<T>(type: StructType<T, any>): PointerType<T>
  export function pointer<T>(type: ScalarType<T> | PointerType<T> | FunctionType<T>): PointerType<POINTER<T>>

  /** Size in bytes of a type, or of the structure that a pointer points at. */
  export function sizeof(what: AnyType | PVOID): ULONG

  /** Offset in bytes of a field; inner fields with dots. */
  export function offsetof<T>(type: StructType<T, any>, field: (keyof T & string) | (string & {})): ULONG

  /** The same address with another type. */
  export function cast<T>(type: StructType<T, any> | PointerType<T>, value: PVOID | bigint | number): T
  export function cast<T>(type: ArrayType<T>, value: PVOID | bigint | number): ARRAY<T>
  export function cast<T>(type: FunctionType<T>, value: PVOID | bigint): T
  /** The value wrapped to another integer type. A pointer cast to ULONG_PTR is its address. */
  export function cast<T>(type: ScalarType<T>, value: number | bigint | boolean | PVOID | Function): T

  /** C's \`&\`: pointer to a field or element, \`addressof(extension.Count)\`. */
  export function addressof<T extends number | bigint>(place: T): POINTER<T>
  export function addressof(place: any): PVOID

  /** The structure that has \`field\` at \`address\`. */
  export function CONTAINING_RECORD<T>(address: PVOID, type: StructType<T, any>, field: (keyof T & string) | (string & {})): T

  /** A UNICODE_STRING in the read-only data of the image. */
  export function RTL_CONSTANT_STRING(text: string): UNICODE_STRING

  /** Build an I/O control code. */
  export function CTL_CODE(DeviceType: number, Function: number, Method: number, Access: number): ULONG

  /** Whether a status is a success (0 to 0x3FFFFFFF) or an information (0x4...). */
  export function NT_SUCCESS(Status: NTSTATUS): boolean
  /** Whether a status is 0x4... */
  export function NT_INFORMATION(Status: NTSTATUS): boolean
  /** Whether a status is 0x8... */
  export function NT_WARNING(Status: NTSTATUS): boolean
  /** Whether a status is 0xC... */
  export function NT_ERROR(Status: NTSTATUS): boolean

  /** The exception that was caught; only inside \`catch\`. */
  export function GetExceptionCode(): NTSTATUS

  /** Says that a parameter is not used on purpose. */
  export function UNREFERENCED_PARAMETER(parameter: any): void

  /** Says that a routine is only called below DISPATCH_LEVEL. As in a free build, nothing is checked. */
  export function PAGED_CODE(): void
  /** -1: the handle that always means the current process. */
  export function NtCurrentProcess(): HANDLE
  /** -2: the handle that always means the current thread. */
  export function NtCurrentThread(): HANDLE
  /** -1: the handle that always means the current process. */
  export function ZwCurrentProcess(): HANDLE
  /** -2: the handle that always means the current thread. */
  export function ZwCurrentThread(): HANDLE
`
