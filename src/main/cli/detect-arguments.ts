/** What was typed after `ring0 detect`. */

export interface DetectArguments {
  command: 'detect'
  /** Driver folder that is run; null when only the rules are looked at. */
  folder: string | null
  seed: number
  json: boolean
  /** Folder or file of rules; null for those of the lab. */
  rules: string | null
  /** Where all rules go as one text, `-` for standard output; null for nowhere. */
  export: string | null
  /** Whether the tests of the rules are run. */
  test: boolean
}

interface Values {
  seed?: string
  rules?: string
  export?: string
  'test-rules'?: boolean
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
  const seed = values.seed ?? '1'
  if (!/^-?\d{1,10}$/.test(seed)) return { problem: `--seed wants a whole number, not '${seed}'` }
  return { command: 'detect', folder, seed: Number(seed), json, rules, export: target, test }
}
