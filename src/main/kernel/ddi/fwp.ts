/** The Windows Filtering Platform: what drivers call. */
import {
  FWP_BYTE_BLOB_TYPE,
  FWPM_SESSION_FLAG_DYNAMIC,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_DEVICE_BUSY,
  STATUS_FWP_ALREADY_EXISTS,
  STATUS_FWP_CALLOUT_NOT_FOUND,
  STATUS_FWP_CANNOT_PEND,
  STATUS_FWP_FILTER_NOT_FOUND,
  STATUS_FWP_IN_USE,
  STATUS_FWP_NULL_POINTER,
  STATUS_FWP_SUBLAYER_NOT_FOUND,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_HANDLE,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import {
  FWP_BYTE_BLOB,
  FWPM_CALLOUT0,
  FWPM_FILTER0,
  FWPM_FILTER_CONDITION0,
  FWPM_SESSION0,
  FWPM_SUBLAYER0,
  FWPS_CALLOUT1,
  KEVENT,
} from '../../../shared/nt/generated/offsets'
import { filterEngine } from '../fwp/engine'
import type { Condition } from '../fwp/layers'
import { Session } from '../fwp/session'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { KObject } from '../ob/kobject'
import { guidText } from '../pnp/interfaces'
import { ddi, t } from './types'

const CONDITIONS_MAX = 64
/** Characters of a path. */
const PATH_MAX = 1024
const BY_DRIVER = 'Security descriptors and providers are not looked at.'

/** Redirect handles, and the engine's, which have a session: objects that can be waited for. */
const REDIRECT = 'redirect handle'

function openObject(k: Kernel, data: unknown, kernel: boolean): number {
  const object = k.ob.create('Event', KEVENT.SIZE, { data })
  if (typeof object === 'number') return 0
  k.dispatcher.initializeEvent(object.address, 0, false)
  const handle = k.ob.openHandle(object, 0x1f_0003, { kernel })
  k.ob.release(object.address)
  return handle
}

function dataOf(k: Kernel, handle: number, mode: 0 | 1): unknown {
  const { object } = k.ob.resolveHandle(handle, 0, k.ob.types.Event, mode)
  return (object as KObject<unknown> | null)?.data
}

function sessionOf(k: Kernel, handle: number): Session | null {
  const data = dataOf(k, handle, 0)
  return data instanceof Session ? data : null
}

const guidAt = (k: Kernel, at: Ptr): string => guidText(k, at).toUpperCase()

function readConditions(k: Kernel, filter: Ptr): Condition[] {
  const { memory } = k
  const count = Math.min(memory.u32(filter + FWPM_FILTER0.numFilterConditions), CONDITIONS_MAX)
  const first = memory.ptr(filter + FWPM_FILTER0.filterCondition)
  return Array.from({ length: first ? count : 0 }, (_, i) => {
    const at = first + i * FWPM_FILTER_CONDITION0.SIZE
    const isBlob =
      memory.u32(at + FWPM_FILTER_CONDITION0['conditionValue.type']) === FWP_BYTE_BLOB_TYPE
    return {
      field: guidAt(k, at + FWPM_FILTER_CONDITION0.fieldKey),
      value: isBlob
        ? blobText(k, memory.ptr(at + FWPM_FILTER_CONDITION0['conditionValue.byteBlob']))
        : memory.u32(at + FWPM_FILTER_CONDITION0['conditionValue.uint32']),
    }
  })
}

/** The text that an FWP_BYTE_BLOB holds. */
function blobText(k: Kernel, blob: Ptr): string {
  const { memory } = k
  const data = blob && memory.ptr(blob + FWP_BYTE_BLOB.data)
  const bytes = blob && Math.min(memory.u32(blob + FWP_BYTE_BLOB.size), PATH_MAX * 2)
  return data ? memory.text16(data, bytes & ~1) : ''
}

const key = (c: string) => ({ k: 'ptr', c, target: null }) as const

export const FWP_DDIS = {
  FwpsCalloutRegister1: ddi({
    params: {
      deviceObject: t.ptr('DEVICE_OBJECT'),
      callout: t.ptr('FWPS_CALLOUT1'),
      calloutId: t.optional(t.out(t.u32('UINT32'))),
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'Callouts are asked at FWPM_LAYER_ALE_CONNECT_REDIRECT_V4 and FWPM_LAYER_ALE_AUTH_CONNECT_V4; flowDeleteFn is never called.',
    run(k, a) {
      const { memory } = k
      const callout = filterEngine(k).registerCallout(
        guidAt(k, a.callout + FWPS_CALLOUT1.calloutKey),
        memory.ptr(a.callout + FWPS_CALLOUT1.classifyFn),
        memory.ptr(a.callout + FWPS_CALLOUT1.notifyFn),
      )
      if (!callout) return STATUS_FWP_ALREADY_EXISTS
      a.calloutId.write(callout.id)
      return STATUS_SUCCESS
    },
  }),

  FwpsCalloutUnregisterById0: ddi({
    params: { calloutId: t.u32('UINT32') },
    returns: t.ntstatus,
    run(k, a) {
      const callout = filterEngine(k).callout(a.calloutId)
      if (!callout) return STATUS_FWP_CALLOUT_NOT_FOUND
      if (callout.busy > 0) return STATUS_DEVICE_BUSY
      filterEngine(k).unregisterCallout(callout)
      return STATUS_SUCCESS
    },
  }),

  FwpmEngineOpen0: ddi({
    params: {
      serverName: t.optional(t.wstr),
      authnService: t.u32('UINT32'),
      authIdentity: t.optional(key('SEC_WINNT_AUTH_IDENTITY_W *')),
      session: t.optional(t.ptr('FWPM_SESSION0')),
      engineHandle: t.out(t.handle),
    },
    returns: t.ntstatus,
    support: 'partial',
    note: `${BY_DRIVER} The handle is one to an event.`,
    run(k, a) {
      const flags = a.session ? k.memory.u32(a.session + FWPM_SESSION0.flags) : 0
      const isDynamic = (flags & FWPM_SESSION_FLAG_DYNAMIC) !== 0
      const handle = openObject(k, new Session(k, isDynamic), true)
      if (!handle) return STATUS_INSUFFICIENT_RESOURCES
      a.engineHandle.write(handle)
      return STATUS_SUCCESS
    },
  }),

  FwpmEngineClose0: ddi({
    params: { engineHandle: t.handle },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Closes a session of the filter engine.',
    docs: 'fwpmk/nf-fwpmk-fwpmengineclose0',
    *run(k, a) {
      const session = sessionOf(k, a.engineHandle)
      if (!session) return STATUS_INVALID_HANDLE
      yield* session.close()
      return yield* k.ob.closeHandle(a.engineHandle, 0)
    },
  }),

  FwpmCalloutAdd0: ddi({
    params: {
      engineHandle: t.handle,
      callout: t.ptr('FWPM_CALLOUT0'),
      sd: t.optional(key('PSECURITY_DESCRIPTOR')),
      id: t.optional(t.out(t.u32('UINT32'))),
    },
    returns: t.ntstatus,
    support: 'partial',
    note: BY_DRIVER,
    run(k, a) {
      const session = sessionOf(k, a.engineHandle)
      if (!session) return STATUS_INVALID_HANDLE
      const engine = filterEngine(k)
      const callout = guidAt(k, a.callout + FWPM_CALLOUT0.calloutKey)
      const layer = guidAt(k, a.callout + FWPM_CALLOUT0.applicableLayer)
      if (!engine.addCallout(callout, layer)) return STATUS_FWP_ALREADY_EXISTS
      session.added(function* () {
        engine.removeCallout(callout)
      })
      a.id.write(engine.calloutByKey(callout)?.id ?? 0)
      return STATUS_SUCCESS
    },
  }),

  FwpmSubLayerAdd0: ddi({
    params: {
      engineHandle: t.handle,
      subLayer: t.ptr('FWPM_SUBLAYER0'),
      sd: t.optional(key('PSECURITY_DESCRIPTOR')),
    },
    returns: t.ntstatus,
    support: 'partial',
    note: BY_DRIVER,
    run(k, a) {
      const session = sessionOf(k, a.engineHandle)
      if (!session) return STATUS_INVALID_HANDLE
      const name = guidAt(k, a.subLayer + FWPM_SUBLAYER0.subLayerKey)
      const weight = k.memory.u16(a.subLayer + FWPM_SUBLAYER0.weight)
      const engine = filterEngine(k)
      if (!engine.addSublayer(name, weight)) return STATUS_FWP_ALREADY_EXISTS
      session.added(function* () {
        engine.removeSublayer(name)
      })
      return STATUS_SUCCESS
    },
  }),

  FwpmFilterAdd0: ddi({
    params: {
      engineHandle: t.handle,
      filter: t.ptr('FWPM_FILTER0'),
      sd: t.optional(key('PSECURITY_DESCRIPTOR')),
      id: t.optional(t.out({ k: 'u64', c: 'UINT64' })),
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'Conditions on remote address, remote port, protocol and application (FWPM_CONDITION_ALE_APP_ID, a blob) are compared for equality; others always hold.',
    *run(k, a) {
      const { memory } = k
      const session = sessionOf(k, a.engineHandle)
      if (!session) return STATUS_INVALID_HANDLE
      if (!a.filter) return STATUS_FWP_NULL_POINTER
      const engine = filterEngine(k)
      const action = memory.u32(a.filter + FWPM_FILTER0['action.type'])
      const callout = guidAt(k, a.filter + FWPM_FILTER0['action.calloutKey'])
      const isCallout = (action & 0x4000) !== 0
      if (isCallout && !engine.isAdded(callout)) return STATUS_FWP_CALLOUT_NOT_FOUND
      const id = yield* engine.addFilter({
        layer: guidAt(k, a.filter + FWPM_FILTER0.layerKey),
        sublayer: guidAt(k, a.filter + FWPM_FILTER0.subLayerKey),
        weight: memory.u8(a.filter + FWPM_FILTER0['weight.uint8']),
        action,
        callout: isCallout ? callout : null,
        conditions: readConditions(k, a.filter),
      })
      session.added(function* () {
        yield* engine.removeFilter(id)
      })
      a.id.write(id)
      return STATUS_SUCCESS
    },
  }),

  FwpmFilterDeleteById0: ddi({
    params: { engineHandle: t.handle, id: { k: 'u64', c: 'UINT64' } },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Takes a filter out of the filter engine, and tells its callout.',
    docs: 'fwpmk/nf-fwpmk-fwpmfilterdeletebyid0',
    *run(k, a) {
      if (!sessionOf(k, a.engineHandle)) return STATUS_INVALID_HANDLE
      const found = yield* filterEngine(k).removeFilter(a.id)
      return found ? STATUS_SUCCESS : STATUS_FWP_FILTER_NOT_FOUND
    },
  }),

  FwpsPendOperation0: ddi({
    params: { completionHandle: t.pvoid, completionContext: t.out(key('HANDLE')) },
    returns: t.ntstatus,
    support: 'partial',
    note: 'The thread that connects waits; after FwpsCompleteOperation0 the callout is asked again.',
    run(k, a) {
      if (!a.completionHandle) return STATUS_FWP_NULL_POINTER
      const context = filterEngine(k).pend(a.completionHandle)
      if (!context) return STATUS_FWP_CANNOT_PEND
      a.completionContext.write(context)
      return STATUS_SUCCESS
    },
  }),

  FwpsCompleteOperation0: ddi({
    params: { completionContext: t.pvoid, netBufferList: t.optional(t.pvoid) },
    returns: t.void,
    irql: [0, 2],
    summary: 'Lets a connection go on that a callout has pended.',
    docs: 'fwpsk/nf-fwpsk-fwpscompleteoperation0',
    run: (k, a) => filterEngine(k).complete(a.completionContext),
  }),

  FwpsQueryPacketInjectionState0: ddi({
    params: {
      injectionHandle: t.optional(t.pvoid),
      netBufferList: t.pvoid,
      injectionContext: t.optional(t.out(key('HANDLE'))),
    },
    returns: t.u32('FWPS_PACKET_INJECTION_STATE'),
    support: 'partial',
    note: 'The lab has no packets that a driver could inject: the answer is always FWPS_PACKET_NOT_INJECTED.',
    run: () => 0,
  }),

  // --- sessions ------------------------------------------------------------------------------------

  FwpmTransactionBegin0: ddi({
    params: { engineHandle: t.handle, flags: t.u32('UINT32') },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Begins a transaction: all that follows is added, or nothing.',
    docs: 'fwpmk/nf-fwpmk-fwpmtransactionbegin0',
    support: 'partial',
    note: 'What is added counts at once; FwpmTransactionAbort0 takes it back. What is deleted stays so.',
    run: (k, a) => sessionOf(k, a.engineHandle)?.begin() ?? STATUS_INVALID_HANDLE,
  }),

  FwpmTransactionCommit0: ddi({
    params: { engineHandle: t.handle },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Ends a transaction: what was added stays.',
    docs: 'fwpmk/nf-fwpmk-fwpmtransactioncommit0',
    run: (k, a) => sessionOf(k, a.engineHandle)?.commit() ?? STATUS_INVALID_HANDLE,
  }),

  FwpmTransactionAbort0: ddi({
    params: { engineHandle: t.handle },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Ends a transaction: what was added goes.',
    docs: 'fwpmk/nf-fwpmk-fwpmtransactionabort0',
    *run(k, a) {
      const session = sessionOf(k, a.engineHandle)
      return session ? yield* session.abort() : STATUS_INVALID_HANDLE
    },
  }),

  FwpmCalloutDeleteByKey0: ddi({
    params: { engineHandle: t.handle, key: t.ptr('GUID') },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Takes a callout out of the filter engine.',
    docs: 'fwpmk/nf-fwpmk-fwpmcalloutdeletebykey0',
    run(k, a) {
      if (!sessionOf(k, a.engineHandle)) return STATUS_INVALID_HANDLE
      const engine = filterEngine(k)
      const callout = guidAt(k, a.key)
      if (engine.hasFiltersOf(callout)) return STATUS_FWP_IN_USE
      return engine.removeCallout(callout) ? STATUS_SUCCESS : STATUS_FWP_CALLOUT_NOT_FOUND
    },
  }),

  FwpmSubLayerDeleteByKey0: ddi({
    params: { engineHandle: t.handle, key: t.ptr('GUID') },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Takes a sublayer out of the filter engine.',
    docs: 'fwpmk/nf-fwpmk-fwpmsublayerdeletebykey0',
    run(k, a) {
      if (!sessionOf(k, a.engineHandle)) return STATUS_INVALID_HANDLE
      const engine = filterEngine(k)
      const sublayer = guidAt(k, a.key)
      if (engine.hasFiltersOf(sublayer)) return STATUS_FWP_IN_USE
      return engine.removeSublayer(sublayer) ? STATUS_SUCCESS : STATUS_FWP_SUBLAYER_NOT_FOUND
    },
  }),

  // --- redirection ---------------------------------------------------------------------------------

  FwpsRedirectHandleCreate0: ddi({
    params: {
      providerGuid: t.ptr('GUID'),
      flags: t.u32('UINT32'),
      redirectHandle: t.out(t.handle),
    },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Makes a handle by which a callout redirects connections to a local process.',
    docs: 'fwpsk/nf-fwpsk-fwpsredirecthandlecreate0',
    support: 'partial',
    note: 'The handle is one to an event; the provider is not looked at.',
    run(k, a) {
      const handle = openObject(k, REDIRECT, true)
      if (!handle) return STATUS_INSUFFICIENT_RESOURCES
      a.redirectHandle.write(handle)
      return STATUS_SUCCESS
    },
  }),

  FwpsRedirectHandleDestroy0: ddi({
    params: { redirectHandle: t.handle },
    returns: t.void,
    irql: [0, 0],
    summary: 'Gives a redirect handle back.',
    docs: 'fwpsk/nf-fwpsk-fwpsredirecthandledestroy0',
    *run(k, a) {
      if (dataOf(k, a.redirectHandle, 0) === REDIRECT) yield* k.ob.closeHandle(a.redirectHandle, 0)
    },
  }),

  FwpsQueryConnectionRedirectState0: ddi({
    params: {
      redirectRecords: t.optional(t.pvoid),
      redirectHandle: t.handle,
      redirectContext: t.optional(t.out(key('PVOID'))),
    },
    returns: t.u32('FWPS_CONNECTION_REDIRECT_STATE'),
    irql: [0, 2],
    summary: 'Tells whether a connection was redirected already, and by whom.',
    docs: 'fwpsk/nf-fwpsk-fwpsqueryconnectionredirectstate0',
    support: 'partial',
    note: 'Records go with the process that is named in localRedirectTargetPID: what it connects to counts as redirected before (on Windows it hands them over with SIO_SET_WFP_CONNECTION_REDIRECT_RECORDS). There is no context.',
    run(k, a) {
      a.redirectContext.write(0)
      return filterEngine(k).redirectState(a.redirectRecords, a.redirectHandle)
    },
  }),

  FwpsAcquireClassifyHandle0: ddi({
    params: {
      classifyContext: t.pvoid,
      flags: t.u32('UINT32'),
      classifyHandle: t.out({ k: 'u64', c: 'UINT64' }),
    },
    returns: t.ntstatus,
    irql: [0, 2],
    summary: 'Makes a handle for the classification that a callout is asked about.',
    docs: 'fwpsk/nf-fwpsk-fwpsacquireclassifyhandle0',
    support: 'partial',
    note: 'At the connect redirect layer only; the handle is good while the callout is being asked.',
    run(k, a) {
      const handle = filterEngine(k).acquireClassifyHandle(a.classifyContext)
      if (handle === 0n) return STATUS_INVALID_PARAMETER
      a.classifyHandle.write(handle)
      return STATUS_SUCCESS
    },
  }),

  FwpsReleaseClassifyHandle0: ddi({
    params: { classifyHandle: { k: 'u64', c: 'UINT64' } },
    returns: t.void,
    irql: [0, 2],
    summary: 'Gives a classify handle back.',
    docs: 'fwpsk/nf-fwpsk-fwpsreleaseclassifyhandle0',
    run: (k, a) => filterEngine(k).releaseClassifyHandle(a.classifyHandle),
  }),

  FwpsAcquireWritableLayerDataPointer0: ddi({
    params: {
      classifyHandle: { k: 'u64', c: 'UINT64' },
      filterId: { k: 'u64', c: 'UINT64' },
      flags: t.u32('UINT32'),
      writableLayerData: t.out(key('PVOID')),
      classifyOut: t.optional(t.ptr('FWPS_CLASSIFY_OUT0')),
    },
    returns: t.ntstatus,
    irql: [0, 2],
    summary: 'Gives a copy of the connect request that the callout may change.',
    docs: 'fwpsk/nf-fwpsk-fwpsacquirewritablelayerdatapointer0',
    support: 'partial',
    note: 'The copy is good while the callout is being asked; flags are not looked at.',
    run(k, a) {
      const redirection = filterEngine(k).redirectionOf(a.classifyHandle)
      if (!redirection) return STATUS_INVALID_PARAMETER
      const draft = redirection.draft(a.filterId)
      if (!draft) return STATUS_INSUFFICIENT_RESOURCES
      a.writableLayerData.write(draft)
      return STATUS_SUCCESS
    },
  }),

  FwpsApplyModifiedLayerData0: ddi({
    params: {
      classifyHandle: { k: 'u64', c: 'UINT64' },
      modifiedLayerData: t.pvoid,
      flags: t.u32('UINT32'),
    },
    returns: t.void,
    irql: [0, 2],
    summary: 'Makes a changed connect request the one that holds.',
    docs: 'fwpsk/nf-fwpsk-fwpsapplymodifiedlayerdata0',
    run(k, a) {
      const engine = filterEngine(k)
      const redirection = engine.redirectionOf(a.classifyHandle)
      if (redirection?.isDraft(a.modifiedLayerData))
        engine.applyRedirection(redirection, a.modifiedLayerData)
    },
  }),
}
