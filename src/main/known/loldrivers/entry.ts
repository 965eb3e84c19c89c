/** LOLDrivers files to entries: their YAML (one entry a file) and the JSON of their interface. */
import type { KnownEntryData } from '../../../shared/driver-file/known'
import { fail, ok, type Result } from '../../../shared/errors'
import { Fields, isRecord, textOf, textsOf, type SourceRecord } from './fields'
import { readSample } from './sample'
import { readSource } from './source'

const PROBLEMS_MAX = 200
const ENTRIES_MAX = 20_000
const SAMPLES_MAX = 20_000

export interface LolDriversFile {
  entries: KnownEntryData[]
  /** One line each, with file and place; the rest was read. */
  problems: string[]
}

/**
 * Read one file as published.
 * @param text the whole file
 * @param fileName for messages; `.json` tells the format
 * @returns entries with everything the file says; what has no field of its own is in `rest`
 * @errors `file-invalid` with file and line, when there is no entry to be had
 */
export function parseLolDrivers(text: string, fileName: string): Result<LolDriversFile> {
  const source = readSource(text, fileName)
  if (!source.ok) return source
  const { value, problems } = source.value
  const isList = Array.isArray(value)
  const items: unknown[] = isList ? value.slice(0, ENTRIES_MAX) : [value]
  const entries: KnownEntryData[] = []
  items.forEach((item, index) => {
    const place = isList ? `${fileName}, entry ${index + 1}` : fileName
    const entry = readEntry(item, place, problems)
    if (entry) entries.push(entry)
  })
  if (entries.length === 0) {
    return fail(
      'file-invalid',
      `${problems.at(-1) ?? fileName} - this is no LOLDrivers file.`,
      'An entry has at least Id, Tags, Category and KnownVulnerableSamples.',
    )
  }
  if (problems.length > PROBLEMS_MAX) {
    const more = problems.length - PROBLEMS_MAX
    problems.splice(PROBLEMS_MAX, more, `${fileName}: ${more} more problems`)
  }
  return ok({ entries, problems })
}

function readEntry(item: unknown, place: string, problems: string[]): KnownEntryData | null {
  const fields = new Fields(isRecord(item) ? item : {})
  const id = fields.text('Id')?.toLowerCase() ?? null
  const listed = fields.source['KnownVulnerableSamples']
  if (id === null || id.length > 100 || !Array.isArray(listed)) {
    const missing = id === null ? 'no Id' : 'no list KnownVulnerableSamples'
    problems.push(`${place}: ${missing}`)
    return null
  }
  const samples = listed.slice(0, SAMPLES_MAX).flatMap((sample, index) => {
    const where = `${place}, sample ${index + 1}`
    if (isRecord(sample)) return [readSample(sample, where, problems)]
    problems.push(`${where}: not a record of fields`)
    return []
  })
  fields.carry('KnownVulnerableSamples')
  return {
    id,
    names: fields.texts('Tags'),
    category: fields.text('Category')?.toLowerCase() ?? '',
    cve: ids(fields, /^CVE-\d{4}-\d{4,}$/, 'CVE', 'CVEs'),
    attack: ids(fields, /^T\d{4}(\.\d{3})?$/, 'MitreID'),
    created: fields.text('Created'),
    verified: fields.flag('Verified'),
    author: fields.text('Author'),
    description: description(fields.source),
    resources: fields.texts('Resources'),
    samples,
    rest: fields.rest(),
  }
}

/** Well-formed ids of a list or a text; a field that says anything else stays in `rest` too. */
function ids(fields: Fields, form: RegExp, ...names: string[]): string[] {
  const found = new Set<string>()
  for (const name of names) {
    const words = textsOf(fields.source[name]).flatMap((text) =>
      text.toUpperCase().split(/[\s,;]+/),
    )
    const good = words.filter((word) => form.test(word))
    for (const word of good) found.add(word)
    if (good.length > 0 && good.length === words.length) fields.carry(name)
  }
  return [...found]
}

/** `Commands` is one record, rarely a list of them; its other fields stay in `rest`. */
function description(source: SourceRecord): string {
  const commands = source['Commands']
  const records = (Array.isArray(commands) ? commands : [commands]).filter(isRecord)
  const texts = records.map((command) => textOf(command['Description']))
  return texts.find((text) => text !== null) ?? ''
}
