/** What the Catalogue shows: the answer to the query, what is selected, and what can be done with it. */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { z } from 'zod'
import type {
  RunRow,
  Sample,
  SampleSummary,
  SampleVersion,
  catalogueContract,
} from '../../../../shared/contract/catalogue'
import type { AppError } from '../../../../shared/errors'
import { asAppError, ring, value } from '../../services/ring'
import { useUi } from '../../stores/ui'
import { announce } from '../../composables/use-announcer'
import { plural } from './words'

type ListAnswer = z.output<(typeof catalogueContract)['samples.list']['output']>
export type Sort = 'shelf' | 'title' | 'updated' | 'relevance'
export type SampleChange = Pick<
  z.input<(typeof catalogueContract)['samples.update']['input']>,
  'title' | 'summary' | 'status' | 'tags' | 'notes'
>

const PAGE = 200

export const useCatalogue = defineStore('catalogue', () => {
  const ui = useUi()
  const query = ref('')
  const sort = ref<Sort>('shelf')
  const answer = shallowRef<ListAnswer | null>(null)
  const error = shallowRef<AppError | null>(null)
  const loading = ref(false)
  /** Rows by place in the list; those not asked for yet are absent. */
  const rows = shallowRef<ReadonlyMap<number, SampleSummary>>(new Map())
  const selected = shallowRef<ReadonlySet<number>>(new Set())
  /** Place of the row that the keyboard is on. */
  const cursor = ref(0)
  let anchor = 0

  const detail = shallowRef<Sample | null>(null)
  const detailError = shallowRef<AppError | null>(null)
  const runs = shallowRef<readonly RunRow[]>([])
  const versions = shallowRef<readonly SampleVersion[]>([])
  const undoToken = ref<string | null>(null)

  const total = computed(() => answer.value?.total ?? 0)
  const current = computed(() => rows.value.get(cursor.value) ?? null)
  const selectedIds = computed(() => [...selected.value])

  // ---- the list

  let asked = 0
  const pagesAsked = new Set<number>()

  async function load(options: { keepPlace: boolean }): Promise<void> {
    const token = ++asked
    loading.value = true
    const limit = options.keepPlace
      ? Math.min(1000, Math.max(PAGE, Math.ceil((cursor.value + 1) / PAGE) * PAGE))
      : PAGE
    const result = await ring()['samples.list']({
      query: query.value,
      sort: sort.value,
      limit,
      offset: 0,
    })
    if (token !== asked) return
    loading.value = false
    if (!result.ok) {
      error.value = result.error
      return
    }
    error.value = null
    answer.value = result.value
    pagesAsked.clear()
    for (let page = 0; page * PAGE < limit; page++) pagesAsked.add(page)
    rows.value = new Map(result.value.samples.map((sample, index) => [index, sample]))
    settleSelection(options.keepPlace)
  }

  /** Ask for the rows that are coming into sight. */
  async function show(first: number, last: number): Promise<void> {
    const token = asked
    for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page++) {
      if (pagesAsked.has(page) || page * PAGE >= total.value) continue
      pagesAsked.add(page)
      const result = await ring()['samples.list']({
        query: query.value,
        sort: sort.value,
        limit: PAGE,
        offset: page * PAGE,
      })
      if (token !== asked || !result.ok) return
      const next = new Map(rows.value)
      result.value.samples.forEach((sample, index) => next.set(page * PAGE + index, sample))
      rows.value = next
    }
  }

  /** After a new answer: stay with what was selected if it is still there, else with the place. */
  function settleSelection(keepPlace: boolean): void {
    const present = new Map([...rows.value].map(([index, sample]) => [sample.id, index]))
    const kept = selectedIds.value.filter((id) => present.has(id))
    if (kept.length > 0) {
      selected.value = new Set(kept)
      cursor.value = present.get(kept[0]!)!
    } else {
      cursor.value = keepPlace ? Math.max(0, Math.min(cursor.value, total.value - 1)) : 0
      const at = rows.value.get(cursor.value)
      selected.value = new Set(at ? [at.id] : [])
    }
    anchor = cursor.value
    void loadDetail()
  }

  let typing: ReturnType<typeof setTimeout> | undefined
  function setQuery(text: string): void {
    if (query.value === text) return
    const hadWords = hasWords(query.value)
    query.value = text
    if (hasWords(text) !== hadWords) sort.value = hasWords(text) ? 'relevance' : 'shelf'
    clearTimeout(typing)
    typing = setTimeout(() => {
      void load({ keepPlace: false }).then(() => announce(`${plural(total.value, 'sample')} found`))
    }, 90)
  }

  function setSort(next: Sort): void {
    sort.value = next
    void load({ keepPlace: false })
  }

  // ---- what is selected

  function selectAt(index: number, how: 'only' | 'toggle' | 'range' = 'only'): void {
    if (total.value === 0) return
    const to = Math.max(0, Math.min(total.value - 1, index))
    const idAt = (at: number): number | undefined => rows.value.get(at)?.id
    cursor.value = to
    if (how === 'range') {
      const [from, until] = anchor < to ? [anchor, to] : [to, anchor]
      const ids: number[] = []
      for (let at = from; at <= until; at++) {
        const id = idAt(at)
        if (id !== undefined) ids.push(id)
      }
      selected.value = new Set(ids)
    } else {
      anchor = to
      const id = idAt(to)
      if (id !== undefined) {
        if (how === 'only') selected.value = new Set([id])
        else {
          const next = new Set(selected.value)
          if (!next.delete(id)) next.add(id)
          selected.value = next
        }
      }
    }
    void loadDetail()
  }

  function selectAll(): void {
    selected.value = new Set([...rows.value.values()].map((sample) => sample.id))
    announce(`${plural(selected.value.size, 'sample')} selected`)
    void loadDetail()
  }

  /** Show this sample, wherever the list stands. */
  async function reveal(id: number): Promise<void> {
    await load({ keepPlace: true })
    let place = [...rows.value].find(([, sample]) => sample.id === id)?.[0]
    if (place === undefined && query.value !== '') {
      query.value = ''
      sort.value = 'shelf'
      await load({ keepPlace: false })
      place = [...rows.value].find(([, sample]) => sample.id === id)?.[0]
    }
    if (place !== undefined) selectAt(place)
  }

  // ---- one sample

  let detailAsked = 0
  async function loadDetail(): Promise<void> {
    const token = ++detailAsked
    const [id] = selectedIds.value
    if (selected.value.size !== 1 || id === undefined) {
      detail.value = null
      detailError.value = null
      return
    }
    const [sample, kept, earlier] = await Promise.all([
      ring()['samples.get']({ id }),
      ring()['runs.list']({ sampleId: id, limit: 50 }),
      ring()['samples.versions']({ id }),
    ])
    if (token !== detailAsked) return
    detail.value = sample.ok ? sample.value : null
    detailError.value = sample.ok ? null : sample.error
    runs.value = kept.ok ? kept.value.runs : []
    versions.value = earlier.ok ? earlier.value.versions : []
  }

  /** Do something that may fail; failures are shown, and say so by `null`. */
  async function attempt<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work()
    } catch (thrown) {
      ui.fail(asAppError(thrown))
      return null
    }
  }

  async function change(id: number, part: SampleChange): Promise<boolean> {
    const sample = await attempt(() => value(ring()['samples.update']({ id, ...part })))
    if (sample && detail.value?.id === id) detail.value = sample
    return sample !== null
  }

  async function duplicate(id: number): Promise<void> {
    const copy = await attempt(() => value(ring()['samples.duplicate']({ id })))
    if (!copy) return
    await reveal(copy.id)
    announce(`${copy.title} was made`)
  }

  async function create(title: string, files: Sample['files']): Promise<Sample | null> {
    return attempt(() => value(ring()['samples.create']({ title, files })))
  }

  async function remove(ids: readonly number[]): Promise<void> {
    const names = [...rows.value.values()].filter((sample) => ids.includes(sample.id))
    const done = await attempt(() => value(ring()['samples.delete']({ ids: [...ids] })))
    if (!done) return
    undoToken.value = done.undo
    const what = names.length === 1 ? `“${names[0]!.title}” was` : `${ids.length} samples were`
    ui.notify({
      kind: 'info',
      text: `${what} deleted.`,
      hint: 'Ctrl+Z brings it back, and “Deleted” does so for 30 days.',
      action: { label: 'Undo', run: () => void undo(done.undo) },
      undo: done.undo,
    })
    announce(`${what} deleted. Control Z brings it back.`)
  }

  async function undo(token = undoToken.value): Promise<void> {
    if (token === null) return
    if (undoToken.value === token) undoToken.value = null
    const done = await attempt(() => value(ring()['samples.undoDelete']({ undo: token })))
    if (!done) return
    ui.undone(token)
    announce(`${plural(done.restored, 'sample')} brought back`)
  }

  const deletions = shallowRef<readonly { undo: string; deletedAt: string; titles: string[] }[]>([])
  async function loadDeletions(): Promise<void> {
    deletions.value = (await attempt(() => value(ring()['samples.deleted']({}))))?.deletions ?? []
  }

  async function restoreBundled(): Promise<void> {
    const done = await attempt(() => value(ring()['samples.restoreBundled']({})))
    if (!done) return
    ui.notify({
      kind: 'info',
      text:
        done.restored === 0
          ? 'All shipped samples are there already.'
          : `${plural(done.restored, 'shipped sample')} came back.`,
    })
  }

  async function tag(ids: readonly number[], add: string[], remove: string[]): Promise<void> {
    const done = await attempt(() => value(ring()['samples.tag']({ ids: [...ids], add, remove })))
    if (done && ids.length > 1) announce(`${plural(done.changed, 'sample')} changed`)
  }

  async function revert(id: number, version: number): Promise<void> {
    const sample = await attempt(() => value(ring()['samples.revert']({ id, version })))
    if (!sample) return
    ui.notify({
      kind: 'info',
      text: `“${sample.title}” has its earlier text again.`,
      hint: 'The text before is kept as a version of its own.',
    })
  }

  async function deleteRuns(ids: readonly string[]): Promise<void> {
    await attempt(() => value(ring()['runs.delete']({ ids: [...ids] })))
  }

  // ---- lab files

  async function exportLab(ids: readonly number[]): Promise<void> {
    const done = await attempt(() => value(ring()['labfile.export']({ ids: [...ids] })))
    if (!done || done.path === null) return
    ui.notify({
      kind: 'info',
      text: `${plural(done.samples, 'sample')} and their runs were exported.`,
      hint: done.path,
    })
  }

  async function importLab(): Promise<void> {
    const done = await attempt(() => value(ring()['labfile.import']({})))
    if (!done || done.path === null) return
    const left = done.skipped.length
    ui.notify({
      kind: left > 0 ? 'error' : 'info',
      text: `${plural(done.added, 'sample')} added, ${done.merged} merged${left > 0 ? `, ${left} left out` : ''}.`,
      hint: done.path,
      ...(left > 0 ? { detail: done.skipped.join('\n') } : {}),
    })
    announce(`${plural(done.added, 'sample')} added, ${done.merged} merged`)
  }

  /** Show the shelf and keep it up to date; returns what ends that. */
  function open(): () => void {
    void load({ keepPlace: answer.value !== null })
    return ring().on('samples.changed', () => void load({ keepPlace: true }))
  }

  return {
    query,
    sort,
    answer,
    error,
    loading,
    rows,
    selected,
    selectedIds,
    cursor,
    current,
    total,
    detail,
    detailError,
    runs,
    versions,
    undoToken,
    deletions,
    loadDeletions,
    open,
    load,
    show,
    setQuery,
    setSort,
    selectAt,
    selectAll,
    reveal,
    change,
    create,
    duplicate,
    remove,
    undo,
    restoreBundled,
    tag,
    revert,
    deleteRuns,
    exportLab,
    importLab,
  }
})

/** Whether a query has words to rank by, besides fields. */
const hasWords = (query: string): boolean =>
  query.split(/\s+/).some((word) => word !== '' && !word.startsWith('-') && !/^[a-z]+:/i.test(word))
