/**
 * What the compiler hands to whatever runs driver code. Nothing here imports the compiler, so that
 * the runner can be loaded without it.
 */
import type { SourcePlace } from '../../shared/trace/event'
import type { Diagnostic } from '../../shared/contract/model'
import type { HandlerRegion } from './handlers'

/** `umdf`: a driver whose code runs in user mode. */
export type EntryKind = 'driver' | 'umdf' | 'client'

/** A file to start from: a driver exports `DriverEntry`, a client program `main`. */
export interface Entry {
  /** File name inside the project folder, `driver.ts`. */
  entry: string
  kind: EntryKind
}

/** One source file as code for the runner; runtime-names.ts says what the code expects. */
export interface CompiledModule {
  /** File name inside the project folder. Line n of `code` is line n of that file. */
  file: string
  /** An expression: `(function($rt,$m,$x){...})`. Evaluate it under the file's name. */
  code: string
  /** Files whose exports objects are passed as `$m`, in this order. */
  imports: readonly string[]
}

export interface CompiledEntry extends Entry {
  /** The entry file and all that it imports; every module stands after those it imports, where there is no cycle. */
  modules: readonly CompiledModule[]
  /** Export of the entry module that the kernel calls. */
  main: 'DriverEntry' | 'main'
}

/** A function of driver code. Its id is its index in `CompiledProgram.functions`. */
export interface CompiledFunction {
  /** As written; an unnamed one is called by the function around it, `DriverEntry.<line 12>`. */
  name: string
  file: string
  /** Index into `CompiledProgram.locations`. */
  location: number
}

export interface CompiledProgram {
  entries: readonly CompiledEntry[]
  /** Ids 1, 2, 3 ...; index 0 is not used. */
  functions: readonly (CompiledFunction | null)[]
  /** Places of routine calls, loops and function entries by location id; index 0 is not used. */
  locations: readonly (SourcePlace | null)[]
  /** Where exceptions go (handlers.ts). */
  handlers?: readonly HandlerRegion[]
}

/** `program` is absent when a diagnostic is an error. */
export interface CompileResult {
  program?: CompiledProgram
  diagnostics: Diagnostic[]
}
