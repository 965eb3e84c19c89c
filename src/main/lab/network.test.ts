/** Programs on the network of the small Windows: names, hosts, loopback, and what the trace tells. */
import { describe, expect, test } from 'vitest'
import { client, driver } from './testing/snippets'
import { runWorld } from './testing/world'

const BROWSER = { name: 'browser.exe', entry: 'world/browser.ts' }
const BANK = { ...BROWSER, arguments: 'http://bank.example/' }

describe('the network', () => {
  test('a browser shows the page of the host that it names', async () => {
    const { report, written, events, state } = await runWorld({ programs: [BANK] })
    expect(report.diagnostics).toEqual([])
    expect(written.join('')).toContain('browser: connected to bank.example at 203.0.113.10')
    expect(written.join('')).toMatch(/page of bank\.example: <html><body><h1>Your bank/)
    expect(events.find((event) => event.t === 'net.resolved')).toMatchObject({
      name: 'bank.example',
      address: '203.0.113.10',
      server: '10.0.0.1:53',
    })
    const connected = events.filter((event) => event.t === 'net.connected')
    expect(connected).toMatchObject([
      { protocol: 'UDP', remote: '10.0.0.1:53', peer: 'name server' },
      {
        program: 'browser.exe',
        protocol: 'TCP',
        asked: '203.0.113.10:80',
        remote: '203.0.113.10:80',
        peer: 'bank.example',
      },
    ])
    expect(state.network.sockets.map((each) => each.state)).toEqual(['closed', 'closed'])
    expect(state.network.hosts.map(({ name }) => name)).toContain('mail.example')
  })
})

const SERVER = client(`
export function main(): number {
  const own = local(SOCKADDR_IN)
  own.sin_family = AF_INET
  own.sin_port = htons(7)
  const server = socket(AF_INET, SOCK_STREAM, 0)
  bind(server, own, 16)
  listen(server, 1)
  const from = local(SOCKADDR_IN)
  const bytes = local(array(UCHAR, 4))
  for (;;) {
    const one = accept(server, from, null)
    printf('from %s\\n', inet_ntoa(from.sin_addr))
    for (let got = recv(one, bytes, 4, 0); got > 0; got = recv(one, bytes, 4, 0)) send(one, bytes, got, 0)
    closesocket(one)
  }
}`)

const TRY = `
function Try(Address: string, Port: DWORD): HANDLE {
  const place = local(SOCKADDR_IN)
  place.sin_family = AF_INET
  place.sin_addr = inet_addr(Address)
  place.sin_port = htons(Port)
  const one = socket(AF_INET, SOCK_STREAM, 0)
  const failed = connect(one, place, 16)
  printf('%s %u\\n', Address, failed ? GetLastError() : 0)
  return one
}`

describe('sockets', () => {
  test('a program that listens is reached by loopback, and the end of it is told', async () => {
    const { report, written, state } = await runWorld(
      {
        programs: [
          { name: 'echo.exe', entry: 'echo.ts', resident: true },
          { name: 'asker.exe', entry: 'asker.ts' },
        ],
      },
      {
        'echo.ts': SERVER,
        'asker.ts': client(`${TRY}
export function main(): number {
  Sleep(1)
  const bytes = local(array(UCHAR, 16))
  const one = Try('127.0.0.1', 7)
  printf('sent %d\\n', send(one, 'abcdefgh', 8, 0))
  let got = 0
  while (got < 8) got += recv(one, bytes.add(got), 16 - got, 0)
  printf('%s\\n', bytes)
  closesocket(one)
  Sleep(1)
  return 0
}`),
      },
    )
    expect(report.diagnostics).toEqual([])
    expect(report.outcome).toBe('ok')
    expect(written.join('')).toBe('127.0.0.1 0\nsent 8\nfrom 127.0.0.1\nabcdefgh\n')
    const sockets = state.network.sockets.map((each) => [each.program, each.sent, each.received])
    expect(sockets).toEqual([
      ['echo.exe', 0, 0],
      ['asker.exe', 8, 8],
      ['echo.exe', 8, 8],
    ])
  })

  test('a socket that is in use does not become that of an accepted connection', async () => {
    const { report, written } = await runWorld(
      { programs: [{ name: 'odd.exe', entry: 'odd.ts' }] },
      {
        'odd.ts': client(`${TRY}
/** AFD's codes to wait for a connection, and to give it a file. */
const WAIT = 0x1200c
const ACCEPT = 0x12010
export function main(): number {
  const place = local(SOCKADDR_IN)
  place.sin_family = AF_INET
  place.sin_port = htons(7)
  const server = socket(AF_INET, SOCK_STREAM, 0)
  bind(server, place, 16)
  listen(server, 1)
  Try('127.0.0.1', 7)
  const id = local(array(DWORD, 8))
  const count = out<DWORD>()
  printf('%d\\n', DeviceIoControl(server, WAIT, null, 0, id, 32, count, null))
  printf('%d %u\\n', DeviceIoControl(server, ACCEPT, id, 4, null, 0, count, null), GetLastError())
  const fresh = socket(AF_INET, SOCK_STREAM, 0)
  printf('%d\\n', DeviceIoControl(fresh, ACCEPT, id, 4, null, 0, count, null))
  return 0
}`),
      },
    )
    expect(report.diagnostics).toEqual([])
    expect(written.join('')).toBe('127.0.0.1 0\n1\n0 87\n1\n')
    expect([report.outcome, report.leaks]).toEqual(['ok', []])
  })

  test('what cannot be done has the error that Windows has for it', async () => {
    const { report, written, events } = await runWorld(
      {
        programs: [{ name: 'asker.exe', entry: 'asker.ts' }],
        hosts: [
          {
            name: 'own.example',
            address: '203.0.113.99',
            ports: [{ port: 9, answers: [{ request: 'ping', reply: 'pong' }] }],
          },
        ],
      },
      {
        'asker.ts': client(`${TRY}
function Say(What: string, Result: LONG): void {
  printf('%s %d %u\\n', What, Result, Result < 0 ? GetLastError() : 0)
}
export function main(): number {
  const bytes = local(array(UCHAR, 16))
  Try('127.0.0.1', 7)
  Try('203.0.113.10', 81)
  Try('192.0.2.1', 80)
  const one = Try('203.0.113.99', 9)
  Say('again', connect(one, cast(SOCKADDR_IN, bytes), 16))
  send(one, 'ping', 4, 0)
  recv(one, bytes, 15, 0)
  printf('%s\\n', bytes)
  const fresh = socket(AF_INET, SOCK_STREAM, 0)
  Say('send', send(fresh, 'x', 1, 0))
  Say('recv', recv(fresh, bytes, 1, 0))
  Say('null', connect(fresh, null, 16))
  Say('listen', listen(fresh, 1))
  const place = local(SOCKADDR_IN)
  place.sin_port = htons(7)
  Say('bind', bind(fresh, place, 16))
  Say('bound', bind(socket(AF_INET, SOCK_STREAM, 0), place, 16))
  place.sin_addr = inet_addr('198.51.100.7')
  Say('foreign', bind(socket(AF_INET, SOCK_STREAM, 0), place, 16))
  Say('none', send(0x4242, 'x', 1, 0))
  Say('wild', send(one, cast(PVOID, 0x10), 4, 0))
  const found = out<ADDRINFOA>()
  printf('%u %u\\n', getaddrinfo('nobody.example', '80', null, found), getaddrinfo('a..b', '80', null, found))
  printf('%u\\n', getaddrinfo('OWN.example', '9', null, found))
  printf('%s %u\\n', inet_ntoa(found.value.ai_addr.sin_addr), ntohs(found.value.ai_addr.sin_port))
  freeaddrinfo(found.value)
  return 0
}`),
      },
    )
    expect(report.diagnostics).toEqual([])
    expect(written.join('').trim().split('\n')).toEqual([
      ...['127.0.0.1 10061', '203.0.113.10 10061', '192.0.2.1 10065', '203.0.113.99 0'],
      ...['again -1 10056', 'pong', 'send -1 10057', 'recv -1 10057', 'null -1 10014'],
      ...['listen -1 10022', 'bind 0 0', 'bound -1 10048', 'foreign -1 10049'],
      ...['none -1 10038', 'wild -1 10014', '11001 11001', '0', '203.0.113.99 9'],
    ])
    const refused = events.flatMap((event) => (event.t === 'net.refused' ? [event.why] : []))
    expect(refused).toEqual(['refused', 'refused', 'unreachable'])
  })

  test('a driver at the device of the sockets sees what programs ask of it', async () => {
    const { report, written } = await runWorld(
      { programs: [BANK], drivers: [{ name: 'tap', entry: 'driver.ts' }], unload: false },
      {
        'driver.ts': driver(`
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  for (let i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) DriverObject.MajorFunction[i] = Pass
  const device = out<DEVICE_OBJECT>()
  IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_UNKNOWN, 0, false, device)
  const lower = out<DEVICE_OBJECT>()
  const status = IoAttachDevice(device.value, RTL_CONSTANT_STRING('\\\\Device\\\\Afd'), lower)
  Lower = lower.value
  device.value.Flags |= DO_BUFFERED_IO
  device.value.Flags &= ~DO_DEVICE_INITIALIZING
  return status
}
let Lower: DEVICE_OBJECT = null
function Pass(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  if (stack.MajorFunction === IRP_MJ_DEVICE_CONTROL) DbgPrint('%x\\n', stack.Parameters.DeviceIoControl.IoControlCode)
  IoSkipCurrentIrpStackLocation(Irp)
  return IoCallDriver(Lower, Irp)
}`),
      },
    )
    expect(report.diagnostics).toEqual([])
    expect(written.join('')).toContain('Your bank')
    // Connect, send, receive to the name server; then the same to the bank, and the end of it.
    expect(report.dbgPrint).toEqual([
      ...['12004', '1201c', '12014'],
      ...['12004', '1201c', '12014', '12014'],
    ])
  })
})
