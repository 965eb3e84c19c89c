/** Registry callbacks. */
import { UNICODE_STRING } from '../../../shared/nt/generated/offsets'
import {
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KeyData } from '../cm/registry'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { placeText, textBytes } from '../ob/header'
import { unicodeText } from './io-device'
import { ddi, t, type Out } from './types'

const COOKIE = t.ptr('LARGE_INTEGER')
const CALLBACK = t.fn('EX_CALLBACK_FUNCTION')

function register(k: Kernel, routine: Ptr, context: Ptr, altitude: string | null, at: Ptr): number {
  const { status, cookie } = k.registry.callbacks.register(routine, context, altitude)
  if (status === STATUS_SUCCESS) k.memory.setU64(at, cookie)
  return status
}

/** A copy of a key's path that CmCallbackReleaseKeyObjectIDEx frees. */
function keyName(k: Kernel, path: string): Ptr {
  const block = k.pool.allocate(UNICODE_STRING.SIZE + textBytes(path), 'CMnm', { system: true })
  if (block) placeText(k.memory, block, block + UNICODE_STRING.SIZE, path)
  return block
}

function getKeyObjectId(
  k: Kernel,
  a: { Cookie: Ptr; Object: Ptr; ObjectID: Out<bigint>; ObjectName: Out<number>; Flags: number },
): number {
  const object = k.ob.lookup(a.Object)
  if (a.Flags !== 0 || !k.registry.callbacks.isCookie(k.memory.u64(a.Cookie)))
    return STATUS_INVALID_PARAMETER
  if (object?.type.name !== 'Key') return STATUS_INVALID_PARAMETER
  const { key } = object.data as KeyData
  if (a.ObjectName.given) {
    const name = keyName(k, key.path)
    if (!name) return STATUS_INSUFFICIENT_RESOURCES
    a.ObjectName.write(name)
  }
  a.ObjectID.write(BigInt(k.registry.idOf(key)))
  return STATUS_SUCCESS
}

export const CM_CALLBACK_DDIS = {
  CmRegisterCallbackEx: ddi({
    params: {
      Function: CALLBACK,
      Altitude: t.ptr('UNICODE_STRING'),
      Driver: t.pvoid,
      Context: t.optional(t.pvoid),
      Cookie: COOKIE,
      Reserved: t.optional(t.pvoid),
    },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-cmregistercallbackex',
    support: 'partial',
    note: 'Told of keys opened, created, closed, deleted, asked and listed, and of values; not of renaming, security, saving and loading, which there are not.',
    run(k, a) {
      const altitude = unicodeText(k, a.Altitude)
      if (altitude === null || a.Cookie === 0) return STATUS_INVALID_PARAMETER
      return register(k, a.Function, a.Context, altitude, a.Cookie)
    },
  }),
  CmRegisterCallback: ddi({
    params: { Function: CALLBACK, Context: t.optional(t.pvoid), Cookie: COOKIE },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-cmregistercallback',
    support: 'partial',
    note: 'Asked after all that have an altitude; Windows gives it an altitude of its own choice.',
    run: (k, a) =>
      a.Cookie === 0
        ? STATUS_INVALID_PARAMETER
        : register(k, a.Function, a.Context, null, a.Cookie),
  }),
  CmUnRegisterCallback: ddi({
    params: { Cookie: t.large },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-cmunregistercallback',
    *run(k, a) {
      return yield* k.registry.callbacks.unregister(BigInt.asUintN(64, a.Cookie ?? 0n))
    },
  }),
  CmCallbackGetKeyObjectIDEx: ddi({
    params: {
      Cookie: COOKIE,
      Object: t.pvoid,
      ObjectID: t.optional(t.out({ k: 'u64', c: 'ULONG_PTR' })),
      ObjectName: t.optional(t.out({ k: 'ptr', c: 'PCUNICODE_STRING', target: 'UNICODE_STRING' })),
      Flags: t.ulong,
    },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-cmcallbackgetkeyobjectidex',
    run: getKeyObjectId,
  }),
  CmCallbackReleaseKeyObjectIDEx: ddi({
    params: { ObjectName: t.ptr('UNICODE_STRING') },
    returns: t.void,
    irql: [0, 1],
    summary: 'Frees the name that CmCallbackGetKeyObjectIDEx gave.',
    docs: 'wdm/nf-wdm-cmcallbackreleasekeyobjectidex',
    run: (k, a) => k.pool.free(a.ObjectName),
  }),
}
