/**
 * Memory tables: what a memory analyst reads out of the machine, as plain rows. Addresses are `0x`
 * texts as in the trace. `src/main/kernel/dbg/tables` takes them.
 */

/** A field of a row. */
export type Cell = string | number | boolean | null | string[]
export type Row = Readonly<Record<string, Cell>>

/** Rows by the name of their table: `ssdt`, `modules`, `processes` ... */
export type MemoryTables = Readonly<Record<string, readonly Row[]>>

/** What is known of a table before it is read. */
export interface TableFacts {
  title: string
  /** What its rows are, in one sentence. */
  about: string
  /** Fields that say which thing a row is about; the other ones are what is known about it. */
  key: readonly string[]
  /** What a row is called when it appears or vanishes. */
  row: string
}

export const TABLES = {
  ssdt: {
    title: 'System services',
    about: 'Entries of KiServiceTable and where they lead.',
    key: ['index'],
    row: 'service',
  },
  registers: {
    title: 'Registers',
    about: 'Registers that protect the kernel or decide where system calls enter it.',
    key: ['register'],
    row: 'register',
  },
  modules: {
    title: 'Modules',
    about: 'Images by PsLoadedModuleList, by the loader, and by a scan for their headers.',
    key: ['base'],
    row: 'module',
  },
  code: {
    title: 'Changed code',
    about: 'Code that differs from what was loaded, and where a jump in it leads.',
    key: ['address'],
    row: 'change of code',
  },
  processes: {
    title: 'Processes',
    about:
      'Processes by PsActiveProcessHead, by the table of ids, and by the threads of the scheduler.',
    key: ['process'],
    row: 'process',
  },
  threads: {
    title: 'Threads',
    about: 'Threads by the lists of their processes and by the scheduler.',
    key: ['thread'],
    row: 'thread',
  },
  tokens: {
    title: 'Tokens',
    about: 'Whose token each process has, and who shares it.',
    key: ['pid', 'process'],
    row: 'token',
  },
  callbacks: {
    title: 'Callbacks',
    about: 'Notify routines, object and registry callbacks, in memory and as registered.',
    key: ['kind', 'where', 'routine', 'altitude'],
    row: 'callback',
  },
  drivers: {
    title: 'Driver objects',
    about: 'Routines of driver objects and the module that each lies in.',
    key: ['object', 'routine'],
    row: 'routine',
  },
  devices: {
    title: 'Devices',
    about: 'Device objects, who may open them, and what is attached to them.',
    key: ['device'],
    row: 'device',
  },
  minifilters: {
    title: 'Minifilters',
    about: 'Minifilters by altitude, with their operations and volumes.',
    key: ['filter'],
    row: 'minifilter',
  },
  wfp: {
    title: 'Filtering platform',
    about: 'Callouts and filters of the Windows Filtering Platform.',
    key: ['kind', 'id'],
    row: 'filter',
  },
} as const satisfies Record<string, TableFacts>
export type TableName = keyof typeof TABLES
export const TABLE_NAMES = Object.keys(TABLES) as TableName[]

/** Memory tables of a run; null where they were not taken. */
export interface TablesOfRun {
  /** Before the drivers were loaded. */
  before: MemoryTables | null
  /** At the end, before the drivers are unloaded, or when the machine stopped. */
  after: MemoryTables | null
}

/** Rows of `after` that are not in `before`, value by value. */
export function appeared(before: readonly Row[], after: readonly Row[]): Row[] {
  const known = new Set(before.map(rowText))
  return after.filter((row) => !known.has(rowText(row)))
}

function rowText(row: Row): string {
  return JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))
}
