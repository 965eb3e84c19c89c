/** The small Windows around the drivers, as programs and drivers find it. */
import { describe, expect, test } from 'vitest'
import { eventLine } from '../../shared/trace/codec'
import { client, driver } from './testing/snippets'
import { runWorld as run } from './testing/world'

const TASKMGR = { name: 'taskmgr.exe', entry: 'world/taskmgr.ts' }

describe('processes', () => {
  test('the task manager lists what a booted Windows runs, with ids and parents', async () => {
    const { report, written } = await run({ programs: [TASKMGR] })
    expect(report.outcome).toBe('ok')
    expect(written.map((line) => line.trim().replace(/ +/g, ' '))).toEqual([
      'Id Parent Threads Name',
      expect.stringMatching(/^4 0 \d+ System$/),
      '1540 4 1 smss.exe',
      '1612 1540 1 csrss.exe',
      '1688 1540 1 wininit.exe',
      expect.stringMatching(/^1700 1540 \d csrss.exe$/),
      '1764 1540 1 winlogon.exe',
      '1808 1688 1 services.exe',
      '1824 1688 1 lsass.exe',
      '2012 1808 1 svchost.exe',
      '2104 1808 1 svchost.exe',
      '2456 1808 1 guard.exe',
      '3644 1764 1 explorer.exe',
      '4100 3644 1 taskmgr.exe',
    ])
  })

  test('each has its user, session and protection, and the shell is the parent of programs', async () => {
    const { state } = await run({ programs: [TASKMGR] })
    const of = (name: string) => state.processes.filter((process) => process.name === name)
    expect(of('lsass.exe')).toMatchObject([
      { user: 'SYSTEM', integrity: 'system', session: 0, protection: 0x41, critical: true },
    ])
    expect(of('explorer.exe')).toMatchObject([
      { user: 'student', integrity: 'medium', session: 1, protection: 0, admin: false },
    ])
    expect(of('svchost.exe').map(({ user }) => user)).toEqual(['SYSTEM', 'LOCAL SERVICE'])
    expect(of('taskmgr.exe')).toMatchObject([{ parent: 3644, user: 'student', session: 1 }])
    const csrss = state.handles.filter(
      ({ process, type }) => process === 1700 && type === 'Process',
    )
    expect(csrss.length).toBeGreaterThanOrEqual(2)
  })

  test('lsass is protected from programs, an unprotected process is not', async () => {
    const main = client(`
export function main(): number {
  const lsass = OpenProcess(PROCESS_VM_READ, false, 1824)
  printf('lsass %u\\n', lsass === null || lsass === 0 ? GetLastError() : 0)
  const seen = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, false, 1824)
  printf('seen %u\\n', seen ? 1 : 0)
  const explorer = OpenProcess(PROCESS_TERMINATE | SYNCHRONIZE, false, 3644)
  printf('explorer %u\\n', TerminateProcess(explorer, 7))
  WaitForSingleObject(explorer, INFINITE)
  return 0
}`)
    const { report, written, state } = await run({}, { 'client.ts': main })
    expect(report.outcome).toBe('ok')
    expect(written).toEqual(['lsass 5\n', 'seen 1\n', 'explorer 1\n'])
    expect(state.processes.find(({ name }) => name === 'explorer.exe')?.exitCode).toBe(7)
  })

  test('a driver that ends csrss.exe stops the machine: CRITICAL_PROCESS_DIED', async () => {
    const killer = driver(`
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const id = local(CLIENT_ID)
  id.UniqueProcess = 1700
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(attributes, null, OBJ_KERNEL_HANDLE, null, null)
  const handle = out<HANDLE>()
  const status = ZwOpenProcess(handle, PROCESS_TERMINATE, attributes, id)
  if (!NT_SUCCESS(status)) return status
  return ZwTerminateProcess(handle.value, STATUS_SUCCESS)
}`)
    const { report } = await run(
      { drivers: [{ name: 'killer', entry: 'driver.ts' }] },
      { 'driver.ts': killer },
    )
    expect(report.outcome).toBe('bugcheck')
    expect(report.bugcheck).toMatchObject({ code: '0x000000EF', name: 'CRITICAL_PROCESS_DIED' })
  })

  test('a driver may end the antivirus, which is protected but not critical', async () => {
    const killer = driver(`
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const process = out<PEPROCESS>()
  if (!NT_SUCCESS(PsLookupProcessByProcessId(2456, process))) return STATUS_NOT_FOUND
  const handle = out<HANDLE>()
  ObOpenObjectByPointer(process.value, OBJ_KERNEL_HANDLE, null, PROCESS_TERMINATE, null, KernelMode, handle)
  ObDereferenceObject(process.value)
  const status = ZwTerminateProcess(handle.value, STATUS_SUCCESS)
  ZwClose(handle.value)
  return status
}`)
    const { report, written } = await run(
      { drivers: [{ name: 'killer', entry: 'driver.ts' }], programs: [TASKMGR], unload: false },
      { 'driver.ts': killer },
    )
    expect(report.outcome).toBe('ok')
    expect(written.join('')).toContain('lsass.exe')
    expect(written.join('')).not.toContain('guard.exe')
  })
})

describe('programs', () => {
  test('a program of the name of a system process takes its place; a resident one is ended at the end', async () => {
    const { report, state, written } = await run({
      programs: [{ name: 'guard.exe', entry: 'world/guard.ts', resident: true }],
      steps: [{ do: 'wait', milliseconds: 2500 }],
    })
    expect(report.outcome).toBe('ok')
    expect(written).toEqual(['guard: watching, process 2456\n'])
    expect(state.processes.filter(({ name }) => name === 'guard.exe')).toMatchObject([
      { id: 2456, parent: 1808, user: 'SYSTEM', protection: 0x31, exitCode: 0x4001_0004 },
    ])
  })

  test('a file of the folder comes before the program of the lab', async () => {
    const own = client(`export function main(): number { puts('mine'); return 0 }`)
    const { written } = await run({ programs: [TASKMGR] }, { 'world/taskmgr.ts': own })
    expect(written).toEqual(['mine\n'])
  })

  test('programs have address spaces of their own, also when they are the same file', async () => {
    const counter = client(`
let count: ULONG = 0
export function main(): number {
  for (let i = 0; i < 3; i++) { count++; Sleep(1) }
  printf('%u %u\\n', GetCurrentProcessId(), count)
  return 0
}`)
    const program = { name: 'counter.exe', entry: 'counter.ts' }
    const { written } = await run({ programs: [program, program] }, { 'counter.ts': counter })
    expect(written.map((line) => line.trim().split(' ')[1])).toEqual(['3', '3'])
  })

  test('a program that nobody has is told with its place', async () => {
    const { report } = await run({ programs: [{ name: 'x.exe', entry: 'world/x.ts' }] })
    expect(report.outcome).toBe('compile-error')
    expect(report.diagnostics[0]).toMatchObject({
      file: 'scenario.json',
      message: 'There is no program world/x.ts.',
    })
    expect(report.diagnostics[0]?.hint).toContain('world/taskmgr.ts')
  })
})

describe('modules and services', () => {
  test('EnumDeviceDrivers gives the list of loaded modules, a driver of the scenario at its end', async () => {
    const main = client(`
export function main(): number {
  const bases = local(array(PVOID, 32))
  const needed = out<DWORD>()
  EnumDeviceDrivers(bases, sizeof(bases), needed)
  const name = local(array(WCHAR, 32))
  for (let i = 0; i < needed.value / 8; i++) {
    GetDeviceDriverBaseName(bases[i], name, 32)
    printf('%ws\\n', name)
  }
  return 0
}`)
    const toy = driver(`
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = Unload
  return STATUS_SUCCESS
}
function Unload(DriverObject: DRIVER_OBJECT): void {}`)
    const { written, state } = await run(
      { drivers: [{ name: 'toy', entry: 'driver.ts' }] },
      { 'client.ts': main, 'driver.ts': toy },
    )
    const names = written.map((line) => line.trim())
    expect(names[0]).toBe('ntoskrnl.exe')
    expect(names).toEqual(expect.arrayContaining(['hal.dll', 'Ntfs.sys', 'tcpip.sys', 'guard.sys']))
    expect(names.at(-1)).toBe('toy.sys')
    expect(state.drivers.find(({ name }) => name === 'Ntfs')).toMatchObject({ loaded: true })
  })

  test('the service control manager knows the services of the system, and cannot stop them', async () => {
    const main = client(`
export function main(): number {
  const manager = OpenSCManager(null, null, SC_MANAGER_CONNECT)
  const service = OpenService(manager, 'GuardSvc', SERVICE_QUERY_STATUS | SERVICE_STOP)
  const status = local(SERVICE_STATUS)
  QueryServiceStatus(service, status)
  printf('%u %u\\n', status.dwServiceType, status.dwCurrentState)
  printf('%u %u\\n', ControlService(service, SERVICE_CONTROL_STOP, status), GetLastError())
  return 0
}`)
    const { written } = await run({}, { 'client.ts': main })
    expect(written).toEqual(['16 4\n', '0 1052\n'])
  })
})

describe('the registry', () => {
  test('regedit lists the services, those of the scenario among them', async () => {
    const { report, written } = await run({
      programs: [{ name: 'regedit.exe', entry: 'world/regedit.ts' }],
    })
    expect(report.outcome).toBe('ok')
    const names = written.map((line) => line.trim())
    expect(names).toEqual(expect.arrayContaining(['GuardSvc', 'Ntfs', 'tcpip']))
    expect(names.at(-1)).toBe(`${names.length - 1} keys`)
  })

  test('a program reads and writes values, and gets errors for what is not there', async () => {
    const main = client(`
export function main(): number {
  const key = out<HANDLE>()
  printf('%u\\n', RegOpenKeyEx(HKEY_LOCAL_MACHINE, 'SOFTWARE\\\\None', 0, KEY_READ, key))
  RegOpenKeyEx(HKEY_LOCAL_MACHINE, 'SYSTEM\\\\CurrentControlSet\\\\Control', 0, KEY_READ, key)
  const lsa = out<HANDLE>()
  RegOpenKeyEx(key.value, 'Lsa', 0, KEY_READ | KEY_SET_VALUE, lsa)
  const type = out<DWORD>()
  const data = local(array(DWORD, 2))
  const length = local(array(DWORD, 1))
  length[0] = 8
  printf('%u %u %u %u\\n', RegQueryValueEx(lsa.value, 'RunAsPPL', null, type, data, length), type.value, data[0], length[0])
  data[0] = 0
  printf('%u\\n', RegSetValueEx(lsa.value, 'RunAsPPL', 0, REG_DWORD, data, 4))
  data[0] = 7
  RegQueryValueEx(lsa.value, 'runasppl', null, type, data, length)
  printf('%u\\n', data[0])
  printf('%u\\n', RegQueryValueEx(lsa.value, 'Nothing', null, null, null, null))
  length[0] = 1
  printf('%u\\n', RegQueryValueEx(lsa.value, 'RunAsPPL', null, null, data, length))
  printf('%u\\n', RegCloseKey(lsa.value))
  printf('%u\\n', RegCloseKey(lsa.value))
  return 0
}`)
    const { report, written } = await run({}, { 'client.ts': main })
    expect(report.outcome).toBe('ok')
    expect(written.map((line) => line.trim())).toEqual([
      '2',
      '0 4 1 4',
      '0',
      '0',
      '2',
      '234',
      '0',
      '6',
    ])
  })
})

test('a machine with a world runs the same to the byte', async () => {
  const scenario = { programs: [TASKMGR, { ...TASKMGR, name: 'again.exe' }] }
  const [first, second] = await Promise.all([run(scenario), run(scenario)])
  expect(first.events.map(eventLine).join('')).toBe(second.events.map(eventLine).join(''))
})
