/**
 * Main's side of imports: owns the jobs in the store, feeds the helper, writes what comes back, and
 * starts another helper when it dies. One job runs at a time; the others wait for it.
 *
 * When the helper dies, everything it was given and had not answered is suspect. The suspects are
 * read again one at a time; the one that kills it again is failed by name, and the job goes on.
 */
import type { IntakeFailure, IntakeJob } from '../../shared/contract/files'
import { ActiveJob } from './active-job'
import { emptyBatch } from './batches'
import { HelperCalls, type YaraCheck } from './helper-calls'
import type { FromHost, HostPort, HostSettings, KnownBatch, QuarantineAccess } from './messages'
import { isAlive, newOwner } from './owner'
import type { JobStore, NewJob, StoredJob, Undone } from './port'
import { Rate } from './rate'
import { messageOf, sentence, storeReason } from './reasons'
import { Throttle } from './throttle'

export interface ControllerOptions {
  store: JobStore
  /** A new helper. */
  start(): HostPort
  settings: HostSettings
  /** Null while the quarantine is locked or was never set up. */
  quarantine(): QuarantineAccess | null
  /** At most five times a second for each job, and once for each change of state. */
  onProgress(job: IntakeJob): void
  /** Files came or went. */
  onChanged(reason: string): void
  /** What could not be told as a failure of a job. */
  onProblem?(text: string): void
  /** A helper that holds more than this is ended. */
  memoryBytesMax?: number
  /** A helper that has nothing to do for this long is ended. */
  idleMs?: number
}

export interface ImportRequest extends NewJob {
  passwords: string[]
}

export type JobAction = 'pause' | 'resume' | 'cancel' | 'undo' | 'dismiss'

/** Progress is told this often at most. */
const PROGRESS_MS = 200
const WATCH_MS = 1000
const MEMORY_BYTES_MAX = 1024 * 1024 * 1024
const IDLE_MS = 30_000
/** Helpers that die before they are ready, one after the other, until the job is given up. */
const FAILED_STARTS_MAX = 3
/** Deaths of helpers while a job is listed. */
const LISTING_DEATHS_MAX = 2
const PROGRAM_ENDED = 'The program ended while it ran. Resume it to go on.'

export class IntakeController {
  readonly #options: ControllerOptions
  /** Marks the jobs that run here. */
  readonly #owner = newOwner()
  #settings: HostSettings
  #host: HostPort | null = null
  #isReady = false
  #failedStarts = 0
  /** Why the helper was ended by us. */
  #endedBecause: string | null = null
  #active: ActiveJob | null = null
  readonly #waiting: number[] = []
  readonly #passwords = new Map<number, string[]>()
  readonly #progress = new Throttle(PROGRESS_MS)
  readonly #rate = new Rate()
  #current: string | null = null
  readonly #calls = new HelperCalls()
  #watch: ReturnType<typeof setInterval> | undefined
  #idle: ReturnType<typeof setTimeout> | undefined
  /** Why jobs are interrupted whose store could not take it down. */
  readonly #untold = new Map<number, string>()
  #isClosed = false

  constructor(options: ControllerOptions) {
    this.#options = options
    this.#settings = options.settings
    this.#release()
  }

  /** @returns the job's id */
  start({ passwords, ...job }: ImportRequest): number {
    const id = this.#options.store.create(job, this.#owner)
    this.#passwords.set(id, passwords)
    this.#enqueue(id)
    return id
  }

  jobs(): IntakeJob[] {
    this.#release()
    return this.#options.store.jobs().map((job) => this.#shown(job))
  }

  failures(job: number, offset: number): { total: number; failures: IntakeFailure[] } {
    return this.#options.store.failures(job, offset, 200)
  }

  /** Does another program run it? Then it is not to be touched here. */
  isElsewhere(job: number): boolean {
    const { state, owner } = this.#options.store.get(job)
    return state === 'running' && owner !== null && owner !== this.#owner && isAlive(owner)
  }

  /** @returns what `undo` changed, and the word that brings it back; nothing for the others */
  async control(job: number, action: JobAction): Promise<Undone> {
    if (action === 'undo') return this.#undo(job)
    await this.#control(job, action)
    return { changed: 0, undo: null }
  }

  async #undo(job: number): Promise<Undone> {
    const { store, onChanged } = this.#options
    if (store.get(job).state === 'running') await this.#halt(job, 'cancelled')
    const undone = await store.undo(job)
    onChanged('undo')
    this.#tell(job, true)
    return undone
  }

  async #control(job: number, action: Exclude<JobAction, 'undo'>): Promise<void> {
    const { store } = this.#options
    const { state } = store.get(job)
    switch (action) {
      case 'pause':
        if (state === 'running') await this.#halt(job, 'paused')
        return
      case 'resume':
        if (state === 'paused' || state === 'interrupted') {
          store.setState(job, 'running', { owner: this.#owner })
          this.#enqueue(job)
        }
        return
      case 'cancel':
        if (state !== 'done' && state !== 'cancelled') await this.#halt(job, 'cancelled')
        return
      case 'dismiss':
        if (state === 'running') await this.#halt(job, 'cancelled')
        store.dismiss(job)
        this.#passwords.delete(job)
        return
    }
  }

  /** Reference data, read in the helper. `onBatch` writes; resolves when all was written. */
  importKnown(
    paths: string[],
    onBatch: (batch: KnownBatch) => Promise<void>,
  ): Promise<{ problem?: string }> {
    const imported = this.#calls.importKnown(paths, onBatch)
    this.#go()
    return imported
  }

  /** Try the rules of a folder, and use it from the next job on. Null forgets the rules. */
  async setYaraFolder(folder: string | null): Promise<YaraCheck> {
    this.#settings = { ...this.#settings, yaraFolder: folder }
    this.#host?.post({ kind: 'settings', settings: this.#settings })
    if (folder === null) return { rules: 0, problems: [], isComplete: true }
    return this.#calls.checkYara(this.#ensureHost(), folder)
  }

  /** End the helper. What ran is `interrupted`. */
  close(): void {
    this.#isClosed = true
    clearInterval(this.#watch)
    clearTimeout(this.#idle)
    this.#progress.close()
    const { store } = this.#options
    for (const { id, state, owner } of store.jobs())
      if (state === 'running' && owner === this.#owner)
        store.setState(id, 'interrupted', { interruption: PROGRAM_ENDED })
    const host = this.#host
    this.#host = null
    host?.kill()
    this.#calls.giveUp('The app is closing.')
  }

  /** Interrupt what is said to run and nobody runs: its program ended, or its end was not written. */
  #release(): void {
    const { store, onProblem } = this.#options
    try {
      for (const { id, state, owner } of store.jobs()) {
        const isHere = this.#active?.id === id || this.#waiting.includes(id)
        if (state !== 'running' || isHere) continue
        if (owner !== null && owner !== this.#owner && isAlive(owner)) continue
        store.setState(id, 'interrupted', { interruption: this.#untold.get(id) ?? PROGRAM_ENDED })
        this.#untold.delete(id)
      }
    } catch (error) {
      onProblem?.(`Imports that ended could not be written down: ${messageOf(error)}`)
    }
  }

  #enqueue(job: number): void {
    const isBusy = this.#active?.id === job && !this.#active.stopping
    if (!isBusy && !this.#waiting.includes(job)) this.#waiting.push(job)
    this.#go()
    this.#tell(job, true)
  }

  #ensureHost(): HostPort {
    if (this.#host) return this.#host
    const host = this.#options.start()
    this.#host = host
    this.#isReady = false
    this.#endedBecause = null
    /** The store may fail in any of it. */
    const guarded = (work: () => void): void => {
      if (host !== this.#host || this.#isClosed) return
      try {
        work()
      } catch (error) {
        this.#failed(storeReason(error))
      }
    }
    host.onMessage((message) => guarded(() => this.#take(host, message)))
    host.onExit((reason) => guarded(() => this.#lost(this.#endedBecause ?? reason)))
    clearInterval(this.#watch)
    const bytesMax = this.#options.memoryBytesMax ?? MEMORY_BYTES_MAX
    this.#watch = setInterval(() => {
      if ((host.memoryBytes() ?? 0) <= bytesMax) return
      this.#endedBecause = `Reading needed more than ${Math.round(bytesMax / 1024 / 1024)} MB of memory.`
      host.kill()
    }, WATCH_MS)
    this.#watch.unref()
    host.post({ kind: 'settings', settings: this.#settings })
    return host
  }

  #take(host: HostPort, message: FromHost): void {
    switch (message.kind) {
      case 'ready':
        this.#isReady = true
        this.#failedStarts = 0
        // The helper before this one died over it. What is to stop is not begun again.
        if (this.#active && !this.#active.stopping) this.#begin(host, this.#active)
        return this.#go()
      case 'known':
      case 'yara':
        this.#calls.take(host, message)
        return this.#restLater()
    }
    const active = this.#active
    if (message.job !== active?.id) return
    const { store } = this.#options
    switch (message.kind) {
      case 'listed':
        store.listed(active.id, message.items, message.failures, message.isLast)
        host.post({ kind: 'written', job: active.id })
        if (message.isLast) {
          active.isListing = false
          this.#feed(host, active)
        }
        return this.#tell(active.id)
      case 'batch': {
        const landing = store.land(active.id, message.batch)
        active.answered(message.batch.items)
        host.post({ kind: 'written', job: active.id })
        const { done, bytesDone } = store.get(active.id)
        this.#rate.mark(performance.now(), done, bytesDone)
        if (landing.added + landing.merged > 0) this.#options.onChanged('import')
        this.#feed(host, active)
        return this.#tell(active.id)
      }
      case 'current':
        this.#current = message.name
        return this.#tell(active.id)
      case 'stopped':
        return this.#stopped(active)
      case 'trouble':
        return this.#failed(message.reason)
    }
  }

  /** Something is wrong that no file is to blame for: the store, or the helper's workers. */
  #failed(reason: string): void {
    const active = this.#active
    // Whatever it has in hand is read again when the job is resumed.
    this.#letGo()
    if (active?.stopping) this.#stopped(active)
    else if (active) this.#giveUp(active, reason)
    else this.#go()
  }

  #letGo(): void {
    const host = this.#host
    this.#host = null
    this.#isReady = false
    clearInterval(this.#watch)
    host?.kill()
    this.#calls.lost('The helper of the import was ended.')
  }

  get #isNeeded(): boolean {
    return this.#active !== null || this.#waiting.length > 0 || this.#calls.isWaiting
  }

  /** Begin what waits, when nothing runs. */
  #go(): void {
    if (!this.#host && this.#isNeeded) this.#ensureHost()
    const host = this.#host
    if (!host || !this.#isReady) return
    this.#calls.send(host)
    if (this.#active) return
    const id = this.#waiting.shift()
    if (id === undefined) return this.#restLater()
    this.#rate.reset()
    this.#current = null
    this.#active = new ActiveJob(id)
    this.#begin(host, this.#active)
  }

  /** End the helper when it has had nothing to do for a while. */
  #restLater(): void {
    clearTimeout(this.#idle)
    const rest = (): void => {
      if (!this.#isNeeded && !this.#isClosed) this.#letGo()
    }
    this.#idle = setTimeout(rest, this.#options.idleMs ?? IDLE_MS)
    this.#idle.unref()
  }

  /** Open the active job in a helper, new or not. */
  #begin(host: HostPort, active: ActiveJob): void {
    const { store } = this.#options
    const { paths, keepBytes, phase } = store.get(active.id)
    const quarantine = keepBytes ? this.#options.quarantine() : null
    if (keepBytes && !quarantine) {
      return this.#giveUp(active, 'The quarantine is locked. Unlock it and resume the import.')
    }
    const passwords = this.#passwords.get(active.id) ?? []
    host.post({ kind: 'open', job: active.id, paths, passwords, quarantine })
    if (phase === 'listing') {
      store.clearList(active.id)
      active.isListing = true
      host.post({ kind: 'list', job: active.id })
    } else this.#feed(host, active)
    this.#tell(active.id, true)
  }

  /** Give the helper more to read; end the job when there is no more. */
  #feed(host: HostPort, active: ActiveJob): void {
    if (active.stopping || active.isListing) return
    const { store } = this.#options
    const { id } = active
    const items = active.next((after, limit) => store.pending(id, after, limit))
    if (items === null) {
      active.stopping = () => {
        store.setState(id, 'done')
        this.#passwords.delete(id)
      }
      host.post({ kind: 'stop', job: id })
    } else if (items.length > 0) host.post({ kind: 'read', job: id, items })
  }

  #stopped(active: ActiveJob): void {
    try {
      active.stopping?.()
    } catch (error) {
      this.#options.onProblem?.(`The end of an import could not be written: ${messageOf(error)}`)
    }
    this.#finish(active)
  }

  #finish(active: ActiveJob): void {
    if (this.#active === active) this.#active = null
    this.#tell(active.id, true)
    this.#go()
  }

  /** Bring a job to rest: at once in the store, and in the helper when what it reads is written. */
  #halt(job: number, state: 'paused' | 'cancelled'): Promise<void> {
    this.#options.store.setState(job, state)
    const at = this.#waiting.indexOf(job)
    if (at >= 0) this.#waiting.splice(at, 1)
    const active = this.#active
    this.#tell(job, true)
    if (active?.id !== job) return Promise.resolve()
    return new Promise((resolve) => {
      const isStopping = active.stopping !== null
      active.stopping = resolve
      if (!isStopping) this.#host?.post({ kind: 'stop', job })
    })
  }

  /** The helper died. */
  #lost(reason: string): void {
    this.#host = null
    clearInterval(this.#watch)
    if (!this.#isReady) this.#failedStarts++
    const wasReady = this.#isReady
    this.#isReady = false
    const active = this.#active
    this.#calls.lost(reason)
    if (active) {
      if (active.stopping) this.#stopped(active)
      else if (this.#failedStarts >= FAILED_STARTS_MAX) this.#giveUp(active, reason)
      else if (wasReady) this.#suspect(active, reason)
    }
    if (!this.#isNeeded) return
    if (this.#failedStarts >= FAILED_STARTS_MAX) {
      this.#failedStarts = 0
      for (const job of this.#waiting.splice(0)) this.#interrupt(job, reason)
      return this.#calls.giveUp(reason)
    }
    this.#ensureHost()
  }

  /** The job cannot go on now; it can be resumed. */
  #interrupt(job: number, reason: string): void {
    const { store, onProblem } = this.#options
    try {
      store.setState(job, 'interrupted', { interruption: sentence(reason) })
    } catch (error) {
      // The store itself is what failed; it is told when jobs are looked at.
      this.#untold.set(job, sentence(reason))
      onProblem?.(`The import was interrupted: ${reason} ${messageOf(error)}`)
    }
    this.#tell(job, true)
  }

  #giveUp(active: ActiveJob, reason: string): void {
    this.#interrupt(active.id, reason)
    this.#finish(active)
  }

  #suspect(active: ActiveJob, reason: string): void {
    const { store } = this.#options
    if (active.isListing) {
      active.isListing = false
      if (++active.listingDeaths >= LISTING_DEATHS_MAX) this.#giveUp(active, reason)
      return
    }
    const culprit = active.died()
    if (!culprit) return
    const failures = [{ name: culprit.name, offset: null, reason: `It was left out: ${reason}` }]
    store.land(active.id, { ...emptyBatch(), items: [culprit.number], failures })
  }

  /** Tell how a job stands, now or when it is time again. */
  #tell(job: number, isUrgent = false): void {
    this.#progress.tell(
      job,
      () => {
        if (this.#isClosed) return
        const stored = this.#options.store.jobs().find(({ id }) => id === job)
        if (stored) this.#options.onProgress(this.#shown(stored))
      },
      isUrgent,
    )
  }

  #shown(job: StoredJob): IntakeJob {
    const { paths: _paths, tags: _tags, owner: _owner, ...shown } = job
    const isActive = this.#active?.id === job.id && job.state === 'running'
    const left = { files: job.total - job.done, bytes: job.bytesTotal - job.bytesDone }
    const { rate, secondsLeft } = isActive
      ? this.#rate.estimate(left)
      : { rate: null, secondsLeft: null }
    return { ...shown, rate, secondsLeft, current: isActive ? this.#current : null }
  }
}
