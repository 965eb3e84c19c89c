/**
 * Samples that a slice of entries brings and nobody had: all that is said of them is in the slice, so
 * that their rows can be made without asking the tables.
 */
import type { KnownEntryData, KnownSampleData } from '../../../shared/driver-file/known'
import type { Hashes } from './hashes'
import type { KnownState } from './terms'

/** In the order of the tables: by entry, and by place in the entry's list. */
export interface NewSample {
  samples: readonly KnownSampleData[]
  hashes: Hashes
  known: KnownState
}

/** One place in an entry's list. */
interface Place {
  entryId: number
  entry: Omit<KnownEntryData, 'samples'>
  sample: KnownSampleData
  hashes: Hashes
}

export class NewSamples {
  readonly #places = new Map<number, Place[]>()

  /** @param source  name of the source that the entries of the slice rest on */
  constructor(private readonly source: string) {}

  /** A sample that is in no entry yet. */
  begin(sampleId: number): void {
    this.#places.set(sampleId, [])
  }

  /** An entry lists a sample; of samples that were here before nothing is kept. */
  say(sampleId: number, place: Place): void {
    this.#places.get(sampleId)?.push(place)
  }

  /** What was said of a sample is to be changed: the tables have to be asked. */
  drop(sampleId: number): void {
    this.#places.delete(sampleId)
  }

  get(sampleId: number): NewSample | null {
    const places = this.#places.get(sampleId)?.toSorted((a, b) => a.entryId - b.entryId)
    if (!places) return null
    const entries = new Map(places.map(({ entryId, entry }) => [entryId, entry]))
    return {
      samples: places.map(({ sample }) => sample),
      hashes: Object.assign({}, ...places.map(({ hashes }) => hashes).reverse()) as Hashes,
      known: { sources: [this.source], entries: [...entries.values()] },
    }
  }
}
