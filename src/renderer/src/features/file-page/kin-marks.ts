/** How kin are drawn and told: a shape and a tone for each relation, a shape for what is known of a file. */
import type { FileRow } from '../../../../shared/contract/files'
import { plural } from '../../../../shared/trace/words'
import type { Hub, KinFile, KinLayout } from './kin-layout'
import { RELATIONS, type Relation } from './words'

/** Around 0, 0 in a square from -10 to 10. */
export const RELATION_MARKS: Record<Relation, { glyph: string; tone: string }> = {
  authentihash: { glyph: 'M-7 -7H7V7H-7Z', tone: 'var(--lane-code)' },
  imphash: { glyph: 'M0 -8L8 6H-8Z', tone: 'var(--lane-io)' },
  rich: { glyph: 'M0 -9L8 0L0 9L-8 0Z', tone: 'var(--warn-graphic)' },
  signer: { glyph: 'M-7 -4L0 -9L7 -4V5L0 9L-7 5Z', tone: 'var(--lane-memory)' },
  'pdb-folder': { glyph: 'M-8 -6H-2L0 -4H8V6H-8Z', tone: 'var(--ok)' },
  tlsh: { glyph: 'M-8 0A8 8 0 1 1 8 0A8 8 0 1 1 -8 0Z', tone: 'var(--lane-threads)' },
}

export const FILE_MARKS = {
  plain: { glyph: 'M-4.5 0A4.5 4.5 0 1 1 4.5 0A4.5 4.5 0 1 1 -4.5 0Z', words: 'file' },
  vulnerable: { glyph: 'M0 -6L6 5H-6Z', words: 'known vulnerable' },
  malicious: { glyph: 'M0 -6.5L6.5 0L0 6.5L-6.5 0Z', words: 'known malicious' },
} as const

export function fileMark({ known }: FileRow): keyof typeof FILE_MARKS {
  if (known === null) return 'plain'
  return /malicious/i.test(known) ? 'malicious' : 'vulnerable'
}

export const CENTER = 'center'
export const fileKey = (id: number): string => `file ${id}`

/** The shared value, as short as it can be told. */
export function hubValue({ relation, value, label }: Hub): string {
  if (relation === 'signer' || relation === 'pdb-folder') return value
  return relation === 'tlsh' ? label.replace(/^TLSH /, '') : `${value.slice(0, 8)}…`
}

/** What stands at a place of the picture, in one sentence. */
export function kinWords(layout: KinLayout, at: string): string {
  const hub = layout.hubs.find(({ key }) => key === at)
  if (hub)
    return `${RELATIONS[hub.relation].name}: ${hubValue(hub)}, ${plural(hub.total, 'file')} on the shelf`
  const file = layout.files.find(({ row }) => fileKey(row.id) === at)
  return file ? fileWords(layout, file) : `${layout.center.name}, this file`
}

function fileWords(layout: KinLayout, { row, hubs, distance }: KinFile): string {
  const shared = layout.hubs
    .filter(({ key }) => hubs.includes(key))
    .map(({ relation }) => RELATIONS[relation].sentence)
  const far = distance === null ? '' : `, TLSH distance ${distance}`
  return `${row.name} ${shared.join(', ')}${far}${row.known ? `; ${row.known}` : ''}`
}
