import { defineStore } from 'pinia'
import { computed, reactive, ref, watch } from 'vue'
import type { RingClient } from '../../../shared/contract'
import type { AppError } from '../../../shared/errors'
import type { RunReport } from '../../../shared/contract/model'
import type { z } from 'zod'
import type { RunRequest } from '../../../shared/contract/model'
import { forgetRun } from '../services/event-pages'
import { asAppError, ring, value } from '../services/ring'
import { useProject } from './project'
import { announce } from '../composables/use-announcer'
import { useEditorPlace } from './editor-place'
import { useUi } from './ui'
import { firstInterestingStep } from './first-step'
import { stopOf, type Stop } from '../features/bugcheck/stop'

export type RunPhase = 'compiling' | 'running' | 'finished' | 'failed' | 'lost'
type Request = z.input<typeof RunRequest>

export interface Run {
  id: string
  number: number
  title: string
  projectKey: string
  request: Request
  phase: RunPhase
  /** Events so far while it runs, of the whole run afterwards. */
  events: number
  report: RunReport | null
  stop: Stop | null
  error: AppError | null
  step: number
  /** What covers the watch region: the card of the stop, its report, or nothing. */
  cover: 'card' | 'report' | null
  startedAt: number
  elapsedMs: number
}

/** Runs that stay open at the same time; the oldest finished one makes room. */
const OPEN_MAX = 8

/** The runs of the Lab: one tab each. `activeId` and each run's `step` say what is shown. */
export const useRuns = defineStore('runs', () => {
  const runs = ref<Run[]>([])
  const activeId = ref<string | null>(null)
  const seed = ref(1)
  const verifier = ref<string[]>([])
  const processors = ref(1)
  /** Counts the steps that someone took; a run that ends moves by itself. */
  const moves = ref(0)
  let counter = 0

  const active = computed(() => runs.value.find((run) => run.id === activeId.value) ?? null)
  const running = computed(
    () => runs.value.find((run) => run.phase === 'compiling' || run.phase === 'running') ?? null,
  )
  /** The run whose trace can be looked at. */
  const shown = computed(() => {
    const run = active.value
    return run && run.phase === 'finished' && run.events > 0 ? run : null
  })
  const step = computed({
    get: () => shown.value?.step ?? 0,
    set: (next: number) => goTo(next),
  })
  const isStale = (file: string): boolean => {
    const sources = shown.value?.request.files
    return sources !== undefined && sources[file] !== useProject().files[file]
  }

  const project = useProject()
  watch(
    () => project.opened,
    () => {
      seed.value = project.scenario.seed ?? 1
      processors.value = project.scenario.processors
    },
    { flush: 'sync' },
  )

  function listen(): void {
    ring().on('lab.progress', ({ runId, phase, events }) => {
      const run = find(runId)
      if (!run || run.phase === 'finished' || run.phase === 'failed') return
      if (phase !== 'finished') run.phase = phase
      run.events = events
    })
    ring().on('lab.lost', ({ reason }) => {
      for (const run of runs.value) {
        if (run.phase === 'failed') continue
        run.phase = 'lost'
        run.error = {
          code: 'lab-process-lost',
          message: 'The process that ran the machine ended.',
          hint: 'It was started anew. Run again to get the trace back; sources and kept runs are safe.',
          detail: reason,
        }
      }
      useUi().notify({
        kind: 'error',
        text: 'The process that ran the machine ended and was started anew.',
        hint: 'Open runs are gone. Sources and kept runs are safe.',
        detail: reason,
      })
    })
  }

  function find(id: string): Run | undefined {
    return runs.value.find((run) => run.id === id)
  }

  /**
   * Run the project as it is edited now.
   * @returns the run when it came to its end; null when it was not started
   */
  async function start(
    options: { keep: boolean; tables?: boolean } = { keep: true },
  ): Promise<Run | null> {
    if (running.value) return null
    const isOwn = processors.value === project.scenario.processors
    return startWith(
      {
        files: { ...project.files },
        seed: seed.value,
        ...(isOwn ? {} : { processors: processors.value }),
        verifier: [...verifier.value],
        ...(options.tables ? { tables: true } : {}),
      },
      project.title,
      options,
    )
  }

  async function startWith(
    request: Request,
    title: string,
    options: { keep: boolean },
  ): Promise<Run | null> {
    const previous = activeId.value
    const run = reactive<Run>({
      id: crypto.randomUUID(),
      number: ++counter,
      title,
      projectKey: project.key,
      request,
      phase: 'compiling',
      events: 0,
      report: null,
      stop: null,
      error: null,
      step: 0,
      cover: null,
      startedAt: performance.now(),
      elapsedMs: 0,
    })
    runs.value = [run, ...runs.value]
    const sampleId = project.sampleId
    try {
      const { report } = await value(ring()['lab.run']({ ...request, runId: run.id }))
      run.elapsedMs = performance.now() - run.startedAt
      run.report = report
      run.events = report.stats.events
      run.stop = stopOf(report)
      run.step = run.stop
        ? Math.min(run.stop.seq ?? run.events, run.events)
        : await firstInterestingStep(run.id, run.events)
      if (run.stop) run.cover = 'card'
      run.phase = 'finished'
      if (report.outcome === 'compile-error') {
        // The last good run stays in sight; the problems list says what is wrong.
        runs.value = runs.value.filter((item) => item.id !== run.id)
        counter--
        compileErrors.value = report.diagnostics
        const first = report.diagnostics.find((item) => item.severity === 'error')
        if (first) {
          useEditorPlace().reveal(first)
          announce(`The run was not started. ${first.message}`)
        }
        activeId.value = previous
        return null
      }
      compileErrors.value = []
      if (options.keep) void keep({ id: run.id, sampleId, sampleTitle: title, request, report })
    } catch (thrown) {
      const error = asAppError(thrown)
      run.elapsedMs = performance.now() - run.startedAt
      if (run.phase !== 'lost') run.phase = 'failed'
      run.error ??= error
    }
    if (activeId.value === previous) activeId.value = run.id
    makeRoom()
    return run.phase === 'finished' ? run : null
  }

  /** Take over a run that was made elsewhere and is still open: its trace is looked at here. */
  async function adopt(
    made: Pick<Run, 'id' | 'title' | 'request'> & { report: RunReport },
  ): Promise<void> {
    const { report } = made
    const events = report.stats.events
    const stop = stopOf(report)
    const run = reactive<Run>({
      ...made,
      number: ++counter,
      projectKey: project.key,
      phase: 'finished',
      events,
      stop,
      error: null,
      step: stop
        ? Math.min(stop.seq ?? events, events)
        : await firstInterestingStep(made.id, events),
      cover: stop ? 'card' : null,
      startedAt: performance.now(),
      elapsedMs: 0,
    })
    runs.value = [run, ...runs.value]
    activeId.value = run.id
    makeRoom()
  }

  async function keep(run: Parameters<RingClient['runs.save']>[0]): Promise<void> {
    const result = await ring()['runs.save'](run)
    if (!result.ok) useUi().fail(result.error)
  }

  /** Problems that the last attempt to run ended with. */
  const compileErrors = ref<RunReport['diagnostics']>([])

  async function stop(): Promise<void> {
    const run = running.value
    if (!run) return
    const result = await ring()['lab.stop']({ runId: run.id })
    if (!result.ok) useUi().fail(result.error)
  }

  function makeRoom(): void {
    const extra = runs.value.slice(OPEN_MAX).filter((run) => run.id !== activeId.value)
    for (const run of extra) close(run.id)
  }

  function close(id: string): void {
    const index = runs.value.findIndex((run) => run.id === id)
    const run = runs.value[index]
    if (!run || run.phase === 'compiling' || run.phase === 'running') return
    runs.value = runs.value.filter((item) => item.id !== id)
    if (activeId.value === id)
      activeId.value = runs.value[Math.min(index, runs.value.length - 1)]?.id ?? null
    forgetRun(id)
    void ring()['lab.close']({ runId: id })
  }

  /** Runs belong to the sources they came from: another project starts with none. */
  function closeAll(): void {
    for (const run of [...runs.value]) close(run.id)
    counter = 0
    compileErrors.value = []
  }

  function select(id: string): void {
    activeId.value = id
  }

  function goTo(next: number): void {
    const run = shown.value
    if (!run) return
    run.step = Math.max(1, Math.min(run.events, Math.round(next)))
    run.cover = null
    moves.value++
  }

  function setCover(cover: Run['cover']): void {
    if (active.value && (cover === null || active.value.stop)) active.value.cover = cover
  }

  /** Replay a run that was kept: its sources are opened and run with its seed and options. */
  async function openKept(id: string): Promise<void> {
    const kept = await value(ring()['runs.get']({ id }))
    closeAll()
    await project.openRunSources(kept.row, kept.request.files)
    seed.value = kept.request.seed
    verifier.value = kept.request.verifier
    processors.value = kept.request.processors ?? project.scenario.processors
    await startWith(kept.request, kept.row.sampleTitle, { keep: false })
  }

  return {
    runs,
    activeId,
    active,
    running,
    shown,
    step,
    seed,
    verifier,
    processors,
    compileErrors,
    moves,
    isStale,
    listen,
    start,
    adopt,
    stop,
    close,
    closeAll,
    select,
    goTo,
    setCover,
    openKept,
  }
})
