/** Finding one thing of a machine state from another, without a search for each row. */
import type { DeviceState, MachineState, ProcessState } from '../../../../shared/trace/fold'
import { deviceWords } from '../../../../shared/trace/words'
import { code, said, type Field, type Target } from './row'

function groupBy<K, T>(list: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of list) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}

const by = <K, T>(list: readonly T[], keyOf: (item: T) => K): Map<K, T> =>
  new Map(list.map((item) => [keyOf(item), item]))

/** Indexes of one state. */
class LookUp {
  readonly processes: Map<number, ProcessState>
  readonly threads: Map<number, MachineState['threads'][number]>
  readonly objects: Map<string, MachineState['objects'][number]>
  readonly objectsByName: Map<string | null, MachineState['objects'][number]>
  readonly devices: Map<string, DeviceState>
  readonly devicesByName: Map<string | null, DeviceState>
  /** The device that is attached to another. */
  readonly above: Map<string | null, DeviceState>
  /** The latest load of each driver. */
  readonly drivers: Map<string, MachineState['drivers'][number]>
  readonly handlesOf: Map<string, MachineState['handles']>
  readonly handlesIn: Map<number, MachineState['handles']>
  readonly devnodes: Map<string, MachineState['devnodes'][number]>
  readonly devnodesByPdo: Map<string, MachineState['devnodes'][number]>

  constructor(state: MachineState) {
    this.processes = by(state.processes, (item) => item.id)
    this.threads = by(state.threads, (item) => item.id)
    this.objects = by(state.objects, (item) => item.object)
    this.objectsByName = by(state.objects, (item) => item.name)
    this.devices = by(state.devices, (item) => item.device)
    this.devicesByName = by(state.devices, (item) => item.name)
    this.above = by(state.devices, (item) => item.attachedTo)
    this.drivers = by(state.drivers, (item) => item.name)
    this.handlesOf = groupBy(state.handles, (item) => item.object)
    this.handlesIn = groupBy(state.handles, (item) => item.process)
    this.devnodes = by(state.devnodes, (item) => item.devnode)
    this.devnodesByPdo = by(state.devnodes, (item) => item.pdo)
  }

  process(name: string, id: number): Field {
    const process = this.processes.get(id)
    if (!process) return said(name, id === SYSTEM_PROCESS ? 'System (4)' : id)
    return said(name, `${process.name} (${id})`, { kind: 'processes', id: String(id) })
  }

  thread(name: string, id: number): Field {
    const thread = this.threads.get(id)
    if (!thread) return said(name, id)
    return said(name, `${id} ${thread.name}`, { kind: 'threads', id: String(id) })
  }

  driver(name: string, driver: string): Field {
    return code(name, driver, this.drivers.has(driver) ? { kind: 'drivers', id: driver } : null)
  }

  /** `Toy!ToyIsr` leads to the driver Toy. */
  routine(name: string, routine: string): Field {
    const driver = routine.split('!', 1)[0]!
    return code(name, routine, this.drivers.has(driver) ? { kind: 'drivers', id: driver } : null)
  }

  device(name: string, address: string): Field {
    const device = this.devices.get(address)
    return code(
      name,
      deviceWords(device?.name ?? null, address),
      device ? { kind: 'devices', id: address } : null,
    )
  }

  /** An object by its address or its name. */
  object(name: string, words: string): Field {
    const object = this.objects.get(words) ?? this.objectsByName.get(words)
    return code(name, object?.name ?? words, object ? { kind: 'objects', id: object.object } : null)
  }

  /** The node of the device tree on whose stack a device stands. */
  devnodeOf(device: DeviceState): Target | null {
    // A stack has no more devices than there are; a driver could attach them in a ring.
    let at: DeviceState | undefined = device
    for (let i = 0; at && i < this.devices.size; i++) {
      const node = this.devnodesByPdo.get(at.device)
      if (node) return { kind: 'devnodes', id: node.devnode }
      at = at.attachedTo === null ? undefined : this.devices.get(at.attachedTo)
    }
    return null
  }
}

const SYSTEM_PROCESS = 4

const known = new WeakMap<MachineState, LookUp>()

/** The indexes of a state; a state is not changed once it is shown. */
export function lookUp(state: MachineState): LookUp {
  let found = known.get(state)
  if (!found) known.set(state, (found = new LookUp(state)))
  return found
}
