/** The Windows Filtering Platform, and the sockets of programs that it is asked about. */
import {
  IPPROTO_TCP,
  IPPROTO_UDP,
  SOCK_DGRAM,
  WSAEACCES,
  WSAENOTSOCK,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_DEVICE_BUSY,
  STATUS_FWP_ALREADY_EXISTS,
  STATUS_FWP_CALLOUT_NOT_FOUND,
  STATUS_FWP_CANNOT_PEND,
  STATUS_FWP_FILTER_NOT_FOUND,
  STATUS_FWP_NULL_POINTER,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_HANDLE,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import {
  FWPM_CALLOUT0,
  FWPM_FILTER0,
  FWPM_FILTER_CONDITION0,
  FWPM_SUBLAYER0,
  FWPS_CALLOUT1,
  KEVENT,
} from '../../../shared/nt/generated/offsets'
import { filterEngine } from '../fwp/engine'
import { ALE_AUTH_CONNECT_V4, type Condition } from '../fwp/layers'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { KObject } from '../ob/kobject'
import { guidText } from '../pnp/interfaces'
import { enterWin32, setLastError, userAccess, w } from './win32-base'
import { ddi, t, type KernelRoutine } from './types'

const CONDITIONS_MAX = 64
const SOCKADDR_IN_BYTES = 16
const SOCKET_ERROR = -1
/** 10.0.0.2 and the first port that programs get. */
const LOCAL_ADDRESS = 0x0a00_0002
const FIRST_PORT = 49_152
const BY_DRIVER = 'Security descriptors, providers, sessions and transactions are not looked at.'

/** Handles of the engine, and sockets: objects that can be waited for, with a name of ours. */
const ENGINE = 'filter engine'
const SOCKET = 'socket'

function openObject(k: Kernel, what: string, kernel: boolean): number {
  const object = k.ob.create('Event', KEVENT.SIZE, { data: what })
  if (typeof object === 'number') return 0
  k.dispatcher.initializeEvent(object.address, 0, false)
  const handle = k.ob.openHandle(object, 0x1f_0003, { kernel })
  k.ob.release(object.address)
  return handle
}

function isObject(k: Kernel, handle: number, what: string, mode: 0 | 1): boolean {
  const { object } = k.ob.resolveHandle(handle, 0, k.ob.types.Event, mode)
  return (object as KObject<unknown> | null)?.data === what
}

const guidAt = (k: Kernel, at: Ptr): string => guidText(k, at).toUpperCase()

function readConditions(k: Kernel, filter: Ptr): Condition[] {
  const { memory } = k
  const count = Math.min(memory.u32(filter + FWPM_FILTER0.numFilterConditions), CONDITIONS_MAX)
  const first = memory.ptr(filter + FWPM_FILTER0.filterCondition)
  return Array.from({ length: first ? count : 0 }, (_, i) => {
    const at = first + i * FWPM_FILTER_CONDITION0.SIZE
    return {
      field: guidAt(k, at + FWPM_FILTER_CONDITION0.fieldKey),
      value: memory.u32(at + FWPM_FILTER_CONDITION0['conditionValue.uint32']),
    }
  })
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
    note: 'Callouts are asked at FWPM_LAYER_ALE_AUTH_CONNECT_V4; flowDeleteFn is never called.',
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
      session: t.optional(key('FWPM_SESSION0 *')),
      engineHandle: t.out(t.handle),
    },
    returns: t.ntstatus,
    support: 'partial',
    note: `${BY_DRIVER} The handle is one to an event.`,
    run(k, a) {
      const handle = openObject(k, ENGINE, true)
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
      if (!isObject(k, a.engineHandle, ENGINE, 0)) return STATUS_INVALID_HANDLE
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
      if (!isObject(k, a.engineHandle, ENGINE, 0)) return STATUS_INVALID_HANDLE
      const engine = filterEngine(k)
      const callout = guidAt(k, a.callout + FWPM_CALLOUT0.calloutKey)
      const layer = guidAt(k, a.callout + FWPM_CALLOUT0.applicableLayer)
      if (!engine.addCallout(callout, layer)) return STATUS_FWP_ALREADY_EXISTS
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
      if (!isObject(k, a.engineHandle, ENGINE, 0)) return STATUS_INVALID_HANDLE
      const name = guidAt(k, a.subLayer + FWPM_SUBLAYER0.subLayerKey)
      const weight = k.memory.u16(a.subLayer + FWPM_SUBLAYER0.weight)
      return filterEngine(k).addSublayer(name, weight) ? STATUS_SUCCESS : STATUS_FWP_ALREADY_EXISTS
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
    note: 'Conditions on remote address, remote port and protocol are compared for equality; others always hold.',
    *run(k, a) {
      const { memory } = k
      if (!isObject(k, a.engineHandle, ENGINE, 0)) return STATUS_INVALID_HANDLE
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
      if (!isObject(k, a.engineHandle, ENGINE, 0)) return STATUS_INVALID_HANDLE
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

  // --- ws2_32, in programs -------------------------------------------------------------------------

  socket: ddi({
    params: { af: w.int, type: w.int, protocol: w.int },
    returns: t.handle,
    module: 'win32',
    summary: 'Makes a socket of the simulated network.',
    docs: 'winsock2/nf-winsock2-socket',
    support: 'partial',
    note: 'A network without wires: every peer answers. WSAStartup is not needed.',
    run(k, a) {
      enterWin32(k, 'socket', '', 'WS2_32')
      return (
        openObject(
          k,
          `${SOCKET} ${a.protocol || (a.type === SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP)}`,
          false,
        ) || -1
      )
    },
  }),

  connect: ddi({
    params: { s: t.handle, name: w.pvoid, namelen: w.int },
    returns: w.int,
    module: 'win32',
    summary: 'Connects a socket, if the filtering platform permits it. `name` is a sockaddr_in.',
    docs: 'winsock2/nf-winsock2-connect',
    support: 'partial',
    note: 'Succeeds for every address and port that is not blocked; nothing can be sent.',
    *run(k, a) {
      enterWin32(k, 'connect', '', 'WS2_32')
      return yield* connect(k, a.s, a.name)
    },
  }),

  closesocket: ddi({
    params: { s: t.handle },
    returns: w.int,
    module: 'win32',
    summary: 'Closes a socket.',
    docs: 'winsock2/nf-winsock2-closesocket',
    *run(k, a) {
      enterWin32(k, 'closesocket', '', 'WS2_32')
      const status = yield* k.ob.closeHandle(a.s, 1)
      if (status === STATUS_SUCCESS) return 0
      setLastError(k, WSAENOTSOCK)
      return SOCKET_ERROR
    },
  }),
}

function* connect(k: Kernel, handle: number, name: Ptr): KernelRoutine<number> {
  const { object } = k.ob.resolveHandle(handle, 0, k.ob.types.Event, 1)
  const [what, protocol] = String((object as KObject<unknown> | null)?.data ?? '').split(' ')
  if (what !== SOCKET) {
    setLastError(k, WSAENOTSOCK)
    return SOCKET_ERROR
  }
  userAccess(k, name, SOCKADDR_IN_BYTES, 'read')
  const bytes = k.memory.read(name, SOCKADDR_IN_BYTES)
  const view = new DataView(bytes.slice().buffer)
  const allowed = yield* filterEngine(k).isAllowed(ALE_AUTH_CONNECT_V4, {
    localAddress: LOCAL_ADDRESS,
    localPort: FIRST_PORT,
    protocol: Number(protocol),
    remotePort: view.getUint16(2),
    remoteAddress: view.getUint32(4),
  })
  if (allowed) return 0
  setLastError(k, WSAEACCES)
  return SOCKET_ERROR
}
