/**
 * One record of a source and which of its fields have been carried over. What was not stays in
 * `rest()`, so that nothing of the original is lost.
 */

export type SourceRecord = Record<string, unknown>

export function isRecord(value: unknown): value is SourceRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Nothing said: an empty text or list, or a record of such. */
export function isBlank(value: unknown): boolean {
  if (value === null || value === undefined) return true
  if (typeof value === 'string') return value.trim() === ''
  if (Array.isArray(value)) return value.every(isBlank)
  return isRecord(value) && Object.values(value).every(isBlank)
}

/** A scalar as text; null for blanks, lists and records. */
export function textOf(value: unknown): string | null {
  if (isBlank(value)) return null
  if (typeof value === 'string') return value.trim()
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null
}

/** A list, or one text, as texts without blanks. */
export function textsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).map(textOf).filter((text) => text !== null)
}

const sameText = (left: string, right: string): boolean =>
  left.toLowerCase() === right.toLowerCase()

export class Fields {
  readonly #carried = new Set<string>()
  readonly #left = new Map<string, unknown>()

  constructor(readonly source: SourceRecord) {}

  /** The first text under these names. Names that say the same count as carried, others stay. */
  text(...names: string[]): string | null {
    let found: string | null = null
    for (const name of names) {
      const text = textOf(this.source[name])
      if (text === null) continue
      found ??= text
      if (sameText(found, text)) this.#carried.add(name)
    }
    return found
  }

  /** The first list under these names that is not empty. */
  texts(...names: string[]): string[] {
    let found: string[] = []
    for (const name of names) {
      const texts = textsOf(this.source[name])
      if (texts.length === 0) continue
      if (found.length === 0) found = texts
      if (found.join('\n') === texts.join('\n')) this.#carried.add(name)
    }
    return found
  }

  /** `'TRUE'`, `'FALSE'` or a real truth value. */
  flag(name: string): boolean | null {
    const text = this.text(name)?.toLowerCase()
    if (text === 'true' || text === 'false') return text === 'true'
    this.#carried.delete(name)
    return null
  }

  record(name: string): SourceRecord {
    const value = this.source[name]
    return isRecord(value) ? value : {}
  }

  /** Take back what `text` carried: the value could not be used. */
  keep(...names: string[]): void {
    for (const name of names) this.#carried.delete(name)
  }

  carry(name: string): void {
    this.#carried.add(name)
  }

  /** What is left of a field after its parts were carried. */
  leave(name: string, value: unknown): void {
    this.#left.set(name, value)
  }

  rest(): SourceRecord {
    return Object.fromEntries(
      Object.entries(this.source)
        .filter(([name]) => !this.#carried.has(name))
        .map(([name, value]) => [name, this.#left.has(name) ? this.#left.get(name) : value])
        .filter(([, value]) => !isBlank(value)),
    )
  }
}
