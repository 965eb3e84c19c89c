/** What main and the import's helper process say to each other. */
import type { IntakeFailure } from '../../shared/contract/files'
import type { KnownEntryData } from '../../shared/driver-file/known'
import type { SiPolicy } from '../known/sipolicy/policy'
import type { IntakeBatch, IntakeItem, NewItem } from './port'

/** Where encrypted copies go, and the key that each file's key is derived from. */
export interface QuarantineAccess {
  folder: string
  masterKey: Uint8Array
}

export interface HostSettings {
  /** Rules of capabilities, a folder; null for none. */
  capabilitiesFolder: string | null
  /** `import-frequency.csv` of the reference data; null for none. */
  importFrequencyFile: string | null
  /** The user's YARA rules; null for none. */
  yaraFolder: string | null
}

export type ToHost =
  | { kind: 'settings'; settings: HostSettings }
  /** Comes before anything else about a job. */
  | {
      kind: 'open'
      job: number
      /** As the user gave them. */
      paths: string[]
      passwords: string[]
      /** Null when bytes are not kept. */
      quarantine: QuarantineAccess | null
    }
  /** Make the job's list; it comes in `listed`. */
  | { kind: 'list'; job: number }
  /** Read these; results come in `batch`. */
  | { kind: 'read'; job: number; items: IntakeItem[] }
  /** One `listed` or `batch` was written. */
  | { kind: 'written'; job: number }
  /** Finish what is being read, and read no more; answered with `stopped`. */
  | { kind: 'stop'; job: number }
  /** Read reference data: LOLDrivers YAML or JSON, or SiPolicy XML; files and folders. */
  | { kind: 'known'; id: number; paths: string[] }
  | { kind: 'known-written'; id: number }
  /** Read the user's YARA rules anew and say what became of them. */
  | { kind: 'yara'; id: number; folder: string }

export type FromHost =
  | { kind: 'ready' }
  | {
      kind: 'listed'
      job: number
      items: NewItem[]
      failures: IntakeFailure[]
      isLast: boolean
    }
  | { kind: 'batch'; job: number; batch: IntakeBatch }
  /** What is being read now, a few times a second. */
  | { kind: 'current'; job: number; name: string }
  | { kind: 'stopped'; job: number }
  /** The job cannot go on. */
  | { kind: 'trouble'; job: number; reason: string }
  | { kind: 'known'; id: number; batch: KnownBatch }
  | { kind: 'yara'; id: number; rules: number; problems: string[] }

/** Reference data as it was parsed; `isLast` ends it. */
export interface KnownBatch {
  entries: KnownEntryData[]
  policies: SiPolicy[]
  problems: string[]
  filesDone: number
  filesTotal: number
  isLast: boolean
}
/** One helper, however it is run. */
export interface HostPort {
  post(message: ToHost): void
  onMessage(listener: (message: FromHost) => void): void
  /** Called once. `reason` is what is known, in words. */
  onExit(listener: (reason: string) => void): void
  kill(): void
  /** Bytes it holds now, or null when unknown. */
  memoryBytes(): number | null
}
