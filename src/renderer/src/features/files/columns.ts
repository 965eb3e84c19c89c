/** The columns of the table, and what the user made of them: which, how wide; kept as a setting. */
import { computed, type ComputedRef } from 'vue'
import { useSettings } from '../../stores/settings'
import type { SortKey } from './types'

export interface Column {
  id: string
  title: string
  /** What the head says aloud and in its tooltip, where the title is short. */
  about?: string
  /** Width in rem when nobody chose another. */
  width: number
  sort?: SortKey
  /** The first click sorts downwards: newest, largest, most. */
  descending?: boolean
  isNumber?: boolean
  /** Shown only when asked for. */
  isExtra?: boolean
}

export const COLUMNS: readonly Column[] = [
  { id: 'name', title: 'Name', width: 13.5, sort: 'name' },
  { id: 'standing', title: 'Known', about: 'Known as, on a block list', width: 12.4 },
  { id: 'signature', title: 'Signature', about: 'Kind and signer', width: 17.5, sort: 'signer' },
  {
    id: 'evidence',
    title: 'Evidence',
    about: 'Observations against the signature and its times',
    width: 5.8,
    sort: 'evidence',
    descending: true,
  },
  { id: 'compiled', title: 'Compiled', width: 8.1, sort: 'compiled', descending: true },
  { id: 'types', title: 'Type', about: 'Driver types', width: 7.6 },
  {
    id: 'capabilities',
    title: 'Can do',
    about: 'Capabilities found',
    width: 5.4,
    sort: 'capabilities',
    descending: true,
  },
  { id: 'size', title: 'Size', width: 5.6, sort: 'size', descending: true, isNumber: true },
  { id: 'tags', title: 'Tags', width: 12 },
  { id: 'added', title: 'Added', width: 8, sort: 'added', descending: true },
  { id: 'verdict', title: 'Verdict', width: 8, isExtra: true },
  { id: 'status', title: 'Status', width: 5.5, isExtra: true },
  { id: 'machine', title: 'Machine', width: 6, sort: 'machine', isExtra: true },
  {
    id: 'signed',
    title: 'Signed',
    about: 'Claimed time of signing',
    width: 8.1,
    sort: 'signedAt',
    descending: true,
    isExtra: true,
  },
  { id: 'sha256', title: 'SHA-256', width: 12, isExtra: true },
]

const SETTING = 'files.columns'
const WIDTH_MIN = 4
const WIDTH_MAX = 60

interface Choice {
  hidden: string[]
  widths: Record<string, number>
}

const USUAL: Choice = {
  hidden: COLUMNS.filter(({ isExtra }) => isExtra).map(({ id }) => id),
  widths: {},
}

/** What was kept, as far as it can be understood. */
function readChoice(text: string | undefined): Choice {
  if (text === undefined) return USUAL
  try {
    const { hidden, widths } = JSON.parse(text) as Partial<Record<keyof Choice, unknown>>
    return {
      hidden: Array.isArray(hidden) ? hidden.filter((id) => typeof id === 'string') : USUAL.hidden,
      widths: Object.fromEntries(
        Object.entries(widths ?? {}).filter(([, width]) => typeof width === 'number'),
      ) as Record<string, number>,
    }
  } catch {
    return USUAL
  }
}

export interface ShownColumn extends Column {
  /** Width in rem now. */
  rem: number
}

export interface Columns {
  all: ComputedRef<(Column & { isShown: boolean })[]>
  shown: ComputedRef<ShownColumn[]>
  toggle: (id: string) => void
  /** Make a column wider or narrower by rem. */
  resize: (id: string, by: number) => void
  resetWidth: (id: string) => void
  reset: () => void
}

/** The columns as the user left them. The name stays: it is what a row is called. */
export function useColumns(): Columns {
  const settings = useSettings()
  const choice = computed(() => readChoice(settings.values[SETTING]))
  const save = (next: Choice): void => settings.saveSoon(SETTING, JSON.stringify(next))
  const isShown = ({ id }: Column): boolean => id === 'name' || !choice.value.hidden.includes(id)
  const widthOf = (id: string): number => {
    const own = choice.value.widths[id] ?? COLUMNS.find((column) => column.id === id)?.width ?? 8
    return Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, own))
  }

  return {
    all: computed(() => COLUMNS.map((column) => ({ ...column, isShown: isShown(column) }))),
    shown: computed(() =>
      COLUMNS.filter(isShown).map((column) => ({ ...column, rem: widthOf(column.id) })),
    ),
    toggle(id) {
      const { hidden, widths } = choice.value
      const next = hidden.includes(id) ? hidden.filter((other) => other !== id) : [...hidden, id]
      save({ hidden: next, widths })
    },
    resize(id, by) {
      const { hidden, widths } = choice.value
      const wide = Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, widthOf(id) + by))
      save({ hidden, widths: { ...widths, [id]: Math.round(wide * 100) / 100 } })
    },
    resetWidth(id) {
      const { hidden, widths } = choice.value
      save({
        hidden,
        widths: Object.fromEntries(Object.entries(widths).filter(([other]) => other !== id)),
      })
    },
    reset: () => save(USUAL),
  }
}
