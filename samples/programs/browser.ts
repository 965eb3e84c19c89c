// A browser: looks up the name in its address, connects, asks for the page and prints it.
//
// It believes what it is told. Between the name and the page are the name server, connect(), the
// callouts that connect() is shown to, and whoever answers in the end.
//
// Start it as { "name": "browser.exe", "entry": "world/browser.ts", "arguments": "http://bank.example/" }.

import {
  AF_INET,
  CHAR,
  GetCommandLineA,
  GetLastError,
  IPPROTO_TCP,
  SOCK_STREAM,
  array,
  closesocket,
  connect,
  freeaddrinfo,
  getaddrinfo,
  inet_ntoa,
  local,
  out,
  printf,
  recv,
  send,
  sizeof,
  snprintf,
  socket,
  strstr,
} from 'win32'
import type { DWORD, HANDLE, PVOID, ADDRINFOA } from 'win32'

const PAGE_BYTES = 4096
const NAME_BYTES = 256
const SOCKADDR_BYTES = 16

/** Ask for a page and print it. */
function show(connection: HANDLE, name: PVOID, path: PVOID): void {
  const text = local(array(CHAR, PAGE_BYTES))
  const length = snprintf(text, PAGE_BYTES, 'GET %s HTTP/1.1\r\nHost: %s\r\n\r\n', path, name)
  send(connection, text, length, 0)
  let got: DWORD = 0
  for (;;) {
    const more = recv(connection, text.add(got), PAGE_BYTES - 1 - got, 0)
    if (more <= 0) break
    got += more
  }
  text[got] = 0
  // The page comes after an empty line.
  const body = strstr(text, '\r\n\r\n')
  if (body === null) printf('browser: no page of %s\n', name)
  else printf('browser: page of %s: %s\n', name, body.add(4))
}

export function main(): number {
  const scheme = strstr(GetCommandLineA(), '://')
  if (scheme === null) {
    printf('browser: no address given\n')
    return 1
  }
  const name = local(array(CHAR, NAME_BYTES))
  const path = local(array(CHAR, NAME_BYTES))
  snprintf(name, sizeof(name), '%s', scheme.add(3))
  const slash = strstr(name, '/')
  snprintf(path, sizeof(path), '%s', slash === null ? '/' : slash)
  if (slash !== null) slash.u8[0] = 0
  const found = out<ADDRINFOA>()
  const failed = getaddrinfo(name, '80', null, found)
  if (failed) {
    printf('browser: there is no %s, error %u\n', name, failed)
    return 1
  }
  const address = found.value.ai_addr
  const connection = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)
  if (connect(connection, address, SOCKADDR_BYTES))
    printf('browser: no connection, error %u\n', GetLastError())
  else {
    printf('browser: connected to %s at %s\n', name, inet_ntoa(address.sin_addr))
    show(connection, name, path)
  }
  closesocket(connection)
  freeaddrinfo(found.value)
  return 0
}
