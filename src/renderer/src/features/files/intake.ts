/** How driver files come in: what to do with them, and the imports that are on their way. */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { IntakeJob } from '../../../../shared/contract/files'
import { announce } from '../../composables/use-announcer'
import { asAppError, ring, value } from '../../services/ring'
import { useSettings } from '../../stores/settings'
import { useUi } from '../../stores/ui'
import { useFileShelf } from './store'
import { files } from './words'

export type JobAction = 'pause' | 'resume' | 'cancel' | 'undo' | 'dismiss'

const KEEP_BYTES = 'intake.keepBytes'

/** What people say of a file, as the query asks for it; tags are left out, an import can give them. */
const WRITTEN = [
  ['has:notes', 'with notes'],
  ['-verdict:none', 'with a verdict'],
  ['-status:new', 'in work or done'],
] as const

export const useIntake = defineStore('intake', () => {
  const ui = useUi()
  const settings = useSettings()
  const jobs = shallowRef<readonly IntakeJob[]>([])
  /** Put on every file that comes in, until they are changed. */
  const tags = ref<string[]>([])
  /** One in a line; kept in memory only. */
  const passwords = ref('')
  const keepBytes = computed({
    get: () => settings.values[KEEP_BYTES] === 'yes',
    set: (keep: boolean) => settings.save(KEEP_BYTES, keep ? 'yes' : 'no'),
  })

  const options = (): { keepBytes: boolean; tags: string[]; passwords: string[] } => ({
    keepBytes: keepBytes.value,
    tags: [...tags.value],
    passwords: passwords.value.split('\n').filter((line) => line !== ''),
  })

  async function attempt<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work()
    } catch (thrown) {
      ui.fail(asAppError(thrown))
      return null
    }
  }

  const choose = (what: 'files' | 'folder'): Promise<unknown> =>
    attempt(() => value(ring()['intake.choose']({ what, ...options() })))

  /** Take in what was dropped on the window. */
  const drop = (dropped: readonly File[]): Promise<unknown> =>
    attempt(() => value(ring().drop(dropped, options())))

  /** Imports that were dismissed or undone here: main may still tell of them. */
  const gone = new Set<number>()

  function progress(job: IntakeJob): void {
    if (gone.has(job.id)) return
    const before = jobs.value.find(({ id }) => id === job.id)
    jobs.value = before
      ? jobs.value.map((other) => (other.id === job.id ? job : other))
      : [job, ...jobs.value]
    if (before?.state === 'running' && job.state === 'done')
      announce(`Import of ${job.title} ended: ${files(job.added)} added, ${job.failed} failed`)
  }

  async function control(job: IntakeJob, action: JobAction): Promise<void> {
    const done = await attempt(() => value(ring()['intake.control']({ job: job.id, action })))
    if (!done || (action !== 'undo' && action !== 'dismiss')) return
    gone.add(job.id)
    jobs.value = jobs.value.filter(({ id }) => id !== job.id)
    if (action === 'dismiss') return
    const said = `${files(done.changed)} of ${job.title} left the shelf.`
    useFileShelf().offerUndo(said, done.undo ?? null)
    await attempt(() => value(ring()['intake.control']({ job: job.id, action: 'dismiss' })))
  }

  /**
   * What people wrote about the files of an import, which undoing it would take along: `2 with
   * notes`. Empty when there is nothing; null when it could not be told.
   */
  async function writtenAbout(job: IntakeJob): Promise<string[] | null> {
    const counts = await attempt(() =>
      Promise.all(
        WRITTEN.map(async ([term, words]) => {
          const query = `job:${job.id} ${term}`
          const { total } = await value(ring()['files.list']({ query, limit: 1 }))
          return total > 0 ? [`${total.toLocaleString('en')} ${words}`] : []
        }),
      ),
    )
    return counts?.flat() ?? null
  }

  /** Know of the imports there are and follow them; returns what ends that. */
  function open(): () => void {
    void attempt(async () => {
      const found = await value(ring()['intake.jobs']({}))
      const seen = new Set([...gone, ...jobs.value.map(({ id }) => id)])
      jobs.value = [...jobs.value, ...found.jobs.filter(({ id }) => !seen.has(id))]
    })
    return ring().on('intake.progress', progress)
  }

  return { jobs, tags, passwords, keepBytes, choose, drop, control, writtenAbout, open }
})
