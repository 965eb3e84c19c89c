/** The memory tables of a machine: what an analyst would read out of its memory now. */
import type { MemoryTables, Row, TableName } from '../../../../shared/memory/tables'
import type { Kernel } from '../../kernel'
import { callbacks } from './callbacks'
import { devices, drivers } from './drivers'
import { minifilters, wfp } from './filters'
import { code, modules } from './modules'
import { processes, threads, tokens } from './processes'
import { Reader } from './reader'
import { registers, ssdt } from './system-calls'

const TAKERS: Readonly<Record<TableName, (k: Kernel, reader: Reader) => Row[]>> = {
  ssdt,
  registers,
  modules,
  code,
  processes,
  threads,
  tokens,
  callbacks,
  drivers,
  devices,
  minifilters,
  wfp,
}

/** Rows of one table; what comes after them is made up by somebody who wants it long. */
const ROWS_MAX = 10_000

/** Read all tables. Changes nothing in the machine and puts nothing into its trace. */
export function takeTables(k: Kernel): MemoryTables {
  return Object.fromEntries(
    Object.entries(TAKERS).map(
      // A reader each: a list without end in one table leaves the others whole.
      ([name, take]) => [name, take(k, new Reader(k)).slice(0, ROWS_MAX)] as const,
    ),
  )
}
