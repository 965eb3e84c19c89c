/**
 * The tables of docs/frameworks.md: the same drivers in WDM and in the frameworks, counted in their
 * sources and in the traces that are kept beside them.
 */
import type { TraceEvent } from '../../shared/trace/event'
import { DDIS } from '../kernel/ddi'

/** Reads a file of the repository by its path. */
export type ReadFile = (path: string) => string

interface Written {
  source: string
  events: TraceEvent[]
}

/** The echo device, three times; folders of samples/drivers. */
const ECHO = [
  ['WDM', 'ioctl-echo'],
  ['KMDF', 'kmdf-echo'],
  ['UMDF', 'umdf-echo'],
] as const

/** A device with plug and play and power. */
const LAMP = [
  ['WDM', 'pnp-function'],
  ['KMDF', 'kmdf-function'],
] as const

/** A device whose packets wait and can be cancelled, by the sources alone. */
const MAILBOX = [
  ['WDM, a cancel routine of its own', 'samples/drivers/cancel-safe-queue/driver.ts'],
  ['WDM with IoCsq', 'samples/drivers/cancel-safe-queue/csq.ts'],
  ['KMDF, in a manual queue', 'samples/drivers/kmdf-pending/driver.ts'],
  ['KMDF, kept and marked cancelable', 'samples/drivers/kmdf-pending/own.ts'],
] as const

/** A line of a table: what is counted, and how in one driver. */
type Row = readonly [what: string, count: (driver: Written) => number | string]

/** Lines of code: no imports, no comments, nothing that is empty. */
export function codeLines(source: string): number {
  const code = source
    .replace(/^import [^;]*? from '[^']*'$/gms, '')
    .replace(/\/\*.*?\*\//gs, '')
    .replace(/^\s*\/\/.*$/gm, '')
  return code.split('\n').filter((line) => line.trim() !== '').length
}

/** Routines of Windows that a source calls, each once. */
export function routinesOf(source: string): Set<string> {
  const calls = source.matchAll(/(?<![\w.])([A-Z]\w*)\(/g)
  return new Set([...calls].flatMap(([, name = '']) => (Object.hasOwn(DDIS, name) ? [name] : [])))
}

const count = (events: readonly TraceEvent[], match: (event: TraceEvent) => boolean): number =>
  events.filter(match).length

const called = (names: RegExp) => (event: TraceEvent) =>
  event.t === 'ddi.called' && names.test(event.name)

/** The driver's functions that the system or a framework called in the run. */
function callbacks(events: readonly TraceEvent[]): string[] {
  const names = events.flatMap((event) =>
    event.t === 'routine.called' && event.at?.file === 'driver.ts' ? [event.name] : [],
  )
  return [...new Set(names)]
}

/** What is in the source, and what the driver does by itself. */
const BY_HAND: readonly Row[] = [
  ['Lines of code', ({ source }) => codeLines(source)],
  ['Routines of Windows that it calls', ({ source }) => routinesOf(source).size],
  [
    'Functions of it that were called',
    ({ events }) =>
      callbacks(events)
        .map((name) => `\`${name}\``)
        .join(', '),
  ],
  [
    'Packets that it completed itself',
    ({ events }) => count(events, called(/^(?:IoCompleteRequest|WdfRequestComplete\w*)$/)),
  ],
  [
    'Addresses that it checked or mapped itself',
    ({ events }) => count(events, called(/^(?:ProbeFor\w+|MmGetSystemAddressForMdlSafe)$/)),
  ],
  [
    'Devices and links that it deleted itself',
    ({ events }) => count(events, called(/^IoDelete(?:Device|SymbolicLink)$/)),
  ],
]

/** What the framework did in the run, from its events. */
const BY_FRAMEWORK: readonly Row[] = [
  [
    'Packets answered or passed on for the driver',
    ({ events }) => count(events, ({ t }) => t === 'wdf.irp.handled'),
  ],
  ['Packets marked pending', ({ events }) => count(events, ({ t }) => t === 'irp.pended')],
  [
    'Requests put into a queue',
    ({ events }) => count(events, ({ t }) => t === 'wdf.request.queued'),
  ],
  [
    'Requests handed to a function of the driver',
    ({ events }) => count(events, (event) => event.t === 'wdf.request.presented'),
  ],
  [
    "Program's buffers checked, locked and mapped",
    ({ events }) => count(events, called(/^WdfRequestProbeAndLock/)),
  ],
  [
    'Messages to a host process and back',
    ({ events }) => count(events, ({ t }) => t === 'wdf.message.passed'),
  ],
  [
    'Objects deleted with their parent',
    ({ events }) => count(events, (event) => event.t === 'wdf.object.deleted' && event.withParent),
  ],
]

/** Of a plug and play device. */
const BY_FUNCTION: readonly Row[] = [
  ...BY_HAND.slice(0, 3),
  [
    'Packets that it completed or passed on itself',
    ({ events }) =>
      count(
        events,
        called(
          /^(?:IoCompleteRequest|Io?f?CallDriver|PoCallDriver|IoForwardIrp\w+|WdfRequestComplete\w*)$/,
        ),
      ),
  ],
  ...BY_FRAMEWORK.slice(0, 1),
]

/** Pairs of drivers that are compared by their sources alone. */
const PAIRS = [
  ['Hides a file, as a device above the volume', 'samples/techniques/legacy-fs-filter/driver.ts'],
  ['Hides a file, as a minifilter', 'samples/techniques/file-filter-hide/driver.ts'],
  ['Reports opens, as a device above the volume', 'samples/techniques/legacy-fs-filter/twin.ts'],
  ['Reports listings, as a minifilter', 'samples/techniques/file-filter-hide/twin.ts'],
  ['Sends browsers to a proxy, as a callout', 'samples/techniques/wfp-redirect/driver.ts'],
  ['Sends all programs to a proxy, as a callout', 'samples/techniques/wfp-redirect/twin.ts'],
] as const

function table(head: readonly string[], rows: readonly (readonly (number | string)[])[]): string {
  const widths = head.map((cell, i) =>
    Math.max(cell.length, ...rows.map((row) => String(row[i]).length)),
  )
  const line = (cells: readonly (number | string)[]): string =>
    `| ${cells.map((cell, i) => String(cell).padEnd(widths[i] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

function comparison(
  read: ReadFile,
  title: string,
  rows: readonly Row[],
  columns: readonly (readonly [name: string, folder: string])[],
): string {
  const drivers = columns.map(([, folder]) => readDriver(read, folder))
  const head = [title, ...columns.map(([name, folder]) => `${name} (\`${folder}\`)`)]
  return table(
    head,
    rows.map(([what, value]) => [what, ...drivers.map((driver) => value(driver))]),
  )
}

function readDriver(read: ReadFile, folder: string): Written {
  const lines = read(`samples/drivers/${folder}/expected.jsonl`).trim().split('\n')
  return {
    source: read(`samples/drivers/${folder}/driver.ts`),
    events: lines.map((line) => JSON.parse(line) as TraceEvent),
  }
}

/** A table of drivers that are compared by their sources alone. */
function sources(
  read: ReadFile,
  title: string,
  drivers: readonly (readonly [name: string, path: string])[],
): string {
  return table(
    [title, 'Lines of code', 'Routines of Windows'],
    drivers.map(([name, path]) => {
      const source = read(path)
      return [name, codeLines(source), routinesOf(source).size]
    }),
  )
}

/** The page with its tables as they come out now. `present` is the page as it is. */
export function frameworksPage(read: ReadFile, present: string): string {
  const parts: Readonly<Record<string, string>> = {
    'by hand': comparison(read, 'In the driver', BY_HAND, ECHO),
    framework: comparison(read, 'Instead of the driver', BY_FRAMEWORK, ECHO),
    lamp: comparison(read, 'The lamp', BY_FUNCTION, LAMP),
    mailbox: sources(read, 'The mailbox', MAILBOX),
    pairs: sources(read, 'Driver', PAIRS),
  }
  return present.replace(
    /(<!-- table: ([\w ]+) -->).*?(<!-- end -->)/gs,
    (whole, start: string, name: string, end: string) =>
      Object.hasOwn(parts, name) ? `${start}\n\n${parts[name]}\n\n${end}` : whole,
  )
}
