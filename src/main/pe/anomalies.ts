/** Where readers put what is not as the format wants it, while they go on. */
import type { Anomaly } from '../../shared/driver-file/facts'

/** A hostile file could make a finding of every byte: so many of one kind are enough. */
const PER_ID_MAX = 8

export class AnomalyList {
  readonly items: Anomaly[] = []
  readonly #counts = new Map<string, number>()

  /**
   * @param id   stable kebab-case word
   * @param text one sentence with the values
   */
  add(id: string, severity: Anomaly['severity'], text: string, offset: number | null = null): void {
    const count = (this.#counts.get(id) ?? 0) + 1
    this.#counts.set(id, count)
    if (count > PER_ID_MAX) return
    const more = count === PER_ID_MAX ? ' (further ones of this kind are not listed)' : ''
    this.items.push({ id, severity, text: text + more, offset })
  }

  note(id: string, text: string, offset: number | null = null): void {
    this.add(id, 'note', text, offset)
  }

  suspicious(id: string, text: string, offset: number | null = null): void {
    this.add(id, 'suspicious', text, offset)
  }

  broken(id: string, text: string, offset: number | null = null): void {
    this.add(id, 'broken', text, offset)
  }
}
