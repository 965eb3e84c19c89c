// A proxy on this machine: takes connections at 127.0.0.1, gets the page that is asked for and passes it on.
//
// Where a driver redirects connections, it tells the driver who and where it is, and the driver may
// give it a piece of text that it puts into every page. Without a driver it waits for programs that
// come by themselves.
//
// Start it as { "name": "proxy.exe", "entry": "world/proxy.ts", "resident": true }.

import type { ADDRINFOA } from 'win32'
import {
  AF_INET,
  CHAR,
  CTL_CODE,
  CloseHandle,
  CreateFile,
  DWORD,
  DeviceIoControl,
  FILE_ANY_ACCESS,
  GENERIC_READ,
  GENERIC_WRITE,
  GetCurrentProcessId,
  GetLastError,
  INADDR_LOOPBACK,
  INVALID_HANDLE_VALUE,
  IPPROTO_TCP,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  SOCKADDR_IN,
  SOCK_STREAM,
  accept,
  array,
  bind,
  closesocket,
  connect,
  freeaddrinfo,
  getaddrinfo,
  htonl,
  htons,
  listen,
  local,
  out,
  printf,
  recv,
  send,
  sizeof,
  snprintf,
  socket,
  strlen,
  strstr,
} from 'win32'
import type { HANDLE, PVOID } from 'win32'

const PORT: DWORD = 8080
const MESSAGE_BYTES = 4096
const NAME_BYTES = 256
const TEXT_BYTES = 128
const FILE_DEVICE_NETWORK = 0x12
const IOCTL_PROXY_HERE = CTL_CODE(FILE_DEVICE_NETWORK, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/** Tell a driver where connections are to be sent; what it wants in every page, or nothing. */
function introduce(text: PVOID): void {
  const access = (GENERIC_READ | GENERIC_WRITE) >>> 0
  const device = CreateFile('\\\\.\\Detour', access, 0, null, OPEN_EXISTING, 0, null)
  if (device === INVALID_HANDLE_VALUE) return
  const place = local(array(DWORD, 2))
  place[0] = GetCurrentProcessId()
  place[1] = PORT
  const returned = out<DWORD>()
  DeviceIoControl(device, IOCTL_PROXY_HERE, place, 8, text, TEXT_BYTES - 1, returned, null)
  CloseHandle(device)
}

/** Receive until the other side hangs up, or until an empty line when that is all there is to come. */
function receive(from: HANDLE, text: PVOID, isRequest: boolean): DWORD {
  let got: DWORD = 0
  for (;;) {
    const more = recv(from, text.add(got), MESSAGE_BYTES - 1 - got, 0)
    if (more <= 0) break
    got += more
    text.u8[got] = 0
    if (isRequest && strstr(text, '\r\n\r\n') !== null) break
  }
  text.u8[got] = 0
  return got
}

/** Get from the host what was asked for; null when that cannot be done. */
function fetch(host: PVOID, request: PVOID, length: DWORD, page: PVOID): DWORD {
  const found = out<ADDRINFOA>()
  if (getaddrinfo(host, '80', null, found)) return 0
  const server = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)
  let got: DWORD = 0
  if (connect(server, found.value.ai_addr, sizeof(SOCKADDR_IN)))
    printf('proxy: no connection to %s, error %u\n', host, GetLastError())
  else {
    send(server, request, length, 0)
    got = receive(server, page, false)
  }
  closesocket(server)
  freeaddrinfo(found.value)
  return got
}

/** Serve one program. */
function serve(client: HANDLE, text: PVOID): void {
  const request = local(array(CHAR, MESSAGE_BYTES))
  const page = local(array(CHAR, MESSAGE_BYTES))
  const host = local(array(CHAR, NAME_BYTES))
  const length = receive(client, request, true)
  const header = strstr(request, 'Host: ')
  if (header === null) return
  snprintf(host, sizeof(host), '%s', header.add(6))
  const end = strstr(host, '\r\n')
  if (end !== null) end.u8[0] = 0
  const got = fetch(host, request, length, page)
  if (!got) return
  const body = strstr(page, '<body>')
  const hasText = text.u8[0] !== 0 && body !== null
  printf('proxy: %s%s\n', host, hasText ? ', changed' : '')
  if (body === null || !hasText) {
    send(client, page, got, 0)
    return
  }
  // Up to the tag, then the driver's text, then the rest.
  const rest = body.add(6)
  send(client, page, got - Number(strlen(rest)), 0)
  send(client, text, Number(strlen(text)), 0)
  send(client, rest, Number(strlen(rest)), 0)
}

export function main(): number {
  const text = local(array(CHAR, TEXT_BYTES))
  const own = local(SOCKADDR_IN)
  own.sin_family = AF_INET
  own.sin_port = htons(PORT)
  own.sin_addr = htonl(INADDR_LOOPBACK)
  const server = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)
  if (bind(server, own, sizeof(SOCKADDR_IN)) || listen(server, 8)) {
    printf('proxy: no port, error %u\n', GetLastError())
    return 1
  }
  introduce(text)
  for (;;) {
    const client = accept(server, null, null)
    if (client === INVALID_HANDLE_VALUE) return 1
    serve(client, text)
    closesocket(client)
  }
}
