/**
 * Main's side of the lab: starts the helper process, hands calls to it, and starts another one when
 * it dies. A hostile driver, or a fault of ours, ends the helper and never the window. A helper that
 * nobody has asked for a while is let go of; the next call starts another, which first makes the runs
 * again that are open: the same request gives the same trace. Long runs keep their helper. While
 * something else needs the memory (`spare`), the while is a matter of seconds.
 *
 * The helper ends in three ways: by itself (a crash, or its heap limit), for memory (watched here
 * too, because WebAssembly memory lies outside of V8's heap), or because a stop or a check was asked
 * for and not answered. Each time open calls are answered with `lab-process-lost`, and `onLost` says why.
 */
import type { z } from 'zod'
import { rulesContract } from '../../shared/contract/detections'
import { labContract } from '../../shared/contract/lab'
import { fail, type Result } from '../../shared/errors'
import type { FromHost, LabCall, LabHost, LabProgress, ToHost } from './lab-messages'

/** One helper process, however it is made. */
export interface HostProcess {
  post(message: ToHost): void
  kill(): void
  onMessage(listener: (message: FromHost) => void): void
  /** Called once. `reason` is what is known, in words: exit code, last lines of its stderr. */
  onExit(listener: (reason: string) => void): void
  /** Bytes it holds now, or null when unknown. */
  memoryBytes(): number | null
}

export interface LabClientOptions {
  start(): HostProcess
  onProgress(progress: LabProgress): void
  onLost(lost: { reason: string }): void
  /** A helper that holds more than this while calls are open is ended. */
  memoryBytesMax: number
  /** How long a stop may go unanswered. */
  stopPatienceMs?: number
  /** How long the check of a folder may go unanswered. */
  checkPatienceMs?: number
  /** How often memory is looked at while calls are open. */
  watchMs?: number
  /** How long a helper is kept that is asked for nothing. */
  idleMs?: number
}

type RunInput = z.output<(typeof labContract)['lab.run']['input']>

export interface LabClient {
  handlers: LabHost
  /** Start the helper now rather than at the first call. */
  warmUp(): void
  /** Let go of the helper's memory until the next call, once it has answered; not with long runs open. */
  rest(): void
  /** Memory is wanted elsewhere, or no longer: let go of the helper now, and soon after each call. */
  spare(isWanted: boolean): void
  /** End the helper; calls that are open or come later are answered with `lab-process-lost`. */
  close(): void
}

/** Two deaths within this time of starting, and the next start waits for a call. */
const QUICK_DEATH_MS = 2000
/** How long a helper is kept that is asked for nothing, in ms, while memory is wanted elsewhere. */
const SPARE_IDLE_MS = 3000
/** The same with runs open, which a new helper makes again before it answers. */
const SPARE_IDLE_WITH_RUNS_MS = 6_000
/** Events of the open runs, in all, up to which they are made again: the next call waits for that. */
const EVENTS_AGAIN_MAX = 20_000

export function createLabClient(options: LabClientOptions): LabClient {
  const {
    stopPatienceMs = 4000,
    checkPatienceMs = 30_000,
    watchMs = 500,
    idleMs = 300_000,
  } = options
  /** Calls that are answered in a bounded time, or else by a helper that does not live. */
  const patience: Partial<Record<LabCall, { ms: number; verdict: string }>> = {
    'lab.stop': {
      ms: stopPatienceMs,
      verdict: 'The lab did not answer the stop, so its process was ended.',
    },
    'lab.check': {
      ms: checkPatienceMs,
      verdict: `Checking the folder took longer than ${Math.round(checkPatienceMs / 1000)} seconds, so the lab’s process was ended.`,
    },
  }
  const open = new Map<number, { name: LabCall; answer: (result: Result<unknown>) => void }>()
  let helper: HostProcess | null = null
  let startedAt = 0
  let quickDeaths = 0
  let nextId = 1
  let isClosed = false
  /** Why we ended the helper ourselves; the exit that follows is reported with it. */
  let verdict: string | null = null
  let watch: ReturnType<typeof setInterval> | undefined
  /** Runs whose traces the helper holds: what was asked for, and how many events came of it. */
  const runs = new Map<string, { input: RunInput; events: number }>()
  /** Runs that a new helper makes again; nobody is told of their progress. */
  const again = new Set<string>()
  /** Settled when the helper has the runs that are open. */
  let isWhole: Promise<unknown> = Promise.resolve()
  let idle: ReturnType<typeof setTimeout> | undefined
  let restsSoon = false
  let isSparing = false

  function start(): HostProcess {
    const fresh = options.start()
    startedAt = Date.now()
    verdict = null
    fresh.onMessage((message) => {
      if (fresh !== helper) return
      if (message.kind === 'progress') {
        const { runId, phase, events } = message.value
        if (again.has(runId)) return
        const run = runs.get(runId)
        // Without its trace a run may be long and say nothing.
        if (run?.input.trace === 'full' && phase === 'finished') run.events = events
        options.onProgress(message.value)
        return
      }
      const waiting = open.get(message.id)
      open.delete(message.id)
      waiting?.answer(message.result)
      if (open.size > 0) return
      stopWatching()
      if (restsSoon) rest()
      else restLater()
    })
    fresh.onExit((reason) => {
      if (fresh === helper) lost(verdict ?? reason)
    })
    helper = fresh
    restLater()
    isWhole = Promise.all([...runs].map(([runId, run]) => makeAgain(fresh, runId, run.input)))
    return fresh
  }

  async function makeAgain(fresh: HostProcess, runId: string, input: unknown): Promise<void> {
    again.add(runId)
    await new Promise((done) => {
      const id = nextId++
      open.set(id, { name: 'lab.run', answer: done })
      fresh.post({ id, name: 'lab.run', input })
    })
    again.delete(runId)
  }

  function rest(): void {
    restsSoon = open.size > 0
    const events = [...runs.values()].reduce((sum, run) => sum + run.events, 0)
    if (open.size > 0 || events > EVENTS_AGAIN_MAX) return
    const resting = helper
    helper = null
    clearTimeout(idle)
    resting?.kill()
  }

  function restLater(): void {
    clearTimeout(idle)
    const spareMs = runs.size > 0 ? SPARE_IDLE_WITH_RUNS_MS : SPARE_IDLE_MS
    idle = setTimeout(rest, isSparing ? spareMs : idleMs)
  }

  function lost(reason: string): void {
    helper = null
    runs.clear()
    clearTimeout(idle)
    restsSoon = false
    stopWatching()
    const waiting = [...open.values()]
    open.clear()
    for (const { answer } of waiting) answer(lostResult(reason))
    if (isClosed) return
    quickDeaths = Date.now() - startedAt < QUICK_DEATH_MS ? quickDeaths + 1 : 0
    options.onLost({ reason })
    if (quickDeaths < 2) start()
  }

  function end(reason: string): void {
    verdict ??= reason
    helper?.kill()
  }

  function startWatching(): void {
    watch ??= setInterval(() => {
      const bytes = helper?.memoryBytes() ?? null
      if (bytes !== null && bytes > options.memoryBytesMax)
        end(
          `The run needed more than ${Math.round(options.memoryBytesMax / 1024 / 1024)} MB of memory and was ended.`,
        )
    }, watchMs)
  }
  function stopWatching(): void {
    clearInterval(watch)
    watch = undefined
  }

  function call(name: LabCall, input: unknown): Promise<Result<unknown>> {
    if (isClosed) return Promise.resolve(lostResult('The app is closing.'))
    // Inputs were parsed by the contract before they came here.
    const run = input as RunInput
    if (name === 'lab.close') runs.delete(run.runId)
    const target = helper ?? start()
    clearTimeout(idle)
    if (name === 'lab.run') runs.set(run.runId, { input: run, events: Infinity })
    const id = nextId++
    return new Promise((resolve) => {
      const bound = patience[name]
      const timer =
        bound &&
        setTimeout(() => {
          if (target === helper) end(bound.verdict)
        }, bound.ms)
      open.set(id, {
        name,
        answer: (result) => {
          clearTimeout(timer)
          resolve(result)
        },
      })
      startWatching()
      void isWhole.then(() => {
        if (target === helper) target.post({ id, name, input })
      })
    })
  }

  const calls = Object.entries({ ...labContract, ...rulesContract }).filter(
    ([, row]) => row.kind === 'call',
  )
  return {
    // Each handler passes its input on under its own name; the row's types hold at both ends.
    handlers: Object.fromEntries(
      calls.map(([name]) => [name, (input: unknown) => call(name as LabCall, input)]),
    ) as unknown as LabHost,
    warmUp() {
      if (!helper && !isClosed) start()
    },
    rest,
    spare(isWanted) {
      isSparing = isWanted
      if (isWanted) rest()
      else if (helper && open.size === 0) restLater()
    },
    close() {
      isClosed = true
      const running = helper
      if (running) {
        lost('The app is closing.')
        running.kill()
      }
    },
  }
}

const lostResult = (reason: string): Result<never> =>
  fail(
    'lab-process-lost',
    reason,
    'The lab was started anew. Runs that were open are gone; what was saved is not.',
  )

/** What an exit code and the last lines of stderr mean, in one sentence. */
export function whyItEnded(code: number, lastWords: string): string {
  if (
    /heap limit|heap out of memory|allocation failed|memory access out of bounds/i.test(lastWords)
  )
    return 'The run needed more memory than the lab gives it.'
  const fault = /^(?:Uncaught )?\w*Error: .*$/m.exec(lastWords)?.[0]
  return `The lab’s process ended unexpectedly (code ${code})${fault ? `: ${fault}` : '.'}`
}
