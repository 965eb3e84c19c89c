/** Words, shapes and tones for what the catalogue shows; one place, so that a state looks alike. */
import {
  Archive,
  BadgeCheck,
  Ban,
  CircleCheck,
  CircleDashed,
  CircleStop,
  CircleX,
  Droplets,
  FlaskConical,
  Gauge,
  Hourglass,
  PencilLine,
  TriangleAlert,
} from '@lucide/vue'
import type { FunctionalComponent } from 'vue'
import type { SampleSummary } from '../../../../shared/contract/catalogue'

export type Tone = 'ok' | 'warn' | 'danger' | 'accent' | 'plain'

export interface Mark {
  word: string
  tone: Tone
  icon: FunctionalComponent
}

const STATUS: Record<SampleSummary['status'], Mark> = {
  draft: { word: 'draft', tone: 'plain', icon: PencilLine },
  working: { word: 'working', tone: 'ok', icon: FlaskConical },
  crashing: { word: 'crashing', tone: 'danger', icon: TriangleAlert },
  fixed: { word: 'fixed', tone: 'ok', icon: BadgeCheck },
  reference: { word: 'reference', tone: 'accent', icon: Archive },
}

const OUTCOME: Record<string, Mark> = {
  ok: { word: 'ok', tone: 'ok', icon: CircleCheck },
  bugcheck: { word: 'bug check', tone: 'danger', icon: CircleX },
  'verifier-stop': { word: 'verifier stop', tone: 'warn', icon: CircleStop },
  leak: { word: 'leak', tone: 'warn', icon: Droplets },
  hang: { word: 'hang', tone: 'warn', icon: Hourglass },
  limit: { word: 'limit', tone: 'warn', icon: Gauge },
  'load-failed': { word: 'load failed', tone: 'warn', icon: Ban },
  'compile-error': { word: 'compile error', tone: 'warn', icon: Ban },
  none: { word: 'never run', tone: 'plain', icon: CircleDashed },
}

export const STATUSES = Object.keys(STATUS) as SampleSummary['status'][]
export const statusMark = (status: SampleSummary['status']): Mark => STATUS[status]

/** An outcome that this version does not know is shown as it is written. */
export const outcomeMark = (outcome: string | null): Mark =>
  OUTCOME[outcome ?? 'none'] ?? { word: outcome ?? '', tone: 'plain', icon: CircleDashed }

export const ORIGIN_WORDS: Record<SampleSummary['origin'], string> = {
  bundled: 'ships with the app',
  user: 'yours',
  imported: 'imported',
}

/** `1 sample`, `2 samples`. */
export const plural = (count: number, word: string): string =>
  `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * 24 * 3600],
  ['month', 30 * 24 * 3600],
  ['day', 24 * 3600],
  ['hour', 3600],
  ['minute', 60],
]
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' })

/** How long ago, in one or two words. */
export function ago(time: string, now = Date.now()): string {
  const seconds = (new Date(time).getTime() - now) / 1000
  if (!Number.isFinite(seconds)) return ''
  for (const [unit, size] of STEPS)
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit)
  return 'just now'
}

/** Date and time as people here read them. */
export function dateTime(time: string): string {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return ''
  return date.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
}

/** A snippet's pieces: what was searched for stands between ‹ and ›. */
export function snippetParts(snippet: string): { text: string; hit: boolean }[] {
  return snippet
    .replace(/\s+/g, ' ')
    .split(/(‹[^‹›]*›)/)
    .filter((text) => text !== '')
    .map((text) =>
      text.startsWith('‹') && text.endsWith('›')
        ? { text: text.slice(1, -1), hit: true }
        : { text: text.replace(/[‹›]/g, ''), hit: false },
    )
}
