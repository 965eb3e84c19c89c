/** Devices grouped into their stacks, top device first, with the packets that are at them. */
import type { DeviceState, IrpState, MachineState } from '../../../../shared/trace/fold'

export interface StackDevice extends DeviceState {
  irps: IrpState[]
}

export interface DeviceStack {
  /** Links that lead to a device of the stack. */
  links: string[]
  devices: StackDevice[]
}

const DONE = new Set<IrpState['phase']>(['finished', 'freed'])

export function deviceStacks(state: MachineState): DeviceStack[] {
  const below = new Map(state.devices.map((device) => [device.device, device]))
  const attached = new Set(
    state.devices.flatMap((device) => (device.attachedTo ? [device.attachedTo] : [])),
  )
  const tops = state.devices.filter((device) => !attached.has(device.device))
  return tops.map((top) => {
    const devices: StackDevice[] = []
    const seen = new Set<string>()
    for (
      let device: DeviceState | undefined = top;
      device && !seen.has(device.device);
      device = device.attachedTo === null ? undefined : below.get(device.attachedTo)
    ) {
      seen.add(device.device)
      const address = device.device
      devices.push({
        ...device,
        irps: state.irps.filter((irp) => irp.device === address && !DONE.has(irp.phase)),
      })
    }
    const names = new Set(devices.flatMap((device) => (device.name ? [device.name] : [])))
    return {
      devices,
      links: state.links.filter((link) => names.has(link.target)).map((link) => link.link),
    }
  })
}

export interface PoolTag {
  tag: string
  bytes: number
  blocks: number
  paged: boolean
  /** Blocks of this tag that were freed a short while ago. */
  freed: number
}

/** Pool use by tag, largest first. */
export function poolByTag(state: MachineState): PoolTag[] {
  const tags = new Map<string, PoolTag>()
  const of = (tag: string, paged: boolean): PoolTag => {
    const key = `${tag} ${paged}`
    const known = tags.get(key) ?? { tag, bytes: 0, blocks: 0, paged, freed: 0 }
    tags.set(key, known)
    return known
  }
  for (const block of state.pool.blocks) {
    const entry = of(block.tag, block.pool === 'paged')
    entry.bytes += block.bytes
    entry.blocks++
  }
  for (const block of state.pool.recentlyFreed) of(block.tag, block.pool === 'paged').freed++
  return [...tags.values()].sort((a, b) => b.bytes - a.bytes || a.tag.localeCompare(b.tag))
}
