/** What was typed, as data. */
import { parseArgs } from 'node:util'
import { EXPORT_FORMATS, FILE_SORTS, type ExportFormat } from '../../shared/contract/files'
import { DEFENCES, type DefenceName } from '../../shared/defences'
import {
  defencesOf,
  detectArguments,
  matrixArguments,
  type DetectArguments,
} from './detect-arguments'
import {
  packageArguments,
  policyArguments,
  type PackageArguments,
  type PolicyArguments,
} from './package-arguments'
import { isVerifierName, VERIFIER_PRESETS } from '../kernel/verifier/verifier'

export type { DetectArguments } from './detect-arguments'
export type { PackageArguments, PolicyArguments } from './package-arguments'

export interface RunArguments {
  command: 'run'
  folder: string
  seed: number
  json: boolean
  verifier: string[]
  trace: string | null
  /** File that is loaded in place of driver.ts. */
  driver: string | null
  /** Processors of the machine; null for what the scenario says. */
  processors: number | null
  /** File that stands in for scenario.json. */
  scenario: string | null
  /** Where the dump of a crash goes. */
  dump: string | null
  /** Defences of the machine, besides those of the scenario. */
  defences: DefenceName[]
}

/** Run what a dump says again. */
export interface ReplayArguments {
  command: 'replay'
  file: string
  json: boolean
}

/** Search seeds for one that fails. */
/** Fail each allocation of a run in turn. */
export interface VerifyArguments extends Pick<
  RunArguments,
  'folder' | 'seed' | 'json' | 'verifier' | 'driver' | 'processors' | 'scenario'
> {
  command: 'verify'
}

export interface ExploreArguments {
  command: 'explore'
  folder: string
  seeds: number
  processors: number | null
  scenario: string | null
  json: boolean
  verifier: string[]
  driver: string | null
}

export interface CheckArguments {
  command: 'check'
  folder: string
  /** Grade the folder as a hand-in for this lesson: its name, or its folder. */
  lesson: string | null
  json: boolean
}

/** Run techniques under every defence. */
export interface MatrixArguments {
  command: 'matrix'
  /** Names of techniques; null for all. */
  only: string[] | null
  seed: number
  /** Processes that share the work; null for as many as the computer has processors. */
  processors: number | null
  /** Seeds that are compared; 1 for the matrix of one. */
  seeds: number
  json: boolean
  /** Write docs/matrix.md and samples/techniques/matrix.json. */
  write: boolean
}

/** Look whether a folder is a lesson, or holds lessons. */
export interface LessonArguments {
  command: 'lesson'
  folder: string
  json: boolean
}

/** Read driver files without keeping anything. */
export interface ScanArguments {
  command: 'scan'
  paths: string[]
  json: boolean
  passwords: string[]
}

/** What the commands that use a catalogue have in common. */
interface ShelfArguments {
  /** File or folder of the catalogue; null for the app's own. */
  catalogue: string | null
  json: boolean
}
export interface ImportArguments extends ShelfArguments {
  command: 'import'
  paths: string[]
  tags: string[]
  passwords: string[]
}
export interface SearchArguments extends ShelfArguments {
  command: 'search'
  query: string
  sort: (typeof FILE_SORTS)[number]
  ascending: boolean
  limit: number
}
export interface ExportArguments extends ShelfArguments {
  command: 'export'
  query: string
  format: ExportFormat
  /** Null for standard output. */
  out: string | null
}

export type Arguments =
  | RunArguments
  | ExploreArguments
  | VerifyArguments
  | ReplayArguments
  | CheckArguments
  | LessonArguments
  | ScanArguments
  | ImportArguments
  | SearchArguments
  | ExportArguments
  | DetectArguments
  | MatrixArguments
  | PackageArguments
  | PolicyArguments
  | { command: 'ddi'; name: string }
  | { command: 'help' }

export const USAGE = `Usage:
  npm run ring0 -- run FOLDER [--seed N] [--json] [--verifier LIST] [--trace FILE]
                       [--driver FILE] [--processors N] [--scenario FILE] [--dump FILE]
                       [--defence NAME]
  npm run ring0 -- verify FOLDER --low-resources [--seed N] [--json] [--verifier LIST]
  npm run ring0 -- explore FOLDER [--seeds N] [--processors N] [--scenario FILE] [--driver FILE]
                       [--verifier LIST] [--json]
  npm run ring0 -- replay FILE [--json]
  npm run ring0 -- check FOLDER [--lesson LESSON] [--json]
  npm run ring0 -- lesson check FOLDER [--json]
  npm run ring0 -- detect [FOLDER] [--rules FOLDER] [--driver FILE] [--seed N] [--json]
                       [--defence NAME] [--test-rules] [--export FILE]
  npm run ring0 -- matrix [--only NAMES] [--seed N | --seeds N] [--processors N] [--json]
  npm run ring0 -- ddi NAME
  npm run ring0 -- package FOLDER --out FOLDER [--driver NAME] [--signing FILE] [--json]
  npm run ring0 -- policy FILE... [--windows VERSION] [--machine LIST] [--json]
  npm run ring0 -- scan PATH... [--json] [--password TEXT]
  npm run ring0 -- import PATH... [--tag TAG] [--password TEXT] [--catalogue PLACE] [--json]
  npm run ring0 -- search QUERY [--sort KEY] [--ascending] [--limit N] [--catalogue PLACE] [--json]
  npm run ring0 -- export QUERY --format FORMAT [--out FILE] [--catalogue PLACE]

run     compile the driver folder, load it in the simulated kernel, run its client
        or scenario, unload it, and report
verify  run it again and again, each time with another allocation that fails
explore run it with one seed after the other until a run fails
replay  run what a dump says again, and see that it ends the same way
check   compile only; with a lesson, grade the folder as a hand-in
lesson  check: whether a folder is a lesson that can be solved
detect  run the folder under the eyes of detection rules, and list the alarms
matrix  run the techniques of the lab and their twins under every defence
ddi     what a routine does: prototype, IRQL, support
package write .sys, .inf and .cat of a driver folder, signed by simulated authorities
policy  would Windows load these files, and by which rule not

scan    read driver files, folders or archives, and say what they are; nothing is kept
import  read them and put them on the shelf of the catalogue
search  list what the query finds, as the query line of the catalogue does
export  write what the query finds ("" for everything)

--seed N         another interleaving of threads; the same seed gives the same run (default 1)
--verifier LIST  Driver Verifier: ${Object.keys(VERIFIER_PRESETS).join(', ')},
                 or rule ids (VR-...), separated by commas
--json           one JSON document instead of words (docs/cli.md)
--trace FILE     write the events as JSON lines
--driver FILE    load this file of the folder in place of driver.ts (fixed.ts, twin.ts)
--processors N   processors of the machine, 1 to 8 (default: the scenario's, or 1; explore: 2);
                 matrix: processes that share the work (default: all processors of the computer)
--scenario FILE  a file of the folder, or any other, in place of scenario.json
--dump FILE      write a dump when the machine stops; replay opens it
--defence NAME   ${DEFENCES.slice(0, 4).join(', ')},
                 ${DEFENCES.slice(4).join(', ')}; may be given again
--only NAMES     techniques, separated by commas (default: all)
--rules FOLDER   rules as .yaml files (default: those of the lab, docs/detections.md)
--test-rules     run the tests that the rules bring along
--export FILE    write all rules as one Sigma text; - for standard output
--lesson LESSON  name or folder of a lesson (default: what handin.json of the folder says)
--signing FILE   how the package is signed, in place of NAME.package.json (docs/packages.md)
--windows VER    7, 8.1, 10-1507, 10-1607, 11-22H2 (default: all)
--machine LIST   switches of the machine: secureBoot=off,testSigning=on,today=2025-01-31
--seeds N        seeds to try, from 1 on (default 100)
--tag TAG        put on every file of the import; may be given again
--password TEXT  tried on archives after "infected"; may be given again
--catalogue PLACE  a catalogue's file or folder (default: the one the app opens)
--sort KEY       ${FILE_SORTS.join(', ')}
--limit N        rows listed (default 50)
--format FORMAT  ${EXPORT_FORMATS.join(', ')}
--out FILE       where the export goes (default: standard output)

Files are read, never run. Exit status: 0 ok, 1 compile error, load failure, bad arguments or a
file that could not be read, 2 bug check, 3 verifier stop or leak, 4 hang or limit; explore: of the run that
failed, 5 when only its client complained; check with a lesson: 6 when a check does not hold;
detect: 6 when a rule raised an alarm.
`

const OPTIONS = {
  seed: { type: 'string' },
  json: { type: 'boolean' },
  verifier: { type: 'string' },
  trace: { type: 'string' },
  driver: { type: 'string' },
  processors: { type: 'string' },
  scenario: { type: 'string' },
  seeds: { type: 'string' },
  lesson: { type: 'string' },
  dump: { type: 'string' },
  'low-resources': { type: 'boolean' },
  tag: { type: 'string', multiple: true },
  password: { type: 'string', multiple: true },
  catalogue: { type: 'string' },
  sort: { type: 'string' },
  ascending: { type: 'boolean' },
  limit: { type: 'string' },
  format: { type: 'string' },
  out: { type: 'string' },
  signing: { type: 'string' },
  windows: { type: 'string' },
  machine: { type: 'string' },
  defence: { type: 'string', multiple: true },
  only: { type: 'string' },
  write: { type: 'boolean' },
  rules: { type: 'string' },
  export: { type: 'string' },
  'test-rules': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const
type Option = keyof typeof OPTIONS

/** The options each command takes, and what its words are called when they are missing. */
const COMMANDS: Record<string, { takes: readonly Option[]; wants: string; many?: true }> = {
  run: {
    takes: [
      ...(['seed', 'json', 'verifier', 'trace', 'driver', 'processors'] as const),
      ...(['scenario', 'dump', 'defence'] as const),
    ],
    wants: 'the folder',
  },
  explore: {
    takes: ['seeds', 'json', 'verifier', 'driver', 'processors', 'scenario'],
    wants: 'the folder',
  },
  verify: {
    takes: ['low-resources', 'seed', 'json', 'verifier', 'driver', 'processors', 'scenario'],
    wants: 'the folder',
  },
  replay: { takes: ['json'], wants: 'the dump' },
  check: { takes: ['json', 'lesson'], wants: 'the folder' },
  lesson: { takes: ['json'], wants: 'check', many: true },
  detect: {
    takes: ['rules', 'seed', 'json', 'driver', 'test-rules', 'export', 'defence'],
    wants: 'the folder',
    many: true,
  },
  matrix: {
    takes: ['only', 'seed', 'seeds', 'json', 'write', 'processors'],
    wants: 'nothing',
    many: true,
  },
  ddi: { takes: [], wants: 'the name of a routine' },
  package: { takes: ['out', 'driver', 'signing', 'json'], wants: 'the folder' },
  policy: { takes: ['windows', 'machine', 'json'], wants: 'a file', many: true },
  scan: { takes: ['json', 'password'], wants: 'a file, folder or archive', many: true },
  import: {
    takes: ['json', 'password', 'tag', 'catalogue'],
    wants: 'a file, folder or archive',
    many: true,
  },
  search: {
    takes: ['json', 'sort', 'ascending', 'limit', 'catalogue'],
    wants: 'the query',
    many: true,
  },
  export: { takes: ['format', 'out', 'catalogue'], wants: 'the query', many: true },
}

// `search -signed`: a minus sign of the query language is no option. The only short option is -h.
const MINUS = '\u0000'
const hideMinus = (word: string): string => word.replace(/^-(?!-|h$)/, MINUS)
const showMinus = (word: string): string => word.replace(MINUS, '-')
const hasQuery = (command: string | undefined): boolean =>
  command === 'search' || command === 'export'

export function parseArguments(argv: string[]): Arguments | { problem: string } {
  let parsed
  try {
    const args = hasQuery(argv[0]) ? argv.map(hideMinus) : argv
    parsed = parseArgs({ args, allowPositionals: true, options: OPTIONS })
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
  const { values, positionals } = parsed
  const [name, ...words] = positionals
  if (values.help || name === 'help') return { command: 'help' }
  if (name === undefined) return { problem: 'a command is missing' }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!command) return { problem: `there is no command '${name}'` }
  const foreign = (Object.keys(values) as Option[]).find(
    (option) => !command.takes.includes(option),
  )
  if (foreign !== undefined) return { problem: `${name} does not take --${foreign}` }
  const json = values.json ?? false
  if (name === 'detect') return detectArguments(words, json, values)
  if (name === 'matrix') return matrixArguments(words, json, values)
  const [target, ...rest] = words
  if (target === undefined) return { problem: `${command.wants} is missing` }
  if (rest.length > 0 && !command.many) return { problem: `'${rest[0]}' is one argument too many` }

  const catalogue = values.catalogue ?? null
  const passwords = values.password ?? []
  const query = words.map(showMinus).join(' ')
  switch (name) {
    case 'ddi':
      return { command: 'ddi', name: target }
    case 'package':
      return packageArguments(target, json, values)
    case 'policy':
      return policyArguments(words, json, values)
    case 'check':
      return { command: 'check', folder: target, lesson: values.lesson ?? null, json }
    case 'lesson': {
      if (target !== 'check') return { problem: `lesson does not know '${target}', only check` }
      const [folder, ...more] = rest
      if (folder === undefined) return { problem: 'the folder is missing' }
      if (more.length > 0) return { problem: `'${more[0]}' is one argument too many` }
      return { command: 'lesson', folder, json }
    }
    case 'scan':
      return { command: 'scan', paths: words, json, passwords }
    case 'import':
      return { command: 'import', paths: words, tags: values.tag ?? [], passwords, catalogue, json }
    case 'search': {
      const sort = oneOf(FILE_SORTS, values.sort ?? 'added')
      if (sort === null) return { problem: `--sort is one of ${FILE_SORTS.join(', ')}` }
      const limit = values.limit ?? '50'
      if (!/^[1-9]\d{0,6}$/.test(limit))
        return { problem: `--limit wants a whole number above 0, not '${limit}'` }
      const ascending = values.ascending ?? false
      return { command: 'search', query, sort, ascending, limit: Number(limit), catalogue, json }
    }
    case 'export': {
      const format = oneOf(EXPORT_FORMATS, values.format ?? '')
      if (format === null) return { problem: `--format is one of ${EXPORT_FORMATS.join(', ')}` }
      return { command: 'export', query, format, out: values.out ?? null, catalogue, json: false }
    }
    case 'replay':
      return { command: 'replay', file: target, json }
    case 'explore':
      return exploreArguments(target, json, values)
    case 'verify':
      return verifyArguments(target, json, values)
    default:
      return runArguments(target, json, values)
  }
}

interface RunValues {
  seed?: string
  seeds?: string
  verifier?: string
  trace?: string
  driver?: string
  processors?: string
  scenario?: string
  dump?: string
  defence?: string[]
  'low-resources'?: boolean
}

function runArguments(
  folder: string,
  json: boolean,
  values: RunValues,
): RunArguments | { problem: string } {
  const seed = values.seed ?? '1'
  if (!/^-?\d{1,10}$/.test(seed)) return { problem: `--seed wants a whole number, not '${seed}'` }
  const machine = machineArguments(values)
  if ('problem' in machine) return machine
  const trace = values.trace ?? null
  const dump = values.dump ?? null
  const defences = defencesOf(values.defence)
  if ('problem' in defences) return defences
  const seen = { trace, dump, defences: defences.names }
  return { command: 'run', folder, seed: Number(seed), json, ...seen, ...machine }
}

function verifyArguments(
  folder: string,
  json: boolean,
  values: RunValues,
): VerifyArguments | { problem: string } {
  if (!values['low-resources']) return { problem: 'verify wants --low-resources' }
  const parsed = runArguments(folder, json, values)
  if ('problem' in parsed) return parsed
  const { trace: _trace, dump: _dump, defences: _defences, ...rest } = parsed
  return { ...rest, command: 'verify' }
}

function exploreArguments(
  folder: string,
  json: boolean,
  values: RunValues,
): ExploreArguments | { problem: string } {
  const seeds = values.seeds ?? '100'
  if (!/^[1-9]\d{0,6}$/.test(seeds))
    return { problem: `--seeds wants a whole number above 0, not '${seeds}'` }
  const machine = machineArguments(values)
  if ('problem' in machine) return machine
  return { command: 'explore', folder, seeds: Number(seeds), json, ...machine }
}

/** What `run` and `explore` have in common: the machine and what is loaded. */
function machineArguments(
  values: RunValues,
): Pick<RunArguments, 'verifier' | 'driver' | 'processors' | 'scenario'> | { problem: string } {
  const verifier = (values.verifier ?? '')
    .split(',')
    .filter((name) => name !== '' && name !== 'none')
  const unknown = verifier.find((name) => !isVerifierName(name))
  if (unknown !== undefined) return { problem: `--verifier does not know '${unknown}'` }
  const { processors } = values
  if (processors !== undefined && !/^[1-8]$/.test(processors))
    return { problem: `--processors wants a number from 1 to 8, not '${processors}'` }
  return {
    verifier,
    driver: values.driver ?? null,
    processors: processors === undefined ? null : Number(processors),
    scenario: values.scenario ?? null,
  }
}

const oneOf = <T extends string>(all: readonly T[], text: string): T | null =>
  all.find((each) => each === text) ?? null
