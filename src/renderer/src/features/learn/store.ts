/**
 * Learn: the lessons, the one that is open, and what became of its last run. An open lesson is the
 * project of the Lab as well, so editor, timeline and everything else work on it as on any driver.
 */
import { defineStore } from 'pinia'
import { computed, nextTick, ref, shallowRef, watch } from 'vue'
import type { LessonProgress, LessonSummary, OpenLesson } from '../../../../shared/contract/lessons'
import type { ProjectFiles } from '../../../../shared/contract/model'
import type { AppError } from '../../../../shared/errors'
import type { GradeReport } from '../../../../shared/lessons/grade'
import { announce } from '../../composables/use-announcer'
import { asAppError, ring, value } from '../../services/ring'
import { useBreakpoints } from '../../stores/breakpoints'
import { useEditorPlace } from '../../stores/editor-place'
import { useProject } from '../../stores/project'
import { useRuns } from '../../stores/runs'
import { useSettings } from '../../stores/settings'
import { useUi } from '../../stores/ui'

/** Setting that names the lesson that was open last. */
const LAST = 'learn.last'

export const useLearn = defineStore('learn', () => {
  const project = useProject()
  const runs = useRuns()
  const ui = useUi()
  const settings = useSettings()

  const lessons = shallowRef<readonly LessonSummary[]>([])
  /** Lines about folders that are no lessons. */
  const problems = shallowRef<readonly string[]>([])
  /** Folder of lessons that the user added; null for none. */
  const folder = ref<string | null>(null)
  const isListed = ref(false)
  const listError = shallowRef<AppError | null>(null)
  const lesson = shallowRef<OpenLesson | null>(null)
  /** What became of the last run that was checked; null before the first. */
  const report = shallowRef<GradeReport | null>(null)
  /** The run that `report` is about; null for one of an earlier day. */
  const runId = ref<string | null>(null)
  const solution = shallowRef<ProjectFiles | null>(null)
  /** Where the Lab's editor stands while a lesson has it. */
  const editorHost = shallowRef<HTMLElement | null>(null)
  /** What the verifier was set to before a lesson set it. */
  let verifierBefore: string[] | null = null

  const isOpen = computed(
    () => lesson.value !== null && project.key === `lesson:${lesson.value.slug}`,
  )
  const progress = computed(
    () => lessons.value.find((each) => each.slug === lesson.value?.slug)?.progress ?? null,
  )
  const parts = computed(() => {
    const found: { name: string; lessons: LessonSummary[] }[] = []
    for (const each of lessons.value) {
      const part = found.find(({ name }) => name === each.part)
      if (part) part.lessons.push(each)
      else found.push({ name: each.part, lessons: [each] })
    }
    return found
  })
  const passed = computed(() => lessons.value.filter((each) => each.progress?.passedAt).length)
  /** Where to go on: the lesson that was open last, or the first that is not passed. */
  const resume = computed(() => {
    const last = lessons.value.find(({ slug }) => slug === settings.values[LAST])
    if (last && !last.progress?.passedAt) return last
    return lessons.value.find((each) => !each.progress?.passedAt) ?? last ?? null
  })
  /** The run whose results are shown, while its trace is there. */
  const run = computed(() => runs.runs.find(({ id }) => id === runId.value) ?? null)
  /** Whether the text is another one than that of the run. */
  const isEdited = computed(() => {
    const ran = run.value?.request.files
    return ran !== undefined && project.fileNames.some((name) => ran[name] !== project.files[name])
  })

  async function list(): Promise<void> {
    try {
      const found = await value(ring()['lessons.list']({}))
      lessons.value = found.lessons
      problems.value = found.problems
      folder.value = found.folder
      listError.value = null
    } catch (thrown) {
      listError.value = asAppError(thrown)
    }
    isListed.value = true
  }

  async function open(slug: string): Promise<void> {
    if (runs.running) return
    try {
      const next = await value(ring()['lessons.open']({ slug }))
      if (project.key !== `lesson:${slug}`) {
        runs.closeAll()
        useBreakpoints().clear()
        verifierBefore ??= [...runs.verifier]
        await project.openLesson(next)
      }
      runs.seed = next.run.seed
      runs.verifier = next.run.verifier
      runs.processors = next.run.processors ?? project.scenario.processors
      lesson.value = next
      report.value = next.progress?.report ?? null
      runId.value = null
      solution.value = null
      settings.save(LAST, slug)
      void nextTick(() => revealEntry(next))
      announce(`Lesson ${next.title}`)
    } catch (thrown) {
      ui.fail(asAppError(thrown))
    }
  }

  /** To the first file that is edited, past its imports. */
  function revealEntry({ editable }: OpenLesson): void {
    const [file = 'driver.ts'] = editable
    const lines = (project.files[file] ?? '').split('\n')
    const line = lines.findIndex((text) => /^(export )?function /.test(text)) + 1
    useEditorPlace().reveal({ file, line: Math.max(line, 1) })
  }

  /** A run leads to the code that ran; where that is not the student's, back to where the student was. */
  function backToWork(open: OpenLesson, before: { file: string; line: number }): void {
    if (open.editable.includes(project.activeFile)) return
    if (open.editable.includes(before.file)) useEditorPlace().reveal(before)
    else revealEntry(open)
  }

  // Whatever else is opened afterwards has the verifier that it had.
  watch(
    () => project.opened,
    () => {
      if (project.origin === 'lesson' || verifierBefore === null) return
      runs.verifier = verifierBefore
      verifierBefore = null
    },
    { flush: 'sync' },
  )

  function keep(next: LessonProgress): void {
    lessons.value = lessons.value.map((each) =>
      each.slug === next.slug ? { ...each, progress: next } : each,
    )
  }

  /** Whether a run was one that the lesson asks for: with another verifier it proves nothing. */
  function isAsAsked(request: {
    seed?: number | undefined
    verifier?: string[] | undefined
  }): boolean {
    const wanted = lesson.value?.run
    return (
      wanted !== undefined &&
      request.seed === wanted.seed &&
      wanted.verifier.every((name) => request.verifier?.includes(name))
    )
  }

  /** Run what is in the editor and put the lesson's checks to it. */
  async function check(): Promise<void> {
    const { value: open } = lesson
    if (!open || !isOpen.value) return
    const before = useEditorPlace().cursor
    const done = await runs.start({ keep: false, tables: open.run.tables })
    if (!done || lesson.value?.slug !== open.slug) return
    if (!isAsAsked(done.request)) {
      ui.notify({
        kind: 'info',
        text: 'This run was not checked: the lesson asks for another seed or verifier.',
        action: { label: 'Set them', run: () => void reopen() },
      })
      return
    }
    try {
      // A copy: what is watched cannot leave the window.
      const files = { ...done.request.files }
      const asked = { slug: open.slug, runId: done.id, files }
      const checked = await value(ring()['lessons.check'](asked))
      report.value = checked.report
      runId.value = done.id
      keep(checked.progress)
      backToWork(open, before)
      const { passed: isPassed, points, of } = checked.report
      const words = `${isPassed ? 'Passed' : 'Not passed yet'}: ${points} of ${of} points.`
      announce(words)
      if (ui.area !== 'learn')
        ui.notify({
          kind: 'info',
          text: words,
          action: { label: 'Back to the lesson', run: () => (ui.area = 'learn') },
        })
    } catch (thrown) {
      ui.fail(asAppError(thrown))
    }
  }

  async function reopen(): Promise<void> {
    if (lesson.value) await open(lesson.value.slug)
  }

  async function change(what: { predicted?: number; hints?: number }): Promise<void> {
    const slug = lesson.value?.slug
    if (slug === undefined) return
    const result = await ring()['lessons.progress']({ slug, ...what })
    if (result.ok) keep(result.value.progress)
    else ui.fail(result.error)
  }

  const hintsShown = computed(() => progress.value?.hints ?? 0)
  async function hint(): Promise<void> {
    const next = hintsShown.value + 1
    const text = lesson.value?.hints[next - 1]
    if (text === undefined) return
    await change({ hints: next })
    announce(`Hint ${next} of 3. ${text}`)
  }

  /** The files as they ship; what was typed can be had back for a while. */
  async function reset(): Promise<void> {
    const slug = lesson.value?.slug
    if (slug === undefined || !isOpen.value) return
    const result = await ring()['lessons.reset']({ slug })
    if (!result.ok) ui.fail(result.error)
    else await project.revert('The lesson is as it was at the start.')
  }

  async function showSolution(): Promise<void> {
    const slug = lesson.value?.slug
    if (slug === undefined) return
    const result = await ring()['lessons.solution']({ slug })
    if (!result.ok) return ui.fail(result.error)
    solution.value = result.value.files
    keep(result.value.progress)
    ui.dialog = 'solution'
  }

  async function openLink(url: string): Promise<void> {
    const slug = lesson.value?.slug
    if (slug === undefined) return
    const result = await ring()['lessons.link']({ slug, url })
    if (!result.ok) ui.fail(result.error)
  }

  /** Open what a text leads to: another lesson, or an address outside of the app. */
  async function follow(href: string): Promise<void> {
    const slug = href.startsWith('lesson:') ? href.slice('lesson:'.length) : null
    await (slug === null ? openLink(href) : open(slug))
  }

  /** Lessons of a folder that the user chooses; null takes the one that was chosen off the list. */
  async function choose(isWanted: boolean): Promise<void> {
    const result = await ring()['lessons.folder']({ choose: isWanted })
    if (result.ok) await list()
    else ui.fail(result.error)
  }

  /** Lead the timeline to the event that shows a result. */
  function goTo(seq: number): void {
    if (!run.value) return
    runs.select(run.value.id)
    runs.goTo(seq)
  }

  return {
    lessons,
    problems,
    folder,
    isListed,
    listError,
    lesson,
    report,
    run,
    solution,
    editorHost,
    isOpen,
    isEdited,
    progress,
    parts,
    passed,
    resume,
    hintsShown,
    list,
    open,
    check,
    predict: (predicted: number) => change({ predicted }),
    hint,
    reset,
    showSolution,
    openLink,
    follow,
    chooseFolder: () => choose(true),
    leaveFolder: () => choose(false),
    goTo,
  }
})
