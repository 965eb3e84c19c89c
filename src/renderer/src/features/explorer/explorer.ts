/** The objects of a machine state as rows that can be listed, looked into and compared. */
import type { MachineState } from '../../../../shared/trace/fold'
import { deviceWords, grouped, majorName, statusName } from '../../../../shared/trace/words'
import { deviceTreeRows } from './device-tree'

export type Kind =
  | 'devices'
  | 'devnodes'
  | 'drivers'
  | 'links'
  | 'objects'
  | 'irps'
  | 'handles'
  | 'pool'
  | 'threads'
  | 'processes'
  | 'timers'

export interface Field {
  name: string
  value: string
  mono?: boolean
  /** Another row that the value leads to. */
  to?: { kind: Kind; id: string }
}

export interface Row {
  id: string
  title: string
  /** One line about it in the list. */
  about: string
  fields: Field[]
  /** Texts that name it in the trace. */
  words: string[]
  /** Step at which it came to be, when the state knows. */
  since?: number
}

export const KINDS: { kind: Kind; label: string }[] = [
  { kind: 'devices', label: 'Devices' },
  { kind: 'devnodes', label: 'Device tree' },
  { kind: 'drivers', label: 'Drivers' },
  { kind: 'links', label: 'Symbolic links' },
  { kind: 'objects', label: 'Objects' },
  { kind: 'irps', label: 'Packets' },
  { kind: 'handles', label: 'Handles' },
  { kind: 'pool', label: 'Pool' },
  { kind: 'threads', label: 'Threads' },
  { kind: 'processes', label: 'Processes' },
  { kind: 'timers', label: 'Timers and DPCs' },
]

const FLAGS: [number, string][] = [
  [0x4, 'DO_BUFFERED_IO'],
  [0x8, 'DO_EXCLUSIVE'],
  [0x10, 'DO_DIRECT_IO'],
  [0x40, 'DO_DEVICE_HAS_NAME'],
  [0x80, 'DO_DEVICE_INITIALIZING'],
  [0x2000, 'DO_POWER_PAGABLE'],
]

function flagWords(flags: number): string {
  let rest = flags
  const names = FLAGS.flatMap(([bit, name]) => {
    if (!(flags & bit)) return []
    rest &= ~bit
    return [name]
  })
  if (rest !== 0) names.push(`0x${(rest >>> 0).toString(16).toUpperCase()}`)
  return names.join(' | ') || '0'
}

/** Rows of one kind, in the order in which they came to be. */
export function rowsOf(state: MachineState, kind: Kind): Row[] {
  switch (kind) {
    case 'devices':
      return state.devices.map((device) => {
        const above = state.devices.find((other) => other.attachedTo === device.device)
        const below = state.devices.find((other) => other.device === device.attachedTo)
        return {
          id: device.device,
          title: deviceWords(device.name, device.device),
          about: device.owner,
          words: [device.device, ...(device.name ? [device.name] : [])],
          fields: [
            { name: 'Driver', value: device.owner, to: { kind: 'drivers', id: device.owner } },
            ...(above
              ? [
                  {
                    name: 'Attached above',
                    value: deviceWords(above.name, above.device),
                    mono: true,
                    to: { kind: 'devices' as const, id: above.device },
                  },
                ]
              : []),
            ...(below
              ? [
                  {
                    name: 'Attached to',
                    value: deviceWords(below.name, below.device),
                    mono: true,
                    to: { kind: 'devices' as const, id: below.device },
                  },
                ]
              : []),
            { name: 'Stack size', value: String(device.stackSize) },
            { name: 'Flags', value: flagWords(device.flags), mono: true },
            { name: 'Extension', value: `${grouped(device.extension)} bytes` },
            ...state.links
              .filter((link) => link.target === device.name)
              .map((link) => ({
                name: 'Link here',
                value: link.link,
                mono: true,
                to: { kind: 'links' as const, id: link.link },
              })),
            ...state.irps
              .filter((irp) => irp.device === device.device && irp.phase !== 'finished')
              .map((irp) => ({
                name: 'Packet',
                value: `IRP ${irp.irp} ${majorName(irp.major)}`,
                to: { kind: 'irps' as const, id: String(irp.irp) },
              })),
            { name: 'Address', value: device.device, mono: true },
          ],
        }
      })
    case 'drivers':
      return state.drivers.map((driver) => ({
        id: driver.name,
        title: `\\Driver\\${driver.name}`,
        about: driver.loaded ? 'loaded' : driver.status === null ? 'loading' : 'not loaded',
        words: [`${driver.name}.sys`, `\\Driver\\${driver.name}`],
        fields: [
          {
            name: 'State',
            value: driver.loaded
              ? 'loaded'
              : driver.status === null
                ? 'DriverEntry is running'
                : 'not loaded',
          },
          {
            name: 'DriverEntry',
            value: driver.status === null ? 'not returned yet' : statusName(driver.status),
            mono: driver.status !== null,
          },
          { name: 'Image base', value: driver.base ?? 'unmapped', mono: true },
          ...state.devices
            .filter((device) => device.owner === driver.name)
            .map((device) => ({
              name: 'Device',
              value: deviceWords(device.name, device.device),
              mono: true,
              to: { kind: 'devices' as const, id: device.device },
            })),
        ],
      }))
    case 'devnodes':
      return deviceTreeRows(state)
    case 'links':
      return state.links.map((link) => {
        const target = state.devices.find((device) => device.name === link.target)
        return {
          id: link.link,
          title: link.link,
          about: link.target,
          words: [link.link],
          fields: [
            {
              name: 'Target',
              value: link.target,
              mono: true,
              ...(target ? { to: { kind: 'devices' as const, id: target.device } } : {}),
            },
          ],
        }
      })
    case 'objects':
      return [...state.objects]
        .sort(
          (a, b) =>
            (a.name ?? '~').localeCompare(b.name ?? '~') || a.object.localeCompare(b.object),
        )
        .map((object) => ({
          id: object.object,
          title: object.name ?? object.object,
          about: object.type,
          words: [object.object, ...(object.name ? [object.name] : [])],
          fields: [
            { name: 'Type', value: object.type },
            { name: 'Address', value: object.object, mono: true },
            ...(object.type === 'Device' &&
            state.devices.some((device) => device.device === object.object)
              ? [
                  {
                    name: 'Device',
                    value: object.name ?? object.object,
                    mono: true,
                    to: { kind: 'devices' as const, id: object.object },
                  },
                ]
              : []),
          ],
        }))
    case 'irps':
      return state.irps.map((irp) => ({
        id: String(irp.irp),
        title: `IRP ${irp.irp}`,
        about: `${majorName(irp.major)}, ${irp.phase}`,
        words: [`IRP ${irp.irp} `, irp.address],
        since: irp.createdAt,
        fields: [
          { name: 'Function', value: majorName(irp.major), mono: true },
          ...(irp.ioctl === null ? [] : [{ name: 'Control code', value: irp.ioctl, mono: true }]),
          { name: 'State', value: irp.phase },
          ...(irp.device === null
            ? []
            : [
                {
                  name: 'At device',
                  value: deviceWords(
                    state.devices.find((device) => device.device === irp.device)?.name ?? null,
                    irp.device,
                  ),
                  mono: true,
                  to: { kind: 'devices' as const, id: irp.device },
                },
              ]),
          { name: 'Stack location', value: `${irp.location} of ${irp.stackCount}` },
          {
            name: 'Status',
            value: irp.status === null ? 'not set' : statusName(irp.status),
            mono: irp.status !== null,
          },
          { name: 'Information', value: grouped(irp.information) },
          { name: 'Input', value: `${grouped(irp.inputLength)} bytes` },
          { name: 'Output', value: `${grouped(irp.outputLength)} bytes` },
          {
            name: 'Completed at',
            value: irp.completedAt.map((seq) => `#${grouped(seq)}`).join(', ') || 'never',
          },
          { name: 'Address', value: irp.address, mono: true },
        ],
      }))
    case 'handles':
      return state.handles.map((handle) => {
        const process = state.processes.find((item) => item.id === handle.process)
        return {
          id: `${handle.process}:${handle.handle}`,
          title: `0x${handle.handle.toString(16).toUpperCase()}`,
          about: handle.name ?? handle.object,
          words: [handle.object],
          fields: [
            {
              name: 'Process',
              value: process ? process.name : String(handle.process),
              ...(process ? { to: { kind: 'processes' as const, id: String(process.id) } } : {}),
            },
            { name: 'Object', value: handle.name ?? handle.object, mono: true },
          ],
        }
      })
    case 'pool':
      return [...state.pool.blocks, ...state.pool.recentlyFreed].map((block) => ({
        id: `${block.block}:${block.allocatedAt}`,
        title: `${block.tag} ${block.block}`,
        about: `${grouped(block.bytes)} bytes, ${block.freedAt === null ? block.pool : `freed at #${grouped(block.freedAt)}`}`,
        words: [block.block],
        since: block.allocatedAt,
        fields: [
          { name: 'Tag', value: block.tag, mono: true },
          { name: 'Size', value: `${grouped(block.bytes)} bytes` },
          { name: 'Pool', value: block.pool },
          {
            name: 'State',
            value: block.freedAt === null ? 'in use' : `freed at #${grouped(block.freedAt)}`,
          },
          ...(block.at
            ? [{ name: 'Taken at', value: `${block.at.file} line ${block.at.line}` }]
            : []),
          { name: 'Address', value: block.block, mono: true },
        ],
      }))
    case 'threads':
      return state.threads.map((thread) => ({
        id: String(thread.id),
        title: `${thread.id} ${thread.name}`,
        about:
          thread.id === state.thread && thread.state !== 'exited' ? 'running now' : thread.state,
        words: [`hread ${thread.id} `],
        fields: [
          { name: 'Name', value: thread.name },
          { name: 'State', value: thread.state },
          ...state.locks
            .filter((lock) => lock.thread === thread.id)
            .map((lock) => ({ name: 'Holds', value: `${lock.kind} ${lock.lock}`, mono: true })),
        ],
      }))
    case 'processes':
      return state.processes.map((process) => ({
        id: String(process.id),
        title: process.name,
        about: process.exitCode === null ? 'running' : `ended with ${process.exitCode}`,
        words: [process.name],
        fields: [
          { name: 'Id', value: String(process.id) },
          {
            name: 'State',
            value:
              process.exitCode === null ? 'running' : `ended with exit code ${process.exitCode}`,
          },
          {
            name: 'Handles',
            value: String(state.handles.filter((handle) => handle.process === process.id).length),
          },
        ],
      }))
    case 'timers':
      return [
        ...state.timers.map((timer) => ({
          id: timer.timer,
          title: `Timer ${timer.timer}`,
          about: `due at ${grouped(Math.floor(timer.due / 10))} µs`,
          words: [timer.timer],
          fields: [{ name: 'Due', value: `${grouped(Math.floor(timer.due / 10))} µs after boot` }],
        })),
        ...state.dpcs.map((dpc, i) => ({
          id: `dpc-${dpc.dpc}-${i}`,
          title: `DPC ${dpc.routine}`,
          about: 'queued',
          words: [dpc.dpc],
          fields: [
            { name: 'Routine', value: dpc.routine, mono: true },
            { name: 'Address', value: dpc.dpc, mono: true },
          ],
        })),
      ]
  }
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
