/** A store that remembers everything it was told, for tests to look at. */
import { MemoryStore } from '../memory-store'
import type {
  IntakeBatch,
  LandedFile,
  LandedPackage,
  LandedRecords,
  Landing,
  Undone,
} from '../port'

export class RecordingStore extends MemoryStore {
  readonly files = new Map<string, LandedFile & { job: number; names: Set<string> }>()
  readonly packages = new Map<string, LandedPackage>()
  readonly records: LandedRecords[] = []
  /** Each batch that was written. */
  readonly batches: IntakeBatch[] = []
  /** How often each place was read. */
  readonly reads = new Map<string, number>()

  override land(job: number, batch: IntakeBatch): Landing {
    const isLate =
      batch.items.length > 0 && !batch.items.some((number) => this.items.get(job)?.has(number))
    if (!isLate) {
      this.batches.push(batch)
      for (const landed of batch.packages) this.packages.set(landed.key, landed)
      this.records.push(...batch.records)
    }
    return super.land(job, batch)
  }

  override undo(job: number): Promise<Undone> {
    for (const [sha256, file] of this.files) if (file.job === job) this.files.delete(sha256)
    return super.undo(job)
  }

  protected override landed(file: LandedFile, _isNew: boolean, job: number): void {
    const { sha256 } = file.facts.hashes
    this.reads.set(file.from, (this.reads.get(file.from) ?? 0) + 1)
    for (const { key } of file.packages)
      if (!this.packages.has(key)) throw new Error(`a member before its package: ${file.from}`)
    const there = this.files.get(sha256)
    if (there) there.names.add(file.name)
    else this.files.set(sha256, { ...file, job, names: new Set([file.name]) })
  }
}
