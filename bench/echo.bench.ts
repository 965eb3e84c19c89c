/**
 * Requests a second for an echo driver (METHOD_BUFFERED, 12 bytes, made by a scenario), with the
 * trace off and full; how long a compile and a load take, the first time and again.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compile } from '../src/main/dsl/compile'
import { runProject } from '../src/main/lab/run'
import { TraceStore } from '../src/main/lab/trace-store'
import type { ProjectFiles } from '../src/shared/contract/model'

const REQUESTS = 200_000
const ECHO = `
import {
  CTL_CODE, FALSE, FILE_ANY_ACCESS, FILE_DEVICE_UNKNOWN, IO_NO_INCREMENT, IRP_MJ_CLOSE, IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL, IoCompleteRequest, IoCreateDevice, IoCreateSymbolicLink, IoDeleteDevice,
  IoDeleteSymbolicLink, IoGetCurrentIrpStackLocation, METHOD_BUFFERED, NT_SUCCESS, RTL_CONSTANT_STRING,
  STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS, out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

const name = RTL_CONSTANT_STRING('\\\\Device\\\\Echo')
const link = RTL_CONSTANT_STRING('\\\\DosDevices\\\\Echo')
const IOCTL_ECHO = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

function complete(Irp: IRP, status: NTSTATUS, information: number): NTSTATUS {
  Irp.IoStatus.Status = status
  Irp.IoStatus.Information = information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return status
}

function Open(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return complete(Irp, STATUS_SUCCESS, 0)
}

function Control(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  const request = stack.Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_ECHO) return complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  return complete(Irp, STATUS_SUCCESS, request.InputBufferLength)
}

function Unload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(link)
  IoDeleteDevice(DriverObject.DeviceObject)
}

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const device = out<DEVICE_OBJECT>()
  const status = IoCreateDevice(DriverObject, 0, name, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  DriverObject.MajorFunction[IRP_MJ_CREATE] = Open
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = Open
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control
  DriverObject.DriverUnload = Unload
  return IoCreateSymbolicLink(link, name)
}
`

function project(requests: number): ProjectFiles {
  const steps = [
    { do: 'open', path: '\\\\.\\Echo' },
    {
      do: 'ioctl',
      code: (0x22 << 16) | (0x800 << 2),
      input: { text: 'Hello, ring0' },
      outputLength: 12,
      repeat: requests,
    },
    { do: 'close' },
  ]
  return { 'driver.ts': ECHO, 'scenario.json': JSON.stringify({ steps }) }
}

async function seconds(
  requests: number,
  trace: 'off' | 'full',
  store?: TraceStore,
): Promise<number> {
  const start = performance.now()
  const { report } = await runProject(
    { files: project(requests), seed: 1, verifier: [], trace },
    { limits: { events: Infinity }, ...(store ? { onEvent: (event) => store.push(event) } : {}) },
  )
  if (report.outcome !== 'ok' || report.stats.requests < requests)
    throw new Error(`${report.outcome}: ${report.reason ?? report.report?.what ?? ''}`)
  return (performance.now() - start) / 1000
}

/** Requests a second, without what a run costs that makes one request only. */
async function rate(trace: 'off' | 'full', requests: number, kept = false): Promise<number> {
  const base = await seconds(1, trace)
  const all = await seconds(requests, trace, kept ? new TraceStore() : undefined)
  return requests / (all - base)
}

function row(what: string, value: string): void {
  process.stdout.write(`${what.padEnd(46)} ${value.padStart(14)}\n`)
}

const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en-US')}/s`
const inMs = (value: number): string => `${value.toFixed(0)} ms`

async function main(): Promise<void> {
  const files = { 'driver.ts': ECHO }
  const entries = [{ entry: 'driver.ts', kind: 'driver' as const }]
  const first = performance.now()
  compile(files, entries)
  row('compile, first in a process', inMs(performance.now() - first))
  const again = performance.now()
  compile({ 'driver.ts': ECHO + '\n' }, entries)
  row('compile, a changed file', inMs(performance.now() - again))
  const hello = Object.fromEntries(
    ['driver.ts', 'client.ts'].map((name) => [
      name,
      readFileSync(join('samples', 'drivers', 'hello', name), 'utf8'),
    ]),
  )
  await runProject({ files: hello, seed: 1, verifier: [], trace: 'full' })
  const load = performance.now()
  await runProject({ files: hello, seed: 1, verifier: [], trace: 'full' })
  row('whole run of hello, warm', inMs(performance.now() - load))

  await seconds(20_000, 'off')
  const off = await rate('off', REQUESTS)
  row('echo IRPs, trace off', perSecond(off))
  const full = await rate('full', REQUESTS)
  row('echo IRPs, full trace', perSecond(full))
  const kept = await rate('full', REQUESTS / 2, true)
  row('echo IRPs, full trace, kept and indexed', perSecond(kept))
  row('trace off : full', `${(off / full).toFixed(1)} : 1`)
}

void main()
