/**
 * Detections: the rules, what was changed of them, and what comes of the one that is edited. Changed
 * and new rules are one draft, a file each, beside the drafts of drivers.
 */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef, watch } from 'vue'
import type { RuleMistake, RulesRead, RuleTested } from '../../../../shared/contract/detections'
import type { ProjectFiles } from '../../../../shared/contract/model'
import type { Alarm, Rule } from '../../../../shared/detections'
import type { AppError } from '../../../../shared/errors'
import { announce } from '../../composables/use-announcer'
import { asAppError, ring, value } from '../../services/ring'
import { useUi } from '../../stores/ui'
import { useTechniques } from '../techniques/store'
import type { RuleNames } from './completion'

const DRAFT = 'detections'
/** A draft is written, and the rule is read, when typing pauses this long. */
const PAUSE_MS = 400
const CHECK_PAUSE_MS = 150
const SEED = 1

/** A rule as the list shows it. */
export interface RuleEntry {
  file: string
  text: string
  rule: Rule | null
  /** It ships; a rule of one's own does not. */
  isShipped: boolean
  isEdited: boolean
}

/** What a rule is tried on. */
export interface Subject {
  name: string
  label: string
  /** What should happen: a technique raises an alarm, an honest driver does not. */
  raises: boolean
  kind: 'technique' | 'twin' | 'honest' | 'test'
  files: () => Promise<ProjectFiles>
}

export interface Tried {
  subject: Subject
  alarms: Alarm[]
  /** How the run ended, where that says something. */
  outcome: string
  isAsExpected: boolean
}

export const NEW_RULE = `title: A rule of my own
id: my-rule
status: experimental
description: What it finds, and why honest drivers do not do it.
tags: [attack.t1014]
logsource: { product: ring0, category: trace }
detection:
  call: { t: ddi.called, name: ZwTerminateProcess }
  condition: call
level: medium
falsepositives: []
tests:
  - name: a driver ends a process
    raises: true
    events:
      - { t: ddi.called, name: ZwTerminateProcess, args: {}, driver: toy }
`

export const useDetections = defineStore('detections', () => {
  const ui = useUi()
  const techniques = useTechniques()

  const shipped = shallowRef<ProjectFiles>({})
  const shippedRead = shallowRef<RulesRead | null>(null)
  const benign = shallowRef<readonly string[]>([])
  const names = shallowRef<RuleNames>({ kinds: [], columns: {} })
  /** Texts that differ from what ships, and rules of one's own, by file. */
  const edited = shallowRef<ProjectFiles>({})
  const editedRules = shallowRef<Readonly<Record<string, Rule>>>({})
  const isListed = ref(false)
  const listError = shallowRef<AppError | null>(null)
  const file = ref<string | null>(null)
  const saveState = ref<'saved' | 'waiting' | 'failed'>('saved')

  /** What the text of the editor holds. */
  const rule = shallowRef<Rule | null>(null)
  const mistakes = shallowRef<readonly RuleMistake[]>([])
  const tests = shallowRef<readonly RuleTested[]>([])

  /** Slug of the technique that the rule is tried on. */
  const target = ref<string | null>(null)
  const on = ref({ technique: true, twin: true, honest: false, tests: true })
  const running = ref<{ runId: string; label: string; done: number; of: number } | null>(null)
  let isStopping = false
  const tried = shallowRef<readonly Tried[]>([])
  /** The text that `tried` is about. */
  const triedText = ref('')

  const entries = computed<RuleEntry[]>(() => {
    const files = [...new Set([...Object.keys(edited.value), ...Object.keys(shipped.value)])]
    const read = new Map(shippedRead.value?.rules.map((each) => [each.file, each.rule]))
    return files
      .map((name) => ({
        file: name,
        text: edited.value[name] ?? shipped.value[name] ?? '',
        rule: editedRules.value[name] ?? read.get(name) ?? null,
        isShipped: name in shipped.value,
        isEdited: name in edited.value && name in shipped.value,
      }))
      .sort((a, b) => Number(a.isShipped) - Number(b.isShipped) || (a.file < b.file ? -1 : 1))
  })
  const entry = computed(() => entries.value.find((each) => each.file === file.value) ?? null)
  const isStale = computed(() => tried.value.length > 0 && triedText.value !== entry.value?.text)

  async function list(): Promise<void> {
    if (isListed.value && listError.value === null) return
    try {
      const [found, known, { draft }] = await Promise.all([
        value(ring()['detections.list']({})),
        value(ring()['rules.names']({})),
        value(ring()['drafts.load']({ key: DRAFT })),
      ])
      shipped.value = Object.fromEntries(found.files.map((each) => [each.file, each.text]))
      benign.value = found.benign
      names.value = known
      edited.value = draft?.files ?? {}
      shippedRead.value = await value(ring()['rules.read']({ files: found.files }))
      const own = Object.entries(edited.value).map(([name, text]) => ({ file: name, text }))
      if (own.length > 0) keepRules(await value(ring()['rules.read']({ files: own })))
      listError.value = null
      show(techniques.askedRule?.id ?? entries.value[0]?.rule?.id ?? null)
    } catch (thrown) {
      listError.value = asAppError(thrown)
    }
    isListed.value = true
  }

  const keepRules = (read: RulesRead): void => {
    editedRules.value = {
      ...editedRules.value,
      ...Object.fromEntries(read.rules.map((each) => [each.file, each.rule])),
    }
  }

  /** Show a rule by its id. */
  function show(id: string | null): void {
    const found = entries.value.find((each) => each.rule?.id === id)
    if (found) select(found.file)
  }
  watch(
    () => techniques.askedRule,
    (asked) => {
      if (isListed.value && asked) show(asked.id)
    },
  )

  function select(next: string): void {
    if (next === file.value) return
    file.value = next
    tried.value = []
    const id = entry.value?.rule?.id
    const seen = techniques.techniques.filter((each) => id && each.detections.includes(id))
    if (!seen.some(({ slug }) => slug === target.value))
      target.value = seen[0]?.slug ?? target.value ?? techniques.techniques[0]?.slug ?? null
    void check()
  }

  /** Counts the questions: the answer to an older text is none. */
  let asked = 0
  async function check(): Promise<void> {
    const token = ++asked
    const { value: current } = entry
    if (!current) return
    try {
      const read = await value(
        ring()['rules.read']({ files: [{ file: current.file, text: current.text }] }),
      )
      if (token !== asked) return
      rule.value = read.rules[0]?.rule ?? null
      mistakes.value = [...read.mistakes, ...sameId(current, rule.value)]
      tests.value = read.tests
      if (current.file in edited.value) keepRules(read)
    } catch (thrown) {
      if (token === asked) ui.fail(asAppError(thrown))
    }
  }

  /** An id that another rule has: its alarms could not be told from those of this one. */
  function sameId(current: RuleEntry, read: Rule | null): RuleMistake[] {
    const isOther = (each: RuleEntry): boolean =>
      each.file !== current.file && each.rule?.id === read?.id
    const other = read && entries.value.find(isOther)
    if (!other) return []
    const line = current.text.split('\n').findIndex((each) => /^id:/.test(each)) + 1
    const message = `id: ${other.file} has '${read.id}' already.`
    const hint = 'Give this rule another id.'
    return [{ file: current.file, line: Math.max(line, 1), column: 1, message, hint }]
  }

  let pause: ReturnType<typeof setTimeout> | undefined
  let checkPause: ReturnType<typeof setTimeout> | undefined
  function setText(text: string): void {
    const name = file.value
    if (name === null || entry.value?.text === text) return
    if (shipped.value[name] === text) {
      edited.value = without(edited.value, name)
      editedRules.value = without(editedRules.value, name)
    } else edited.value = { ...edited.value, [name]: text }
    touched()
  }

  function touched(): void {
    saveState.value = 'waiting'
    clearTimeout(pause)
    pause = setTimeout(() => void saveDraft(), PAUSE_MS)
    clearTimeout(checkPause)
    checkPause = setTimeout(() => void check(), CHECK_PAUSE_MS)
  }

  /** Write what was changed now, if something waits to be written. */
  async function saveDraft(): Promise<void> {
    clearTimeout(pause)
    if (saveState.value === 'saved') return
    saveState.value = 'saved'
    const isEmpty = Object.keys(edited.value).length === 0
    const result = isEmpty
      ? await ring()['drafts.discard']({ key: DRAFT })
      : await ring()['drafts.save']({ key: DRAFT, files: edited.value, sampleId: null })
    if (result.ok) return
    saveState.value = 'failed'
    ui.fail(result.error)
  }

  /** A rule of one's own, beginning with a text. */
  function create(text = NEW_RULE): void {
    let name = 'my-rule.yaml'
    for (let n = 2; entries.value.some((each) => each.file === name); n++)
      name = `my-rule-${n}.yaml`
    edited.value = {
      ...edited.value,
      [name]: text.replace(/^id: .*$/m, `id: ${name.slice(0, -5)}`),
    }
    touched()
    select(name)
  }

  /** Take back what was changed of a rule that ships; take away one of one's own. */
  function discard(): void {
    const { value: current } = entry
    if (!current || !(current.file in edited.value)) return
    const { file: name, text } = current
    edited.value = without(edited.value, name)
    editedRules.value = without(editedRules.value, name)
    tried.value = []
    touched()
    if (current.isShipped) void check()
    else file.value = entries.value[0]?.file ?? null
    ui.notify({
      kind: 'info',
      text: current.isShipped ? `${name} is as it ships.` : `${name} was deleted.`,
      action: {
        label: 'Undo',
        run: () => {
          edited.value = { ...edited.value, [name]: text }
          touched()
          file.value = name
          void check()
        },
      },
    })
  }

  const subjects = computed<Subject[]>(() => {
    const found: Subject[] = []
    const technique = techniques.techniques.find(({ slug }) => slug === target.value)
    const filesOf = (slug: string, twin: boolean) => async () =>
      (await value(ring()['techniques.files']({ slug, twin }))).files
    const sampleOf = (name: string) => async () =>
      (await value(ring()['detections.sample']({ name }))).files
    if (technique && on.value.technique)
      found.push({
        name: technique.slug,
        label: technique.title,
        raises: true,
        kind: 'technique',
        files: filesOf(technique.slug, false),
      })
    if (technique && on.value.twin)
      found.push({
        name: technique.slug,
        label: `${technique.title}: its twin`,
        raises: false,
        kind: 'twin',
        files: filesOf(technique.slug, true),
      })
    if (on.value.tests)
      for (const { name, raises, sample } of tests.value)
        if (sample !== null)
          found.push({
            name: sample,
            label: `Its test: ${name}`,
            raises,
            kind: 'test',
            files: sampleOf(sample),
          })
    // A driver that the rule's own tests name is made to be found.
    const isFound = (name: string): boolean =>
      tests.value.some(({ raises, sample }) => raises && sample === name)
    if (on.value.honest)
      for (const name of benign.value.filter((each) => !isFound(each)))
        found.push({ name, label: name, raises: false, kind: 'honest', files: sampleOf(name) })
    return found
  })

  const blocked = computed(() => {
    if (running.value) return 'A run is on its way'
    if (!rule.value)
      return entry.value?.text.trim() ? 'The rule has mistakes' : 'There is no rule yet'
    return subjects.value.length === 0 ? 'Choose what to try it on' : null
  })

  async function run(): Promise<void> {
    if (blocked.value !== null) return
    await saveDraft()
    await check()
    const rules = rule.value ? [rule.value] : []
    if (rules.length === 0) return
    const all = subjects.value
    const results: Tried[] = []
    tried.value = []
    triedText.value = entry.value?.text ?? ''
    isStopping = false
    try {
      for (const [done, subject] of all.entries()) {
        const runId = crypto.randomUUID()
        running.value = { runId, label: subject.label, done, of: all.length }
        const files = await subject.files()
        const { report } = await value(
          ring()['lab.run']({ runId, files, seed: SEED, verifier: [], tables: true }),
        )
        const { alarms } = await value(ring()['lab.detect']({ runId, rules }))
        void ring()['lab.close']({ runId })
        if (isStopping) break
        // A driver that never ran raises nothing, which says nothing about the rule.
        const hasRun = report.outcome !== 'compile-error' && report.outcome !== 'load-failed'
        const isAsExpected = hasRun && alarms.length > 0 === subject.raises
        results.push({ subject, alarms, outcome: report.outcome, isAsExpected })
        tried.value = [...results]
      }
      const wrong = results.filter((each) => !each.isAsExpected).length
      announce(
        `Tried on ${results.length}: ${wrong === 0 ? 'all as they should be' : `${wrong} not as they should be`}`,
      )
    } catch (thrown) {
      ui.fail(asAppError(thrown))
    } finally {
      running.value = null
    }
  }

  async function stop(): Promise<void> {
    if (!running.value) return
    isStopping = true
    await ring()['lab.stop']({ runId: running.value.runId })
  }

  async function copy(): Promise<void> {
    const result = await ring()['app.copy']({ text: entry.value?.text ?? '' })
    if (result.ok) ui.notify({ kind: 'info', text: 'The rule was copied.' })
    else ui.fail(result.error)
  }

  async function save(suggestedName: string, text: string): Promise<void> {
    const result = await ring()['app.saveText']({ suggestedName, text })
    if (!result.ok) ui.fail(result.error)
    else if (result.value.path !== null)
      ui.notify({ kind: 'info', text: `Written to ${result.value.path}.` })
  }
  const saveRule = async (): Promise<void> => {
    if (entry.value) await save(entry.value.file, entry.value.text)
  }

  /** All rules, changed ones as they are now, as Sigma YAML in one file. */
  async function exportAll(): Promise<void> {
    try {
      const texts = entries.value.map((each) => each.text)
      const { text, rules } = await value(ring()['rules.export']({ texts }))
      if (rules < texts.length)
        ui.notify({
          kind: 'info',
          text: `${texts.length - rules} of the rules have mistakes and are left out.`,
        })
      await save('ring0-rules.yaml', text)
    } catch (thrown) {
      ui.fail(asAppError(thrown))
    }
  }

  return {
    names,
    benign,
    isListed,
    listError,
    file,
    rule,
    mistakes,
    tests,
    target,
    on,
    running,
    tried,
    entries,
    entry,
    isStale,
    subjects,
    blocked,
    list,
    select,
    setText,
    saveDraft,
    create,
    discard,
    run,
    stop,
    copy,
    saveRule,
    exportAll,
  }
})

function without<T>(record: Readonly<Record<string, T>>, name: string): Record<string, T> {
  const { [name]: _, ...rest } = record
  return rest
}
