/**
 * Exports: what the shelf knows of some files as text for other programs and people. Everything
 * is a generator of pieces with one file in memory at a time, but LOLDrivers entries, which gather
 * files by name.
 */
import type { ExportFormat, FileDetail, FileRow } from '../../shared/contract/files'
import { csv } from './csv'
import { html } from './html'
import { lolDriversYaml } from './loldrivers-yaml'
import { misp } from './misp'
import { sipolicy } from './sipolicy'
import { stix } from './stix'
import { RING0_NAMESPACE, uuid5 } from './uuid'

/** The formats that need nothing but the shelf's own words; `json` is the shelf's own document. */
export type TextFormat = Exclude<ExportFormat, 'json'>

export interface ExportSource {
  rows(): Iterable<FileRow>
  details(): Iterable<FileDetail>
}

export const EXPORT_ENDINGS: Record<ExportFormat, string> = {
  csv: 'csv',
  json: 'json',
  'loldrivers-yaml': 'yaml',
  stix: 'stix.json',
  misp: 'misp.json',
  sipolicy: 'xml',
  html: 'html',
}

/**
 * @param left  gets a sentence for each file that the format cannot hold
 * @param now   time of the export; with it the same files give the same bytes
 */
export function exportText(
  format: TextFormat,
  source: ExportSource,
  now: Date,
  left: string[] = [],
): Iterable<string> {
  switch (format) {
    case 'csv':
      return csv(source.rows())
    case 'loldrivers-yaml':
      return lolDriversYaml(source.details(), now, left)
    case 'stix':
      return stix(source.details(), now)
    case 'misp':
      return misp(source.details(), now)
    case 'sipolicy':
      return sipolicy(source.details(), uuid5(RING0_NAMESPACE, now.toISOString()), left)
    case 'html':
      return html(source.details(), now)
  }
}
