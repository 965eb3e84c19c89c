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

/** Read all tables. Changes nothing in the machine and puts nothing into its trace. */
export function takeTables(k: Kernel): MemoryTables {
  const reader = new Reader(k)
  return Object.fromEntries(
    Object.entries(TAKERS).map(([name, take]) => [name, take(k, reader)] as const),
  )
}
