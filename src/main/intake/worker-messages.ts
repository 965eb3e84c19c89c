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
   * `facts` are FileFacts as JSON: some thousand small objects cost a third of the reading to hand
   * over one by one, writing and reading them as text costs half of that.
   */
  | { kind: 'facts'; id: number; facts: string; bytes: Uint8Array<ArrayBuffer> }
  | { kind: 'failed'; id: number; reason: string }
