/**
 * The contract in memory: a shelf of samples, drafts and settings, and runs over hand-made traces.
 * Component tests use it, and a development build opened as a plain page. It compiles nothing: which
 * trace a run gets depends on what the sources look like (see `recordingFor`).
 */
import type { RingClient } from '../../../shared/contract'
import type { Diagnostic, ProjectFiles, RunReport } from '../../../shared/contract/model'
import type { Sample, SampleSummary } from '../../../shared/contract/catalogue'
import { fail, ok, type AppError, type Result } from '../../../shared/errors'
import type { TraceEvent } from '../../../shared/trace/event'
import { CallIndex } from '../../../shared/trace/fold-rings'
import { TimelineIndex } from '../../../shared/trace/fold-timeline'
import { tellCall } from '../../../shared/trace/rings'
import { foldAll } from '../../../shared/trace/fold'
import { why } from '../../../shared/trace/why'
import type { FileRow } from '../../../shared/contract/files'
import { createFakeShelf, type FakeShelf } from '../features/files/testing/fake-files'
import { createFakeLessons } from '../features/learn/testing/fake-lessons'
import { createFakeTechniques } from '../features/techniques/testing/fake-techniques'
import { FAKE_SAMPLES, recordingFor } from './fake-samples'
import { record } from './recording'

export interface FakeOptions {
  /** Milliseconds before each answer. */
  latency?: number
  /** Start with no samples. */
  empty?: boolean
  /** Make these calls fail. */
  failing?: Partial<Record<string, AppError>>
  settings?: Record<string, string>
  /** Driver files on the shelf; some dozens when left out. */
  files?: readonly FileRow[]
  theme?: 'system' | 'light' | 'dark' | 'contrast'
}

export interface FakeLab extends RingClient {
  /** Let main speak: send a value on a stream. */
  send(stream: string, value: unknown): void
  /** Names of the calls made so far, with their input. */
  readonly calls: { name: string; input: unknown }[]
  readonly drafts: Map<
    string,
    { files: ProjectFiles; sampleId: number | null; view: string; savedAt: string }
  >
  readonly settings: Map<string, string>
  /** The driver files behind the calls. */
  readonly shelf: FakeShelf
}

interface FakeRun {
  events: TraceEvent[]
  index: TimelineIndex
  report: RunReport
}

type Listener = (value: unknown) => void

/** A lab of its own; labs share nothing. */
export function createFakeLab(options: FakeOptions = {}): FakeLab {
  const listeners = new Map<string, Set<Listener>>()
  const calls: { name: string; input: unknown }[] = []
  const runs = new Map<string, FakeRun>()
  const kept = new Map<string, { row: unknown; request: unknown; report: RunReport }>()
  const settings = new Map(Object.entries(options.settings ?? {}))
  const drafts: FakeLab['drafts'] = new Map()
  const samples = new Map<number, Sample>()
  if (!options.empty)
    FAKE_SAMPLES.forEach((sample, i) =>
      samples.set(i + 1, {
        id: i + 1,
        ...sample,
        origin: 'bundled',
        updatedAt: '2026-11-01T12:00:00.000Z',
        createdAt: '2026-11-01T12:00:00.000Z',
        runs: 0,
        lastOutcome: null,
        snippet: null,
        notes: '',
      }),
    )

  const send = (stream: string, value: unknown): void => {
    for (const listener of listeners.get(stream) ?? []) listener(value)
  }
  const shelf = createFakeShelf({ send, ...(options.files ? { rows: options.files } : {}) })
  const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
  const found = (runId: string): FakeRun | Result<never> =>
    runs.get(runId) ?? fail('run-not-found', `Run ${runId} is not open.`, 'Run again.')

  const handlers: Record<string, (input: never) => unknown> = {
    ...shelf.handlers,
    ...createFakeLessons(
      FAKE_SAMPLES.find(({ status }) => status === 'crashing')?.files ?? {},
      (runId) => runs.get(runId)?.report.outcome ?? 'ok',
    ),
    ...createFakeTechniques(
      FAKE_SAMPLES[0]?.files ?? {},
      async (runId, files) =>
        (
          (await handlers['lab.run']!({ runId, files } as never)) as {
            value: { report: RunReport }
          }
        ).value.report,
    ),
    'app.info': () =>
      ok({
        version: '0.1.0',
        electron: '33.2.1',
        platform: 'linux',
        theme: options.theme ?? 'system',
        dark: globalThis.matchMedia?.('(prefers-color-scheme: dark)').matches ?? false,
        highContrast: globalThis.matchMedia?.('(prefers-contrast: more)').matches ?? false,
        licences: [],
      }),
    'app.theme': () => ok({}),
    'app.ready': () => ok({}),
    'app.closed': () => ok({}),
    'app.copy': () => ok({}),
    'app.openDocs': () => ok({}),
    'app.saveText': (input: { suggestedName: string }) =>
      ok({ path: `/home/user/${input.suggestedName}` }),

    'samples.list': (input: { query?: string; limit?: number; offset?: number }) => {
      const words = (input.query ?? '').toLowerCase().split(/\s+/).filter(Boolean)
      const all = [...samples.values()]
      const hits = all.filter((sample) =>
        words.every((word) =>
          `${sample.title} ${sample.summary} ${sample.tags.join(' ')}`.toLowerCase().includes(word),
        ),
      )
      return ok({
        total: hits.length,
        all: all.length,
        samples: hits.slice(
          input.offset ?? 0,
          (input.offset ?? 0) + (input.limit ?? 200),
        ) satisfies SampleSummary[],
        tags: [],
        statuses: [],
        outcomes: [],
        problem: null,
      })
    },
    'samples.get': (input: { id: number }) => {
      const sample = samples.get(input.id)
      return sample
        ? ok(sample)
        : fail('not-found', `There is no sample ${input.id}.`, 'Choose another one.')
    },
    'samples.create': (input: { title: string; files: ProjectFiles; summary?: string }) => {
      const id = Math.max(0, ...samples.keys()) + 1
      const sample: Sample = {
        id,
        slug: `sample-${id}`,
        title: input.title,
        summary: input.summary ?? '',
        status: 'draft',
        origin: 'user',
        tags: [],
        updatedAt: '2026-11-01T12:00:00.000Z',
        createdAt: '2026-11-01T12:00:00.000Z',
        runs: 0,
        lastOutcome: null,
        snippet: null,
        notes: '',
        files: input.files,
      }
      samples.set(id, sample)
      return ok(sample)
    },
    'samples.update': (input: { id: number; files?: ProjectFiles }) => {
      const sample = samples.get(input.id)
      if (!sample)
        return fail('not-found', `There is no sample ${input.id}.`, 'Choose another one.')
      const next = { ...sample, ...(input.files ? { files: input.files } : {}) }
      samples.set(input.id, next)
      return ok(next)
    },

    'samples.versions': () => ok({ versions: [] }),

    'runs.save': (input: {
      id: string
      request: unknown
      report: RunReport
      sampleTitle: string
      sampleId: number | null
    }) => {
      kept.set(input.id, {
        request: input.request,
        report: input.report,
        row: {
          id: input.id,
          sampleId: input.sampleId,
          sampleTitle: input.sampleTitle,
          startedAt: '2026-11-01T12:00:00.000Z',
          seed: input.report.seed,
          outcome: input.report.outcome,
          events: input.report.stats.events,
          summary: '',
        },
      })
      return ok({ id: input.id })
    },
    'runs.get': (input: { id: string }) => {
      const run = kept.get(input.id)
      return run
        ? ok(run)
        : fail('not-found', `There is no run ${input.id}.`, 'Choose another one.')
    },
    'runs.list': () => ok({ runs: [...kept.values()].map((run) => run.row) }),
    'runs.delete': () => ok({ deleted: 0 }),

    'drafts.save': (input: {
      key: string
      files: ProjectFiles
      sampleId: number | null
      view?: string
    }) => {
      drafts.set(input.key, {
        files: input.files,
        sampleId: input.sampleId,
        view: input.view ?? '',
        savedAt: '2026-11-01T12:00:00.000Z',
      })
      return ok({})
    },
    'drafts.load': (input: { key: string }) => ok({ draft: drafts.get(input.key) ?? null }),
    'drafts.discard': (input: { key: string }) => {
      drafts.delete(input.key)
      return ok({})
    },
    'settings.get': () => ok({ values: Object.fromEntries(settings) }),
    'settings.set': (input: { key: string; value: string }) => {
      settings.set(input.key, input.value)
      return ok({})
    },

    'lab.check': (input: { files: ProjectFiles }) => ok({ diagnostics: check(input.files) }),
    'lab.run': async (input: {
      runId: string
      files: ProjectFiles
      seed?: number
      verifier?: string[]
    }) => {
      send('lab.progress', { runId: input.runId, phase: 'compiling', events: 0 })
      const diagnostics = check(input.files)
      await wait(options.latency ?? 0)
      const { events, report } = record(
        recordingFor(input.files),
        input.files,
        input.seed ?? 1,
        input.verifier ?? [],
      )
      if (diagnostics.some((item) => item.severity === 'error'))
        return ok({
          runId: input.runId,
          report: {
            ...report,
            outcome: 'compile-error',
            diagnostics,
            requests: [],
            dbgPrint: [],
            leaks: [],
            driverEntry: null,
            report: undefined,
            bugcheck: undefined,
            stats: { ...report.stats, events: 0 },
          },
        })
      const index = new TimelineIndex()
      for (const event of events) index.push(event)
      send('lab.progress', { runId: input.runId, phase: 'running', events: events.length })
      await wait(options.latency ?? 0)
      runs.set(input.runId, { events, index, report })
      send('lab.progress', { runId: input.runId, phase: 'finished', events: events.length })
      return ok({ runId: input.runId, report })
    },
    'lab.stop': () => ok({ stopped: true }),
    'lab.close': (input: { runId: string }) => {
      runs.delete(input.runId)
      return ok({})
    },
    'lab.events': (input: { runId: string; from: number; to: number }) => {
      const run = found(input.runId)
      return 'ok' in run ? run : ok({ events: run.events.slice(input.from - 1, input.to) })
    },
    'lab.irp': (input: { runId: string; irp: number }) => {
      const run = found(input.runId)
      return 'ok' in run
        ? run
        : ok({ events: run.events.filter((event) => 'irp' in event && event.irp === input.irp) })
    },
    'lab.calls': (input: { runId: string; step: number }) => {
      const run = found(input.runId)
      if ('ok' in run) return run
      const thread = run.events[input.step - 1]?.thread ?? null
      return ok(callsOf(run.events).page(input.step, thread, 200))
    },
    'lab.call': (input: { runId: string; first: number }) => {
      const run = found(input.runId)
      if ('ok' in run) return run
      const source = {
        count: run.events.length,
        range: (from: number, to: number) => run.events.slice(from - 1, to),
      }
      return ok({ story: tellCall(callsOf(run.events), source, input.first) ?? null })
    },
    'lab.state': (input: { runId: string; step: number }) => {
      const run = found(input.runId)
      return 'ok' in run ? run : ok(foldAll(run.events, input.step))
    },
    'lab.timeline': (input: { runId: string; from: number; to: number; width: number }) => {
      const run = found(input.runId)
      return 'ok' in run ? run : ok(run.index.query(input.from, input.to, input.width))
    },
    'lab.console': (input: { runId: string; offset: number }) => {
      const run = found(input.runId)
      if ('ok' in run) return run
      const lines = run.events.flatMap((event) =>
        event.t === 'dbgprint' || event.t === 'stdout'
          ? [{ seq: event.seq, kind: event.t, text: event.text }]
          : [],
      )
      return ok({ total: lines.length, lines: lines.slice(input.offset, input.offset + 1000) })
    },
    'lab.lineSteps': (input: { runId: string; file: string; line: number }) => {
      const run = found(input.runId)
      return 'ok' in run
        ? run
        : ok({
            steps: run.events
              .filter((event) => event.at?.file === input.file && event.at.line === input.line)
              .map((event) => event.seq),
          })
    },
    'lab.why': (input: { runId: string; seq: number }) => {
      const run = found(input.runId)
      return 'ok' in run
        ? run
        : ok({
            chain: why(
              {
                event: (seq) => run.events[seq - 1],
                irp: (irp) =>
                  run.events
                    .filter((event) => 'irp' in event && event.irp === irp)
                    .map((event) => event.seq),
              },
              input.seq,
            ),
          })
    },
    'lab.compare': (input: { left: string; right: string }) => {
      const left = found(input.left)
      const right = found(input.right)
      if ('ok' in left) return left
      if ('ok' in right) return right
      const length = Math.max(left.events.length, right.events.length)
      for (let i = 0; i < length; i++)
        if (JSON.stringify(left.events[i]) !== JSON.stringify(right.events[i]))
          return ok({
            firstDifference: i + 1,
            left: left.events.slice(Math.max(0, i - 3), i + 5),
            right: right.events.slice(Math.max(0, i - 3), i + 5),
          })
      return ok({ firstDifference: null, left: [], right: [] })
    },
    'lab.types': () => ok({ files: FAKE_TYPES }),
    'lab.ddi': () =>
      ok({
        entries: [
          {
            name: 'IoCompleteRequest',
            component: 'Io',
            prototype: 'VOID IoCompleteRequest(PIRP Irp, CCHAR PriorityBoost)',
            irql: '<= DISPATCH_LEVEL',
            summary: 'Hand the packet back to the I/O manager.',
            support: 'partial',
            note: 'The completion APC runs at once.',
            docs: 'https://learn.microsoft.com/windows-hardware/drivers/ddi/wdm/nf-wdm-iocompleterequest',
          },
          {
            name: 'IoCreateDevice',
            component: 'Io',
            prototype:
              'NTSTATUS IoCreateDevice(PDRIVER_OBJECT DriverObject, ULONG DeviceExtensionSize, PUNICODE_STRING DeviceName, DEVICE_TYPE DeviceType, ULONG DeviceCharacteristics, BOOLEAN Exclusive, PDEVICE_OBJECT *DeviceObject)',
            irql: 'PASSIVE_LEVEL',
            summary: 'Make a device object that requests can be sent to.',
            support: 'full',
          },
        ],
      }),
  }

  const client: Record<string, unknown> = {
    on(name: string, listener: Listener) {
      const set = listeners.get(name) ?? new Set()
      set.add(listener)
      listeners.set(name, set)
      return () => set.delete(listener)
    },
  }
  for (const [name, handler] of Object.entries(handlers))
    client[name] = async (input: never) => {
      calls.push({ name, input })
      const failing = options.failing?.[name]
      if (options.latency && !name.startsWith('lab.run')) await wait(options.latency)
      if (failing) return { ok: false, error: failing }
      // As over IPC: nobody keeps a reference into the other side.
      return structuredClone(await handler(input))
    }
  return Object.assign(client, {
    send,
    calls,
    drafts,
    settings,
    shelf,
    drop: shelf.drop,
  }) as unknown as FakeLab
}

/** Two mistakes that the real compiler reports too, so that the screen has something to show. */
function callsOf(events: readonly TraceEvent[]): CallIndex {
  const calls = new CallIndex()
  for (const event of events) calls.push(event)
  return calls
}

function check(files: ProjectFiles): Diagnostic[] {
  const diagnostics: Diagnostic[] = []
  for (const [file, text] of Object.entries(files)) {
    if (!file.endsWith('.ts')) continue
    text.split('\n').forEach((line, i) => {
      const place = (
        word: string,
      ): { line: number; column: number; endLine: number; endColumn: number } => ({
        line: i + 1,
        column: line.indexOf(word) + 1,
        endLine: i + 1,
        endColumn: line.indexOf(word) + word.length + 1,
      })
      if (/\bclass\b/.test(line) && !line.trimStart().startsWith('//'))
        diagnostics.push({
          code: 'DSL001',
          severity: 'error',
          file,
          ...place('class'),
          message: 'Classes are not part of the language.',
          hint: 'Use struct() for data and functions for what works on it.',
        })
      if (/\bDate\b/.test(line))
        diagnostics.push({
          code: 'DSL002',
          severity: 'warning',
          file,
          ...place('Date'),
          message: 'There is no wall clock in the machine.',
          hint: 'Use KeQuerySystemTime.',
        })
    })
  }
  return diagnostics
}

const FAKE_TYPES: ProjectFiles = {
  'lib.d.ts': `interface Array<T> { length: number; [n: number]: T }
interface Boolean {} interface CallableFunction {} interface Function {} interface IArguments {}
interface NewableFunction {} interface Number {} interface Object {} interface RegExp {} interface String { length: number }
`,
  'wdm.d.ts': `declare module 'wdm' {
  export type NTSTATUS = number
  export interface UNICODE_STRING { Length: number; MaximumLength: number }
  export interface IO_STATUS_BLOCK { Status: NTSTATUS; Information: number }
  export interface IRP { IoStatus: IO_STATUS_BLOCK; Cancel: boolean }
  export interface DEVICE_OBJECT { Flags: number; StackSize: number }
  export interface DRIVER_OBJECT { DeviceObject: DEVICE_OBJECT; MajorFunction: Array<(DeviceObject: DEVICE_OBJECT, Irp: IRP) => NTSTATUS>; DriverUnload: (DriverObject: DRIVER_OBJECT) => void }
  /** Hand the packet back to the I/O manager. */
  export function IoCompleteRequest(Irp: IRP, PriorityBoost: number): void
  export function DbgPrint(Format: string): NTSTATUS
  export const STATUS_SUCCESS: NTSTATUS
  export const IO_NO_INCREMENT: number
}
`,
}
