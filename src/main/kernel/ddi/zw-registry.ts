/** Registry: the Zw services on keys, and the run-time library's short ways to values. */
import {
  REG_CREATED_NEW_KEY,
  REG_OPENED_EXISTING_KEY,
  REG_OPTION_VOLATILE,
  RTL_REGISTRY_ABSOLUTE,
  RTL_REGISTRY_CONTROL,
  RTL_REGISTRY_DEVICEMAP,
  RTL_REGISTRY_HANDLE,
  RTL_REGISTRY_OPTIONAL,
  RTL_REGISTRY_SERVICES,
  RTL_REGISTRY_USER,
  RTL_REGISTRY_WINDOWS_NT,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_INVALID_PARAMETER,
  STATUS_KEY_DELETED,
  STATUS_NO_MORE_ENTRIES,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { DRIVER_EXTENSION, DRIVER_OBJECT } from '../../../shared/nt/generated/offsets'
import { deliver, keyInformation, valueInformation } from '../cm/information'
import type { RegistryOperation } from '../cm/callbacks'
import type { Key } from '../cm/key'
import {
  deleteKey,
  deleteValue,
  enumerate,
  openOrCreate,
  queryKey,
  queryValue,
  setValue,
  type Answer,
  type OpenedKey,
} from '../cm/operations'
import { queryTable } from '../cm/query-table'
import { SERVICES_PATH, type KeyData } from '../cm/registry'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { captureAttributes, captureName, type CapturedAttributes } from '../ob/attributes'
import type { KObject } from '../ob/object'
import { mapAccess } from '../ob/object-type'
import { unicodeText } from '../rtl/unicode'
import { ddi, t, type KernelRoutine, type Out } from './types'

const PCWSTR = { k: 'ptr', c: 'PCWSTR', target: null } as const
const ATTRIBUTES = t.ptr('OBJECT_ATTRIBUTES')
const VALUE_CLASS = t.enum('KEY_VALUE_INFORMATION_CLASS')
const KEY_CLASS = t.enum('KEY_INFORMATION_CLASS')

/** Key object behind a handle, or why there is none. A deleted key answers STATUS_KEY_DELETED. */
function keyObject(k: Kernel, handle: number): KObject<KeyData> | number {
  const resolved = k.ob.resolveHandle(handle, 0, k.ob.types.Key, 0)
  if (!resolved.object) return resolved.status
  const object = resolved.object as KObject<KeyData>
  return object.data.key.deleted ? STATUS_KEY_DELETED : object
}

/** Key behind a handle, or why there is none. */
function keyOf(k: Kernel, handle: number): Key | number {
  const object = keyObject(k, handle)
  return typeof object === 'number' ? object : object.data.key
}

interface OpenArguments {
  KeyHandle: Out<number>
  DesiredAccess: number
  ObjectAttributes: Ptr
}

/** Open or create a key by way of the callbacks, and a handle to what it came to. */
function* openThrough(
  k: Kernel,
  a: OpenArguments & { Class?: Ptr; Disposition?: Out<number> },
  given: CapturedAttributes,
  how: { create: boolean; options: number },
  perform: () => { object: KObject<KeyData>; disposition: number } | number,
): KernelRoutine<number> {
  const results: OpenedKey = { object: 0, granted: 0, disposition: 0 }
  const operation = openOrCreate(
    k,
    {
      ...how,
      path: given.name,
      root: (given.root ?? k.registry.object).address,
      access: a.DesiredAccess,
      className: a.Class ?? 0,
    },
    results,
  )
  const status = yield* k.registry.callbacks.around(operation, () => {
    const made = perform()
    if (typeof made === 'number') return made
    results.object = made.object.address
    results.granted = mapAccess(k.ob.types.Key, a.DesiredAccess)
    results.disposition = made.disposition
    return STATUS_SUCCESS
  })
  // A callback that made a failure of a success has dropped the object, or leaks it.
  if (status >>> 31 !== 0) return status
  if (results.object === 0) return STATUS_OBJECT_NAME_NOT_FOUND
  const object = k.ob.lookup(results.object)
  if (object) {
    if (object.type.name !== 'Key') return STATUS_OBJECT_TYPE_MISMATCH
    a.KeyHandle.write(k.ob.openHandle(object, results.granted, { kernel: given.kernelHandle }))
    a.Disposition?.write(results.disposition)
  }
  // Its reference, from here or from a callback; what is no object stops the machine.
  k.ob.release(results.object)
  return status
}

function* openKey(k: Kernel, a: OpenArguments & { OpenOptions?: number }): KernelRoutine<number> {
  if (a.ObjectAttributes === 0) return STATUS_INVALID_PARAMETER
  const given = captureAttributes(k, a.ObjectAttributes)
  if (given.status !== STATUS_SUCCESS) return given.status
  const how = { create: false, options: a.OpenOptions ?? 0 }
  return yield* openThrough(k, a, given, how, () => {
    const object = k.registry.open(given.name, given.root)
    return typeof object === 'number' ? object : { object, disposition: REG_OPENED_EXISTING_KEY }
  })
}

function* createKey(
  k: Kernel,
  a: OpenArguments & { Class: Ptr; CreateOptions: number; Disposition: Out<number> },
): KernelRoutine<number> {
  if (a.ObjectAttributes === 0) return STATUS_INVALID_PARAMETER
  const given = captureAttributes(k, a.ObjectAttributes)
  if (given.status !== STATUS_SUCCESS) return given.status
  const how = { create: true, options: a.CreateOptions }
  return yield* openThrough(k, a, given, how, () => {
    const result = k.registry.create(given.name, given.root, {
      volatile: (a.CreateOptions & REG_OPTION_VOLATILE) !== 0,
      className: captureName(k, a.Class).text,
    })
    if (typeof result === 'number') return result
    const { object, created } = result
    return { object, disposition: created ? REG_CREATED_NEW_KEY : REG_OPENED_EXISTING_KEY }
  })
}

interface Question {
  Length: number
  ResultLength: Out<number>
}

const answerTo = (a: Question, kind: number, buffer: Ptr): Answer => ({
  kind,
  buffer,
  length: a.Length,
  needed: null,
})

/** Ask by way of the callbacks, and hand the length of the answer on. */
function* askThrough(
  k: Kernel,
  a: Question,
  answer: Answer,
  operation: RegistryOperation,
  perform: () => number,
): KernelRoutine<number> {
  const status = yield* k.registry.callbacks.around(operation, perform)
  if (answer.needed !== null) a.ResultLength.write(answer.needed)
  return status
}

/** Hand an answer out. */
function hand(k: Kernel, information: ReturnType<typeof keyInformation>, answer: Answer): number {
  return deliver(k.memory, information, answer.buffer, answer.length, (needed) => {
    answer.needed = needed
  })
}

/** Subkey or value number `index` in an enumeration, or STATUS_NO_MORE_ENTRIES. */
function nth<T>(
  k: Kernel,
  operation: string,
  key: Key,
  list: readonly T[],
  index: number,
): T | null {
  const item = list[index]
  k.registry.trace(
    operation,
    key.path,
    String(index),
    item === undefined ? STATUS_NO_MORE_ENTRIES : STATUS_SUCCESS,
  )
  return item ?? null
}

// --- Rtl: keys relative to well-known places -----------------------------------------------------

const PLACES: Readonly<Record<number, string>> = {
  [RTL_REGISTRY_ABSOLUTE]: '',
  [RTL_REGISTRY_SERVICES]: SERVICES_PATH,
  [RTL_REGISTRY_CONTROL]: '\\REGISTRY\\MACHINE\\SYSTEM\\CurrentControlSet\\Control',
  [RTL_REGISTRY_WINDOWS_NT]: '\\REGISTRY\\MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion',
  [RTL_REGISTRY_DEVICEMAP]: '\\REGISTRY\\MACHINE\\HARDWARE\\DEVICEMAP',
  [RTL_REGISTRY_USER]: '\\REGISTRY\\USER\\.DEFAULT',
}

/** Path that RelativeTo and Path mean together; a key when Path is a handle; else a status. */
function relativePath(k: Kernel, relativeTo: number, path: Ptr): string | Key | number {
  if (relativeTo & RTL_REGISTRY_HANDLE)
    return keyOf(k, Number(BigInt.asIntN(32, k.memory.address(path))))
  const place = PLACES[(relativeTo & ~RTL_REGISTRY_OPTIONAL) >>> 0]
  if (place === undefined) return STATUS_INVALID_PARAMETER
  const rest = path === 0 ? '' : k.memory.wsz(path)
  if (place === '') return rest
  return rest === '' ? place : `${place}\\${rest}`
}

/** The key that RelativeTo and Path name; a status when there is none. */
function relativeKey(k: Kernel, relativeTo: number, path: Ptr): Key | number {
  const place = relativePath(k, relativeTo, path)
  return typeof place === 'string' ? k.registry.find(place) : place
}

/** As `relativeKey`, making every part of the path that is missing. */
function makeKey(k: Kernel, relativeTo: number, path: Ptr): Key | number {
  const place = relativePath(k, relativeTo, path)
  if (typeof place !== 'string') return place
  const parts = place.split('\\')
  for (let i = 3; i <= parts.length; i++) {
    const status = k.registry.ensure(parts.slice(0, i).join('\\'))
    if (status !== STATUS_SUCCESS) return status
  }
  return k.registry.find(place)
}

function writeValue(
  k: Kernel,
  key: Key,
  name: string,
  type: number,
  data: Ptr,
  length: number,
): number {
  return k.registry.setValue(key, { name, type, data: k.memory.read(data, length) })
}

function* queryValues(
  k: Kernel,
  a: { RelativeTo: number; Path: Ptr; QueryTable: Ptr; Context: Ptr },
): KernelRoutine<number> {
  const key = relativeKey(k, a.RelativeTo, a.Path)
  if (typeof key === 'number') return key
  return yield* queryTable(k, key, a.QueryTable, a.Context)
}

const relative = { RelativeTo: t.ulong, Path: t.optional(PCWSTR) } as const

export const ZW_REGISTRY_DDIS = {
  ZwOpenKey: ddi({
    params: {
      KeyHandle: t.out(t.handle),
      DesiredAccess: t.accessMask,
      ObjectAttributes: ATTRIBUTES,
    },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-zwopenkey',
    run: openKey,
  }),
  ZwOpenKeyEx: ddi({
    params: {
      KeyHandle: t.out(t.handle),
      DesiredAccess: t.accessMask,
      ObjectAttributes: ATTRIBUTES,
      OpenOptions: t.ulong,
    },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Opens a registry key; the options change nothing here.',
    docs: 'wdm/nf-wdm-zwopenkeyex',
    run: openKey,
  }),
  ZwCreateKey: ddi({
    params: {
      KeyHandle: t.out(t.handle),
      DesiredAccess: t.accessMask,
      ObjectAttributes: ATTRIBUTES,
      TitleIndex: t.ulong,
      Class: t.optional(t.ptr('UNICODE_STRING')),
      CreateOptions: t.ulong,
      Disposition: t.optional(t.out(t.ulong)),
    },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-zwcreatekey',
    run: createKey,
  }),
  ZwSetValueKey: ddi({
    params: {
      KeyHandle: t.handle,
      ValueName: t.ptr('UNICODE_STRING'),
      TitleIndex: t.optional(t.ulong),
      Type: t.ulong,
      Data: t.optional(t.pvoid),
      DataSize: t.ulong,
    },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-zwsetvaluekey',
    *run(k, a) {
      const object = keyObject(k, a.KeyHandle)
      if (typeof object === 'number') return object
      const name = captureName(k, a.ValueName)
      if (name.status !== STATUS_SUCCESS) return name.status
      const operation = setValue(k, {
        object: object.address,
        name: a.ValueName,
        title: a.TitleIndex,
        type: a.Type,
        data: a.Data,
        length: a.DataSize,
      })
      return yield* k.registry.callbacks.around(operation, () =>
        writeValue(k, object.data.key, name.text, a.Type, a.Data, a.DataSize),
      )
    },
  }),
  ZwQueryValueKey: ddi({
    params: {
      KeyHandle: t.handle,
      ValueName: t.ptr('UNICODE_STRING'),
      KeyValueInformationClass: VALUE_CLASS,
      KeyValueInformation: t.optional(t.pvoid),
      Length: t.ulong,
      ResultLength: t.out(t.ulong),
    },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-zwqueryvaluekey',
    *run(k, a) {
      const object = keyObject(k, a.KeyHandle)
      if (typeof object === 'number') return object
      const name = captureName(k, a.ValueName)
      if (name.status !== STATUS_SUCCESS) return name.status
      const answer = answerTo(a, a.KeyValueInformationClass, a.KeyValueInformation)
      const operation = queryValue(k, object.address, a.ValueName, answer)
      return yield* askThrough(k, a, answer, operation, () => {
        const value = k.registry.queryValue(object.data.key, name.text)
        if (typeof value === 'number') return value
        return hand(k, valueInformation(value, answer.kind), answer)
      })
    },
  }),
  ZwEnumerateKey: ddi({
    params: {
      KeyHandle: t.handle,
      Index: t.ulong,
      KeyInformationClass: KEY_CLASS,
      KeyInformation: t.optional(t.pvoid),
      Length: t.ulong,
      ResultLength: t.out(t.ulong),
    },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-zwenumeratekey',
    *run(k, a) {
      const object = keyObject(k, a.KeyHandle)
      if (typeof object === 'number') return object
      const answer = answerTo(a, a.KeyInformationClass, a.KeyInformation)
      const operation = enumerate(k, 'key', object.address, a.Index, answer)
      return yield* askThrough(k, a, answer, operation, () => {
        const { key } = object.data
        const subkey = nth(k, 'enumerateKey', key, key.sortedSubkeys(), a.Index)
        if (!subkey) return STATUS_NO_MORE_ENTRIES
        // Only the three classes that describe a key as an entry are allowed here.
        if (a.KeyInformationClass > 2) return STATUS_INVALID_PARAMETER
        return hand(k, keyInformation(subkey, answer.kind), answer)
      })
    },
  }),
  ZwEnumerateValueKey: ddi({
    params: {
      KeyHandle: t.handle,
      Index: t.ulong,
      KeyValueInformationClass: VALUE_CLASS,
      KeyValueInformation: t.optional(t.pvoid),
      Length: t.ulong,
      ResultLength: t.out(t.ulong),
    },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Lists the values of a key.',
    docs: 'wdm/nf-wdm-zwenumeratevaluekey',
    *run(k, a) {
      const object = keyObject(k, a.KeyHandle)
      if (typeof object === 'number') return object
      const answer = answerTo(a, a.KeyValueInformationClass, a.KeyValueInformation)
      const operation = enumerate(k, 'value', object.address, a.Index, answer)
      return yield* askThrough(k, a, answer, operation, () => {
        const { key } = object.data
        const value = nth(k, 'enumerateValue', key, key.valueList(), a.Index)
        if (!value) return STATUS_NO_MORE_ENTRIES
        return hand(k, valueInformation(value, answer.kind), answer)
      })
    },
  }),
  ZwQueryKey: ddi({
    params: {
      KeyHandle: t.handle,
      KeyInformationClass: KEY_CLASS,
      KeyInformation: t.optional(t.pvoid),
      Length: t.ulong,
      ResultLength: t.out(t.ulong),
    },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Describes a key: name, class, number and sizes of its subkeys and values.',
    docs: 'wdm/nf-wdm-zwquerykey',
    *run(k, a) {
      const object = keyObject(k, a.KeyHandle)
      if (typeof object === 'number') return object
      const answer = answerTo(a, a.KeyInformationClass, a.KeyInformation)
      const operation = queryKey(k, object.address, answer)
      return yield* askThrough(k, a, answer, operation, () =>
        hand(k, keyInformation(object.data.key, answer.kind), answer),
      )
    },
  }),
  ZwDeleteKey: ddi({
    params: { KeyHandle: t.handle },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-zwdeletekey',
    *run(k, a) {
      const object = keyObject(k, a.KeyHandle)
      if (typeof object === 'number') return object
      return yield* k.registry.callbacks.around(deleteKey(k, object.address), () =>
        k.registry.deleteKey(object.data.key),
      )
    },
  }),
  ZwDeleteValueKey: ddi({
    params: { KeyHandle: t.handle, ValueName: t.ptr('UNICODE_STRING') },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Deletes a value of a key.',
    docs: 'ntddk/nf-ntddk-zwdeletevaluekey',
    *run(k, a) {
      const object = keyObject(k, a.KeyHandle)
      if (typeof object === 'number') return object
      const name = captureName(k, a.ValueName)
      if (name.status !== STATUS_SUCCESS) return name.status
      const operation = deleteValue(k, object.address, a.ValueName)
      return yield* k.registry.callbacks.around(operation, () =>
        k.registry.deleteValue(object.data.key, name.text),
      )
    },
  }),
  ZwFlushKey: ddi({
    params: { KeyHandle: t.handle },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Writes a key to disk; there is no disk behind the registry here.',
    docs: 'wdm/nf-wdm-zwflushkey',
    run(k, a) {
      const key = keyOf(k, a.KeyHandle)
      return typeof key === 'number' ? key : STATUS_SUCCESS
    },
  }),
  RtlQueryRegistryValues: ddi({
    params: {
      ...relative,
      QueryTable: t.ptr('RTL_QUERY_REGISTRY_TABLE'),
      Context: t.optional(t.pvoid),
      Environment: t.optional(t.pvoid),
    },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-rtlqueryregistryvalues',
    support: 'partial',
    note: 'Variables in REG_EXPAND_SZ values are not replaced.',
    run: queryValues,
  }),
  RtlWriteRegistryValue: ddi({
    params: {
      ...relative,
      ValueName: t.wstr,
      ValueType: t.ulong,
      ValueData: t.optional(t.pvoid),
      ValueLength: t.ulong,
    },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Writes a registry value, making its key if that is missing.',
    docs: 'wdm/nf-wdm-rtlwriteregistryvalue',
    run(k, a) {
      const key = makeKey(k, a.RelativeTo, a.Path)
      if (typeof key === 'number') return key
      return writeValue(k, key, a.ValueName ?? '', a.ValueType, a.ValueData, a.ValueLength)
    },
  }),
  RtlDeleteRegistryValue: ddi({
    params: { ...relative, ValueName: t.wstr },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Deletes a registry value.',
    docs: 'wdm/nf-wdm-rtldeleteregistryvalue',
    run(k, a) {
      const key = relativeKey(k, a.RelativeTo, a.Path)
      return typeof key === 'number' ? key : k.registry.deleteValue(key, a.ValueName ?? '')
    },
  }),
  RtlCreateRegistryKey: ddi({
    params: { ...relative },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Makes a registry key if it is missing.',
    docs: 'wdm/nf-wdm-rtlcreateregistrykey',
    run(k, a) {
      const key = makeKey(k, a.RelativeTo, a.Path)
      return typeof key === 'number' ? key : STATUS_SUCCESS
    },
  }),
  RtlCheckRegistryKey: ddi({
    params: { ...relative },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'STATUS_SUCCESS when a registry key exists.',
    docs: 'wdm/nf-wdm-rtlcheckregistrykey',
    run(k, a) {
      const key = relativeKey(k, a.RelativeTo, a.Path)
      return typeof key === 'number' ? key : STATUS_SUCCESS
    },
  }),
  IoOpenDriverRegistryKey: ddi({
    params: {
      DriverObject: t.ptr('DRIVER_OBJECT'),
      RegKeyType: t.enum('DRIVER_REGKEY_TYPE'),
      DesiredAccess: t.accessMask,
      Flags: t.ulong,
      DriverRegKey: t.out(t.handle),
    },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: "Opens the Parameters key of a driver's service, making it if it is missing.",
    docs: 'wdm/nf-wdm-ioopendriverregistrykey',
    run(k, a) {
      if (a.Flags !== 0 || a.RegKeyType !== 0) return STATUS_INVALID_PARAMETER
      const extension = k.memory.ptr(a.DriverObject + DRIVER_OBJECT.DriverExtension)
      const service = unicodeText(k.memory, extension + DRIVER_EXTENSION.ServiceKeyName)
      if (service === '') return STATUS_OBJECT_NAME_NOT_FOUND
      const result = k.registry.create(`${SERVICES_PATH}\\${service}\\Parameters`, null)
      if (typeof result === 'number') return result
      a.DriverRegKey.write(k.ob.openHandle(result.object, a.DesiredAccess, { kernel: true }))
      k.ob.release(result.object.address)
      return STATUS_SUCCESS
    },
  }),
}
