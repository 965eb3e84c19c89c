/** Object callbacks: who is asked before a handle to a process or a thread is opened. */
import { OB_FLT_REGISTRATION_VERSION } from '../../../shared/nt/generated/constants'
import { STATUS_INVALID_PARAMETER } from '../../../shared/nt/generated/ntstatus'
import { typeArgument } from './ob'
import { ddi, t } from './types'

export const OB_CALLBACK_DDIS = {
  ObRegisterCallbacks: ddi({
    params: {
      CallbackRegistration: t.ptr('OB_CALLBACK_REGISTRATION'),
      RegistrationHandle: t.out({ k: 'ptr', c: 'PVOID', target: null }),
    },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-obregistercallbacks',
    support: 'partial',
    note: 'For processes and threads; there are no desktops.',
    run(k, a) {
      if (!a.RegistrationHandle.given) return STATUS_INVALID_PARAMETER
      const { status, handle } = k.ob.callbacks.register(a.CallbackRegistration, (pointer) =>
        typeArgument(k, pointer),
      )
      if (handle) a.RegistrationHandle.write(handle)
      return status
    },
  }),
  ObUnRegisterCallbacks: ddi({
    params: { RegistrationHandle: t.pvoid },
    returns: t.void,
    docs: 'wdm/nf-wdm-obunregistercallbacks',
    *run(k, a) {
      if (yield* k.ob.callbacks.unregister(a.RegistrationHandle)) return
      // The kernel follows the links of whatever it is given: freed memory, mostly.
      k.bugCheck(
        0x139,
        3n,
        0n,
        0n,
        0n,
        `ObUnRegisterCallbacks was given ${k.memory.format(a.RegistrationHandle)}, which is no registration (any more).`,
      )
    },
  }),
  ObGetFilterVersion: ddi({
    params: {},
    returns: t.ushort,
    docs: 'wdm/nf-wdm-obgetfilterversion',
    run: () => OB_FLT_REGISTRATION_VERSION,
  }),
}
