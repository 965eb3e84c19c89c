/** Rules out of YAML text, or what is wrong with it: where, and what to write. */
import { Rule } from '../../shared/detections'
import { MISTAKES_MAX, nameOf, parseYaml, readYaml, type Mistake } from '../yaml-text/read'
import { unknownNamesOf } from './check-names'

/** What is wrong with a rule. Lines and columns start at 1. */
export interface RuleProblem extends Mistake {
  file: string
}

export interface ReadRule {
  rule: Rule
  file: string
  /** The YAML that it was read from. */
  source: string
}

export interface ReadRules {
  rules: ReadRule[]
  problems: RuleProblem[]
}

const WORDS = { root: 'The rule', hint: 'docs/detections.md lists the fields.' }
const TEXT_MAX = 1_000_000

/**
 * Read the rules of a file: YAML documents, one rule each.
 * @param file  name for problems
 */
export function readRules(file: string, text: string): ReadRules {
  const found: ReadRules = { rules: [], problems: [] }
  const tell = (mistakes: readonly Mistake[]): void =>
    void found.problems.push(...mistakes.map((mistake) => ({ file, ...mistake })))
  if (text.length > TEXT_MAX) {
    const hint = `At most ${TEXT_MAX} characters; make it several.`
    tell([{ line: 1, column: 1, message: 'The file is too large.', hint }])
    return found
  }
  for (const read of readYaml(text)) {
    if ('mistakes' in read) {
      tell(read.mistakes)
      continue
    }
    const parsed = parseYaml(read, Rule, WORDS)
    if ('mistakes' in parsed) {
      tell(parsed.mistakes)
      continue
    }
    const rule = parsed.data
    const unknown = unknownNamesOf(rule)
    if (unknown.length === 0) found.rules.push({ rule, file, source: read.source })
    else
      tell(
        unknown.slice(0, MISTAKES_MAX).map(({ path, message }) => ({
          ...read.placeOf(path),
          message: `${nameOf(path)}: ${message}.`,
          hint: WORDS.hint,
        })),
      )
  }
  return found
}
