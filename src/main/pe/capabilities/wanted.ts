/**
 * The whole texts that rules ask for. A file has thousands of texts and rules ask for some dozens:
 * what cannot be one of these by its length and first letter is neither lowered nor hashed.
 */
import type { CapabilityRule, Statement } from './rule'

export class WantedTexts {
  readonly #texts = new Set<string>()
  readonly #beginnings = new Uint8Array(LENGTH_MAX * 32)

  constructor(rules: readonly CapabilityRule[]) {
    for (const { features } of rules) for (const statement of features) this.#add(statement)
  }

  /** The text in lower case when a rule asks for it, in any case. */
  match(text: string): string | null {
    if (this.#beginnings[beginningOf(text)] === 0) return null
    const lower = text.toLowerCase()
    return this.#texts.has(lower) ? lower : null
  }

  #add(statement: Statement): void {
    if ('of' in statement) {
      const inner = Array.isArray(statement.of) ? statement.of : [statement.of]
      for (const part of inner) this.#add(part)
    } else if (statement.kind === 'leaf' && statement.leaf === 'string') {
      const { pattern } = statement
      if (!('text' in pattern)) return
      this.#texts.add(pattern.text)
      this.#beginnings[beginningOf(pattern.text)] = 1
    }
  }
}

/** Texts of this length and more are taken for equally long. */
const LENGTH_MAX = 256

/** Length and first letter as one number, equal for texts that differ in case only. */
const beginningOf = (text: string): number =>
  Math.min(text.length, LENGTH_MAX - 1) * 32 + (text.charCodeAt(0) & 31)

const wantedBy = new WeakMap<readonly CapabilityRule[], WantedTexts>()

/** Gathered once for a set of rules, which all files are held against. */
export function wantedTexts(rules: readonly CapabilityRule[]): WantedTexts {
  let wanted = wantedBy.get(rules)
  if (!wanted) {
    wanted = new WantedTexts(rules)
    wantedBy.set(rules, wanted)
  }
  return wanted
}
