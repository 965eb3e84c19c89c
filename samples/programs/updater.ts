// The antivirus asks its maker whether there are new signatures. It is no browser.

import type { ADDRINFOA } from 'win32'
import {
  AF_INET,
  CHAR,
  GetLastError,
  IPPROTO_TCP,
  SOCKADDR_IN,
  SOCK_STREAM,
  array,
  closesocket,
  connect,
  freeaddrinfo,
  getaddrinfo,
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
import type { DWORD } from 'win32'

const SERVER = 'update.guard.example'
const ANSWER_BYTES = 1024

export function main(): number {
  const found = out<ADDRINFOA>()
  if (getaddrinfo(SERVER, '80', null, found)) {
    printf('updater: there is no %s\n', SERVER)
    return 1
  }
  const connection = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)
  const text = local(array(CHAR, ANSWER_BYTES))
  if (connect(connection, found.value.ai_addr, sizeof(SOCKADDR_IN)))
    printf('updater: no connection, error %u\n', GetLastError())
  else {
    const form = 'GET /signatures HTTP/1.1\r\nHost: %s\r\n\r\n'
    send(connection, text, snprintf(text, ANSWER_BYTES, form, SERVER), 0)
    let got: DWORD = 0
    for (;;) {
      const more = recv(connection, text.add(got), ANSWER_BYTES - 1 - got, 0)
      if (more <= 0) break
      got += more
    }
    text[got] = 0
    const body = strstr(text, '\r\n\r\n')
    printf('updater: %s\n', body === null ? 'no answer' : body.add(4))
  }
  closesocket(connection)
  freeaddrinfo(found.value)
  return 0
}
