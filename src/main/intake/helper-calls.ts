/** Calls to the helper that belong to no job: reference data, and a look at the user's YARA rules. */
import type { FromHost, HostPort, KnownBatch } from './messages'
import { messageOf } from './reasons'

export interface YaraCheck {
  rules: number
  problems: string[]
  /** False when the helper ended before it knew. */
  isComplete: boolean
}

interface KnownImport {
  paths: string[]
  onBatch(batch: KnownBatch): Promise<void>
  resolve(result: { problem?: string }): void
  isSent: boolean
  /** It was answered; what the helper still has on the way is not written any more. */
  hasFailed: boolean
  /** Settles when the batches so far are written. */
  written: Promise<void>
}

export class HelperCalls {
  readonly #known = new Map<number, KnownImport>()
  readonly #yara = new Map<number, (result: YaraCheck) => void>()
  #nextId = 1

  /** Something waits for a helper. */
  get isWaiting(): boolean {
    return this.#known.size > 0 || this.#yara.size > 0
  }

  /** Resolves when all was written; sent with the next `send`. */
  importKnown(
    paths: string[],
    onBatch: (batch: KnownBatch) => Promise<void>,
  ): Promise<{ problem?: string }> {
    const id = this.#nextId++
    return new Promise((resolve) => {
      const written = Promise.resolve()
      this.#known.set(id, { paths, onBatch, resolve, isSent: false, hasFailed: false, written })
    })
  }

  checkYara(host: HostPort, folder: string): Promise<YaraCheck> {
    const id = this.#nextId++
    return new Promise((resolve) => {
      this.#yara.set(id, resolve)
      host.post({ kind: 'yara', id, folder })
    })
  }

  /** Give a helper that is ready what waits for it. */
  send(host: HostPort): void {
    for (const [id, known] of this.#known) {
      if (known.isSent) continue
      known.isSent = true
      host.post({ kind: 'known', id, paths: known.paths })
    }
  }

  take(host: HostPort, message: Extract<FromHost, { kind: 'known' | 'yara' }>): void {
    if (message.kind === 'yara') {
      const { rules, problems } = message
      this.#yara.get(message.id)?.({ rules, problems, isComplete: true })
      this.#yara.delete(message.id)
      return
    }
    const { id, batch } = message
    const known = this.#known.get(id)
    if (!known) return
    // One after the other, whatever each takes; the helper sends a few ahead and then waits.
    known.written = known.written.then(() => this.#write(host, id, known, batch))
  }

  async #write(host: HostPort, id: number, known: KnownImport, batch: KnownBatch): Promise<void> {
    try {
      if (!known.hasFailed) await known.onBatch(batch)
    } catch (error) {
      known.hasFailed = true
      known.resolve({ problem: messageOf(error) })
    }
    // The helper may be gone by now. One that reads on is heard to the end, or it would wait for ever.
    if (this.#known.get(id) !== known) return
    host.post({ kind: 'known-written', id })
    if (batch.isLast) this.#end(id, {})
  }

  /** The helper is gone: what it had in hand cannot be answered any more. */
  lost(reason: string): void {
    for (const [id, known] of this.#known) if (known.isSent) this.#end(id, { problem: reason })
    for (const resolve of this.#yara.values())
      resolve({ rules: 0, problems: [reason], isComplete: false })
    this.#yara.clear()
  }

  /** There will be no helper. */
  giveUp(reason: string): void {
    this.lost(reason)
    for (const id of this.#known.keys()) this.#end(id, { problem: reason })
  }

  #end(id: number, result: { problem?: string }): void {
    const known = this.#known.get(id)
    this.#known.delete(id)
    known?.resolve(result)
  }
}
