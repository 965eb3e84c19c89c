// verifier-rules.json -> verifier-facts.ts

import { fail, key, literal, quote } from './emit.mjs'

/** verifier-facts.ts: the conditions, what they report, and how to mend the driver. */
export function renderVerifierFacts(table) {
  const seen = new Set()
  const options = Object.entries(table._meta.options)
  const rows = table.rules.map((rule) => {
    if (seen.has(rule.id)) fail(`${rule.id} is listed twice`)
    seen.add(rule.id)
    if (!(rule.option in table._meta.options)) fail(`${rule.id}: no option ${rule.option}`)
    const { code, name, parameters, report } = rule.bugCheck
    const bugCheck = code === null ? undefined : { code, name, parameters }
    return `  ${literal({ ...rule, bugCheck, report })},\n`
  })
  const union = (values) => [...new Set(values)].map((value) => `  | ${quote(value)}\n`).join('')
  return `/** Settings of the verifier. */
export type VerifierOption =
${union(options.map(([name]) => name))}
/** What a setting is, and its bit among the verifier flags where it has one. */
export const VERIFIER_OPTIONS: Readonly<Record<VerifierOption, string>> = {
${options.map(([name, meaning]) => `  ${key(name)}: ${quote(meaning)},\n`).join('')}}

/** Subject of a rule. */
export type VerifierCategory =
${union(table.rules.map(({ category }) => category))}
/** How a rule ends: \`fatal\` stops the machine. */
export type VerifierSeverity =
${union(table.rules.map(({ severity }) => severity))}
/** One condition that the verifier checks. */
export interface VerifierRule {
  readonly id: string
  readonly category: VerifierCategory
  readonly title: string
  readonly condition: string
  /** Absent when the rule only reports. A parameter is a hexadecimal value or the meaning of one. */
  readonly bugCheck?: {
    readonly code: number
    readonly name: string
    readonly parameters: readonly string[]
  }
  /** What is reported instead of, or besides, the bug check. */
  readonly report?: string
  readonly exampleMistake: string
  readonly fix: string
  readonly option: VerifierOption
  readonly severity: VerifierSeverity
  readonly confidence: string
  /** What a user sees while the option is off. */
  readonly withoutVerifier?: string
  /** Names of the static rules about the same mistake. */
  readonly sdvRules?: readonly string[]
  readonly notes?: string
}

/** The rules, grouped as in the table. */
export const VERIFIER_RULES: readonly VerifierRule[] = [
${rows.join('')}]
`
}
