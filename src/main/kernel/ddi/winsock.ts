/**
 * Winsock (ws2_32), in programs: sockets are files of `\Device\Afd`, which its control codes drive. Addresses
 * are SOCKADDR_IN; names become addresses by asking the name server, UDP port 53.
 */
import {
  AF_INET,
  IPPROTO_TCP,
  IPPROTO_UDP,
  OBJ_CASE_INSENSITIVE,
  SOCK_DGRAM,
  SYNCHRONIZE,
  WSAEACCES,
  WSAEADDRINUSE,
  WSAEADDRNOTAVAIL,
  WSAECONNREFUSED,
  WSAECONNRESET,
  WSAEFAULT,
  WSAEHOSTUNREACH,
  WSAEINVAL,
  WSAEISCONN,
  WSAENOBUFS,
  WSAENOTCONN,
  WSAENOTSOCK,
  WSAHOST_NOT_FOUND,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_ACCESS_DENIED,
  STATUS_ACCESS_VIOLATION,
  STATUS_ADDRESS_ALREADY_EXISTS,
  STATUS_CONNECTION_ACTIVE,
  STATUS_CONNECTION_REFUSED,
  STATUS_CONNECTION_RESET,
  STATUS_HOST_UNREACHABLE,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_ADDRESS_COMPONENT,
  STATUS_INVALID_CONNECTION,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { ADDRINFOA, IO_STATUS_BLOCK, SOCKADDR_IN } from '../../../shared/nt/generated/offsets'
import { NtClose } from '../ob/nt-object'
import { NtDeviceIoControlFile, NtOpenFile } from '../io/nt-file'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { heapOf } from '../mm/user-memory'
import { addressWords, parseAddress, type Place } from '../net/address'
import { ACCEPTED_BYTES, AFD, AFD_DEVICE, afdOf } from '../net/afd'
import { addressInReply, dnsQuery } from '../net/dns'
import { NAME_SERVER } from '../net/network'
import { writePlace } from '../net/sockaddr'
import { SCRATCH } from '../ps/user'
import {
  currentUser,
  enterWin32,
  scratchAttributes,
  scratchHandle,
  setLastError,
  userAccess,
  w,
} from './win32-base'
import { ddi, t, type KernelRoutine } from './types'

const SOCKET_ERROR = -1
/** Windows' sockaddr, of which only this kind is there. */
const SOCKADDR = { k: 'ptr', c: 'SOCKADDR_IN *', target: 'SOCKADDR_IN' } as const
const GENERIC_READ_WRITE = 0xc000_0000
const SHARE_ALL = 7
const FILE_SYNCHRONOUS_IO_NONALERT = 0x20
/** Bytes of one send or receive; a program that has more calls again. */
const TRANSFER_MAX = 0x1_0000
const DNS_REPLY_MAX = 512
const DNS_ID = 1

const ERRORS: ReadonlyMap<number, number> = new Map([
  [STATUS_ACCESS_DENIED, WSAEACCES],
  [STATUS_ACCESS_VIOLATION, WSAEFAULT],
  [STATUS_ADDRESS_ALREADY_EXISTS, WSAEADDRINUSE],
  [STATUS_CONNECTION_ACTIVE, WSAEISCONN],
  [STATUS_CONNECTION_REFUSED, WSAECONNREFUSED],
  [STATUS_CONNECTION_RESET, WSAECONNRESET],
  [STATUS_HOST_UNREACHABLE, WSAEHOSTUNREACH],
  [STATUS_INSUFFICIENT_RESOURCES, WSAENOBUFS],
  [STATUS_INVALID_ADDRESS_COMPONENT, WSAEADDRNOTAVAIL],
  [STATUS_INVALID_CONNECTION, WSAENOTCONN],
  [STATUS_INVALID_PARAMETER, WSAEINVAL],
])

/** 0, or SOCKET_ERROR with the last error set. */
function resultOf(k: Kernel, status: number): number {
  if (status === STATUS_SUCCESS) return 0
  // Anything else is what other files answer to codes that are not theirs.
  setLastError(k, ERRORS.get(status >>> 0) ?? WSAENOTSOCK)
  return SOCKET_ERROR
}

/** Where arguments and answers of a socket's control codes lie in the scratch area. */
const room = (k: Kernel): Ptr => currentUser(k).scratch + SCRATCH.handles

function* control(
  k: Kernel,
  handle: number,
  code: number,
  input: { at: Ptr; length: number },
  output: { at: Ptr; length: number } = { at: 0, length: 0 },
): KernelRoutine<number> {
  const iosb = currentUser(k).scratch + SCRATCH.iosb
  return yield* k.syscalls.call(NtDeviceIoControlFile, [
    ...[handle, 0, 0, 0, iosb, code],
    ...[input.at, input.length, output.at, output.length],
  ])
}

/** Bytes that the last control code moved. */
const moved = (k: Kernel): number =>
  k.memory.size(currentUser(k).scratch + SCRATCH.iosb + IO_STATUS_BLOCK.Information)

/** A file of the device; null with the last error set. */
function* openSocket(k: Kernel, protocol: number): KernelRoutine<number | null> {
  afdOf(k)
  const { scratch } = currentUser(k)
  const path = `${AFD_DEVICE}\\${protocol === IPPROTO_UDP ? 'Udp' : 'Tcp'}`
  const status = yield* k.syscalls.call(NtOpenFile, [
    scratch + SCRATCH.handle,
    (GENERIC_READ_WRITE | SYNCHRONIZE) >>> 0,
    scratchAttributes(k, path, OBJ_CASE_INSENSITIVE),
    scratch + SCRATCH.iosb,
    SHARE_ALL,
    FILE_SYNCHRONOUS_IO_NONALERT,
  ])
  if (status === STATUS_SUCCESS) return scratchHandle(k)
  resultOf(k, status)
  return null
}

/** A 4-byte number as the input of a control code. */
function numberAt(k: Kernel, value: number): { at: Ptr; length: number } {
  k.memory.setU32(room(k), value >>> 0)
  return { at: room(k), length: 4 }
}

/** Ask the name server; null when it has no such name, or does not answer. */
function* resolve(k: Kernel, name: string): KernelRoutine<number | null> {
  const query = dnsQuery(DNS_ID, name)
  const handle = query && (yield* openSocket(k, IPPROTO_UDP))
  if (!query || handle === null) return null
  const at = room(k)
  writePlace(k, at, NAME_SERVER)
  let status = yield* control(k, handle, AFD.connect, { at, length: SOCKADDR_IN.SIZE })
  if (status === STATUS_SUCCESS) {
    k.memory.write(at, query)
    status = yield* control(k, handle, AFD.send, { at, length: query.length })
  }
  let address: number | null = null
  if (status === STATUS_SUCCESS) {
    const answer = { at, length: DNS_REPLY_MAX }
    status = yield* control(k, handle, AFD.receive, { at: 0, length: 0 }, answer)
    if (status === STATUS_SUCCESS)
      address = addressInReply(k.memory.read(at, Math.min(moved(k), DNS_REPLY_MAX)).slice())
  }
  yield* k.syscalls.call(NtClose, [handle])
  return address
}

/** ADDRINFOA with its address behind it, on the heap of the program; 0 when memory is short. */
function makeInfo(k: Kernel, place: Place, type: number): Ptr {
  const at = heapOf(k, k.thread.process).allocate(ADDRINFOA.SIZE + SOCKADDR_IN.SIZE, true)
  if (!at) return 0
  const { memory } = k
  const isDatagram = type === SOCK_DGRAM
  memory.setU32(at + ADDRINFOA.ai_family, AF_INET)
  memory.setU32(at + ADDRINFOA.ai_socktype, type)
  memory.setU32(at + ADDRINFOA.ai_protocol, isDatagram ? IPPROTO_UDP : IPPROTO_TCP)
  memory.setSize(at + ADDRINFOA.ai_addrlen, SOCKADDR_IN.SIZE)
  memory.setPtr(at + ADDRINFOA.ai_addr, at + ADDRINFOA.SIZE)
  writePlace(k, at + ADDRINFOA.SIZE, place)
  return at
}

const swap16 = (value: number): number => ((value & 0xff) << 8) | ((value >> 8) & 0xff)
const swap32 = (value: number): number =>
  ((swap16(value & 0xffff) << 16) | swap16(value >>> 16)) >>> 0

const order = (c: 'u_short' | 'u_long', name: string, summary: string) => {
  const type = c === 'u_short' ? ({ k: 'u16', c } as const) : ({ k: 'u32', c } as const)
  return ddi({
    params: { value: type },
    returns: type,
    module: 'win32',
    summary,
    docs: `winsock/nf-winsock-${name}`,
    traced: false,
    run: (_k, a) => (c === 'u_short' ? swap16(a.value) : swap32(a.value)),
  })
}

const onAddress = (name: 'connect' | 'bind', code: number, summary: string, note: string) =>
  ddi({
    params: { s: t.handle, name: SOCKADDR, namelen: w.int },
    returns: w.int,
    module: 'win32',
    summary,
    docs: `winsock2/nf-winsock2-${name}`,
    support: 'partial',
    note,
    *run(k, a) {
      enterWin32(k, name, '', 'WS2_32')
      const input = { at: a.name, length: SOCKADDR_IN.SIZE }
      const status = yield* control(k, a.s, code, input)
      // No buffer at all reaches the driver as one without bytes.
      return resultOf(
        k,
        !a.name && status === STATUS_INVALID_PARAMETER ? STATUS_ACCESS_VIOLATION : status,
      )
    },
  })

export const WINSOCK_DDIS = {
  socket: ddi({
    params: { af: w.int, type: w.int, protocol: w.int },
    returns: t.handle,
    module: 'win32',
    summary: 'Makes a socket of the simulated network.',
    docs: 'winsock2/nf-winsock2-socket',
    support: 'partial',
    note: 'AF_INET with TCP or UDP. WSAStartup is not needed.',
    *run(k, a) {
      enterWin32(k, 'socket', '', 'WS2_32')
      const protocol = a.protocol || (a.type === SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP)
      return (yield* openSocket(k, protocol)) ?? SOCKET_ERROR
    },
  }),

  connect: onAddress(
    'connect',
    AFD.connect,
    'Connects a socket, if the filtering platform permits it. `name` is a SOCKADDR_IN.',
    'Waits always. On a machine without the small Windows every address answers.',
  ),

  bind: onAddress(
    'bind',
    AFD.bind,
    'Gives a socket an address and a port of its own. `name` is a SOCKADDR_IN.',
    'The machine is 127.0.0.1 and 10.0.0.2; a port belongs to one socket of all protocols.',
  ),

  listen: ddi({
    params: { s: t.handle, backlog: w.int },
    returns: w.int,
    module: 'win32',
    summary: 'Lets others connect to a socket.',
    docs: 'winsock2/nf-winsock2-listen',
    *run(k, a) {
      enterWin32(k, 'listen', '', 'WS2_32')
      return resultOf(k, yield* control(k, a.s, AFD.startListen, numberAt(k, a.backlog)))
    },
  }),

  accept: ddi({
    params: { s: t.handle, addr: t.optional(SOCKADDR), addrlen: t.optional(w.pvoid) },
    returns: t.handle,
    module: 'win32',
    summary: 'Waits until somebody connects, and gives a socket for the connection.',
    docs: 'winsock2/nf-winsock2-accept',
    *run(k, a) {
      enterWin32(k, 'accept', '', 'WS2_32')
      const at = room(k)
      const output = { at, length: ACCEPTED_BYTES }
      const status = yield* control(k, a.s, AFD.waitForListen, { at: 0, length: 0 }, output)
      if (resultOf(k, status) !== 0) return SOCKET_ERROR
      const id = k.memory.u32(at)
      const from = k.memory.read(at + 4, SOCKADDR_IN.SIZE).slice()
      const handle = yield* openSocket(k, IPPROTO_TCP)
      if (handle === null) return SOCKET_ERROR
      const adopted = yield* control(k, handle, AFD.accept, numberAt(k, id))
      if (resultOf(k, adopted) !== 0) return SOCKET_ERROR
      if (a.addr) {
        userAccess(k, a.addr, SOCKADDR_IN.SIZE, 'write')
        k.memory.write(a.addr, from)
      }
      if (a.addrlen) {
        userAccess(k, a.addrlen, 4, 'write')
        k.memory.setU32(a.addrlen, SOCKADDR_IN.SIZE)
      }
      return handle
    },
  }),

  send: ddi({
    params: { s: t.handle, buf: w.pvoid, len: w.int, flags: w.int },
    returns: w.int,
    module: 'win32',
    summary: 'Sends bytes; how many, or SOCKET_ERROR.',
    docs: 'winsock2/nf-winsock2-send',
    support: 'partial',
    note: 'Up to 64 KiB at once; flags are not looked at. A UDP socket has to be connected first.',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'send', `${a.len} bytes`, 'WS2_32')
      const length = Math.min(Math.max(a.len, 0), TRANSFER_MAX)
      const status = yield* control(k, a.s, AFD.send, { at: a.buf, length })
      return status === STATUS_SUCCESS ? length : resultOf(k, status)
    },
  }),

  recv: ddi({
    params: { s: t.handle, buf: w.pvoid, len: w.int, flags: w.int },
    returns: w.int,
    module: 'win32',
    summary: 'Waits for bytes; how many, 0 when the other side has hung up, or SOCKET_ERROR.',
    docs: 'winsock/nf-winsock-recv',
    support: 'partial',
    note: 'Up to 64 KiB at once; flags are not looked at.',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'recv', `up to ${a.len} bytes`, 'WS2_32')
      const length = Math.min(Math.max(a.len, 0), TRANSFER_MAX)
      const output = { at: a.buf, length }
      const status = yield* control(k, a.s, AFD.receive, { at: 0, length: 0 }, output)
      return status === STATUS_SUCCESS ? moved(k) : resultOf(k, status)
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
      const status = yield* k.syscalls.call(NtClose, [a.s])
      if (status === STATUS_SUCCESS) return 0
      setLastError(k, WSAENOTSOCK)
      return SOCKET_ERROR
    },
  }),

  getaddrinfo: ddi({
    params: {
      pNodeName: w.astr,
      pServiceName: t.optional(w.astr),
      pHints: t.optional({ k: 'ptr', c: 'const ADDRINFOA *', target: 'ADDRINFOA' }),
      ppResult: t.out({ k: 'ptr', c: 'PADDRINFOA', target: 'ADDRINFOA' }),
    },
    returns: w.int,
    module: 'win32',
    summary: 'Finds the address of a name: 0, or an error such as WSAHOST_NOT_FOUND.',
    docs: 'ws2tcpip/nf-ws2tcpip-getaddrinfo',
    support: 'partial',
    note: 'One address. The service is a number, and the program itself asks the name server (on Windows the DNS client service does, and remembers).',
    *run(k, a) {
      const name = a.pNodeName ?? ''
      if (k.tracing) enterWin32(k, 'getaddrinfo', name, 'WS2_32')
      const type = a.pHints ? k.memory.u32(a.pHints + ADDRINFOA.ai_socktype) : 0
      const known =
        name.toLowerCase() === 'localhost' ? parseAddress('127.0.0.1') : parseAddress(name)
      const address = known ?? (yield* resolve(k, name))
      if (address === null) return WSAHOST_NOT_FOUND
      const port = Number(a.pServiceName ?? 0)
      const info = makeInfo(k, { address, port: port > 0 && port < 65_536 ? port : 0 }, type || 1)
      if (!info) return WSAENOBUFS
      a.ppResult.write(info)
      return 0
    },
  }),

  freeaddrinfo: ddi({
    params: { pAddrInfo: t.optional({ k: 'ptr', c: 'PADDRINFOA', target: 'ADDRINFOA' }) },
    returns: t.void,
    module: 'win32',
    summary: 'Gives back what getaddrinfo gave.',
    docs: 'ws2tcpip/nf-ws2tcpip-freeaddrinfo',
    run(k, a) {
      if (a.pAddrInfo) heapOf(k, k.thread.process).release(a.pAddrInfo)
    },
  }),

  inet_addr: ddi({
    params: { cp: w.astr },
    returns: t.u32('u_long'),
    module: 'win32',
    summary: 'The address that a text with dots says, in network byte order; INADDR_NONE for none.',
    docs: 'winsock2/nf-winsock2-inet_addr',
    traced: false,
    run(_k, a) {
      const address = parseAddress(a.cp ?? '')
      return address === null ? 0xffff_ffff : swap32(address)
    },
  }),

  inet_ntoa: ddi({
    params: { address: t.u32('IN_ADDR') },
    returns: { k: 'ptr', c: 'PSTR', target: null },
    module: 'win32',
    summary: 'An address as text with dots. The next call overwrites it.',
    docs: 'winsock2/nf-winsock2-inet_ntoa',
    traced: false,
    run(k, a) {
      const at = currentUser(k).scratch + SCRATCH.text
      const text = `${addressWords(swap32(a.address))}\0`
      k.memory.write(
        at,
        Uint8Array.from(text, (char) => char.charCodeAt(0)),
      )
      return at
    },
  }),

  htons: order('u_short', 'htons', 'A port in network byte order.'),
  ntohs: order('u_short', 'ntohs', 'A port in the byte order of the machine.'),
  htonl: order('u_long', 'htonl', 'An address in network byte order.'),
  ntohl: order('u_long', 'ntohl', 'An address in the byte order of the machine.'),
}
