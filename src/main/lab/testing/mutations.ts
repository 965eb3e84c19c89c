/**
 * Seeded mistakes: one small change of an otherwise correct driver each, and how the machine has to
 * name it. The cases are data in `mutations/cases`, the drivers are samples and `mutations/drivers`.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { z } from 'zod'
import type { ProjectFiles, RunReport } from '../../../shared/contract/model'
import type { SourcePlace } from '../../../shared/trace/event'
import { compile } from '../../dsl/compile'
import { planOf, type Plan } from '../project'
import { runPrepared, type Prepared } from '../run'

const ROOT = resolve(__dirname, '../../../..')
const CASES = join(ROOT, 'mutations', 'cases')

/** Text over one line or several. */
const Lines = z
  .union([z.string(), z.array(z.string())])
  .transform((text) => (typeof text === 'string' ? text : text.join('\n')))

const Edit = z.strictObject({
  file: z.string().optional(),
  find: Lines,
  replace: Lines,
})

const CaseData = z.strictObject({
  id: z.string(),
  /** The mistake, as a sentence without its full stop. */
  mistake: z.string(),
  /** Rule that names it. */
  rule: z.string(),
  /** Bug check code; a warning has none. */
  code: z.string().optional(),
  /** Folder of the correct driver. */
  driver: z.string(),
  /** File of the folder that is changed and loaded. */
  file: z.string().default('driver.ts'),
  /** Names that the change needs from 'wdm'. */
  imports: z.array(z.string()).default([]),
  edits: z.array(Edit).min(1),
  /** Text of the line at which the machine stops, or that the warning names. */
  at: z.string(),
  /** Text of the line at which it began, where the rule has a first cause. */
  first: z.string().optional(),
  verifier: z.array(z.string()).default(['standard']),
  seed: z.number().default(1),
  /** Allocation of a driver that is to fail. */
  failAllocation: z.number().optional(),
  /** Place in the list of common mistakes. */
  common: z.number().optional(),
})

export type Mutation = z.output<typeof CaseData> & { group: string }

export function readMutations(): Mutation[] {
  return readdirSync(CASES)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .flatMap((name) =>
      z
        .array(CaseData)
        .parse(JSON.parse(readFileSync(join(CASES, name), 'utf8')))
        .map((item) => ({ ...item, group: basename(name, '.json') })),
    )
}

/** Folders of the drivers that the lab calls correct, each with the file to load. */
export function correctDrivers(): { folder: string; driver: string }[] {
  const folders = (at: string): string[] =>
    readdirSync(join(ROOT, at), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `${at}/${name}`)
  return [...folders('samples/drivers'), ...folders('mutations/drivers')].map((folder) => ({
    folder,
    driver: 'fixed.ts' in readFolder(folder) ? 'fixed.ts' : 'driver.ts',
  }))
}

const folders = new Map<string, ProjectFiles>()

export function readFolder(folder: string): ProjectFiles {
  let files = folders.get(folder)
  if (files) return files
  files = {}
  for (const name of readdirSync(join(ROOT, folder)))
    if (/\.(ts|json)$/.test(name)) files[name] = readFileSync(join(ROOT, folder, name), 'utf8')
  folders.set(folder, files)
  return files
}

/** The folder with the mistake in it. Throws when the change does not fit, or fits twice. */
export function mutate(mutation: Mutation): ProjectFiles {
  const files = { ...readFolder(mutation.driver) }
  for (const { file = mutation.file, find, replace } of mutation.edits) {
    const text = files[file] ?? ''
    const parts = text.split(find)
    if (parts.length !== 2)
      throw new Error(`${mutation.id}: '${find}' is ${parts.length - 1} times in ${file}`)
    files[file] = parts.join(replace)
  }
  if (mutation.imports.length > 0)
    files[mutation.file] = withImports(files[mutation.file] ?? '', mutation.imports)
  return files
}

/** Import more names as values, on the lines that are there, so that no line moves. */
function withImports(text: string, names: readonly string[]): string {
  const types = /import type \{[^}]*\} from 'wdm'/
  return text
    .replace(types, (list) => names.reduce((rest, name) => without(rest, name), list))
    .replace('import {', `import { ${names.join(', ')},`)
}

function without(list: string, name: string): string {
  return list.replace(new RegExp(`\\b${name}\\b,?`), '')
}

export interface Finding {
  report: RunReport
  /** Rule or bug check that the run names. */
  rule: string | null
  code: string | null
  at: string | null
  first: string | null
  /** What the run says of the first cause. */
  cause: string | null
  /** What to change. */
  fix: string | null
}

/** Folder of a project that holds many: a driver folder, and the file of it that is loaded. */
export interface Folder {
  name: string
  files: ProjectFiles
  driver: string
}

export const folderOf = (mutation: Mutation): Folder => ({
  name: `${mutation.group}-${mutation.id}`,
  files: mutate(mutation),
  driver: mutation.file === 'fixed.ts' ? 'fixed.ts' : 'driver.ts',
})

/**
 * Compile many driver folders as one project, so that the declarations of Windows are looked at once
 * for all of them. Gives what a single folder needs to be run, by its name.
 */
export function prepareFolders(folders: readonly Folder[]): (name: string) => Prepared {
  const plans = new Map(folders.map((folder) => [folder.name, planIn(folder)]))
  const files: ProjectFiles = {}
  for (const folder of folders)
    for (const [name, text] of Object.entries(folder.files)) files[`${folder.name}/${name}`] = text
  const entries = [...plans.values()].flatMap((plan) => plan.entries)
  const { program, diagnostics } = compile(files, entries)
  if (!program) throw new Error(JSON.stringify(diagnostics, null, 2))
  const compiled = new Map(program.entries.map((item) => [item.entry, item]))
  return (name) => {
    const plan = plans.get(name)!
    const own = plan.entries.map(({ entry }) => compiled.get(entry)!)
    return {
      plan,
      program: { ...program, entries: own },
      diagnostics: [],
      processors: plan.scenario.processors ?? 1,
    }
  }
}

function planIn({ name: folder, files, driver }: Folder): Plan {
  const planned = planOf(files, undefined, driver)
  if ('diagnostics' in planned) throw new Error(`${folder}: ${JSON.stringify(planned.diagnostics)}`)
  const { plan } = planned
  const within = (name: string): string => `${folder}/${name}`
  return {
    ...plan,
    drivers: plan.drivers.map((item) => ({ ...item, entry: within(item.entry) })),
    client: plan.client && within(plan.client),
    entries: plan.entries.map((item) => ({ ...item, entry: within(item.entry) })),
  }
}

export async function runMutation(mutation: Mutation, prepared: Prepared): Promise<Finding> {
  const files = mutate(mutation)
  const { report } = await runPrepared(
    prepared,
    { files, seed: mutation.seed, verifier: mutation.verifier, trace: 'full' },
    mutation.failAllocation === undefined ? {} : { failAllocation: mutation.failAllocation },
  )
  const line = (place: SourcePlace | null | undefined): string | null =>
    place ? (files[basename(place.file)]?.split('\n')[place.line - 1]?.trim() ?? null) : null
  const warning = report.warnings?.find(({ rule }) => rule === mutation.rule)
  if (mutation.code === undefined && warning)
    return {
      report,
      rule: warning.rule,
      code: null,
      at: line(warning.at),
      first: line(warning.first?.at),
      // Where a warning has no first cause there is no sentence about it either.
      cause: warning.first?.text ?? null,
      fix: warning.fix ?? null,
    }
  const stop = report.report
  return {
    report,
    rule: /VR-[A-Z0-9-]+/.exec(stop?.verifier ?? '')?.[0] ?? null,
    code: report.bugcheck ? `0x${Number(report.bugcheck.code).toString(16).toUpperCase()}` : null,
    at: line(stop?.at),
    first: line(stop?.firstCause.at),
    cause: stop?.firstCause.text ?? null,
    fix: stop?.fix ?? null,
  }
}
