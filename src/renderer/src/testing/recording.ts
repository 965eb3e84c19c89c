/**
 * Hand-made traces in the shape of real ones, for the fake lab: a driver is loaded, a program opens
 * its device, asks something, closes it, and the driver is unloaded, or something goes wrong.
 */
import type { ProjectFiles, RunReport, StopReport } from '../../../shared/contract/model'
import type {
  EventBody,
  RoutineKind,
  SourcePlace,
  TraceEvent,
  TraceValue,
} from '../../../shared/trace/event'
import type { FakeRecording } from './fake-samples'

const DRIVER = '0xFFFF9A0100001000'
const DEVICE = '0xFFFF9A0100002000'
const BLOCK = '0xFFFF9A0100004000'
const ZERO = '0x0000000000000000'
const OK = '0x00000000'

export interface Recording {
  events: TraceEvent[]
  report: RunReport
}

class Recorder {
  readonly events: TraceEvent[] = []
  private tick = 0
  private thread = 4
  private process = 4
  private irql = 0
  private driver: string | undefined
  private place: SourcePlace | undefined

  constructor(private files: ProjectFiles) {}

  get last(): number {
    return this.events.length
  }

  as(process: number, thread: number): void {
    this.process = process
    this.thread = thread
  }

  emit(body: EventBody, cause?: number): number {
    this.tick += 3 + (this.events.length % 5)
    this.events.push({
      seq: this.events.length + 1,
      tick: this.tick,
      cpu: 0,
      irql: this.irql,
      thread: this.thread,
      process: this.process,
      ...(this.driver === undefined ? {} : { driver: this.driver }),
      ...(this.place === undefined ? {} : { at: this.place }),
      ...(cause === undefined ? {} : { cause }),
      ...body,
    })
    return this.events.length
  }

  /** Be at the nth line of a file that holds `text`. */
  at(file: string, text: string, nth = 0): void {
    const lines = (this.files[file] ?? '').split('\n')
    const hits = lines.flatMap((line, i) => (line.includes(text) ? [i + 1] : []))
    this.place = { file, line: hits[nth] ?? hits.at(-1) ?? 1, column: 3 }
  }

  outside(): void {
    this.place = undefined
    this.driver = undefined
  }

  inside(driver: string): void {
    this.driver = driver
  }

  call(
    kind: RoutineKind,
    name: string,
    args: Record<string, TraceValue>,
    cause: number,
    irp?: number,
  ): number {
    return this.emit(
      { t: 'routine.called', kind, name, args, ...(irp === undefined ? {} : { irp }) },
      cause,
    )
  }

  back(kind: RoutineKind, name: string, result: TraceValue, cause: number, irp?: number): number {
    return this.emit(
      { t: 'routine.returned', kind, name, result, ...(irp === undefined ? {} : { irp }) },
      cause,
    )
  }

  ddi(name: string, args: Record<string, TraceValue>, cause: number, result?: TraceValue): number {
    return this.emit(
      { t: 'ddi.called', name, args, ...(result === undefined ? {} : { result }) },
      cause,
    )
  }

  level(to: number, reason: string, cause: number): void {
    const from = this.irql
    this.emit({ t: 'irql.changed', from, to, reason }, cause)
    this.irql = to
  }
}

const NAMES: Record<
  FakeRecording,
  { service: string; prefix: string; device: string; link: string }
> = {
  hello: {
    service: 'hello',
    prefix: 'TestDriver',
    device: '\\Device\\TestDevice',
    link: '\\DosDevices\\TestLink',
  },
  leak: {
    service: 'forgotten',
    prefix: 'TestDriver',
    device: '\\Device\\TestDevice',
    link: '\\DosDevices\\TestLink',
  },
  echo: { service: 'echo', prefix: 'Echo', device: '\\Device\\Echo', link: '\\DosDevices\\Echo' },
  double: { service: 'toy', prefix: 'Toy', device: '\\Device\\Toy', link: '\\DosDevices\\Toy' },
  hang: { service: 'lazy', prefix: 'Lazy', device: '\\Device\\Lazy', link: '\\DosDevices\\Lazy' },
}

/** Build the trace and the report of one kind of run. */
export function record(
  kind: FakeRecording,
  files: ProjectFiles,
  seed: number,
  verifier: string[],
): Recording {
  const r = new Recorder(files)
  const { service, prefix, device, link } = NAMES[kind]
  const requests: RunReport['requests'] = []
  let irp = 0
  let stop: StopReport | undefined
  let outcome: RunReport['outcome'] = 'ok'
  const leaks: RunReport['leaks'] = []

  const started = r.emit({ t: 'run.started', version: 1, seed, verifier })
  r.emit({ t: 'process.created', id: 4, name: 'System' }, started)
  r.emit({ t: 'thread.created', id: 4, owner: 4, name: 'System' }, started)
  const created = r.emit(
    {
      t: 'service.created',
      name: service,
      registryPath: `\\Registry\\Machine\\System\\CurrentControlSet\\Services\\${service}`,
    },
    started,
  )
  const mapped = r.emit(
    { t: 'image.mapped', name: service, base: '0xFFFFF80100000000', size: 0x6000 },
    created,
  )
  r.emit(
    { t: 'object.created', type: 'Driver', object: DRIVER, name: `\\Driver\\${service}` },
    mapped,
  )

  r.inside(service)
  r.at('driver.ts', 'export function DriverEntry')
  const entry = r.call(
    'DriverEntry',
    'DriverEntry',
    { DriverObject: DRIVER, RegistryPath: '0xFFFF9A0100001800' },
    mapped,
  )
  r.at('driver.ts', 'IoCreateDevice(')
  const create = r.ddi(
    'IoCreateDevice',
    { DriverObject: DRIVER, DeviceExtensionSize: 0, DeviceName: device, DeviceType: 34 },
    entry,
    OK,
  )
  r.emit(
    {
      t: 'device.created',
      device: DEVICE,
      name: device,
      owner: service,
      type: 34,
      flags: 0x80,
      extension: 0,
    },
    create,
  )
  r.emit({ t: 'object.created', type: 'Device', object: DEVICE, name: device }, create)
  r.at('driver.ts', 'IoCreateSymbolicLink(')
  const linkCall = r.ddi(
    'IoCreateSymbolicLink',
    { SymbolicLinkName: link, DeviceName: device },
    entry,
    OK,
  )
  r.emit({ t: 'link.created', link, target: device }, linkCall)
  r.at('driver.ts', 'loaded')
  r.emit(
    { t: 'dbgprint', text: `${prefix}: loaded\n` },
    r.ddi('DbgPrint', { Format: `${prefix}: loaded\n` }, entry, OK),
  )
  r.at('driver.ts', 'export function DriverEntry')
  r.back('DriverEntry', 'DriverEntry', OK, entry)
  r.outside()
  r.emit({ t: 'driver.loaded', name: service, status: OK }, entry)

  r.as(1204, 1208)
  const process = r.emit({ t: 'process.created', id: 1204, name: 'client.exe' })
  r.emit({ t: 'thread.created', id: 1208, owner: 1204, name: 'main' }, process)
  r.emit({ t: 'thread.switched', from: 4, to: 1208 })
  const main = 'client.ts' in files
  let program = process
  if (main) {
    r.at('client.ts', 'export function main')
    program = r.call('main', 'main', {}, process)
  }

  const request = (
    api: string,
    service_: string,
    major: number,
    ioctl: string | null,
    routine: string,
    body: (call: number, packet: number) => 'completed' | 'pending' | 'dead',
    inputLength = 0,
  ): boolean => {
    if (main) r.at('client.ts', `${api}(`, 1)
    const win32 = r.emit(
      {
        t: 'hop',
        layer: 'win32',
        name: `KERNEL32!${api}`,
        detail: ioctl ?? '\\\\.\\' + link.split('\\').at(-1)!,
        mode: 'user',
      },
      program,
    )
    r.outside()
    const ntdll = r.emit(
      {
        t: 'hop',
        layer: 'ntdll',
        name: `ntdll!${service_}`,
        detail: 'mov eax, 0x55',
        mode: 'user',
      },
      win32,
    )
    const syscall = r.emit(
      { t: 'hop', layer: 'syscall', name: 'syscall', detail: 'ring 3 to ring 0', mode: 'user' },
      ntdll,
    )
    const entryPoint = r.emit(
      {
        t: 'hop',
        layer: 'KiSystemCall64',
        name: 'nt!KiSystemCall64',
        detail: 'kernel stack of thread 1208 up to 0xFFFFA10E07418000',
        mode: 'kernel',
      },
      syscall,
    )
    const ssdt = r.emit(
      {
        t: 'hop',
        layer: 'SSDT',
        name: 'KiServiceTable[0x55]',
        detail: `0xFF110807 leads to nt!${service_}`,
        mode: 'kernel',
      },
      entryPoint,
    )
    const nt = r.emit(
      {
        t: 'hop',
        layer: 'Nt',
        name: `nt!${service_}`,
        detail: `${service_}(0x4, 0x10)`,
        mode: 'kernel',
      },
      ssdt,
    )
    const packet = ++irp
    const address = `0xFFFF9A010000${(0x3060 + packet * 0x100).toString(16).toUpperCase()}`
    const made = r.emit(
      {
        t: 'irp.created',
        irp: packet,
        address,
        major,
        minor: 0,
        ioctl,
        stackCount: 1,
        by: 'I/O manager',
        inputLength,
        outputLength: inputLength,
      },
      nt,
    )
    const sent = r.emit(
      {
        t: 'irp.sent',
        irp: packet,
        device: DEVICE,
        deviceName: device,
        to: service,
        major,
        minor: 0,
        location: 1,
      },
      made,
    )
    r.inside(service)
    r.at('driver.ts', `function ${routine}`)
    const call = r.call('dispatch', routine, { DeviceObject: DEVICE, Irp: address }, sent, packet)
    const end = body(call, packet)
    if (end === 'dead') return false
    r.at('driver.ts', `function ${routine}`)
    r.back('dispatch', routine, end === 'pending' ? '0x00000103' : OK, call, packet)
    r.outside()
    if (end === 'pending') return true
    const information = ioctl === null ? 0 : inputLength
    const finished = r.emit({ t: 'irp.finished', irp: packet, status: OK, information }, nt)
    r.emit({ t: 'irp.freed', irp: packet }, finished)
    r.emit(
      {
        t: 'hop',
        layer: 'return',
        name: 'sysret',
        detail: `${service_} returned ${OK} STATUS_SUCCESS`,
        mode: 'user',
      },
      nt,
    )
    requests.push({
      api,
      major:
        major === 14 ? 'IRP_MJ_DEVICE_CONTROL' : major === 0 ? 'IRP_MJ_CREATE' : 'IRP_MJ_CLOSE',
      ...(ioctl === null ? {} : { ioctl }),
      status: OK,
      information,
    })
    r.emit(
      {
        t: 'request.finished',
        index: requests.length - 1,
        api,
        irp: packet,
        major,
        minor: 0,
        ioctl,
        status: OK,
        information,
      },
      finished,
    )
    return true
  }

  const complete = (call: number, packet: number, information: number, nth: number): void => {
    r.at('driver.ts', 'IoCompleteRequest(', nth)
    const ddi = r.ddi(
      'IoCompleteRequest',
      {
        Irp: `0xFFFF9A010000${(0x3060 + packet * 0x100).toString(16).toUpperCase()}`,
        PriorityBoost: 0,
      },
      call,
    )
    r.emit(
      { t: 'irp.completed', irp: packet, by: service, status: OK, information, location: 1 },
      ddi,
    )
  }
  const simple = (call: number, packet: number): 'completed' => {
    r.at('driver.ts', 'create or close')
    r.emit(
      { t: 'dbgprint', text: `${prefix}: create or close\n` },
      r.ddi('DbgPrint', { Format: `${prefix}: create or close\n` }, call, OK),
    )
    complete(call, packet, 0, 0)
    return 'completed'
  }

  request('CreateFile', 'NtCreateFile', 0, null, `${prefix}CreateClose`, simple)
  r.emit({ t: 'handle.opened', handle: 0x54, object: DEVICE, type: 'File', name: device })
  if (main) {
    r.at('client.ts', 'printf(')
    r.emit({ t: 'stdout', text: 'opened\n' }, program)
    r.outside()
  }

  let alive = true
  if (kind === 'echo' || kind === 'double' || kind === 'hang') {
    alive = request(
      'DeviceIoControl',
      'NtDeviceIoControlFile',
      14,
      '0x00222000',
      `${prefix}DeviceControl`,
      (call, packet) => {
        r.at('driver.ts', 'ExAllocatePool2(')
        const take = r.ddi(
          'ExAllocatePool2',
          { Flags: '0x40', NumberOfBytes: 12, Tag: prefix.slice(0, 4) },
          call,
          BLOCK,
        )
        r.emit(
          {
            t: 'pool.allocated',
            block: BLOCK,
            bytes: 12,
            tag: prefix.slice(0, 4),
            pool: 'nonpaged',
          },
          take,
        )
        r.level(2, 'KeAcquireSpinLock', call)
        r.at('driver.ts', 'RtlCopyMemory(')
        r.ddi(
          'RtlCopyMemory',
          { Destination: BLOCK, Source: '0xFFFF9A0100005000', Length: 12 },
          call,
        )
        r.level(0, 'KeReleaseSpinLock', call)
        r.at('driver.ts', 'ExFreePoolWithTag(')
        const free = r.ddi('ExFreePoolWithTag', { P: BLOCK, Tag: prefix.slice(0, 4) }, call)
        r.emit(
          { t: 'pool.freed', block: BLOCK, bytes: 12, tag: prefix.slice(0, 4), pool: 'nonpaged' },
          free,
        )
        if (kind === 'hang') {
          r.at('driver.ts', 'IoMarkIrpPending(')
          r.emit(
            { t: 'irp.pended', irp: packet, location: 1 },
            r.ddi('IoMarkIrpPending', { Irp: BLOCK }, call),
          )
          return 'pending'
        }
        complete(call, packet, 12, 1)
        const first = r.last
        if (kind === 'echo') return 'completed'
        complete(call, packet, 12, 2)
        const again = r.last
        const address = `0xFFFF9A010000${(0x3060 + packet * 0x100).toString(16).toUpperCase()}`
        const seq = r.emit(
          {
            t: 'bugcheck',
            code: '0x00000044',
            name: 'MULTIPLE_IRP_COMPLETE_REQUESTS',
            parameters: [address, ZERO, ZERO, ZERO],
          },
          again,
        )
        const at = r.events.at(-1)!.at ?? null
        const firstAt = r.events[first - 1]!.at!
        outcome = 'bugcheck'
        stop = {
          code: '0x00000044',
          name: 'MULTIPLE_IRP_COMPLETE_REQUESTS',
          parameters: [address, ZERO, ZERO, ZERO],
          parameterMeanings: ['address of the packet', 'not used', 'not used', 'not used'],
          what: `toy.sys completed IRP ${packet} at #${first} (driver.ts:${firstAt.line}) and again at #${again} (driver.ts:${at?.line ?? 0}).`,
          firstCause: {
            text: `After IoCompleteRequest returns, the packet belongs to the I/O manager.`,
            seq: first,
          },
          at,
          seq,
          stack: [
            { frame: `toy!${prefix}DeviceControl`, at },
            { frame: 'nt!IofCallDriver', at: null },
            { frame: 'nt!NtDeviceIoControlFile', at: null },
            { frame: 'DeviceIoControl', at: null },
          ],
          verifier: `I/O verification (${verifier.includes('io') ? 'on' : 'off'}) stops at #${again} with the same finding.`,
          fix: 'Complete the packet once, then return the saved status.',
        }
        return 'dead'
      },
      12,
    )
  }

  if (kind === 'hang') {
    outcome = 'hang'
    const at = r.events.findLast((event) => event.t === 'irp.pended')!
    const seq = r.emit(
      {
        t: 'hang.found',
        reason: `IRP ${irp} is pending and nothing is left that could complete it.`,
      },
      at.seq,
    )
    stop = {
      code: '0x00000000',
      name: 'HANG',
      parameters: [ZERO, ZERO, ZERO, ZERO],
      parameterMeanings: ['', '', '', ''],
      what: `IRP ${irp} was marked pending at #${at.seq} and nothing is left that could complete it.`,
      firstCause: { text: `IoMarkIrpPending promised a completion that never came.`, seq: at.seq },
      at: at.at ?? null,
      seq,
      stack: [{ frame: 'client.exe waits in DeviceIoControl', at: null }],
      verifier: null,
      fix: 'Keep the packet in a queue and complete it from a timer, a DPC or a later request.',
    }
  } else if (alive) {
    request('CloseHandle', 'NtClose', 2, null, `${prefix}CreateClose`, simple)
    r.emit({ t: 'handle.closed', handle: 0x54, object: DEVICE })
    if (main) {
      r.at('client.ts', 'export function main')
      r.back('main', 'main', 0, program)
      r.outside()
    }
    r.emit({ t: 'process.exited', id: 1204, name: 'client.exe', exitCode: 0 })
    r.as(4, 4)
    r.emit({ t: 'thread.switched', from: 1208, to: 4 })
    r.inside(service)
    r.at('driver.ts', `function ${prefix}Unload`)
    const unload = r.call('DriverUnload', `${prefix}Unload`, { DriverObject: DRIVER }, r.last)
    r.at('driver.ts', 'IoDeleteSymbolicLink(')
    r.emit(
      { t: 'link.deleted', link },
      r.ddi('IoDeleteSymbolicLink', { SymbolicLinkName: link }, unload, OK),
    )
    if (kind !== 'leak') {
      r.at('driver.ts', 'IoDeleteDevice(DriverObject')
      const remove = r.ddi('IoDeleteDevice', { DeviceObject: DEVICE }, unload)
      r.emit({ t: 'device.deleted', device: DEVICE, name: device, owner: service }, remove)
      r.emit({ t: 'object.deleted', type: 'Device', object: DEVICE, name: device }, remove)
    }
    r.at('driver.ts', 'unloaded')
    r.emit(
      { t: 'dbgprint', text: `${prefix}: unloaded\n` },
      r.ddi('DbgPrint', { Format: `${prefix}: unloaded\n` }, unload, OK),
    )
    r.at('driver.ts', `function ${prefix}Unload`)
    const back = r.back('DriverUnload', `${prefix}Unload`, null, unload)
    r.outside()
    r.emit({ t: 'driver.unloaded', name: service }, back)
    if (kind === 'leak') {
      outcome = 'leak'
      leaks.push({ kind: 'device', name: device, count: 1 })
      r.emit({ t: 'leak.found', kind: 'device', name: device, count: 1 }, create)
    }
  }

  r.outside()
  const summary = {
    ok: 'The driver was loaded, used and unloaded.',
    bugcheck: 'Bug check 0x44.',
    leak: 'A device was left behind.',
    hang: 'A packet was never completed.',
  }[outcome as 'ok' | 'bugcheck' | 'leak' | 'hang']
  r.emit({ t: 'run.ended', outcome, summary })

  const printed = r.events.flatMap((event) => (event.t === 'dbgprint' ? [event.text] : []))
  const report: RunReport = {
    schema: 'ring0-run/1',
    outcome,
    driverEntry: { status: OK },
    requests,
    leaks,
    dbgPrint: printed,
    diagnostics: [],
    seed,
    verifier,
    stats: {
      events: r.events.length,
      ticks: r.events.at(-1)!.tick,
      irps: irp,
      requests: requests.length,
      ddiCalls: r.events.filter((event) => event.t === 'ddi.called').length,
      poolBytesMax: kind === 'hello' || kind === 'leak' ? 0 : 12,
    },
    ...(main && alive ? { client: { exitCode: 0, stdout: 'opened\n' } } : {}),
    ...(stop ? { report: stop } : {}),
    ...(stop && outcome !== 'ok' && (outcome as string) === 'bugcheck'
      ? { bugcheck: { code: stop.code, name: stop.name, parameters: stop.parameters, at: stop.at } }
      : {}),
  }
  return { events: r.events, report }
}
