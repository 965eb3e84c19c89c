/** Techniques: the list, the one that is open, what it runs against, and what came of its last run. */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { ProjectFiles } from '../../../../shared/contract/model'
import type {
  DefenceSummary,
  Matrix,
  TechniqueResult,
  TechniqueSummary,
} from '../../../../shared/contract/techniques'
import type { DefenceName } from '../../../../shared/defences'
import type { AppError } from '../../../../shared/errors'
import { announce } from '../../composables/use-announcer'
import { asAppError, ring, value } from '../../services/ring'
import { useBreakpoints } from '../../stores/breakpoints'
import { techniqueKey, useProject, type TechniqueProject } from '../../stores/project'
import { useRuns } from '../../stores/runs'
import { useSettings } from '../../stores/settings'
import { useUi } from '../../stores/ui'
import { endOf } from './words'

/** Setting that names the technique that was open last. */
const LAST = 'techniques.last'
const SEED = 1

export type TechniquesPage = 'techniques' | 'matrix' | 'detections'

/** What came of a run, and of what it was one. */
export interface Shown extends TechniqueResult {
  which: TechniqueProject
}

export const useTechniques = defineStore('techniques', () => {
  const ui = useUi()
  const settings = useSettings()
  const project = useProject()
  const runs = useRuns()

  const page = ref<TechniquesPage>('techniques')
  const techniques = shallowRef<readonly TechniqueSummary[]>([])
  /** Lines about folders that are no techniques. */
  const problems = shallowRef<readonly string[]>([])
  const defences = shallowRef<readonly DefenceSummary[]>([])
  const matrix = shallowRef<Matrix | null>(null)
  const isListed = ref(false)
  const listError = shallowRef<AppError | null>(null)
  const filter = ref('')
  /** The rule that the page of detections was last asked to show. */
  const askedRule = shallowRef<{ id: string } | null>(null)

  const slug = ref<string | null>(null)
  const twin = ref(false)
  /** Defences that are switched on, in the order in which they are listed. */
  const chosen = ref<DefenceName[]>([])
  const running = ref<{ runId: string; phase: 'compiling' | 'running'; events: number } | null>(
    null,
  )
  const result = shallowRef<Shown | null>(null)
  const error = shallowRef<AppError | null>(null)
  /** Sources of the technique that is open, for comparing; null before they were asked for. */
  const sources = shallowRef<ProjectFiles | null>(null)

  const technique = computed(
    () => techniques.value.find((each) => each.slug === slug.value) ?? null,
  )
  const which = computed<TechniqueProject | null>(() =>
    technique.value
      ? { slug: technique.value.slug, twin: twin.value, defences: [...chosen.value] }
      : null,
  )
  /** Something else is chosen than what the result is about. */
  const isStale = computed(
    () =>
      result.value !== null &&
      which.value !== null &&
      techniqueKey(which.value) !== techniqueKey(result.value.which),
  )
  const groups = computed(() => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean)
    const found: { name: string; techniques: TechniqueSummary[] }[] = []
    for (const each of techniques.value) {
      const text = `${each.title} ${each.slug} ${each.attack.join(' ')} ${each.group} ${each.summary} ${each.detections.join(' ')}`
      if (!words.every((word) => text.toLowerCase().includes(word))) continue
      const group = found.find(({ name }) => name === each.group)
      if (group) group.techniques.push(each)
      else found.push({ name: each.group, techniques: [each] })
    }
    return found
  })
  const row = computed(() => matrix.value?.rows.find((each) => each.slug === slug.value) ?? null)

  async function list(): Promise<void> {
    try {
      const [found, switches, computed] = await Promise.all([
        value(ring()['techniques.list']({})),
        value(ring()['techniques.defences']({})),
        value(ring()['techniques.matrix']({})),
      ])
      techniques.value = found.techniques
      problems.value = found.problems
      defences.value = switches.defences
      matrix.value = computed.matrix
      listError.value = null
      const last = settings.values[LAST]
      if (!technique.value)
        slug.value =
          (techniques.value.find((each) => each.slug === last) ?? techniques.value[0])?.slug ?? null
    } catch (thrown) {
      listError.value = asAppError(thrown)
    }
    isListed.value = true
  }

  /** Show the page of a technique, with these defences switched on. */
  function open(next: string, options: { defences?: DefenceName[]; twin?: boolean } = {}): void {
    page.value = 'techniques'
    if (next !== slug.value) {
      slug.value = next
      twin.value = false
      sources.value = null
      forget()
      settings.save(LAST, next)
    }
    if (options.defences) chosen.value = inOrder(options.defences)
    if (options.twin !== undefined) twin.value = options.twin
  }

  function toggle(name: DefenceName): void {
    chosen.value = chosen.value.includes(name)
      ? chosen.value.filter((each) => each !== name)
      : inOrder([...chosen.value, name])
  }
  const inOrder = (names: readonly DefenceName[]): DefenceName[] =>
    defences.value.map(({ name }) => name).filter((name) => names.includes(name))

  /** Let go of the last result; its run is closed unless the Lab has it. */
  function forget(): void {
    const runId = result.value?.runId
    result.value = null
    error.value = null
    if (runId !== undefined && !runs.runs.some(({ id }) => id === runId))
      void ring()['lab.close']({ runId })
  }

  async function run(): Promise<void> {
    const asked = which.value
    if (!asked || running.value) return
    const runId = crypto.randomUUID()
    running.value = { runId, phase: 'compiling', events: 0 }
    const off = ring().on('lab.progress', ({ runId: id, phase, events }) => {
      if (id === runId && running.value && phase !== 'finished')
        running.value = { runId, phase, events }
    })
    try {
      const done = await value(
        ring()['techniques.run']({ ...asked, defences: [...asked.defences], runId, seed: SEED }),
      )
      forget()
      if (slug.value !== asked.slug) {
        void ring()['lab.close']({ runId })
        return
      }
      result.value = { ...done, which: asked }
      announce(endOf(result.value).words)
    } catch (thrown) {
      forget()
      error.value = asAppError(thrown)
    } finally {
      off()
      running.value = null
    }
  }

  async function stop(): Promise<void> {
    if (!running.value) return
    const stopped = await ring()['lab.stop']({ runId: running.value.runId })
    if (!stopped.ok) ui.fail(stopped.error)
  }

  /**
   * The folder in the Lab as a project of one's own; with the run that is shown, when it is one of it.
   * @param step  event to be at
   */
  async function openInLab(asked: TechniqueProject, step?: number): Promise<void> {
    if (runs.running) return
    try {
      const made = result.value
      const isShown = made !== null && techniqueKey(made.which) === techniqueKey(asked)
      const isOpen = isShown && runs.runs.some(({ id }) => id === made.runId)
      if (!isOpen) {
        runs.closeAll()
        useBreakpoints().clear()
        await project.openTechnique(asked)
        if (isShown)
          await runs.adopt({
            id: made.runId,
            title: project.title,
            report: made.report,
            request: { files: made.files, seed: SEED, tables: true },
          })
        else await runs.start({ keep: false, tables: true })
      }
      if (isShown) runs.select(made.runId)
      if (step !== undefined) runs.goTo(step)
      ui.labPage = 'code'
      ui.area = 'lab'
    } catch (thrown) {
      ui.fail(asAppError(thrown))
    }
  }

  /** Lead the Lab's timeline to an event of the run that is shown. */
  function goTo(seq: number): void {
    if (result.value) void openInLab(result.value.which, seq)
  }

  /** Show a rule in the page of detections. */
  function openRule(id: string): void {
    askedRule.value = { id }
    page.value = 'detections'
  }

  async function openLink(url: string): Promise<void> {
    if (slug.value === null) return
    const opened = await ring()['techniques.link']({ slug: slug.value, url })
    if (!opened.ok) ui.fail(opened.error)
  }

  async function showSources(): Promise<void> {
    const asked = technique.value
    if (!asked) return
    try {
      const { files } = await value(ring()['techniques.files']({ slug: asked.slug }))
      // Another one was opened meanwhile.
      if (slug.value !== asked.slug) return
      sources.value = files
      ui.dialog = 'sources'
    } catch (thrown) {
      ui.fail(asAppError(thrown))
    }
  }

  return {
    page,
    techniques,
    problems,
    defences,
    matrix,
    isListed,
    listError,
    filter,
    askedRule,
    slug,
    twin,
    chosen,
    running,
    result,
    error,
    sources,
    technique,
    which,
    isStale,
    groups,
    row,
    list,
    open,
    toggle,
    run,
    stop,
    openInLab,
    goTo,
    openRule,
    openLink,
    showSources,
  }
})
