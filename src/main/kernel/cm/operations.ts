/** What registry callbacks are told of each operation: its REG_xxx_INFORMATION structure. */
import {
  RegNtPostCreateKeyEx,
  RegNtPostDeleteKey,
  RegNtPostDeleteValueKey,
  RegNtPostEnumerateKey,
  RegNtPostEnumerateValueKey,
  RegNtPostKeyHandleClose,
  RegNtPostOpenKeyEx,
  RegNtPostQueryKey,
  RegNtPostQueryValueKey,
  RegNtPostSetValueKey,
  RegNtPreCreateKeyEx,
  RegNtPreDeleteKey,
  RegNtPreDeleteValueKey,
  RegNtPreEnumerateKey,
  RegNtPreEnumerateValueKey,
  RegNtPreKeyHandleClose,
  RegNtPreOpenKeyEx,
  RegNtPreQueryKey,
  RegNtPreQueryValueKey,
  RegNtPreSetValueKey,
} from '../../../shared/nt/generated/constants'
import {
  REG_CREATE_KEY_INFORMATION as CREATE,
  REG_DELETE_KEY_INFORMATION as DELETE,
  REG_DELETE_VALUE_KEY_INFORMATION as DELETE_VALUE,
  REG_ENUMERATE_KEY_INFORMATION as ENUMERATE,
  REG_ENUMERATE_VALUE_KEY_INFORMATION as ENUMERATE_VALUE,
  REG_KEY_HANDLE_CLOSE_INFORMATION as CLOSE,
  REG_QUERY_KEY_INFORMATION as QUERY,
  REG_QUERY_VALUE_KEY_INFORMATION as QUERY_VALUE,
  REG_SET_VALUE_KEY_INFORMATION as SET_VALUE,
  UNICODE_STRING,
} from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { placeText, textBytes } from '../ob/header'
import type { RegistryOperation } from './callbacks'

/** What opening or creating a key came to. */
export interface OpenedKey {
  /** Key object with a reference that is the caller's now; 0 when there is none. */
  object: Ptr
  granted: number
  disposition: number
}

/**
 * A key is opened or created by a path.
 * @param results what `perform` leaves here is what callbacks are told; what they made of it is here
 * at the end
 */
export function openOrCreate(
  k: Kernel,
  a: {
    create: boolean
    path: string
    root: Ptr
    access: number
    options: number
    className: Ptr
  },
  results: OpenedKey,
): RegistryOperation {
  const { memory } = k
  const resultObject = (at: Ptr): Ptr => memory.ptr(memory.ptr(at + CREATE.ResultObject))
  return {
    pre: a.create ? RegNtPreCreateKeyEx : RegNtPreOpenKeyEx,
    post: a.create ? RegNtPostCreateKeyEx : RegNtPostOpenKeyEx,
    object: 0,
    bytes: CREATE.SIZE,
    callContext: CREATE.CallContext,
    more: UNICODE_STRING.SIZE + textBytes(a.path) + 40,
    fill(at, take) {
      const name = take(UNICODE_STRING.SIZE)
      placeText(memory, name, take(textBytes(a.path)), a.path)
      memory.setPtr(at + CREATE.CompleteName, name)
      memory.setPtr(at + CREATE.RootObject, a.root)
      memory.setPtr(at + CREATE.ObjectType, k.ob.types.Key.address)
      memory.setU32(at + CREATE.CreateOptions, a.options)
      memory.setPtr(at + CREATE.Class, a.className)
      memory.setU32(at + CREATE.DesiredAccess, a.access)
      memory.setU32(at + CREATE.GrantedAccess, 0)
      memory.setPtr(at + CREATE.Disposition, take(8))
      memory.setPtr(at + CREATE.ResultObject, take(8))
    },
    leave(at) {
      memory.setPtr(memory.ptr(at + CREATE.ResultObject), results.object)
      memory.setU32(memory.ptr(at + CREATE.Disposition), results.disposition)
      memory.setU32(at + CREATE.GrantedAccess, results.granted)
    },
    result: resultObject,
    take(at) {
      results.object = resultObject(at)
      results.disposition = memory.u32(memory.ptr(at + CREATE.Disposition))
      results.granted = memory.u32(at + CREATE.GrantedAccess)
    },
  }
}

export function setValue(
  k: Kernel,
  a: { object: Ptr; name: Ptr; title: number; type: number; data: Ptr; length: number },
): RegistryOperation {
  const { memory } = k
  return {
    pre: RegNtPreSetValueKey,
    post: RegNtPostSetValueKey,
    object: a.object,
    bytes: SET_VALUE.SIZE,
    callContext: SET_VALUE.CallContext,
    fill(at) {
      memory.setPtr(at + SET_VALUE.Object, a.object)
      memory.setPtr(at + SET_VALUE.ValueName, a.name)
      memory.setU32(at + SET_VALUE.TitleIndex, a.title)
      memory.setU32(at + SET_VALUE.Type, a.type)
      memory.setPtr(at + SET_VALUE.Data, a.data)
      memory.setU32(at + SET_VALUE.DataSize, a.length)
    },
  }
}

export function deleteKey(k: Kernel, object: Ptr): RegistryOperation {
  return {
    pre: RegNtPreDeleteKey,
    post: RegNtPostDeleteKey,
    object,
    bytes: DELETE.SIZE,
    callContext: DELETE.CallContext,
    fill: (at) => k.memory.setPtr(at + DELETE.Object, object),
  }
}

export function closeKey(k: Kernel, object: Ptr): RegistryOperation {
  return {
    pre: RegNtPreKeyHandleClose,
    post: RegNtPostKeyHandleClose,
    object,
    bytes: CLOSE.SIZE,
    callContext: CLOSE.CallContext,
    fill: (at) => k.memory.setPtr(at + CLOSE.Object, object),
  }
}

export function deleteValue(k: Kernel, object: Ptr, name: Ptr): RegistryOperation {
  return {
    pre: RegNtPreDeleteValueKey,
    post: RegNtPostDeleteValueKey,
    object,
    bytes: DELETE_VALUE.SIZE,
    callContext: DELETE_VALUE.CallContext,
    fill(at) {
      k.memory.setPtr(at + DELETE_VALUE.Object, object)
      k.memory.setPtr(at + DELETE_VALUE.ValueName, name)
    },
  }
}

/** Where an operation that asks writes its answer. */
export interface Answer {
  kind: number
  buffer: Ptr
  length: number
  /** Full length of the answer, once it is known. */
  needed: number | null
}

/** The length of an answer, to and from the place that a structure names. */
function lengthAt(
  k: Kernel,
  field: number,
  answer: Answer,
): Pick<RegistryOperation, 'leave' | 'take'> {
  const { memory } = k
  return {
    leave(at) {
      if (answer.needed !== null) memory.setU32(memory.ptr(at + field), answer.needed)
    },
    take(at) {
      const left = memory.u32(memory.ptr(at + field))
      if (left !== (answer.needed ?? 0)) answer.needed = left
    },
  }
}

export function queryValue(k: Kernel, object: Ptr, name: Ptr, answer: Answer): RegistryOperation {
  const { memory } = k
  const { kind, buffer, length } = answer
  return {
    pre: RegNtPreQueryValueKey,
    post: RegNtPostQueryValueKey,
    object,
    bytes: QUERY_VALUE.SIZE,
    callContext: QUERY_VALUE.CallContext,
    more: 8,
    fill(at, take) {
      memory.setPtr(at + QUERY_VALUE.Object, object)
      memory.setPtr(at + QUERY_VALUE.ValueName, name)
      memory.setU32(at + QUERY_VALUE.KeyValueInformationClass, kind)
      memory.setPtr(at + QUERY_VALUE.KeyValueInformation, buffer)
      memory.setU32(at + QUERY_VALUE.Length, length)
      memory.setPtr(at + QUERY_VALUE.ResultLength, take(8))
    },
    ...lengthAt(k, QUERY_VALUE.ResultLength, answer),
  }
}

export function queryKey(k: Kernel, object: Ptr, answer: Answer): RegistryOperation {
  const { memory } = k
  const { kind, buffer, length } = answer
  return {
    pre: RegNtPreQueryKey,
    post: RegNtPostQueryKey,
    object,
    bytes: QUERY.SIZE,
    callContext: QUERY.CallContext,
    more: 8,
    fill(at, take) {
      memory.setPtr(at + QUERY.Object, object)
      memory.setU32(at + QUERY.KeyInformationClass, kind)
      memory.setPtr(at + QUERY.KeyInformation, buffer)
      memory.setU32(at + QUERY.Length, length)
      memory.setPtr(at + QUERY.ResultLength, take(8))
    },
    ...lengthAt(k, QUERY.ResultLength, answer),
  }
}

/** A subkey or a value is listed by its number. */
export function enumerate(
  k: Kernel,
  what: 'key' | 'value',
  object: Ptr,
  index: number,
  answer: Answer,
): RegistryOperation {
  const { memory } = k
  const { kind, buffer, length } = answer
  const isKey = what === 'key'
  const layout = isKey ? ENUMERATE : ENUMERATE_VALUE
  return {
    pre: isKey ? RegNtPreEnumerateKey : RegNtPreEnumerateValueKey,
    post: isKey ? RegNtPostEnumerateKey : RegNtPostEnumerateValueKey,
    object,
    bytes: layout.SIZE,
    callContext: layout.CallContext,
    more: 8,
    fill(at, take) {
      memory.setPtr(at + layout.Object, object)
      memory.setU32(at + layout.Index, index)
      const asked = isKey ? ENUMERATE.KeyInformationClass : ENUMERATE_VALUE.KeyValueInformationClass
      memory.setU32(at + asked, kind)
      const to = isKey ? ENUMERATE.KeyInformation : ENUMERATE_VALUE.KeyValueInformation
      memory.setPtr(at + to, buffer)
      memory.setU32(at + layout.Length, length)
      memory.setPtr(at + layout.ResultLength, take(8))
    },
    ...lengthAt(k, layout.ResultLength, answer),
  }
}
