/**
 * Main's side of imports: owns the jobs in the store, feeds the helper, writes what comes back, and
 * starts another helper when it dies. One job runs at a time; the others wait for it.
 *
 * When the helper dies, everything it was given and had not answered is suspect. The suspects are
 * read again one at a time; the one that kills it again is failed by name, and the job goes on.
 */
import type { IntakeFailure, IntakeJob } from '../../shared/contract/files'
import { ITEMS_AHEAD } from './limits'
import type { FromHost, HostPort, HostSettings, KnownBatch, QuarantineAccess } from './messages'
import type { IntakeItem, JobStore, NewJob, StoredJob } from './port'
import { Rate } from './rate'
import { messageOf } from './reasons'

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
}

export interface ImportRequest extends NewJob {
  passwords: string[]
}

export type JobAction = 'pause' | 'resume' | 'cancel' | 'undo' | 'dismiss'

export interface KnownProgress {
  filesDone: number
  filesTotal: number
}

/** Progress is told this often at most. */
const PROGRESS_MS = 200
const WATCH_MS = 1000
const MEMORY_BYTES_MAX = 1024 * 1024 * 1024
/** Helpers that die before they are ready, one after the other, until the job is given up. */
const FAILED_STARTS_MAX = 3
/** Deaths of helpers with one and the same file alone: once may have had other reasons. */
const DEATHS_MAX = 2
/** Deaths of helpers while a job is listed. */
const LISTING_DEATHS_MAX = 2

/** The job that runs. */
interface Active {
  id: number
  /** Given to the helper and not answered. */
  outstanding: Map<number, IntakeItem>
  /** Last number given in normal operation. */
  after: number
  /** To be read one at a time. */
  suspects: IntakeItem[]
  /** How often a suspect was alone with a helper that died: the second time it is the culprit. */
  deaths: Map<number, number>
  /** A suspect is being read. */
  isCareful: boolean
  isListing: boolean
  listingDeaths: number
  /** Set while the helper is to stop; it says what for. */
  stopping: { then(): void } | null
}

export class IntakeController {
  readonly #options: ControllerOptions
  #settings: HostSettings
  #host: HostPort | null = null
  #isReady = false
  #failedStarts = 0
  /** Why the helper was ended by us. */
  #verdict: string | null = null
  #active: Active | null = null
  readonly #waiting: number[] = []
  readonly #passwords = new Map<number, string[]>()
  readonly #progress = new Map<number, { at: number; timer?: ReturnType<typeof setTimeout> }>()
  readonly #rate = new Rate()
  #current: string | null = null
  readonly #known = new Map<number, KnownImport>()
  readonly #yara = new Map<number, (result: YaraCheck) => void>()
  #nextId = 1
  #watch: ReturnType<typeof setInterval> | undefined
  #isClosed = false

  /** Jobs that ran when the app ended become `interrupted`: they go on with `resume`. */
  constructor(options: ControllerOptions) {
    this.#options = options
    this.#settings = options.settings
    for (const job of options.store.jobs())
      if (job.state === 'running') options.store.setState(job.id, 'interrupted')
  }

  /** @returns the job's id */
  start({ passwords, ...job }: ImportRequest): number {
    const id = this.#options.store.create(job)
    this.#passwords.set(id, passwords)
    this.#enqueue(id)
    return id
  }

  jobs(): IntakeJob[] {
    return this.#options.store.jobs().map((job) => this.#shown(job))
  }

  failures(job: number, offset: number): { total: number; failures: IntakeFailure[] } {
    return this.#options.store.failures(job, offset, 200)
  }

  /** @returns how many files were changed: more than none for `undo` only */
  async control(job: number, action: JobAction): Promise<number> {
    const { store } = this.#options
    const { state } = store.get(job)
    switch (action) {
      case 'pause':
        if (state === 'running') await this.#halt(job, 'paused')
        return 0
      case 'resume':
        if (state === 'paused' || state === 'interrupted') {
          store.setState(job, 'running')
          this.#enqueue(job)
        }
        return 0
      case 'cancel':
        if (state !== 'done' && state !== 'cancelled') await this.#halt(job, 'cancelled')
        return 0
      case 'undo': {
        if (state === 'running') await this.#halt(job, 'cancelled')
        const changed = store.undo(job)
        this.#options.onChanged('undo')
        this.#tell(job, true)
        return changed
      }
      case 'dismiss':
        if (state === 'running') await this.#halt(job, 'cancelled')
        store.dismiss(job)
        this.#passwords.delete(job)
        return 0
    }
  }

  /** Reference data, read in the helper. `onBatch` writes; resolves when all was written. */
  importKnown(
    paths: string[],
    onBatch: (batch: KnownBatch) => Promise<void>,
  ): Promise<{ problem?: string }> {
    const id = this.#nextId++
    return new Promise((resolve) => {
      this.#known.set(id, { paths, onBatch, resolve, isSent: false, written: Promise.resolve() })
      this.#ensureHost()
      this.#go()
    })
  }

  /** Try the rules of a folder, and use it from the next job on. Null forgets the rules. */
  async setYaraFolder(folder: string | null): Promise<YaraCheck> {
    this.#settings = { ...this.#settings, yaraFolder: folder }
    const host = this.#host
    host?.post({ kind: 'settings', settings: this.#settings })
    if (folder === null) return { rules: 0, problems: [] }
    const running = this.#ensureHost()
    const id = this.#nextId++
    return new Promise((resolve) => {
      this.#yara.set(id, resolve)
      running.post({ kind: 'yara', id, folder })
    })
  }

  /** End the helper. What ran is `interrupted`. */
  close(): void {
    this.#isClosed = true
    clearInterval(this.#watch)
    for (const { timer } of this.#progress.values()) clearTimeout(timer)
    const { store } = this.#options
    for (const job of store.jobs())
      if (job.state === 'running') store.setState(job.id, 'interrupted')
    const host = this.#host
    this.#host = null
    host?.kill()
    for (const known of this.#known.values()) known.resolve({ problem: 'The app is closing.' })
  }

  #enqueue(job: number): void {
    const isBusy = this.#active?.id === job && !this.#active.stopping
    if (!isBusy && !this.#waiting.includes(job)) this.#waiting.push(job)
    this.#ensureHost()
    this.#go()
    this.#tell(job, true)
  }

  #ensureHost(): HostPort {
    if (this.#host) return this.#host
    const host = this.#options.start()
    this.#host = host
    this.#isReady = false
    this.#verdict = null
    host.onMessage((message) => {
      if (host !== this.#host || this.#isClosed) return
      try {
        this.#take(host, message)
      } catch (error) {
        this.#failed(messageOf(error))
      }
    })
    host.onExit((reason) => {
      if (host === this.#host && !this.#isClosed) this.#lost(this.#verdict ?? reason)
    })
    clearInterval(this.#watch)
    const bytesMax = this.#options.memoryBytesMax ?? MEMORY_BYTES_MAX
    this.#watch = setInterval(() => {
      if ((host.memoryBytes() ?? 0) <= bytesMax) return
      this.#verdict = `Reading needed more than ${Math.round(bytesMax / 1024 / 1024)} MB of memory.`
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
        // The helper before this one died over it.
        if (this.#active) this.#begin(host, this.#active)
        return this.#go()
      case 'known':
        return this.#takeKnown(host, message.id, message.batch)
      case 'yara':
        this.#yara.get(message.id)?.({ rules: message.rules, problems: message.problems })
        this.#yara.delete(message.id)
        return
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
        for (const number of message.batch.items) active.outstanding.delete(number)
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
    if (active) this.#giveUp(active, reason)
    else this.#go()
  }

  #letGo(): void {
    const host = this.#host
    this.#host = null
    this.#isReady = false
    host?.kill()
    this.#answerOpen('It was ended.')
  }

  /** Open calls about reference data and rules cannot be answered any more. */
  #answerOpen(reason: string): void {
    for (const [id, known] of this.#known)
      if (known.isSent) {
        this.#known.delete(id)
        known.resolve({ problem: reason })
      }
    for (const resolve of this.#yara.values()) resolve({ rules: 0, problems: [reason] })
    this.#yara.clear()
  }

  /** Begin what waits, when nothing runs. */
  #go(): void {
    if (!this.#host && this.#waiting.length + this.#known.size > 0) this.#ensureHost()
    const host = this.#host
    if (!host || !this.#isReady) return
    for (const [id, known] of this.#known) {
      if (known.isSent) continue
      known.isSent = true
      host.post({ kind: 'known', id, paths: known.paths })
    }
    if (this.#active) return
    const id = this.#waiting.shift()
    if (id === undefined) return
    this.#rate.reset()
    this.#current = null
    this.#active = {
      id,
      outstanding: new Map(),
      after: 0,
      suspects: [],
      deaths: new Map(),
      isCareful: false,
      isListing: false,
      listingDeaths: 0,
      stopping: null,
    }
    this.#begin(host, this.#active)
  }

  /** Open the active job in a helper, new or not. */
  #begin(host: HostPort, active: Active): void {
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
  #feed(host: HostPort, active: Active): void {
    if (active.stopping || active.isListing) return
    const { store } = this.#options
    if (active.isCareful && active.outstanding.size > 0) return
    const suspect = active.suspects.shift()
    active.isCareful = suspect !== undefined
    if (suspect) return this.#give(host, active, [suspect])
    if (active.outstanding.size > ITEMS_AHEAD / 2) return
    const items = store.pending(active.id, active.after, ITEMS_AHEAD)
    if (items.length > 0) {
      active.after = items.at(-1)?.number ?? active.after
      return this.#give(host, active, items)
    }
    if (active.outstanding.size > 0) return
    active.stopping = {
      then: () => {
        store.setState(active.id, 'done')
        this.#passwords.delete(active.id)
      },
    }
    host.post({ kind: 'stop', job: active.id })
  }

  #give(host: HostPort, active: Active, items: IntakeItem[]): void {
    for (const item of items) active.outstanding.set(item.number, item)
    host.post({ kind: 'read', job: active.id, items })
  }

  #stopped(active: Active): void {
    active.stopping?.then()
    this.#finish(active)
  }

  #finish(active: Active): void {
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
      active.stopping = { then: resolve }
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
    this.#answerOpen(reason)
    if (active) {
      if (active.stopping) this.#stopped(active)
      else if (this.#failedStarts >= FAILED_STARTS_MAX) this.#giveUp(active, reason)
      else if (wasReady) this.#suspect(active, reason)
    }
    const isNeeded = this.#active !== null || this.#waiting.length > 0 || this.#known.size > 0
    if (!isNeeded) return
    if (this.#failedStarts >= FAILED_STARTS_MAX) {
      this.#failedStarts = 0
      for (const job of this.#waiting.splice(0)) this.#interrupt(job, reason)
      for (const known of this.#known.values()) known.resolve({ problem: reason })
      this.#known.clear()
      return
    }
    this.#ensureHost()
  }

  /** The job cannot go on now; it can be resumed. */
  #interrupt(job: number, reason: string): void {
    const { store, onProblem } = this.#options
    try {
      store.setState(job, 'interrupted')
      store.listed(job, [], [{ name: 'The import', offset: null, reason }], false)
    } catch (error) {
      // The store itself is what failed; the job is found as running, and interrupted, at the next start.
      onProblem?.(`The import was interrupted: ${reason} ${messageOf(error)}`)
    }
    this.#tell(job, true)
  }

  #giveUp(active: Active, reason: string): void {
    this.#interrupt(active.id, reason)
    this.#finish(active)
  }

  #suspect(active: Active, reason: string): void {
    const { store } = this.#options
    if (active.isListing) {
      active.isListing = false
      if (++active.listingDeaths >= LISTING_DEATHS_MAX) this.#giveUp(active, reason)
      return
    }
    const items = [...active.outstanding.values()]
    active.outstanding.clear()
    const [only] = items
    const deaths = only && items.length === 1 ? (active.deaths.get(only.number) ?? 0) + 1 : 0
    if (only && deaths > 0) active.deaths.set(only.number, deaths)
    if (only && deaths >= DEATHS_MAX) {
      const failure = { name: only.name, offset: null, reason: `It was left out: ${reason}` }
      store.land(active.id, {
        items: [only.number],
        found: [],
        packages: [],
        files: [],
        records: [],
        failures: [failure],
        skipped: 0,
      })
    } else active.suspects.unshift(...items)
  }

  #takeKnown(host: HostPort, id: number, batch: KnownBatch): void {
    const known = this.#known.get(id)
    if (!known) return
    // One after the other, whatever each takes; the helper sends a few ahead and then waits.
    known.written = known.written
      .then(() => known.onBatch(batch))
      .then(() => {
        host.post({ kind: 'known-written', id })
        if (!batch.isLast) return
        this.#known.delete(id)
        known.resolve({})
      })
      .catch((error: unknown) => {
        this.#known.delete(id)
        known.resolve({ problem: messageOf(error) })
      })
  }

  /** Tell how a job stands, now or when it is time again. */
  #tell(job: number, isUrgent = false): void {
    const last = this.#progress.get(job) ?? { at: -Infinity }
    const now = performance.now()
    const wait = last.at + PROGRESS_MS - now
    if (!isUrgent && wait > 0) {
      last.timer ??= setTimeout(() => this.#tell(job, true), wait)
      this.#progress.set(job, last)
      return
    }
    clearTimeout(last.timer)
    this.#progress.set(job, { at: now })
    if (this.#isClosed) return
    const stored = this.#options.store.jobs().find(({ id }) => id === job)
    if (stored) this.#options.onProgress(this.#shown(stored))
  }

  #shown(job: StoredJob): IntakeJob {
    const { paths: _paths, tags: _tags, ...shown } = job
    const isActive = this.#active?.id === job.id && job.state === 'running'
    const left = { files: job.total - job.done, bytes: job.bytesTotal - job.bytesDone }
    const { rate, secondsLeft } = isActive
      ? this.#rate.estimate(left)
      : { rate: null, secondsLeft: null }
    return { ...shown, rate, secondsLeft, current: isActive ? this.#current : null }
  }
}

export interface YaraCheck {
  rules: number
  problems: string[]
}

interface KnownImport {
  paths: string[]
  onBatch(batch: KnownBatch): Promise<void>
  resolve(result: { problem?: string }): void
  isSent: boolean
  /** Settles when the batches so far are written. */
  written: Promise<void>
}
