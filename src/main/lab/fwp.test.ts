/** Callouts and filters of the filtering platform, and programs that connect. */
import { describe, expect, test } from 'vitest'
import type { TraceEvent } from '../../shared/trace/event'
import { foldAll } from '../../shared/trace/fold'
import { client, driver } from './testing/snippets'
import { runProject } from './run'

/** A driver with one callout; `filter` fills in the filter, `classify` decides. */
const callout = (filter: string, classify: string, more = ''): string =>
  driver(`
let Id = 0
let Engine: HANDLE = 0
function Guid(At: GUID, First: ULONG): void { At.Data1 = First }
function Layer(At: GUID): void {
  At.Data1 = 0xc38d57d1
  At.Data2 = 0x05a7
  At.Data3 = 0x4c33
  const rest = At.add(8)
  rest.u64[0] = 0x820ee6eebc7f4f90n
}
function RemotePort(At: GUID): void {
  At.Data1 = 0xc35a604d
  At.Data2 = 0xd22b
  At.Data3 = 0x4e1a
  At.add(8).u64[0] = 0x4b67ee74f668b491n
}
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = Unload
  const device = out<DEVICE_OBJECT>()
  IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_UNKNOWN, 0, false, device)
  const registered = local(FWPS_CALLOUT1)
  Guid(registered.calloutKey, 0x1111)
  registered.classifyFn = Classify
  registered.notifyFn = Notify
  const id = out<ULONG>()
  DbgPrint('%x\\n', FwpsCalloutRegister1(device.value, registered, id))
  DbgPrint('%x\\n', FwpsCalloutRegister1(device.value, registered, null))
  Id = id.value
  const engine = out<HANDLE>()
  FwpmEngineOpen0(null, RPC_C_AUTHN_WINNT, null, null, engine)
  Engine = engine.value
  const sublayer = local(FWPM_SUBLAYER0)
  Guid(sublayer.subLayerKey, 0x2222)
  DbgPrint('%x\\n', FwpmSubLayerAdd0(Engine, sublayer, null))
  DbgPrint('%x\\n', FwpmSubLayerAdd0(Engine, sublayer, null))
  const condition = local(FWPM_FILTER_CONDITION0)
  const filter = local(FWPM_FILTER0)
  Layer(filter.layerKey)
  Guid(filter.subLayerKey, 0x2222)
  Guid(filter.action.calloutKey, 0x1111)
  filter.action.type = FWP_ACTION_CALLOUT_TERMINATING
  DbgPrint('%x\\n', FwpmFilterAdd0(Engine, filter, null, null))
  const added = local(FWPM_CALLOUT0)
  Guid(added.calloutKey, 0x1111)
  Layer(added.applicableLayer)
  DbgPrint('%x\\n', FwpmCalloutAdd0(Engine, added, null, null))
  ${filter}
  DbgPrint('%x\\n', FwpmFilterAdd0(Engine, filter, null, null))
  DbgPrint('injected %u\\n', FwpsQueryPacketInjectionState0(null, null, null))
  return STATUS_SUCCESS
}
function Notify(Type: ULONG, Key: GUID, Filter: PVOID): NTSTATUS {
  DbgPrint('notify %u\\n', Type)
  return STATUS_SUCCESS
}
function Unload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('%x\\n', FwpsCalloutUnregisterById0(Id))
  DbgPrint('%x\\n', FwpsCalloutUnregisterById0(Id))
  FwpmEngineClose0(Engine)
  IoDeleteDevice(DriverObject.DeviceObject)
}
function Value(Values: FWPS_INCOMING_VALUES0, Field: ULONG): ULONG {
  return cast(FWP_VALUE0, Values.incomingValue.add(Field * sizeof(FWP_VALUE0))).uint32
}
function Classify(Values: FWPS_INCOMING_VALUES0, Meta: FWPS_INCOMING_METADATA_VALUES0, Data: PVOID, Context: PVOID, Filter: PVOID, Flow: PVOID, Out: FWPS_CLASSIFY_OUT0): void {
  ${classify}
}
${more}`)

const PROGRAM = client(`
function Try(Port: DWORD): void {
  const address = local(array(UCHAR, 16))
  address[0] = AF_INET
  address[2] = Port >> 8
  address[3] = Port & 0xff
  address[4] = 192
  address[5] = 168
  address[7] = 1
  const s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP)
  const failed = connect(s, cast(SOCKADDR_IN, address), 16)
  printf('%u: %s %u\\n', Port, failed ? 'refused' : 'connected', failed ? GetLastError() : 0)
  closesocket(s)
}
export function main(): number {
  Try(80)
  Try(443)
  printf('%u %u\\n', connect(0x1234, null, 0) ? 1 : 0, GetLastError())
  return 0
}`)

async function run(
  source: string,
): Promise<{ printed: string[]; stdout: string[]; outcome: string; events: TraceEvent[] }> {
  const files = { 'driver.ts': source, 'client.ts': PROGRAM }
  const events: TraceEvent[] = []
  const { report } = await runProject(
    { files, seed: 1, verifier: [], trace: 'full' },
    { onEvent: (event) => events.push(event) },
  )
  expect(report.diagnostics).toEqual([])
  return {
    events,
    printed: report.dbgPrint.map((text) => text.trim()),
    stdout: (report.client?.stdout ?? '').trim().split('\n'),
    outcome: report.outcome,
  }
}

const ADDING = ['0', 'c0220009', '0', 'c0220009', 'c0220001', '0', 'notify 0', '0', 'injected 0']
const REMOVING = ['0', 'c0220001']

describe('the filtering platform', () => {
  test('asks a callout, which sees the connection and decides', async () => {
    const { printed, stdout, outcome } = await run(
      callout(
        '',
        `
  const port = Value(Values, FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_REMOTE_PORT)
  DbgPrint('%x:%u\\n', Value(Values, FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_REMOTE_ADDRESS), port)
  Out.actionType = port === 80 ? FWP_ACTION_BLOCK : FWP_ACTION_PERMIT`,
      ),
    )
    expect(outcome).toBe('ok')
    expect(stdout).toEqual(['80: refused 10013', '443: connected 0', '1 10038'])
    expect(printed).toEqual([...ADDING, 'c0a80001:80', 'c0a80001:443', ...REMOVING])
  })

  test('asks only where the conditions of the filter hold', async () => {
    const { printed, stdout } = await run(
      callout(
        `
  RemotePort(condition.fieldKey)
  condition.conditionValue.type = FWP_UINT16
  condition.conditionValue.uint32 = 443
  filter.numFilterConditions = 1
  filter.filterCondition = condition`,
        `
  DbgPrint('asked\\n')
  Out.actionType = FWP_ACTION_BLOCK`,
      ),
    )
    expect(stdout.slice(0, 2)).toEqual(['80: connected 0', '443: refused 10013'])
    expect(printed.filter((line) => line === 'asked')).toHaveLength(1)
  })

  test('lets a connection wait that a callout pends, and asks again', async () => {
    const { printed, stdout } = await run(
      callout(
        '',
        `
  if (Asked === 1) { Out.actionType = FWP_ACTION_PERMIT; return }
  Asked = 1
  const context = out<PVOID>()
  DbgPrint('pend %x\\n', FwpsPendOperation0(Meta.completionHandle, context))
  DbgPrint('busy %x\\n', FwpsCalloutUnregisterById0(Id))
  Context2 = context.value
  PsCreateSystemThread(out<HANDLE>(), THREAD_ALL_ACCESS, null, null, null, Later, null)
  Out.actionType = FWP_ACTION_BLOCK`,
        `
let Asked = 0
let Context2: PVOID = null
function Later(StartContext: PVOID): void {
  KeDelayExecutionThread(KernelMode, false, -100000n)
  DbgPrint('complete\\n')
  FwpsCompleteOperation0(Context2, null)
}`,
      ),
    )
    expect(stdout.slice(0, 2)).toEqual(['80: connected 0', '443: connected 0'])
    expect(printed.slice(ADDING.length, -REMOVING.length)).toEqual([
      'pend 0',
      'busy 80000011',
      'complete',
    ])
  })

  test('asks again also when the connection was let go before the callout returned', async () => {
    const { printed, stdout, outcome } = await run(
      callout(
        '',
        `
  Asked++
  DbgPrint('asked %u\\n', Asked)
  if (Asked === 2) { Out.actionType = FWP_ACTION_PERMIT; return }
  const context = out<PVOID>()
  FwpsPendOperation0(Meta.completionHandle, context)
  DbgPrint('again %x\\n', FwpsPendOperation0(Meta.completionHandle, out<PVOID>()))
  FwpsCompleteOperation0(context.value, null)
  Out.actionType = FWP_ACTION_BLOCK
  if (Asked === 3) Asked = 1`,
        'let Asked = 0',
      ),
    )
    expect(outcome).toBe('ok')
    expect(stdout.slice(0, 2)).toEqual(['80: connected 0', '443: connected 0'])
    expect(printed.slice(ADDING.length, -REMOVING.length)).toEqual([
      ...['asked 1', 'again c0220103', 'asked 2'],
      ...['asked 3', 'again c0220103', 'asked 2'],
    ])
  })

  test('tells what was added, asked, decided and removed', async () => {
    const { events, printed } = await run(
      callout(
        '',
        `
  const port = Value(Values, FWPS_FIELD_ALE_AUTH_CONNECT_V4_IP_REMOTE_PORT)
  Out.actionType = port === 80 ? FWP_ACTION_BLOCK : FWP_ACTION_PERMIT`,
      )
        .replace(
          'function Unload(DriverObject: DRIVER_OBJECT): void {',
          `function Unload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('%x\\n', FwpmFilterDeleteById0(Engine, 0x10001n))
  DbgPrint('%x\\n', FwpmFilterDeleteById0(Engine, 0x10001n))`,
        )
        .replace('FwpmEngineClose0,', 'FwpmEngineClose0, FwpmFilterDeleteById0,'),
    )
    expect(printed.slice(ADDING.length)).toEqual(['notify 1', '0', 'c0220003', ...REMOVING])
    const told = events.flatMap((event) =>
      event.t === 'wfp.decided' ? [`${event.remote} ${event.allowed}`] : [],
    )
    expect(told).toEqual(['192.168.0.1:80 false', '192.168.0.1:443 true'])
    const classified = events.filter((event) => event.t === 'wfp.classified')
    expect(classified).toMatchObject([
      { layer: 'ALE_AUTH_CONNECT_V4', protocol: 'TCP', action: 'FWP_ACTION_BLOCK' },
      { routine: expect.stringMatching(/!Classify$/), action: 'FWP_ACTION_PERMIT' },
    ])
    const { filtering } = foldAll(events, classified.at(-1)!.seq)
    expect(filtering.callouts).toMatchObject([{ layer: 'ALE_AUTH_CONNECT_V4', id: 0x101 }])
    expect(filtering.sublayers).toHaveLength(1)
    expect(filtering.filters).toMatchObject([
      { filter: '0x10001', last: { action: 'FWP_ACTION_PERMIT', remote: '192.168.0.1:443' } },
    ])
    const end = foldAll(events).filtering
    expect([end.filters, end.callouts.map(({ id }) => id)]).toEqual([[], [null]])
  })

  test('a wild completion handle cannot pend', async () => {
    const { printed } = await run(
      callout(
        '',
        `
  DbgPrint('%x %x\\n', FwpsPendOperation0(null, out<PVOID>()), FwpsPendOperation0(cast(PVOID, 0x10), out<PVOID>()))
  Out.actionType = FWP_ACTION_PERMIT`,
      ),
    )
    expect(printed).toContain('c022001c c0220103')
  })
})
