/** Executive callbacks: named objects by which components of the kernel tell each other things; and UUIDs. */
import { OBJ_OPENIF, OBJ_PERMANENT } from '../../../shared/nt/generated/constants'
import {
  STATUS_INVALID_PARAMETER,
  STATUS_OBJECT_NAME_COLLISION,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import {
  createCallback,
  notifyCallback,
  registerCallback,
  unregisterCallback,
} from '../ex/callback-object'
import type { Kernel } from '../kernel'
import { captureAttributes } from '../ob/attributes'
import type { Ptr } from '../mm/memory'
import { ddi, t, type Out } from './types'

const CALLBACK = t.ptr('CALLBACK_OBJECT')

function create(
  k: Kernel,
  a: {
    CallbackObject: Out<number>
    ObjectAttributes: Ptr
    Create: boolean
    AllowMultipleCallbacks: boolean
  },
): number {
  if (!a.CallbackObject.given) return STATUS_INVALID_PARAMETER
  const given = captureAttributes(k, a.ObjectAttributes)
  if (given.status !== STATUS_SUCCESS) return given.status
  const name = given.name === '' ? null : given.name
  if (name !== null) {
    const found = k.ob.namespace.lookup(name, { root: given.root })
    if (found.object) {
      if (found.remainder !== '' || found.object.type.name !== 'Callback')
        return STATUS_OBJECT_TYPE_MISMATCH
      if (a.Create && !(given.attributes & OBJ_OPENIF)) return STATUS_OBJECT_NAME_COLLISION
      k.ob.reference(found.object.address)
      a.CallbackObject.write(found.object.address)
      return STATUS_SUCCESS
    }
    if (!a.Create) return found.status
  } else if (!a.Create) return STATUS_OBJECT_NAME_NOT_FOUND
  const object = createCallback(k, {
    name,
    multiple: a.AllowMultipleCallbacks,
    permanent: (given.attributes & OBJ_PERMANENT) !== 0,
  })
  if (typeof object === 'number') return object
  a.CallbackObject.write(object.address)
  return STATUS_SUCCESS
}

export const EX_CALLBACK_DDIS = {
  ExCreateCallback: ddi({
    params: {
      CallbackObject: t.out({ k: 'ptr', c: 'PCALLBACK_OBJECT', target: 'CALLBACK_OBJECT' }),
      ObjectAttributes: t.ptr('OBJECT_ATTRIBUTES'),
      Create: t.boolean,
      AllowMultipleCallbacks: t.boolean,
    },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-excreatecallback',
    run: create,
  }),
  ExRegisterCallback: ddi({
    params: {
      CallbackObject: CALLBACK,
      CallbackFunction: t.fn('CALLBACK_FUNCTION'),
      CallbackContext: t.optional(t.pvoid),
    },
    returns: t.pvoid,
    docs: 'wdm/nf-wdm-exregistercallback',
    run: (k, a) => registerCallback(k, a.CallbackObject, a.CallbackFunction, a.CallbackContext),
  }),
  ExUnregisterCallback: ddi({
    params: { CallbackRegistration: t.pvoid },
    returns: t.void,
    docs: 'wdm/nf-wdm-exunregistercallback',
    *run(k, a) {
      yield* unregisterCallback(k, a.CallbackRegistration)
    },
  }),
  ExNotifyCallback: ddi({
    params: {
      CallbackObject: CALLBACK,
      Argument1: t.optional(t.pvoid),
      Argument2: t.optional(t.pvoid),
    },
    returns: t.void,
    docs: 'wdm/nf-wdm-exnotifycallback',
    *run(k, a) {
      yield* notifyCallback(k, a.CallbackObject, a.Argument1, a.Argument2)
    },
  }),
  ExUuidCreate: ddi({
    params: { Uuid: t.ptr('GUID') },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-exuuidcreate',
    support: 'partial',
    note: 'Random by the seed of the run (version 4) rather than by clock and network card (version 1).',
    run(k, a) {
      const random = uuids(k)
      for (let i = 0; i < 16; i += 2) k.memory.setU16(a.Uuid + i, random.below(0x1_0000))
      k.memory.setU16(a.Uuid + 6, (k.memory.u16(a.Uuid + 6) & 0x0fff) | 0x4000)
      k.memory.setU8(a.Uuid + 8, (k.memory.u8(a.Uuid + 8) & 0x3f) | 0x80)
      return STATUS_SUCCESS
    },
  }),
}

const randoms = new WeakMap<Kernel, Kernel['random']>()

/** Source of this machine's UUIDs, apart from every other chance. */
function uuids(k: Kernel): Kernel['random'] {
  let random = randoms.get(k)
  if (!random) randoms.set(k, (random = k.random.split('uuid')))
  return random
}
