/** What the pool and its worker threads say to each other. */

/** Catalogues (.cat) that lie beside a file and may carry its signature. */
export interface CatalogueSet {
  /** Two sets with the same key are the same. */
  key: string
  parts: { name: string; bytes: Uint8Array }[]
}

/** What every worker is started with. */
export interface WorkerData {
  /** Files of capability rules. */
  rules: { name: string; text: string }[]
  /** `import-frequency.csv` of the reference data; empty for none. */
  importFrequency: string
}

export interface ToWorker {
  id: number
  /** Given over, and given back with the answer. */
  bytes: Uint8Array<ArrayBuffer>
  /** Milliseconds after which the analyser stops by itself with what it has. */
  msMax: number
  /** Null for none; `parts` only when the worker does not have this set already. */
  catalogues: { key: string; parts: CatalogueSet['parts'] | null } | null
}

export type FromWorker =
  | { kind: 'ready' }
  /**
   * `facts` are FileFacts as JSON. Large files have some thousand small objects in theirs: as text
   * they take 3 to 6 % less of the processor, reading included; small files take the same.
   */
  | { kind: 'facts'; id: number; facts: string; bytes: Uint8Array<ArrayBuffer> }
  | { kind: 'failed'; id: number; reason: string }
