/** Event tracing for drivers, as far as a machine has it in which nobody listens. */
import {
  STATUS_INVALID_HANDLE,
  STATUS_INVALID_PARAMETER,
  STATUS_NO_MEMORY,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { isProvider, registerProvider, unregisterProvider } from '../ex/etw'
import { ddi, t } from './types'

const REGHANDLE = { ...t.ulonglong, c: 'REGHANDLE' } as const
const NOBODY = 'No session listens: the provider is never enabled.'

export const ETW_DDIS = {
  EtwRegister: ddi({
    params: {
      ProviderId: t.ptr('GUID'),
      EnableCallback: t.optional(t.pvoid),
      CallbackContext: t.optional(t.pvoid),
      RegHandle: t.out({ k: 'u64', c: 'REGHANDLE' }),
    },
    returns: t.ntstatus,
    irql: [0, 1],
    summary:
      'Registers a provider of events; EtwUnregister has to give the handle back before the unload.',
    docs: 'wdm/nf-wdm-etwregister',
    support: 'partial',
    note: `${NOBODY} EnableCallback is never called.`,
    run(k, a) {
      if (a.ProviderId === 0 || !a.RegHandle.given) return STATUS_INVALID_PARAMETER
      // The provider's GUID is read by the caller's rights.
      k.memory.probe(a.ProviderId, 16, 'read')
      const handle = registerProvider(k)
      if (handle === null) return STATUS_NO_MEMORY
      a.RegHandle.write(handle)
      return STATUS_SUCCESS
    },
  }),
  EtwUnregister: ddi({
    params: { RegHandle: REGHANDLE },
    returns: t.ntstatus,
    irql: [0, 1],
    summary: 'Gives back what EtwRegister gave.',
    docs: 'wdm/nf-wdm-etwunregister',
    run: (k, a) => (unregisterProvider(k, a.RegHandle) ? STATUS_SUCCESS : STATUS_INVALID_HANDLE),
  }),
  EtwWrite: ddi({
    params: {
      RegHandle: REGHANDLE,
      EventDescriptor: t.pvoid,
      ActivityId: t.optional(t.ptr('GUID')),
      UserDataCount: t.ulong,
      UserData: t.optional(t.pvoid),
    },
    returns: t.ntstatus,
    irql: [0, 15],
    summary: 'Writes an event of a registered provider.',
    docs: 'wdm/nf-wdm-etwwrite',
    support: 'partial',
    note: `${NOBODY} The event is not looked at.`,
    run: (k, a) => (isProvider(k, a.RegHandle) ? STATUS_SUCCESS : STATUS_INVALID_HANDLE),
  }),
}
