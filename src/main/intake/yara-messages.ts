/** What the YARA scanner and its worker thread say to each other. */

export interface RawProblem {
  /** In the text given, from 1. */
  line: number
  text: string
}

export interface RawMatch {
  rule: string
  meta: Record<string, string>
  strings: { id: string; offset: number; length: number }[]
}

export interface YaraWorkerData {
  /** WebAssembly memory may grow to this. */
  memoryBytesMax: number
}

export interface ToYaraWorker {
  id: number
  rules: string
  /** Empty to compile only. */
  bytes: Uint8Array
}

export type FromYaraWorker =
  | { kind: 'ready' }
  | { kind: 'scanned'; id: number; problems: RawProblem[]; matches: RawMatch[] }
  | { kind: 'failed'; id: number; reason: string }
