/** Everything that a machine state has, by kind, as rows that can be listed, looked into and compared. */
import type { MachineState } from '../../../../shared/trace/fold'
import { devnodes } from './kinds/device-tree'
import { deviceKinds } from './kinds/devices'
import { filteringKinds } from './kinds/filtering'
import { networkKinds } from './kinds/network'
import { frameworkKinds } from './kinds/frameworks'
import { files } from './kinds/files'
import { hardwareKinds } from './kinds/hardware'
import { memoryKinds } from './kinds/memory'
import { objectKinds } from './kinds/objects'
import { irps } from './kinds/packets'
import { processKinds } from './kinds/processes'
import { registry } from './kinds/registry'
import { securityKinds } from './kinds/security'
import type { Kind, KindRows, Row } from './row'

export type { Field, Kind, Row, Target } from './row'

/** The kinds in the order of the list, under their headings. */
export const GROUPS: { label: string; kinds: { kind: Kind; label: string }[] }[] = [
  {
    label: 'Objects',
    kinds: [
      { kind: 'objects', label: 'Objects' },
      { kind: 'links', label: 'Symbolic links' },
      { kind: 'handles', label: 'Handles' },
    ],
  },
  {
    label: 'Processes and threads',
    kinds: [
      { kind: 'processes', label: 'Processes' },
      { kind: 'threads', label: 'Threads' },
      { kind: 'apcs', label: 'APCs' },
      { kind: 'locks', label: 'Locks held' },
      { kind: 'timers', label: 'Timers and DPCs' },
    ],
  },
  {
    label: 'Devices and I/O',
    kinds: [
      { kind: 'devices', label: 'Devices' },
      { kind: 'devnodes', label: 'Device tree' },
      { kind: 'interfaces', label: 'Device interfaces' },
      { kind: 'drivers', label: 'Drivers' },
      { kind: 'irps', label: 'Packets' },
      { kind: 'files', label: 'Files' },
    ],
  },
  {
    label: 'Driver frameworks',
    kinds: [
      { kind: 'frameworkObjects', label: 'Framework objects' },
      { kind: 'queues', label: 'Framework queues' },
      { kind: 'frameworkHosts', label: 'Driver hosts' },
    ],
  },
  {
    label: 'Memory',
    kinds: [
      { kind: 'pool', label: 'Pool' },
      { kind: 'sections', label: 'Sections' },
      { kind: 'views', label: 'Mapped views' },
      { kind: 'mappings', label: 'Mapped hardware' },
      { kind: 'frames', label: 'Physical pages' },
      { kind: 'pagesOut', label: 'Paged out' },
      { kind: 'leaks', label: 'Left behind' },
    ],
  },
  { label: 'Configuration', kinds: [{ kind: 'registry', label: 'Registry keys' }] },
  {
    label: 'Security and callbacks',
    kinds: [
      { kind: 'tokens', label: 'Tokens' },
      { kind: 'access', label: 'Access decisions' },
      { kind: 'callbacks', label: 'Callbacks' },
    ],
  },
  {
    label: 'Filters',
    kinds: [
      { kind: 'minifilters', label: 'Minifilters' },
      { kind: 'callouts', label: 'Network callouts' },
      { kind: 'sublayers', label: 'Network sublayers' },
      { kind: 'filters', label: 'Network filters' },
    ],
  },
  {
    label: 'Network',
    kinds: [
      { kind: 'sockets', label: 'Sockets' },
      { kind: 'hosts', label: 'Hosts' },
    ],
  },
  {
    label: 'Hardware',
    kinds: [
      { kind: 'machine', label: 'Processors' },
      { kind: 'interrupts', label: 'Interrupts' },
      { kind: 'lines', label: 'Raised lines' },
      { kind: 'registers', label: 'Registers' },
    ],
  },
]

export const KINDS = GROUPS.flatMap(({ kinds }) => kinds)

const FINDERS: Record<Kind, KindRows> = {
  ...objectKinds,
  ...processKinds,
  ...deviceKinds,
  devnodes,
  irps,
  files,
  ...memoryKinds,
  registry,
  ...securityKinds,
  ...filteringKinds,
  ...frameworkKinds,
  ...networkKinds,
  ...hardwareKinds,
}

/** How many of one kind there are; cheap, because it is asked for all kinds at every step. */
export function countOf(state: MachineState, kind: Kind): number {
  return FINDERS[kind].count(state)
}

/** Rows of one kind; what is there twice, such as a lock taken twice, has a number in its id. */
export function rowsOf(state: MachineState, kind: Kind): Row[] {
  const times = new Map<string, number>()
  return FINDERS[kind].rows(state).map((row) => {
    const time = (times.get(row.id) ?? 0) + 1
    times.set(row.id, time)
    return time === 1 ? row : { ...row, id: `${row.id} (${time})` }
  })
}

export type Change = '+' | '-' | '~'
export interface ComparedRow extends Row {
  change: Change | null
}

/** Rows of now, with what differs from another step; rows that are gone come last. */
export function compareRows(now: readonly Row[], other: readonly Row[] | null): ComparedRow[] {
  if (!other) return now.map((row) => ({ ...row, change: null }))
  const before = new Map(other.map((row) => [row.id, row]))
  const rows = now.map((row): ComparedRow => {
    const known = before.get(row.id)
    before.delete(row.id)
    if (!known) return { ...row, change: '+' }
    return {
      ...row,
      change: JSON.stringify(known.fields) === JSON.stringify(row.fields) ? null : '~',
    }
  })
  return [...rows, ...[...before.values()].map((row): ComparedRow => ({ ...row, change: '-' }))]
}
