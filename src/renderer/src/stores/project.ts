import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { ProjectFiles } from '../../../shared/contract/model'
import { DefenceNames, type DefenceName } from '../../../shared/defences'
import type { RunRow, Sample } from '../../../shared/contract/catalogue'
import { asAppError, ring, value } from '../services/ring'
import { useSettings } from './settings'
import { useUi } from './ui'

export type SaveState = 'saved' | 'saving' | 'waiting' | 'failed'

/** Drafts are written when typing pauses this long. */
const PAUSE_MS = 400

const NEW_DRIVER = `import { DbgPrint, STATUS_SUCCESS } from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = Unload
  DbgPrint('loaded\\n')
  return STATUS_SUCCESS
}

function Unload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('unloaded\\n')
}
`

const FILE_ORDER = ['driver.ts', 'client.ts', 'fixed.ts', 'scenario.json', 'README.md']

/** What can be a file of a project: modules, the scenario and notes, no folders above the project. */
export const FILE_NAME = /^(?!\.)[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_-]+)*\.(?:ts|json|md|inf)$/

type Origin = Sample['origin'] | 'run' | 'new' | 'lesson'

/** A technique as a project: which one, or its twin, and what the machine defends itself by. */
export interface TechniqueProject {
  slug: string
  twin: boolean
  defences: readonly DefenceName[]
}

export const techniqueKey = ({ slug, twin, defences }: TechniqueProject): string =>
  ['technique', slug, twin ? 'twin' : '', defences.join(' ')].join(':')

/** The driver folder that is being edited, and its draft. */
export const useProject = defineStore('project', () => {
  const key = ref('')
  const sampleId = ref<number | null>(null)
  const title = ref('')
  const summary = ref('')
  const origin = ref<Origin>('new')
  const saved = shallowRef<ProjectFiles>({})
  const files = shallowRef<ProjectFiles>({})
  const activeFile = ref('driver.ts')
  const saveState = ref<SaveState>('saved')
  /** Files that hold detection rules, which are checked as such. */
  const rules = shallowRef<readonly string[]>([])
  /** Files that may be edited; null for all of them. */
  const editable = shallowRef<readonly string[] | null>(null)
  /** Counts openings: a component that keeps models per file starts anew when it changes. */
  const opened = ref(0)

  const fileNames = computed(() =>
    Object.keys(files.value).sort(
      (a, b) => last(a) - last(b) || rank(a) - rank(b) || a.localeCompare(b),
    ),
  )
  /** In a lesson the files that are edited come first, the others to read after them. */
  const last = (file: string): number => Number(isReadOnly(file))
  const isDraft = computed(() => !sameFiles(files.value, saved.value))
  const isChanged = (file: string): boolean => files.value[file] !== saved.value[file]

  /** The scenario of the folder, in words; or what is wrong with it. */
  const scenario = computed<ScenarioWords>(() => scenarioWords(files.value))
  /** Why it cannot be run; null when it can. */
  const blocked = computed(() =>
    'driver.ts' in files.value || scenario.value.namesDrivers
      ? null
      : 'A project needs a file named driver.ts, or a scenario that names its drivers',
  )

  let pause: ReturnType<typeof setTimeout> | undefined

  function touched(): void {
    saveState.value = 'waiting'
    clearTimeout(pause)
    pause = setTimeout(() => void saveDraft(), PAUSE_MS)
  }

  /** Write the draft now, if something waits to be written. */
  async function saveDraft(): Promise<void> {
    clearTimeout(pause)
    if (saveState.value !== 'waiting' && saveState.value !== 'failed') return
    saveState.value = 'saving'
    const written = files.value
    const target = key.value
    const result = isDraft.value
      ? await ring()['drafts.save']({
          key: target,
          files: written,
          sampleId: sampleId.value,
          view: JSON.stringify({ activeFile: activeFile.value, title: title.value }),
        })
      : await ring()['drafts.discard']({ key: target })
    if (target !== key.value) return
    if (!result.ok) {
      saveState.value = 'failed'
      useUi().fail(result.error)
    } else if (saveState.value === 'saving') {
      saveState.value = 'saved'
    }
  }

  async function open(next: {
    key: string
    sampleId: number | null
    title: string
    summary: string
    origin: Origin
    files: ProjectFiles
    /** Files that may be edited; all when it is left out. */
    editable?: readonly string[]
    rules?: readonly string[]
  }): Promise<void> {
    await saveDraft()
    const { draft } = await value(ring()['drafts.load']({ key: next.key }))
    key.value = next.key
    sampleId.value = next.sampleId
    title.value = next.title
    summary.value = next.summary
    origin.value = next.origin
    saved.value = next.files
    // What may not be edited is always as it ships, whatever an old draft holds.
    files.value = draft ? keptOf(draft.files, next) : next.files
    editable.value = next.editable ?? null
    rules.value = next.rules ?? []
    const view = draftView(draft?.view)
    activeFile.value =
      view.activeFile !== undefined && view.activeFile in files.value
        ? view.activeFile
        : (fileNames.value[0] ?? 'driver.ts')
    if (view.title !== undefined && next.sampleId === null) title.value = view.title
    saveState.value = 'saved'
    opened.value++
    // The Lab opens with what was there before the lesson.
    if (next.origin !== 'lesson')
      useSettings().save('lab.last', JSON.stringify({ key: next.key, sampleId: next.sampleId }))
  }

  async function openSample(id: number): Promise<void> {
    const sample = await value(ring()['samples.get']({ id }))
    await open({ ...sample, key: `sample:${id}`, sampleId: id })
  }

  /** The sources of a kept run, as a project of their own. */
  async function openRunSources(row: RunRow, sources: ProjectFiles): Promise<void> {
    await open({
      key: `run:${row.id}`,
      sampleId: row.sampleId,
      title: row.sampleTitle,
      summary: row.summary,
      origin: 'run',
      files: sources,
    })
  }

  /** A lesson's files: those that may be edited as they were left, the others as they ship. */
  async function openLesson(lesson: {
    slug: string
    title: string
    summary: string
    files: ProjectFiles
    editable: readonly string[]
    rules: readonly string[]
  }): Promise<void> {
    await open({ ...lesson, key: `lesson:${lesson.slug}`, sampleId: null, origin: 'lesson' })
  }

  /** A technique's folder, as a project that can be changed like any other. */
  async function openTechnique(which: TechniqueProject): Promise<void> {
    const { slug, twin } = which
    const defences = [...which.defences]
    const [{ files: texts }, { techniques }] = await Promise.all([
      value(ring()['techniques.files']({ slug, twin, defences })),
      value(ring()['techniques.list']({})),
    ])
    const found = techniques.find((each) => each.slug === slug)
    const name = found?.title ?? slug
    await open({
      key: techniqueKey(which),
      sampleId: null,
      title: twin ? `${name}: its twin` : name,
      summary: (twin ? found?.twin.summary : found?.summary) ?? '',
      origin: 'new',
      files: texts,
    })
  }

  async function openNew(): Promise<void> {
    await open({
      key: `new:${crypto.randomUUID()}`,
      sampleId: null,
      title: 'New driver',
      summary: '',
      origin: 'new',
      files: { 'driver.ts': NEW_DRIVER },
    })
  }

  /**
   * Open what was open last, else the sample `hello`, else the first of the shelf.
   * @returns whether something was opened
   */
  async function restore(): Promise<boolean> {
    const { values } = await value(ring()['settings.get']({}))
    const last = lastProject(values['lab.last'])
    if (last) {
      try {
        if (last.key.startsWith('sample:') && last.sampleId !== null) {
          await openSample(last.sampleId)
          return true
        }
        const technique = techniqueOf(last.key)
        if (technique) {
          await openTechnique(technique)
          return true
        }
        const { draft } = await value(ring()['drafts.load']({ key: last.key }))
        if (draft) {
          const view = draftView(draft.view)
          await open({
            key: last.key,
            sampleId: last.sampleId,
            title: view.title ?? 'Draft',
            summary: '',
            origin: 'new',
            files: {},
          })
          return true
        }
        if (last.key.startsWith('run:')) {
          const id = last.key.slice('run:'.length)
          const kept = await value(ring()['runs.get']({ id }))
          await openRunSources(kept.row, kept.request.files)
          return true
        }
      } catch {
        // The sample is gone; the shelf is not.
      }
    }
    const { samples } = await value(ring()['samples.list']({}))
    const first = samples.find((sample) => sample.slug === 'hello') ?? samples[0]
    if (!first) return false
    await openSample(first.id)
    return true
  }

  const isReadOnly = (file: string): boolean => editable.value?.includes(file) === false

  function setText(file: string, text: string): void {
    if (files.value[file] === text || isReadOnly(file)) return
    files.value = { ...files.value, [file]: text }
    touched()
  }

  function addFile(file: string, text = ''): void {
    files.value = { ...files.value, [file]: text }
    activeFile.value = file
    touched()
  }

  function renameFile(from: string, to: string): void {
    const text = files.value[from]
    if (text === undefined || to in files.value) return
    const { [from]: _, ...rest } = files.value
    files.value = { ...rest, [to]: text }
    if (activeFile.value === from) activeFile.value = to
    touched()
  }

  function deleteFile(file: string): void {
    const { [file]: text, ...rest } = files.value
    if (text === undefined) return
    files.value = rest
    if (activeFile.value === file) activeFile.value = fileNames.value[0] ?? ''
    touched()
    useUi().notify({
      kind: 'info',
      text: `${file} was deleted from the draft.`,
      action: { label: 'Undo', run: () => addFile(file, text) },
    })
  }

  async function revert(words = 'The draft was discarded.'): Promise<void> {
    const before = files.value
    const beforeKey = key.value
    files.value = saved.value
    if (!(activeFile.value in files.value)) activeFile.value = fileNames.value[0] ?? ''
    opened.value++
    touched()
    await saveDraft()
    useUi().notify({
      kind: 'info',
      text: words,
      action: {
        label: 'Undo',
        run: () => {
          if (key.value !== beforeKey) return
          files.value = before
          opened.value++
          touched()
        },
      },
    })
  }

  /** Save into the sample itself; samples that ship with the app are saved as new ones. */
  const canSaveInPlace = computed(
    () => sampleId.value !== null && (origin.value === 'user' || origin.value === 'imported'),
  )

  async function saveInPlace(): Promise<void> {
    if (sampleId.value === null) return
    try {
      const sample = await value(
        ring()['samples.update']({ id: sampleId.value, files: files.value }),
      )
      saved.value = sample.files
      touched()
      await saveDraft()
      useUi().notify({ kind: 'info', text: `${sample.title} was saved.` })
    } catch (thrown) {
      useUi().fail(asAppError(thrown))
    }
  }

  async function saveAs(name: string): Promise<void> {
    try {
      const sample = await value(
        ring()['samples.create']({ title: name, summary: summary.value, files: files.value }),
      )
      await ring()['drafts.discard']({ key: key.value })
      saveState.value = 'saved'
      await open({ ...sample, key: `sample:${sample.id}`, sampleId: sample.id })
      useUi().notify({ kind: 'info', text: `${sample.title} is in the catalogue now.` })
    } catch (thrown) {
      useUi().fail(asAppError(thrown))
    }
  }

  return {
    key,
    sampleId,
    title,
    summary,
    origin,
    saved,
    files,
    activeFile,
    saveState,
    opened,
    fileNames,
    rules,
    isDraft,
    isChanged,
    scenario,
    blocked,
    canSaveInPlace,
    saveDraft,
    isReadOnly,
    openSample,
    openLesson,
    openRunSources,
    openTechnique,
    openNew,
    restore,
    setText,
    addFile,
    renameFile,
    deleteFile,
    revert,
    saveInPlace,
    saveAs,
  }
})

/** What a draft holds of the files that may be edited, with the others as they are now. */
function keptOf(
  draft: ProjectFiles,
  next: { files: ProjectFiles; editable?: readonly string[] },
): ProjectFiles {
  if (!next.editable) return draft
  const files = { ...next.files }
  for (const name of next.editable) if (name in draft) files[name] = draft[name]!
  return files
}

function rank(file: string): number {
  const index = FILE_ORDER.indexOf(file)
  return index >= 0 ? index : file.endsWith('.ts') ? 2.5 : FILE_ORDER.length
}

function sameFiles(a: ProjectFiles, b: ProjectFiles): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}

function draftView(text: string | undefined): { activeFile?: string; title?: string } {
  try {
    const view: unknown = JSON.parse(text ?? '{}')
    if (typeof view !== 'object' || view === null) return {}
    const { activeFile, title } = view as Record<string, unknown>
    return {
      ...(typeof activeFile === 'string' ? { activeFile } : {}),
      ...(typeof title === 'string' ? { title } : {}),
    }
  } catch {
    return {}
  }
}

function lastProject(text: string | undefined): { key: string; sampleId: number | null } | null {
  try {
    const last: unknown = JSON.parse(text ?? 'null')
    if (typeof last !== 'object' || last === null) return null
    const { key, sampleId } = last as Record<string, unknown>
    if (typeof key !== 'string') return null
    return { key, sampleId: typeof sampleId === 'number' ? sampleId : null }
  } catch {
    return null
  }
}

/** What `techniqueKey` was made of; null for the key of another project. */
function techniqueOf(key: string): TechniqueProject | null {
  const [kind, slug, twin, names = ''] = key.split(':')
  const defences = DefenceNames.safeParse(names.split(' ').filter(Boolean))
  if (kind !== 'technique' || !slug || !defences.success) return null
  return { slug, twin: twin === 'twin', defences: defences.data }
}

/** What is shown of a scenario before the run. */
interface ScenarioWords {
  words: string
  problem: string | null
  seed: number | null
  /** Processors of its machine. */
  processors: number
  /** Whether it says which drivers are loaded; of one that cannot be read the compiler says more. */
  namesDrivers: boolean
}

function scenarioWords(files: ProjectFiles): ScenarioWords {
  const text = files['scenario.json']
  if (text === undefined)
    return {
      words: 'client.ts' in files ? 'client.ts' : 'load and unload',
      problem: null,
      seed: null,
      processors: 1,
      namesDrivers: false,
    }
  try {
    const scenario: unknown = JSON.parse(text)
    const { name, seed, processors, drivers } = recordOf(scenario)
    const verbs = [...new Set(stepsOf(scenario).map((step) => String(recordOf(step)['do'])))]
    const words =
      typeof name === 'string'
        ? name
        : verbs.length > 0
          ? verbs.join(' – ')
          : 'client.ts' in files
            ? 'client.ts'
            : 'load and unload'
    return {
      words,
      problem: null,
      seed: typeof seed === 'number' ? seed : null,
      processors: typeof processors === 'number' ? processors : 1,
      namesDrivers: Array.isArray(drivers) && drivers.length > 0,
    }
  } catch {
    return {
      words: 'scenario.json',
      problem: 'scenario.json is not JSON',
      seed: null,
      processors: 1,
      namesDrivers: true,
    }
  }
}

/** The steps of a scenario, whoever takes them. What is wrong in it the compiler says, with its line. */
function stepsOf(scenario: unknown): unknown[] {
  const { steps, processes } = recordOf(scenario)
  if (Array.isArray(steps)) return steps
  return Array.isArray(processes) ? processes.flatMap(stepsOf) : []
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
