/** Rules as one text that other tools read. */
import { stringify } from 'yaml'
import type { ReadRule } from './read'

/** Sigma knows these fields; what else a rule of the lab has is for the lab alone. */
const NOT_SIGMA = new Set(['tests'])

/** All rules as Sigma YAML, a document each, in the order of their ids. */
export function exportRules(rules: readonly ReadRule[]): string {
  const inOrder = [...rules].sort((a, b) => (a.rule.id < b.rule.id ? -1 : 1))
  const documents = inOrder.map(({ rule }) =>
    stringify(Object.fromEntries(Object.entries(rule).filter(([field]) => !NOT_SIGMA.has(field))), {
      lineWidth: 100,
    }),
  )
  return `# Detection rules of Ring0 Lab, for traces and memory tables of simulated drivers.\n${documents.join('---\n')}`
}
