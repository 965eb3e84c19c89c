/** Callbacks of a bug check and of the NMI. */
import { STATUS_INVALID_HANDLE, STATUS_SUCCESS } from '../../../shared/nt/generated/ntstatus'
import { KBUGCHECK_CALLBACK_RECORD } from '../../../shared/nt/generated/offsets'
import { APC_LEVEL, HIGH_LEVEL } from '../../../shared/nt/irql'
import { ddi, t } from './types'

const ANY = [0, HIGH_LEVEL] as [number, number]
const record = t.ptr('KBUGCHECK_CALLBACK_RECORD')
const reasonRecord = t.ptr('KBUGCHECK_REASON_CALLBACK_RECORD')
const component = { k: 'ptr', c: 'PUCHAR', target: null } as const
/** 'KNMI' of the blocks that stand for NMI callbacks. */
const NMI_TAG = 0x494d_4e4b
/** Routine and context of an NMI callback. */
const NMI_BYTES = 16

export const KE_BUGCHECK_DDIS = {
  KeInitializeCallbackRecord: ddi({
    params: { CallbackRecord: record },
    returns: t.void,
    irql: ANY,
    traced: false,
    support: 'partial',
    note: 'For a KBUGCHECK_CALLBACK_RECORD; of one with a reason set State to BufferEmpty.',
    summary: 'Prepares the record of a bug check callback for its registration.',
    docs: 'wdm/nf-wdm-keinitializecallbackrecord',
    run: (k, a) => k.memory.setU8(a.CallbackRecord + KBUGCHECK_CALLBACK_RECORD.State, 0),
  }),
  KeRegisterBugCheckCallback: ddi({
    params: {
      CallbackRecord: record,
      CallbackRoutine: t.fn('KBUGCHECK_CALLBACK_ROUTINE'),
      Buffer: t.optional(t.pvoid),
      Length: t.ulong,
      Component: component,
    },
    returns: t.boolean,
    run: (k, a) =>
      k.bugChecks.register(a.CallbackRecord, a.CallbackRoutine, a.Buffer, a.Length, a.Component),
  }),
  KeDeregisterBugCheckCallback: ddi({
    params: { CallbackRecord: record },
    returns: t.boolean,
    irql: ANY,
    summary: 'Takes a bug check callback back; FALSE when it was not registered.',
    docs: 'wdm/nf-wdm-kederegisterbugcheckcallback',
    run: (k, a) => k.bugChecks.deregister(a.CallbackRecord),
  }),
  KeRegisterBugCheckReasonCallback: ddi({
    params: {
      CallbackRecord: reasonRecord,
      CallbackRoutine: t.fn('KBUGCHECK_REASON_CALLBACK_ROUTINE'),
      Reason: t.enum('KBUGCHECK_CALLBACK_REASON'),
      Component: component,
    },
    returns: t.boolean,
    irql: ANY,
    support: 'partial',
    note: 'Only callbacks with the reason KbCallbackSecondaryDumpData are called.',
    summary: 'Registers a routine that adds data to the dump of a bug check.',
    docs: 'wdm/nf-wdm-keregisterbugcheckreasoncallback',
    run: (k, a) =>
      k.bugChecks.registerReason(a.CallbackRecord, a.CallbackRoutine, a.Reason, a.Component),
  }),
  KeDeregisterBugCheckReasonCallback: ddi({
    params: { CallbackRecord: reasonRecord },
    returns: t.boolean,
    irql: ANY,
    summary: 'Takes such a routine back.',
    docs: 'wdm/nf-wdm-kederegisterbugcheckreasoncallback',
    run: (k, a) => k.bugChecks.deregisterReason(a.CallbackRecord),
  }),
  KeRegisterNmiCallback: ddi({
    params: { CallbackRoutine: t.fn('NMI_CALLBACK'), Context: t.optional(t.pvoid) },
    returns: t.pvoid,
    support: 'partial',
    note: 'Nothing in the machine raises an NMI, so the routine is never called.',
    run(k, a) {
      const handle = k.pool.allocate(NMI_BYTES, 'KNMI', { system: true })
      if (!handle) return 0
      k.memory.setPtr(handle, a.CallbackRoutine)
      k.memory.setPtr(handle + 8, a.Context)
      return handle
    },
  }),
  KeDeregisterNmiCallback: ddi({
    params: { Handle: t.pvoid },
    returns: t.ntstatus,
    irql: [0, APC_LEVEL],
    summary: 'Takes an NMI callback back.',
    docs: 'wdm/nf-wdm-kederegisternmicallback',
    run(k, a) {
      const block = k.pool.block(a.Handle)
      if (block?.tag !== NMI_TAG) return STATUS_INVALID_HANDLE
      k.pool.free(a.Handle)
      return STATUS_SUCCESS
    },
  }),
}
