/** Redirection at the connect redirect layer, sessions with transactions, and the application's id. */
import { describe, expect, test } from 'vitest'
import { client, driver } from './testing/snippets'
import { runWorld, type WorldRun } from './testing/world'

/**
 * A driver with one callout at the connect redirect layer for each entry of `sublayers`, which are weights.
 * `classify` is the code of all of them; `Which` is the weight of the one that is asked.
 */
const redirector = (sublayers: number[], classify: string, entry = '', more = ''): string =>
  driver(`
let Device: DEVICE_OBJECT = null
let Engine: HANDLE = 0
let Handle: HANDLE = 0
function SetGuid(At: GUID, A: ULONG, B: ULONG, C: ULONG, D: ULONGLONG): void {
  At.Data1 = A
  At.Data2 = B
  At.Data3 = C
  At.add(8).u64[0] = D
}
const SetLayer = (At: GUID) => SetGuid(At, 0xc6e63c8c, 0xb784, 0x4562, 0xa3f9cacf670a7daan)
function Open(Flags: ULONG): HANDLE {
  const session = local(FWPM_SESSION0)
  session.flags = Flags
  const engine = out<HANDLE>()
  FwpmEngineOpen0(null, RPC_C_AUTHN_WINNT, null, session, engine)
  return engine.value
}
function Add(Session: HANDLE, Weight: ULONG, Routine: PFWPS_CALLOUT_CLASSIFY_FN1): void {
  const registered = local(FWPS_CALLOUT1)
  registered.calloutKey.Data1 = Weight
  registered.classifyFn = Routine
  registered.notifyFn = Notify
  DbgPrint('registered %x\\n', FwpsCalloutRegister1(Device, registered, null))
  const sublayer = local(FWPM_SUBLAYER0)
  sublayer.subLayerKey.Data1 = Weight
  sublayer.weight = Weight
  FwpmSubLayerAdd0(Session, sublayer, null)
  const callout = local(FWPM_CALLOUT0)
  callout.calloutKey.Data1 = Weight
  SetLayer(callout.applicableLayer)
  FwpmCalloutAdd0(Session, callout, null, null)
  const filter = local(FWPM_FILTER0)
  SetLayer(filter.layerKey)
  filter.subLayerKey.Data1 = Weight
  filter.action.calloutKey.Data1 = Weight
  filter.action.type = FWP_ACTION_CALLOUT_TERMINATING
  const blob = local(FWP_BYTE_BLOB)
  const condition = local(FWPM_FILTER_CONDITION0)
  SetGuid(condition.fieldKey, 0xd78e1e87, 0x8644, 0x4ea5, 0x71c9efec09d83794n)
  condition.conditionValue.type = FWP_BYTE_BLOB_TYPE
  condition.conditionValue.byteBlob = blob
  const text = RTL_CONSTANT_STRING('\\\\device\\\\harddiskvolume1\\\\lab\\\\asker.exe')
  blob.size = text.Length + 2
  blob.data = cast(PUCHAR, text.Buffer)
  filter.numFilterConditions = 1
  filter.filterCondition = condition
  DbgPrint('filter %x\\n', FwpmFilterAdd0(Session, filter, null, null))
}
function Notify(Type: ULONG, Key: GUID, Filter: PVOID): NTSTATUS {
  return STATUS_SUCCESS
}
${sublayers
  .map(
    (weight) => `
function Classify${weight}(Values: FWPS_INCOMING_VALUES0, Meta: FWPS_INCOMING_METADATA_VALUES0, Data: PVOID, Context: PVOID, Filter: PVOID, Flow: PVOID, Out: FWPS_CLASSIFY_OUT0): void {
  Classify(${weight}, Values, Meta, cast(FWPS_CONNECT_REQUEST0, Data), Context, cast(FWPS_FILTER1, Filter), Out)
}`,
  )
  .join('\n')}
function Classify(Which: ULONG, Values: FWPS_INCOMING_VALUES0, Meta: FWPS_INCOMING_METADATA_VALUES0, Request: FWPS_CONNECT_REQUEST0, Context: PVOID, Filter: FWPS_FILTER1, Out: FWPS_CLASSIFY_OUT0): void {
  Out.actionType = FWP_ACTION_PERMIT
  ${classify}
}
/** Send a connection elsewhere. */
function Send(Context: PVOID, Filter: FWPS_FILTER1, Address: ULONG, Port: ULONG, Target: ULONG): void {
  const handle = out<ULONGLONG>()
  const data = out<PVOID>()
  FwpsAcquireClassifyHandle0(Context, 0, handle)
  FwpsAcquireWritableLayerDataPointer0(handle.value, Filter.filterId, 0, data, null)
  const request = cast(FWPS_CONNECT_REQUEST0, data.value)
  request.remoteAddressAndPort.sin_addr = Address
  request.remoteAddressAndPort.sin_port = ((Port & 0xff) << 8) | (Port >> 8)
  request.localRedirectTargetPID = Target
  request.localRedirectHandle = Handle
  FwpsApplyModifiedLayerData0(handle.value, request, 0)
  FwpsReleaseClassifyHandle0(handle.value)
}
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const device = out<DEVICE_OBJECT>()
  IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_UNKNOWN, 0, false, device)
  Device = device.value
  Engine = Open(0)
  const redirect = out<HANDLE>()
  FwpsRedirectHandleCreate0(local(GUID), 0, redirect)
  Handle = redirect.value
  ${entry || sublayers.map((weight) => `Add(Engine, ${weight}, Classify${weight})`).join('\n')}
  return STATUS_SUCCESS
}
${more}`)

/** Asks a host who it is. */
const ASKER = client(`
function Ask(Address: string, Port: DWORD): void {
  const place = local(SOCKADDR_IN)
  place.sin_addr = inet_addr(Address)
  place.sin_port = htons(Port)
  const one = socket(AF_INET, SOCK_STREAM, 0)
  const bytes = local(array(UCHAR, 16))
  if (connect(one, place, 16)) {
    printf('error %u\\n', GetLastError())
    return
  }
  send(one, 'who', 3, 0)
  recv(one, bytes, 15, 0)
  printf('%s\\n', bytes)
  closesocket(one)
}
export function main(): number {
  Ask('203.0.113.101', 9)
  if (strstr(GetCommandLineA(), 'twice') !== null) Ask('203.0.113.101', 9)
  return 0
}`)

const host = (name: string, address: string): unknown => ({
  ...{ name, address },
  ports: [{ port: 9, answers: [{ request: 'who', reply: name }] }],
})

const run = (source: string, programs = ['asker.exe'], words = ''): Promise<WorldRun> =>
  runWorld(
    {
      drivers: [{ name: 'toy', entry: 'driver.ts' }],
      programs: programs.map((name) => ({ name, entry: 'asker.ts', arguments: words })),
      hosts: [host('one.example', '203.0.113.101'), host('two.example', '203.0.113.102')],
      unload: false,
    },
    { 'driver.ts': source, 'asker.ts': ASKER },
  )

/** 203.0.113.102 in network byte order. */
const TWO = '0x667100cb'

describe('redirection', () => {
  test('a callout sends the program of its filter elsewhere, and no other', async () => {
    const { report, written, events } = await run(
      redirector([5], `Send(Context, Filter, ${TWO}, 9, 0)`),
      ['asker.exe', 'other.exe'],
    )
    expect(report.diagnostics).toEqual([])
    expect(written.join('').trim().split('\n').sort()).toEqual(['one.example', 'two.example'])
    expect(events.filter((event) => event.t === 'wfp.redirected')).toMatchObject([
      { program: 'asker.exe', remote: '203.0.113.101:9', to: '203.0.113.102:9', handle: true },
    ])
    expect(events.find((event) => event.t === 'net.connected' && event.redirected)).toMatchObject({
      program: 'asker.exe',
      peer: 'two.example',
    })
    const conditions = events.flatMap((event) =>
      event.t === 'wfp.filter.added' ? event.conditions : [],
    )
    expect(conditions).toEqual(['application = \\device\\harddiskvolume1\\lab\\asker.exe'])
  })

  test('the callout of the lighter sublayer is asked later, sees both versions and has the last word', async () => {
    const { report, written } = await run(
      redirector(
        [3, 5],
        `
  const earlier = Request.previousVersion
  DbgPrint('%u sees %x, before %x, state %u\\n', Which, Request.remoteAddressAndPort.sin_addr,
    earlier === null ? 0 : cast(FWPS_CONNECT_REQUEST0, earlier).remoteAddressAndPort.sin_addr,
    FwpsQueryConnectionRedirectState0(Meta.redirectRecords, Handle, null))
  if (Which === 5) Send(Context, Filter, ${TWO}, 9, 0)
  else Send(Context, Filter, cast(FWPS_CONNECT_REQUEST0, earlier).remoteAddressAndPort.sin_addr, 9, 0)`,
      ),
    )
    expect(report.diagnostics).toEqual([])
    expect(written.join('')).toBe('one.example\n')
    expect(report.dbgPrint.slice(4)).toEqual([
      '5 sees 657100cb, before 0, state 0',
      '3 sees 667100cb, before 657100cb, state 1',
    ])
  })

  test('a process that connections are sent to is known by the redirect handle', async () => {
    const { report } = await run(
      redirector(
        [5],
        `
  DbgPrint('%u\\n', FwpsQueryConnectionRedirectState0(Meta.redirectRecords, Handle, null))
  DbgPrint('%u\\n', FwpsQueryConnectionRedirectState0(Meta.redirectRecords, 0x4242, null))
  Send(Context, Filter, ${TWO}, 9, Number(Meta.processId))`,
      ),
      ['asker.exe'],
      'twice',
    )
    expect(report.diagnostics).toEqual([])
    // It asks twice: the second time it is a proxy, if not one of its own making.
    expect(report.dbgPrint.slice(2)).toEqual(['0', '0', '3', '2'])
  })

  test('a block at this layer is one; what is no handle changes nothing', async () => {
    const { report, written, events } = await run(
      redirector(
        [5],
        `
  const handle = out<ULONGLONG>()
  const data = out<PVOID>()
  DbgPrint('%x %x\\n', FwpsAcquireClassifyHandle0(null, 0, handle), FwpsAcquireClassifyHandle0(cast(PVOID, 0x10), 0, handle))
  DbgPrint('%x\\n', FwpsAcquireWritableLayerDataPointer0(77n, 0n, 0, data, null))
  FwpsApplyModifiedLayerData0(77n, cast(PVOID, 0x10), 0)
  FwpsAcquireClassifyHandle0(Context, 0, handle)
  FwpsApplyModifiedLayerData0(handle.value, cast(PVOID, 0x10), 0)
  FwpsReleaseClassifyHandle0(78n)
  FwpsRedirectHandleDestroy0(0x4242)
  Out.actionType = FWP_ACTION_BLOCK`,
      ),
    )
    expect(report.outcome).toBe('ok')
    expect(report.dbgPrint.slice(2)).toEqual(['c000000d c000000d', 'c000000d'])
    expect(written.join('')).toBe('error 10013\n')
    expect(events.find((event) => event.t === 'net.refused')).toMatchObject({ why: 'blocked' })
  })

  test('after a hard permit the block of a plain filter does not count, and that of a callout does', async () => {
    const classify = (vetoes: boolean): string => `
  DbgPrint('%u may %u\\n', Which, Out.rights)
  if (Which === 5) Out.rights = 0
  else ${vetoes ? 'Out.actionType = FWP_ACTION_BLOCK' : 'Out.actionType = FWP_ACTION_CONTINUE'}`
    const plain = `
  Add(Engine, 5, Classify5)
  const filter = local(FWPM_FILTER0)
  SetLayer(filter.layerKey)
  filter.action.type = FWP_ACTION_BLOCK
  FwpmFilterAdd0(Engine, filter, null, null)`
    const vetoed = await run(redirector([3, 5], classify(true)))
    expect(vetoed.written.join('')).toBe('error 10013\n')
    expect(vetoed.report.dbgPrint.slice(4)).toEqual(['5 may 1', '3 may 0'])
    const permitted = await run(redirector([5], classify(false), plain))
    expect(permitted.written.join('')).toBe('one.example\n')
  })
})

describe('sessions', () => {
  test('a transaction that is aborted leaves nothing, one that is committed all', async () => {
    const { report, state, events } = await run(
      redirector(
        [5, 6],
        '',
        `
  DbgPrint('%x\\n', FwpmTransactionCommit0(Engine))
  DbgPrint('%x\\n', FwpmTransactionAbort0(Engine))
  DbgPrint('%x\\n', FwpmTransactionBegin0(Engine, 0))
  DbgPrint('%x\\n', FwpmTransactionBegin0(Engine, 0))
  Add(Engine, 5, Classify5)
  DbgPrint('%x\\n', FwpmTransactionAbort0(Engine))
  FwpmTransactionBegin0(Engine, 0)
  Add(Engine, 6, Classify6)
  DbgPrint('%x\\n', FwpmTransactionCommit0(Engine))
  const key = local(GUID)
  key.Data1 = 6
  DbgPrint('%x %x\\n', FwpmCalloutDeleteByKey0(Engine, key), FwpmSubLayerDeleteByKey0(Engine, key))
  key.Data1 = 5
  DbgPrint('%x %x\\n', FwpmCalloutDeleteByKey0(Engine, key), FwpmSubLayerDeleteByKey0(Engine, key))
  DbgPrint('%x %x\\n', FwpmTransactionBegin0(0x4242, 0), FwpmCalloutDeleteByKey0(0x4242, key))`,
      ),
    )
    expect(report.diagnostics).toEqual([])
    expect(report.dbgPrint).toEqual([
      ...['c022000d', 'c022000d', '0', 'c022000e', 'registered 0', 'filter 0', '0'],
      ...['registered 0', 'filter 0', '0', 'c022000a c022000a', 'c0220001 c0220007'],
      'c0000008 c0000008',
    ])
    expect(state.filtering.filters).toHaveLength(1)
    expect(state.filtering.sublayers).toHaveLength(1)
    expect(state.filtering.callouts.map(({ layer }) => layer)).toEqual([
      null,
      'ALE_CONNECT_REDIRECT_V4',
    ])
    const did = events.flatMap((event) => (event.t === 'wfp.transaction' ? [event.did] : []))
    expect(did).toEqual(['began', 'aborted', 'began', 'committed'])
  })

  test('a dynamic session takes along what it added, another one does not', async () => {
    const { report, state, written } = await run(
      redirector(
        [5, 6],
        'Out.actionType = FWP_ACTION_BLOCK',
        `
  const dynamic = Open(FWPM_SESSION_FLAG_DYNAMIC)
  Add(dynamic, 5, Classify5)
  FwpmTransactionBegin0(dynamic, 0)
  Add(dynamic, 6, Classify6)
  DbgPrint('%x\\n', FwpmEngineClose0(dynamic))
  DbgPrint('%x\\n', FwpmEngineClose0(dynamic))`,
      ),
    )
    expect(report.dbgPrint.slice(4)).toEqual(['0', 'c0000008'])
    expect(state.filtering.filters).toEqual([])
    expect(state.filtering.sublayers).toEqual([])
    expect(written.join('')).toBe('one.example\n')
  })
})
