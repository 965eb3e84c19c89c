/** What was typed after `ring0 detect` and `ring0 matrix`. */
import { DEFENCES, DefenceName } from '../../shared/defences'
import type { MatrixArguments } from './arguments'

export interface DetectArguments {
  command: 'detect'
  /** Driver folder that is run; null when only the rules are looked at. */
  folder: string | null
  /** File that is loaded in place of driver.ts, `twin.ts` for instance; null for driver.ts. */
  driver: string | null
  seed: number
  json: boolean
  /** Folder or file of rules; null for those of the lab. */
  rules: string | null
  /** Where all rules go as one text, `-` for standard output; null for nowhere. */
  export: string | null
  /** Whether the tests of the rules are run. */
  test: boolean
  /** Defences of the machine, besides those of the scenario. */
  defences: DefenceName[]
}

interface Values {
  driver?: string
  seed?: string
  rules?: string
  export?: string
  'test-rules'?: boolean
  defence?: string[]
}

export function detectArguments(
  words: readonly string[],
  json: boolean,
  values: Values,
): DetectArguments | { problem: string } {
  const [folder = null, more] = words
  if (more !== undefined) return { problem: `'${more}' is one argument too many` }
  const test = values['test-rules'] ?? false
  const target = values.export ?? null
  const rules = values.rules ?? null
  if (folder === null && !test && target === null && rules === null)
    return { problem: 'the folder is missing, or --rules, --test-rules or --export FILE' }
  const driver = values.driver ?? null
  if (driver !== null && folder === null) return { problem: '--driver wants a folder' }
  const seed = values.seed ?? '1'
  if (!/^-?\d{1,10}$/.test(seed)) return { problem: `--seed wants a whole number, not '${seed}'` }
  const defences = defencesOf(values.defence)
  if ('problem' in defences) return defences
  const { names } = defences
  const what = { folder, driver, rules, export: target, test, defences: names }
  return { command: 'detect', seed: Number(seed), json, ...what }
}

/** Defences by their names; each may be given once or more. */
export function defencesOf(
  typed: readonly string[] = [],
): { names: DefenceName[] } | { problem: string } {
  const names = new Set<DefenceName>()
  for (const name of typed) {
    const known = DefenceName.safeParse(name)
    if (!known.success)
      return { problem: `there is no defence '${name}'; there are ${DEFENCES.join(', ')}` }
    names.add(known.data)
  }
  return { names: [...names] }
}

/** What was typed after `ring0 matrix`. */
export function matrixArguments(
  words: readonly string[],
  json: boolean,
  values: { only?: string; seed?: string; seeds?: string; processors?: string; write?: boolean },
): MatrixArguments | { problem: string } {
  if (words.length > 0) return { problem: `'${words[0]}' is one argument too many` }
  const { seed = '1', seeds = '1', processors, only, write = false } = values
  if (!/^-?\d{1,10}$/.test(seed)) return { problem: `--seed wants a whole number, not '${seed}'` }
  if (!/^[1-9]\d{0,6}$/.test(seeds))
    return { problem: `--seeds wants a whole number above 0, not '${seeds}'` }
  if (processors !== undefined && !/^[1-9]\d?$/.test(processors))
    return { problem: `--processors wants a whole number above 0, not '${processors}'` }
  if (write && (only !== undefined || Number(seeds) > 1))
    return { problem: '--write wants all techniques and one seed' }
  return {
    command: 'matrix',
    only: only?.split(',').filter((name) => name !== '') ?? null,
    seed: Number(seed),
    seeds: Number(seeds),
    processors: processors === undefined ? null : Number(processors),
    json,
    write,
  }
}
