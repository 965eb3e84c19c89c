/** The part of the fold that keeps the device tree, device interfaces and power states. */
import type { EventOf } from './event'

/** A node of the device tree. */
export interface DevNodeView {
  /** `TOY\Lamp\0000`. */
  devnode: string
  parent: string | null
  /** Address of the physical device; its stack is in `devices`. */
  pdo: string
  description: string | null
  service: string | null
  /** PNP_DEVNODE_STATE. */
  state: string
  /** CM_PROB_* with its code, when the device does not work. */
  problem: { name: string; code: number } | null
  /** Device power state, `D0` to `D3`, as a driver of the stack said last; null when none did. */
  power: string | null
}

export interface InterfaceState {
  link: string
  guid: string
  devnode: string
}

export interface PnpState {
  devnodes: DevNodeView[]
  interfaces: InterfaceState[]
  power: string
}

type PnpEvent = EventOf<
  | 'devnode.arrived'
  | 'devnode.state'
  | 'devnode.problem'
  | 'devnode.removed'
  | 'interface.changed'
  | 'power.system'
  | 'power.device'
>

/** Apply one event, in place. */
export function foldPnp(state: PnpState, event: PnpEvent): void {
  const node =
    'devnode' in event
      ? state.devnodes.findLast((each) => each.devnode === event.devnode)
      : undefined
  switch (event.t) {
    case 'devnode.arrived':
      state.devnodes.push({
        devnode: event.devnode,
        parent: event.parent,
        pdo: event.pdo,
        description: event.description,
        service: event.service,
        state: 'DeviceNodeUninitialized',
        problem: null,
        power: null,
      })
      break
    case 'devnode.state':
      if (node) node.state = event.to
      break
    case 'devnode.problem':
      if (node)
        node.problem = event.problem === null ? null : { name: event.problem, code: event.code }
      break
    case 'devnode.removed':
      if (node) state.devnodes.splice(state.devnodes.indexOf(node), 1)
      break
    case 'interface.changed': {
      const { link, guid, devnode, enabled } = event
      const index = state.interfaces.findIndex((each) => each.link === link)
      if (index >= 0) state.interfaces.splice(index, 1)
      if (enabled) state.interfaces.push({ link, guid, devnode })
      break
    }
    case 'power.system':
      state.power = event.to
      break
    case 'power.device':
      if (node) node.power = event.to
      break
  }
}
