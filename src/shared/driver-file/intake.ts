/**
 * The border between the import of driver files and the shelf that keeps them: what a job is, what
 * a batch carries, and what the store must do. `main/intake` is written against `JobStore`;
 * `main/catalogue` implements it.
 *
 * A job first lists its items and then reads them. An item is one file on disk or one entry of an
 * archive. Items that are done leave the store's list in the transaction that writes their results,
 * so after a loss of power the list holds exactly what has to be read (again).
 */
import type { IntakeFailure, IntakeJob, YaraMatch } from '../contract/files'
import type { FileFacts } from './facts'
import type { CatalogueFacts, InfFacts } from './package-facts'

/** Something to read. */
export interface NewItem {
  /** As people see it, from what was given on: `set.zip/dir/a.sys`. */
  name: string
  /** The file on disk. */
  path: string
  /** Positions of entries in their archives, outermost first; empty for the file itself. */
  entries: number[]
  /** Bytes, as the file system or the archive says. */
  size: number
  /** The user named this very file, so leaving it out needs a word. */
  isGiven: boolean
}

/** `number` counts the items of one job from 1 in the order they were listed. */
export interface IntakeItem extends NewItem {
  number: number
}

/** Passwords are no part of it: they are kept in memory only. */
export interface NewJob {
  title: string
  /** Files and folders as given, absolute. */
  paths: string[]
  keepBytes: boolean
  /** Put on every file that the job adds. */
  tags: string[]
}

export interface StoredJob extends NewJob {
  id: number
  state: IntakeJob['state']
  /** The program that runs it; null when none does. */
  owner: string | null
  /** Why it is interrupted, in words; null when it is not. */
  interruption: string | null
  /** `listing` until `listed` said that the list is complete. */
  phase: IntakeJob['phase']
  startedAt: string
  total: number
  /** Items that are off the list: read, merged, failed or left out. */
  done: number
  added: number
  merged: number
  failed: number
  /** Files that came in with less than was asked for: the reasons stand among the failures. */
  noted: number
  skipped: number
  bytesDone: number
  bytesTotal: number
}

/** A file that was read. Its identity is `facts.hashes.sha256`. */
export interface LandedFile {
  /** File name without its folder: the alias. */
  name: string
  /** Where it came from: the item's `name`. */
  from: string
  facts: FileFacts
  /** Name of the encrypted copy in the quarantine; null when the bytes were not kept. */
  quarantine: string | null
  /** Null when no rules were applied; empty when none matched. */
  yara: YaraMatch[] | null
  /** Driver packages it lies in, by `LandedPackage.key`. */
  packages: {
    key: string
    /** Is it in the package's catalogue; null when the package has none. */
    isListed: boolean | null
  }[]
}

/** An INF with its catalogue, or a catalogue alone. It lands before, or with, its first member. */
export interface LandedPackage {
  /** SHA-256 over the digests of INF and catalogue: the same package has the same key. */
  key: string
  name: string
  inf: InfFacts | null
  catalogue: CatalogueFacts | null
}

/** A stretch of files of our own JSON export. Long documents come in several stretches. */
export interface LandedRecords {
  from: string
  /** The document without its `files`. */
  header: Record<string, unknown>
  files: unknown[]
}

/** What one transaction writes. */
export interface IntakeBatch {
  /** Items that are done with this batch, whatever became of them. */
  items: number[]
  /** Items found inside of those: entries of nested archives. They are appended to the list. */
  found: NewItem[]
  packages: LandedPackage[]
  files: LandedFile[]
  records: LandedRecords[]
  failures: IntakeFailure[]
  /** Files that came in, and what was left undone with them. Listed as failures, not counted so. */
  notices: IntakeFailure[]
  /** How many of `items` were left out, being nothing that is kept here. */
  skipped: number
}

export interface Landing {
  added: number
  merged: number
  failed: number
  /** `LandedRecords` that could not be taken, in words; stored among the failures. */
  problems: string[]
}

export interface Undone {
  changed: number
  /** Null when nothing was removed. */
  undo: string | null
}

/**
 * Where jobs are kept. All calls but `undo` are synchronous, each is one transaction, durable when it
 * returns.
 * Unknown job ids throw.
 */
export interface JobStore {
  /** A new job in state `running`, phase `listing`. @returns its id */
  create(job: NewJob, owner?: string | null): number
  /** Jobs that were not dismissed, newest first. */
  jobs(): StoredJob[]
  get(job: number): StoredJob
  /** Owner and interruption are replaced with it: none when not given. */
  setState(
    job: number,
    state: IntakeJob['state'],
    why?: { owner?: string; interruption?: string },
  ): void
  /** Forget the list of a job whose listing was interrupted. Only in phase `listing`. */
  clearList(job: number): void
  /** Append to the list; total and bytesTotal grow. `isLast` ends the phase `listing`. */
  listed(job: number, items: NewItem[], failures: IntakeFailure[], isLast: boolean): void
  /** Items that are not done, by number, from `after` (exclusive) on. */
  pending(job: number, after: number, limit: number): IntakeItem[]
  /**
   * Write a batch: merge files by SHA-256 (notes and tags of a file that is there stay as they
   * are, its facts unless these are better; its names grow), packages by key, take the items off the list, count. Items that are
   * not on the list any more are ignored with nothing counted twice.
   */
  land(job: number, batch: IntakeBatch): Landing
  failures(job: number, offset: number, limit: number): { total: number; failures: IntakeFailure[] }
  /**
   * Take away what the job added (files it only merged stay), in slices. Files are removed as people
   * remove them; known samples are known again. The job cannot be resumed after it.
   * @returns number of files, and the word that brings the removed ones back
   */
  undo(job: number): Promise<Undone>
  /** Forget the job and its list; what it added stays. Not for running jobs. */
  dismiss(job: number): void
}
