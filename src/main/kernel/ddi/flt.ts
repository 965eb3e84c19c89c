/** The filter manager: minifilters, names of files, contexts, communication ports, and their side in fltlib. */
import {
  FILE_ALL_ACCESS,
  FLT_CONTEXT_END,
  FLTFL_CALLBACK_DATA_DIRTY,
  IRP_MJ_OPERATION_END,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_FLT_CONTEXT_ALLOCATION_NOT_FOUND,
  STATUS_FLT_INVALID_NAME_REQUEST,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_PARAMETER,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_PENDING,
  STATUS_PORT_DISCONNECTED,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import {
  DRIVER_EXTENSION,
  DRIVER_OBJECT,
  FILE_OBJECT,
  FLT_CALLBACK_DATA,
  FLT_CONTEXT_REGISTRATION,
  FLT_FILE_NAME_INFORMATION,
  FLT_IO_PARAMETER_BLOCK,
  FLT_OPERATION_REGISTRATION,
  FLT_REGISTRATION,
  IO_STATUS_BLOCK,
  OBJECT_ATTRIBUTES,
} from '../../../shared/nt/generated/offsets'
import { win32FromStatus } from '../../../shared/nt/ntstatus'
import { altitudeOf, isAltitude } from '../flt/altitude'
import { filterManager, type ContextKind, type Filter } from '../flt/manager'
import { makeName, parseName } from '../flt/names'
import { serveUnload } from '../flt/unload'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { unicodeText } from './io-device'
import { enterWin32, userAccess, w } from './win32-base'
import { ddi, t, type KernelRoutine } from './types'

/** Rows of a table without an end that are read before it is given up. */
const ROWS_MAX = 256
const CONTEXT_HEADER = 0x10
const CONTEXT_MAX = 0xffff
const REGISTRATION_MAJOR_VERSION = 2
const MESSAGE_MAX = 0x1_0000
const MESSAGE_HEADER = 16

const PORT_NOTE =
  'The handle of a program is one to an event; security descriptors are not looked at.'

const opaque = (c: string) => ({ k: 'ptr', c, target: null }) as const
const out = (c: string) => t.out({ k: 'ptr', c, target: null })
const FILTER = opaque('PFLT_FILTER')
const DATA = t.ptr('FLT_CALLBACK_DATA')
const NAME = t.ptr('FLT_FILE_NAME_INFORMATION')

function readCallbacks(k: Kernel, table: Ptr): Map<number, { pre: Ptr; post: Ptr }> {
  const { memory } = k
  const callbacks = new Map<number, { pre: Ptr; post: Ptr }>()
  for (let i = 0; table && i < ROWS_MAX; i++) {
    const row = table + i * FLT_OPERATION_REGISTRATION.SIZE
    const major = memory.u8(row + FLT_OPERATION_REGISTRATION.MajorFunction)
    if (major === IRP_MJ_OPERATION_END) break
    callbacks.set(major, {
      pre: memory.ptr(row + FLT_OPERATION_REGISTRATION.PreOperation),
      post: memory.ptr(row + FLT_OPERATION_REGISTRATION.PostOperation),
    })
  }
  return callbacks
}

function readContexts(k: Kernel, table: Ptr): ContextKind[] {
  const { memory } = k
  const kinds: ContextKind[] = []
  for (let i = 0; table && i < ROWS_MAX; i++) {
    const row = table + i * FLT_CONTEXT_REGISTRATION.SIZE
    const type = memory.u16(row + FLT_CONTEXT_REGISTRATION.ContextType)
    if (type === FLT_CONTEXT_END) break
    kinds.push({
      type,
      size: memory.size(row + FLT_CONTEXT_REGISTRATION.Size),
      tag: memory.u32(row + FLT_CONTEXT_REGISTRATION.PoolTag),
    })
  }
  return kinds
}

/** Read through a copy, so that a bad pointer faults before anything is changed. */
function register(k: Kernel, driver: Ptr, registration: Ptr): Filter | number {
  const { memory } = k
  const at = (field: keyof typeof FLT_REGISTRATION): Ptr =>
    memory.ptr(registration + FLT_REGISTRATION[field])
  const version = memory.u16(registration + FLT_REGISTRATION.Version)
  if (version >>> 8 !== REGISTRATION_MAJOR_VERSION) return STATUS_INVALID_PARAMETER
  const extension = memory.ptr(driver + DRIVER_OBJECT.DriverExtension)
  const service = unicodeText(k, extension + DRIVER_EXTENSION.ServiceKeyName) ?? ''
  const altitude = altitudeOf(k, service)
  if (altitude === null) return STATUS_OBJECT_NAME_NOT_FOUND
  if (!isAltitude(altitude)) return STATUS_INVALID_PARAMETER
  const manager = filterManager(k)
  const address = manager.makeObject()
  if (!address) return STATUS_INSUFFICIENT_RESOURCES
  const filter: Filter = {
    address,
    driver,
    name: service,
    altitude,
    started: false,
    callbacks: readCallbacks(k, at('OperationRegistration')),
    contexts: readContexts(k, at('ContextRegistration')),
    setup: at('InstanceSetupCallback'),
    teardown: at('InstanceTeardownStartCallback'),
    unload: at('FilterUnloadCallback'),
    instances: new Map(),
  }
  manager.add(filter)
  serveUnload(k, filter)
  return filter
}

const hresult = (status: number): number =>
  (status | 0) >= 0 ? 0 : (0x8007_0000 | (win32FromStatus(status) & 0xffff)) >>> 0

export const FLT_DDIS = {
  FltRegisterFilter: ddi({
    params: {
      Driver: t.ptr('DRIVER_OBJECT'),
      Registration: t.ptr('FLT_REGISTRATION'),
      RetFilter: out('PFLT_FILTER'),
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'The altitude may stand in Parameters\\Altitude too; FilterUnloadCallback is called when the driver is unloaded, always as mandatory; without one DriverUnload stays as it is.',
    run(k, a) {
      const filter = register(k, a.Driver, a.Registration)
      if (typeof filter === 'number') return filter
      a.RetFilter.write(filter.address)
      return STATUS_SUCCESS
    },
  }),

  FltUnregisterFilter: ddi({
    params: { Filter: FILTER },
    returns: t.void,
    *run(k, a) {
      const filter = filterManager(k).find(a.Filter)
      if (filter) yield* filterManager(k).remove(filter)
    },
  }),

  FltStartFiltering: ddi({
    params: { Filter: FILTER },
    returns: t.ntstatus,
    support: 'partial',
    note: 'Volumes are the devices of file-system type that drivers create; fast I/O is not filtered, FLT_PREOP_PENDING counts as FLT_PREOP_SYNCHRONIZE, and a request that is pended on an asynchronous handle has no post-operation callback.',
    *run(k, a) {
      const filter = filterManager(k).find(a.Filter)
      return filter ? yield* filterManager(k).start(filter) : STATUS_INVALID_PARAMETER
    },
  }),

  FltGetFileNameInformation: ddi({
    params: {
      CallbackData: DATA,
      NameOptions: t.u32('FLT_FILE_NAME_OPTIONS'),
      FileNameInformation: t.out(NAME),
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'Every format gives the name that the file was opened by: there are no short names and no links.',
    run(k, a) {
      const format = a.NameOptions & 0xff
      if (format < 1 || format > 3) return STATUS_INVALID_PARAMETER
      const iopb = k.memory.ptr(a.CallbackData + FLT_CALLBACK_DATA.Iopb)
      const file = k.memory.ptr(iopb + FLT_IO_PARAMETER_BLOCK.TargetFileObject)
      if (!file) return STATUS_FLT_INVALID_NAME_REQUEST
      const name = makeName(k, file, format)
      if (!name) return STATUS_INSUFFICIENT_RESOURCES
      a.FileNameInformation.write(name)
      return STATUS_SUCCESS
    },
  }),

  FltParseFileNameInformation: ddi({
    params: { FileNameInformation: NAME },
    returns: t.ntstatus,
    run(k, a) {
      if (!isName(k, a.FileNameInformation)) return STATUS_INVALID_PARAMETER
      parseName(k, a.FileNameInformation)
      return STATUS_SUCCESS
    },
  }),

  FltReleaseFileNameInformation: ddi({
    params: { FileNameInformation: NAME },
    returns: t.void,
    run: (k, a) => k.pool.free(a.FileNameInformation),
  }),

  FltSetCallbackDataDirty: ddi({
    params: { Data: DATA },
    returns: t.void,
    support: 'partial',
    note: 'Of changed parameters the length, key and offset of reads and writes and the options of a create are used; a buffer that was put in place of another is not.',
    run(k, a) {
      const flags = a.Data + FLT_CALLBACK_DATA.Flags
      k.memory.setU32(flags, k.memory.u32(flags) | FLTFL_CALLBACK_DATA_DIRTY)
    },
  }),

  FltAllocateContext: ddi({
    params: {
      Filter: FILTER,
      ContextType: t.u32('FLT_CONTEXT_TYPE'),
      ContextSize: t.size,
      PoolType: t.poolType,
      ReturnedContext: out('PFLT_CONTEXT'),
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'Contexts are counted memory; there are no routines that set one on a volume, instance or file.',
    run(k, a) {
      const filter = filterManager(k).find(a.Filter)
      if (!filter || a.ContextSize > CONTEXT_MAX) return STATUS_INVALID_PARAMETER
      const kind = filter.contexts.find(
        ({ type, size }) => type === a.ContextType && (size === 0 || a.ContextSize <= size),
      )
      if (!kind) return STATUS_FLT_CONTEXT_ALLOCATION_NOT_FOUND
      const block = k.pool.allocate(CONTEXT_HEADER + a.ContextSize, kind.tag || 'FMct')
      if (!block) return STATUS_INSUFFICIENT_RESOURCES
      k.memory.setU32(block, 1)
      a.ReturnedContext.write(block + CONTEXT_HEADER)
      return STATUS_SUCCESS
    },
  }),

  FltReferenceContext: ddi({
    params: { Context: opaque('PFLT_CONTEXT') },
    returns: t.void,
    irql: [0, 2],
    summary: 'Adds a reference to a context.',
    docs: 'fltkernel/nf-fltkernel-fltreferencecontext',
    run(k, a) {
      const count = a.Context - CONTEXT_HEADER
      k.memory.setU32(count, k.memory.u32(count) + 1)
    },
  }),

  FltReleaseContext: ddi({
    params: { Context: opaque('PFLT_CONTEXT') },
    returns: t.void,
    irql: [0, 1],
    summary: 'Gives a reference to a context back; the last one frees it.',
    docs: 'fltkernel/nf-fltkernel-fltreleasecontext',
    run(k, a) {
      const block = a.Context - CONTEXT_HEADER
      const count = k.memory.u32(block) - 1
      k.memory.setU32(block, count)
      if (count <= 0) k.pool.free(block)
    },
  }),

  FltReadFile: ddi({
    params: {
      InitiatingInstance: opaque('PFLT_INSTANCE'),
      FileObject: t.ptr('FILE_OBJECT'),
      ByteOffset: t.optional(t.large),
      Length: t.ulong,
      Buffer: t.pvoid,
      Flags: t.u32('FLT_IO_OPERATION_FLAGS'),
      BytesRead: t.optional(t.out(t.ulong)),
      CallbackRoutine: t.optional(t.pvoid),
      CallbackContext: t.optional(t.pvoid),
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'Always synchronous: CallbackRoutine and Flags count for nothing.',
    run: (k, a) => readBelow(k, a),
  }),

  FltCreateCommunicationPort: ddi({
    params: {
      Filter: FILTER,
      ServerPort: out('PFLT_PORT'),
      ObjectAttributes: t.ptr('OBJECT_ATTRIBUTES'),
      ServerPortCookie: t.optional(t.pvoid),
      ConnectNotifyCallback: t.fn('FLT_CONNECT_NOTIFY'),
      DisconnectNotifyCallback: t.fn('FLT_DISCONNECT_NOTIFY'),
      MessageNotifyCallback: t.optional(t.fn('FLT_MESSAGE_NOTIFY')),
      MaxConnections: t.long,
    },
    returns: t.ntstatus,
    support: 'partial',
    note: PORT_NOTE,
    run(k, a) {
      const name = unicodeText(k, k.memory.ptr(a.ObjectAttributes + OBJECT_ATTRIBUTES.ObjectName))
      const filter = filterManager(k).find(a.Filter)
      if (!filter || !name || !a.ConnectNotifyCallback || a.MaxConnections <= 0)
        return STATUS_INVALID_PARAMETER
      const port = filterManager(k).ports.create({
        filter: filter.address,
        name,
        cookie: a.ServerPortCookie,
        connect: a.ConnectNotifyCallback,
        disconnect: a.DisconnectNotifyCallback,
        message: a.MessageNotifyCallback,
        connectionsMax: a.MaxConnections,
      })
      if (typeof port === 'number') return port
      a.ServerPort.write(port.address)
      return STATUS_SUCCESS
    },
  }),

  FltCloseCommunicationPort: ddi({
    params: { ServerPort: opaque('PFLT_PORT') },
    returns: t.void,
    irql: [0, 0],
    summary: 'Closes a port, so that no program can connect any more.',
    docs: 'fltkernel/nf-fltkernel-fltclosecommunicationport',
    run: (k, a) => filterManager(k).ports.close(a.ServerPort),
  }),

  FltCloseClientPort: ddi({
    params: { Filter: FILTER, ClientPort: { k: 'ptr', c: 'PFLT_PORT *', target: null } },
    returns: t.void,
    irql: [0, 0],
    summary: 'Ends a connection to a program, and clears the pointer.',
    docs: 'fltkernel/nf-fltkernel-fltcloseclientport',
    run(k, a) {
      filterManager(k).ports.closeClient(k.memory.ptr(a.ClientPort))
      k.memory.setPtr(a.ClientPort, 0)
    },
  }),

  FltSendMessage: ddi({
    params: {
      Filter: FILTER,
      ClientPort: { k: 'ptr', c: 'PFLT_PORT *', target: null },
      SenderBuffer: t.pvoid,
      SenderBufferLength: t.ulong,
      ReplyBuffer: t.optional(t.pvoid),
      ReplyLength: t.optional({ k: 'ptr', c: 'PULONG', target: null }),
      Timeout: t.optional(t.large),
    },
    returns: t.ntstatus,
    *run(k, a) {
      const { memory } = k
      const client = filterManager(k).ports.client(memory.ptr(a.ClientPort))
      if (!client) return STATUS_PORT_DISCONNECTED
      if (a.SenderBufferLength > MESSAGE_MAX) return STATUS_INSUFFICIENT_RESOURCES
      const replyMax = a.ReplyBuffer && a.ReplyLength ? memory.u32(a.ReplyLength) : 0
      const bytes = memory.read(a.SenderBuffer, a.SenderBufferLength).slice()
      const { ports } = filterManager(k)
      const { status, reply } = yield* ports.send(client, bytes, replyMax, a.Timeout)
      if (replyMax > 0 && (status === STATUS_SUCCESS || reply.length > 0)) {
        memory.write(a.ReplyBuffer, reply)
        memory.setU32(a.ReplyLength, reply.length)
      }
      return status
    },
  }),

  // --- fltlib, in programs -------------------------------------------------------------------------

  FilterConnectCommunicationPort: ddi({
    params: {
      lpPortName: w.wstr,
      dwOptions: w.dword,
      lpContext: t.optional(w.pvoid),
      wSizeOfContext: t.ushort,
      lpSecurityAttributes: t.optional(w.security),
      hPort: w.handleOut,
    },
    returns: t.u32('HRESULT'),
    module: 'win32',
    summary: 'Connects to the communication port of a minifilter.',
    docs: 'fltuser/nf-fltuser-filterconnectcommunicationport',
    support: 'partial',
    note: PORT_NOTE,
    *run(k, a) {
      enterWin32(k, 'FilterConnectCommunicationPort', a.lpPortName ?? '', 'FLTLIB')
      const context = a.lpContext
        ? k.memory.read(a.lpContext, a.wSizeOfContext).slice()
        : new Uint8Array(0)
      const { ports } = filterManager(k)
      const { status, handle } = yield* ports.connect(a.lpPortName ?? '', context)
      if (handle) a.hPort.write(handle)
      return hresult(status)
    },
  }),

  FilterSendMessage: ddi({
    params: {
      hPort: t.handle,
      lpInBuffer: t.optional(w.pvoid),
      dwInBufferSize: w.dword,
      lpOutBuffer: t.optional(w.pvoid),
      dwOutBufferSize: w.dword,
      lpBytesReturned: w.dwordOut,
    },
    returns: t.u32('HRESULT'),
    module: 'win32',
    summary: 'Sends a message to a minifilter, and brings its answer back.',
    docs: 'fltuser/nf-fltuser-filtersendmessage',
    *run(k, a) {
      enterWin32(k, 'FilterSendMessage', `${a.dwInBufferSize} bytes`, 'FLTLIB')
      const client = clientOf(k, a.hPort)
      if (!client?.server.message) return hresult(STATUS_INVALID_PARAMETER)
      if (!client.isConnected) return hresult(STATUS_PORT_DISCONNECTED)
      if (a.lpInBuffer) userAccess(k, a.lpInBuffer, a.dwInBufferSize, 'read')
      if (a.lpOutBuffer) userAccess(k, a.lpOutBuffer, a.dwOutBufferSize, 'write')
      const length = k.pool.allocate(4, 'FMms', { system: true })
      if (!length) return hresult(STATUS_INSUFFICIENT_RESOURCES)
      const status = yield* k.call(client.server.message, 'FLT_MESSAGE_NOTIFY', [
        client.cookie,
        a.lpInBuffer,
        a.dwInBufferSize,
        a.lpOutBuffer,
        a.dwOutBufferSize,
        length,
      ])
      a.lpBytesReturned.write(k.memory.u32(length))
      k.pool.free(length)
      return hresult(status)
    },
  }),

  FilterGetMessage: ddi({
    params: {
      hPort: t.handle,
      lpMessageBuffer: w.pvoid,
      dwMessageBufferSize: w.dword,
      lpOverlapped: t.optional(w.overlapped),
    },
    returns: t.u32('HRESULT'),
    module: 'win32',
    summary: 'Waits for a message of a minifilter: a header of 16 bytes, then what it sent.',
    docs: 'fltuser/nf-fltuser-filtergetmessage',
    support: 'partial',
    note: 'Waits whether or not there is an lpOverlapped.',
    *run(k, a) {
      enterWin32(k, 'FilterGetMessage', '', 'FLTLIB')
      const client = clientOf(k, a.hPort)
      if (!client || a.dwMessageBufferSize < MESSAGE_HEADER)
        return hresult(STATUS_INVALID_PARAMETER)
      userAccess(k, a.lpMessageBuffer, a.dwMessageBufferSize, 'write')
      const message = yield* filterManager(k).ports.take(client)
      if (!message) return hresult(STATUS_PORT_DISCONNECTED)
      // The program may have given the memory back while it waited.
      userAccess(k, a.lpMessageBuffer, a.dwMessageBufferSize, 'write')
      const room = a.dwMessageBufferSize - MESSAGE_HEADER
      k.memory.setU32(a.lpMessageBuffer, message.replyMax)
      k.memory.setU64(a.lpMessageBuffer + 8, message.id)
      k.memory.write(a.lpMessageBuffer + MESSAGE_HEADER, message.bytes.subarray(0, room))
      return 0
    },
  }),

  FilterReplyMessage: ddi({
    params: { hPort: t.handle, lpReplyBuffer: w.pvoid, dwReplyBufferSize: w.dword },
    returns: t.u32('HRESULT'),
    module: 'win32',
    summary: 'Answers a message of a minifilter: a header of 16 bytes, then the answer.',
    docs: 'fltuser/nf-fltuser-filterreplymessage',
    run(k, a) {
      enterWin32(k, 'FilterReplyMessage', `${a.dwReplyBufferSize} bytes`, 'FLTLIB')
      const client = clientOf(k, a.hPort)
      if (!client || a.dwReplyBufferSize < MESSAGE_HEADER) return hresult(STATUS_INVALID_PARAMETER)
      userAccess(k, a.lpReplyBuffer, a.dwReplyBufferSize, 'read')
      const id = k.memory.u64(a.lpReplyBuffer + 8)
      const size = a.dwReplyBufferSize - MESSAGE_HEADER
      const bytes = k.memory.read(a.lpReplyBuffer + MESSAGE_HEADER, size).slice()
      return filterManager(k).ports.reply(client, id, bytes) ? 0 : hresult(STATUS_INVALID_PARAMETER)
    },
  }),
}

function isName(k: Kernel, at: Ptr): boolean {
  return at !== 0 && k.memory.u16(at) === FLT_FILE_NAME_INFORMATION.SIZE
}

function clientOf(k: Kernel, handle: number) {
  const { object } = k.ob.resolveHandle(handle, 0, k.ob.types.Event, 1)
  return filterManager(k).ports.clientOf(object)
}

/** Read a file for a filter; only filters below it see the request. */
function* readBelow(
  k: Kernel,
  a: {
    InitiatingInstance: Ptr
    FileObject: Ptr
    ByteOffset: bigint | null
    Length: number
    Buffer: Ptr
    BytesRead: { write(value: number): void }
  },
): KernelRoutine<number> {
  const manager = filterManager(k)
  const filter = manager.ofInstance(a.InitiatingInstance)
  if (!filter || !a.FileObject) return STATUS_INVALID_PARAMETER
  const iosb = k.pool.allocate(IO_STATUS_BLOCK.SIZE, 'FMio', { system: true })
  if (!iosb) return STATUS_INSUFFICIENT_RESOURCES
  let status = yield* manager.below(filter, () =>
    k.io.data({
      file: a.FileObject,
      granted: FILE_ALL_ACCESS,
      buffer: a.Buffer,
      length: a.Length,
      write: false,
      offset:
        a.ByteOffset ?? k.memory.i64(a.FileObject + FILE_OBJECT['CurrentByteOffset.QuadPart']),
      iosb,
      event: 0,
      userMode: false,
    }),
  )
  if (status === STATUS_PENDING) {
    yield* k.dispatcher.wait([a.FileObject + FILE_OBJECT.Event])
    status = k.memory.u32(iosb)
  }
  if ((status | 0) >= 0) a.BytesRead.write(k.memory.size(iosb + 8))
  k.pool.free(iosb)
  return status
}
