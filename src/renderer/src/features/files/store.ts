/**
 * The shelf of driver files as the window shows it: the answer to the query, the rows in sight, what
 * is selected, what is open over the list, and what can be done with it.
 *
 * A selection is either rows by id or "everything found" by its query, so that all of 200,000 rows
 * are selected without naming them.
 */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { ExportFormat, FileRow } from '../../../../shared/contract/files'
import type { AppError, Result } from '../../../../shared/errors'
import { announce } from '../../composables/use-announcer'
import { asAppError, ring, value } from '../../services/ring'
import { useUi } from '../../stores/ui'
import { createRowPages, PAGE } from './row-pages'
import type { Input, ListAnswer, Selected, Sort, SortKey } from './types'
import { files } from './words'

/** What is open over the list; the last one is on top. */
export type View =
  | { kind: 'file'; id: number }
  | { kind: 'compare'; left: number; right: number }
  | { kind: 'matrix'; ids: number[] }

/** Changes come in hundreds during an import; list and page follow this often, in ms. */
export const REFRESH_MS = 700
/** As many as the contract's `files.matrix` takes. */
export const MATRIX_MAX = 60
/** Changes that can be taken back one after the other. */
const UNDO_MAX = 50
/** As many as the contract's `files.ids` gives at once. */
const IDS_MAX = 200_000

export const useFileShelf = defineStore('file-shelf', () => {
  const ui = useUi()
  const query = ref('')
  const sort = shallowRef<Sort>({ key: 'added', descending: true })
  const answer = shallowRef<Omit<ListAnswer, 'rows'> | null>(null)
  const error = shallowRef<AppError | null>(null)

  const selected = shallowRef<ReadonlySet<number>>(new Set())
  const isAllSelected = ref(false)
  /** Place of the row that the keyboard is on. */
  const cursor = ref(0)
  /** The row to bring into sight; a new object each time somebody moves there. */
  const revealed = shallowRef<{ place: number } | null>(null)
  /** Rows that came in above those in sight; the table scrolls along. */
  const shifted = shallowRef<{ rows: number }>({ rows: 0 })
  let anchor = 0

  const views = shallowRef<readonly View[]>([])
  /** What can be taken back, the last change last. */
  const undoable = shallowRef<readonly { word: string; text: string }[]>([])
  const undoWord = computed(() => undoable.value.at(-1)?.word ?? null)

  const total = computed(() => answer.value?.total ?? 0)
  const selectedCount = computed(() => (isAllSelected.value ? total.value : selected.value.size))
  const onlyId = computed(() =>
    !isAllSelected.value && selected.value.size === 1 ? [...selected.value][0]! : null,
  )
  const selection = computed<Selected | null>(() =>
    isAllSelected.value
      ? { query: query.value }
      : selected.value.size > 0
        ? { ids: [...selected.value] }
        : null,
  )
  const isSelected = (row: FileRow | undefined): boolean =>
    row !== undefined && (isAllSelected.value || selected.value.has(row.id))

  // ---- the list

  let asked = 0
  const list = (offset: number, limit: number): Promise<Result<ListAnswer>> =>
    ring()['files.list']({ query: query.value, sort: sort.value, offset, limit })

  const rows = createRowPages(async (offset, limit) => {
    const token = asked
    const result = await list(offset, limit)
    return token === asked && result.ok ? result.value.rows : null
  })

  /**
   * Ask anew from the top. What is selected stays; after another query, as far as it is found.
   * @param isOrder  the same files in another order
   */
  async function load(isOrder = false): Promise<void> {
    const token = ++asked
    const result = await list(0, PAGE)
    if (token !== asked) return
    take(result, 0)
    if (!result.ok) return
    const before = selected.value
    let kept = result.value.rows.map(({ id }) => id).filter((id) => before.has(id))
    cursor.value = anchor = kept[0] === undefined ? 0 : rows.placeOf(kept[0])
    revealed.value = { place: cursor.value }
    if (before.size > 0 && (isOrder || kept.length === before.size)) return
    // Several may be found further down than what was fetched; one alone gives way to the first hit.
    if (before.size > 1 && result.value.total > PAGE) {
      const found = await attempt(() =>
        value(
          ring()['files.ids']({
            query: query.value,
            offset: 0,
            limit: Math.min(result.value.total, IDS_MAX),
          }),
        ),
      )
      if (!found || selected.value !== before) return
      kept = found.ids.filter((id) => before.has(id))
    }
    const first = result.value.rows[0]
    if (kept.length === 0 && first && !isAllSelected.value) kept = [first.id]
    selected.value = new Set(kept)
  }

  /** Ask anew for what is in sight; place and selection stay. */
  async function refresh(): Promise<void> {
    const token = ++asked
    const { offset, limit } = rows.stretch()
    const seen = rows.rowAt(rows.view().first)
    const onCursor = rows.rowAt(cursor.value)
    const before = total.value
    const isAtTop = rows.view().first === 0
    const result = await list(offset, limit)
    if (token !== asked) return
    take(result, offset)
    if (!result.ok) return
    const growth = result.value.total - before
    const stays = isAtTop || !seen || rows.placeOf(seen.id) === rows.view().first
    if (!stays && growth > 0) {
      // What came in stands above: the rows in sight are that much further down now.
      rows.look(rows.view().first + growth, rows.view().last + growth)
      shifted.value = { rows: growth }
    }
    const place = onCursor ? rows.placeOf(onCursor.id) : -1
    const guess = cursor.value + (stays ? 0 : Math.max(0, growth))
    cursor.value = Math.max(0, Math.min(total.value - 1, place >= 0 ? place : guess))
    anchor = cursor.value
    const first = rows.rowAt(cursor.value)
    if (selectedCount.value === 0 && first) selected.value = new Set([first.id])
  }

  function take(result: Result<ListAnswer>, offset: number): void {
    if (!result.ok) {
      error.value = result.error
      return
    }
    error.value = null
    const { rows: found, ...rest } = result.value
    answer.value = rest
    if (rest.isFilling) changed()
    rows.replace(offset, found, rest.total)
  }

  let typing: ReturnType<typeof setTimeout> | undefined
  function setQuery(text: string): void {
    if (query.value === text) return
    query.value = text
    isAllSelected.value = false
    clearTimeout(typing)
    typing = setTimeout(() => {
      void load().then(() => announce(`${files(total.value)} found`))
    }, 120)
  }

  function setSort(key: SortKey, descending: boolean): void {
    sort.value = { key, descending }
    void load(true)
  }

  let refreshing: ReturnType<typeof setTimeout> | undefined
  let refreshedAt = 0
  function changed(): void {
    if (refreshing !== undefined) return
    refreshing = setTimeout(
      () => {
        refreshing = undefined
        refreshedAt = Date.now()
        void refresh()
      },
      Math.max(0, refreshedAt + REFRESH_MS - Date.now()),
    )
  }

  /** Show the shelf and keep it up to date; returns what ends that. */
  function open(): () => void {
    void (answer.value === null ? load() : refresh())
    const off = ring().on('files.changed', changed)
    return () => {
      off()
      clearTimeout(refreshing)
      refreshing = undefined
    }
  }

  // ---- what is selected

  /** Ids of a stretch, also of rows that were never fetched. */
  async function idsBetween(from: number, to: number): Promise<number[] | null> {
    const ids: number[] = []
    for (let place = from; place <= to; place++) {
      const row = rows.rowAt(place)
      if (!row) break
      ids.push(row.id)
    }
    if (ids.length === to - from + 1) return ids
    const token = asked
    const found = await attempt(() =>
      value(
        ring()['files.ids']({
          query: query.value,
          sort: sort.value,
          offset: from,
          limit: to - from + 1,
        }),
      ),
    )
    return token === asked ? (found?.ids ?? null) : null
  }

  async function selectAt(
    place: number,
    how: 'only' | 'toggle' | 'range' | 'move' = 'only',
  ): Promise<void> {
    if (total.value === 0) return
    const to = Math.max(0, Math.min(total.value - 1, place))
    cursor.value = to
    revealed.value = { place: to }
    if (how === 'move') return
    if (how === 'range') {
      const ids = await idsBetween(Math.min(anchor, to), Math.max(anchor, to))
      if (!ids || cursor.value !== to) return
      isAllSelected.value = false
      selected.value = new Set(ids)
      return
    }
    anchor = to
    const wasAll = isAllSelected.value
    const before =
      how === 'toggle' ? (wasAll ? await idsBetween(0, total.value - 1) : [...selected.value]) : []
    const [id] = (await idsBetween(to, to)) ?? []
    if (id === undefined || before === null || cursor.value !== to) return
    isAllSelected.value = false
    const next = new Set(before)
    if (how === 'only' || !next.delete(id)) next.add(id)
    selected.value = next
  }

  function selectAll(): void {
    if (total.value === 0) return
    isAllSelected.value = true
    selected.value = new Set()
    announce(`${files(total.value)} selected`)
  }

  function selectNone(): void {
    isAllSelected.value = false
    selected.value = new Set()
  }

  // ---- what is open over the list

  const show = (view: View): void => {
    views.value = [...views.value, view]
  }
  function back(): boolean {
    if (views.value.length === 0) return false
    views.value = views.value.slice(0, -1)
    return true
  }
  /** To the list, with another query. */
  function searchFor(text: string): void {
    views.value = []
    setQuery(text)
  }
  /** Open the file that stands beside the open one in the list. */
  async function step(by: 1 | -1): Promise<void> {
    const top = views.value.at(-1)
    if (top?.kind !== 'file') return
    const place = rows.placeOf(top.id)
    await selectAt((place >= 0 ? place : cursor.value) + by)
    if (onlyId.value !== null)
      views.value = [...views.value.slice(0, -1), { kind: 'file', id: onlyId.value }]
  }

  // ---- what can be done

  /** Do something that may fail; failures are shown, and say so by `null`. */
  async function attempt<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work()
    } catch (thrown) {
      ui.fail(asAppError(thrown))
      return null
    }
  }

  /** Say what was done; with a word, how to take it back. */
  function offerUndo(text: string, undo: string | null): void {
    if (undo !== null) undoable.value = [...undoable.value, { word: undo, text }].slice(-UNDO_MAX)
    ui.notify({
      kind: 'info',
      text,
      ...(undo === null
        ? {}
        : {
            hint: 'Ctrl+Z takes it back.',
            action: { label: 'Undo', run: () => void undoLast(undo) },
            undo,
          }),
    })
    announce(text)
  }

  type Change = Omit<Input<'files.annotate'>, 'selection'>
  /** Change what is said of the selected files; one undo takes all of it back. */
  async function annotate(change: Change, what: string): Promise<void> {
    if (!selection.value) return
    const target = selection.value
    const done = await attempt(() =>
      value(ring()['files.annotate']({ selection: target, ...change })),
    )
    if (done) offerUndo(`${files(done.changed)}: ${what}.`, done.undo)
  }

  async function remove(): Promise<void> {
    if (!selection.value) return
    const target = selection.value
    const only = onlyId.value === null ? undefined : rows.rowAt(rows.placeOf(onlyId.value))
    const done = await attempt(() => value(ring()['files.remove']({ selection: target })))
    if (!done) return
    selectNone()
    offerUndo(`${only ? `“${only.name}”` : files(done.changed)} left the shelf.`, done.undo)
  }

  /** Take a change back: the last one, or that of a word. */
  async function undoLast(word = undoWord.value): Promise<void> {
    if (word === null) return
    const change = undoable.value.find((each) => each.word === word)
    undoable.value = undoable.value.filter((each) => each.word !== word)
    const done = await attempt(() => value(ring()['files.undo']({ undo: word })))
    if (!done) return
    ui.undone(word)
    ui.notify({ kind: 'info', text: `Taken back: ${change?.text ?? files(done.changed)}` })
    announce(`${files(done.changed)} as before`)
  }

  async function exportAs(format: ExportFormat, target: Selected): Promise<void> {
    const done = await attempt(() => value(ring()['files.export']({ selection: target, format })))
    if (!done || done.path === null) return
    const left = done.left.length
    ui.notify({
      kind: left > 0 ? 'error' : 'info',
      text: `${files(done.files)} exported${left > 0 ? `, ${left} left out` : ''}.`,
      hint: done.path,
      ...(left > 0 ? { detail: done.left.join('\n') } : {}),
    })
  }

  /** Ids of the selection, up to a bound; null when there are more. */
  async function selectedIds(max: number): Promise<number[] | null> {
    if (selectedCount.value > max) return null
    if (!isAllSelected.value) return [...selected.value]
    return idsBetween(0, total.value - 1)
  }

  return {
    query,
    sort,
    answer,
    error,
    total,
    pages: rows.pages,
    rowAt: rows.rowAt,
    look: rows.look,
    placeOf: rows.placeOf,
    selected,
    selectedCount,
    selection,
    isAllSelected,
    isSelected,
    onlyId,
    cursor,
    revealed,
    shifted,
    views,
    undoWord,
    open,
    load,
    setQuery,
    setSort,
    selectAt,
    selectAll,
    selectNone,
    selectedIds,
    show,
    back,
    searchFor,
    step,
    annotate,
    remove,
    offerUndo,
    undoLast,
    exportAs,
  }
})
