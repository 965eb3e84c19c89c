/** Conditions that the verifier checks. */

import { VERIFIER_RULES, type VerifierRule } from './generated/verifier-facts'

export * from './generated/verifier-facts'

let rulesById: ReadonlyMap<string, VerifierRule> | undefined

/** A rule by its id, `VR-IRQL-RAISE`. */
export function verifierRule(id: string): VerifierRule | undefined {
  rulesById ??= new Map(VERIFIER_RULES.map((rule) => [rule.id, rule]))
  return rulesById.get(id)
}
