/** Words for what happens to devices, device interfaces and power states. */
import type { EventOf } from './event'

export type PnpEvent = EventOf<
  | 'devnode.arrived'
  | 'devnode.state'
  | 'devnode.problem'
  | 'devnode.removed'
  | 'interface.changed'
  | 'power.system'
  | 'power.device'
>

/** PNP_DEVNODE_STATE in words. */
const STATES: Readonly<Record<string, string>> = {
  DeviceNodeInitialized: 'is known and has no drivers',
  DeviceNodeDriversAdded: 'has its drivers',
  DeviceNodeResourcesAssigned: 'has its resources',
  DeviceNodeStarted: 'was started',
  DeviceNodeQueryStopped: 'agreed to be stopped',
  DeviceNodeStopped: 'was stopped',
  DeviceNodeQueryRemoved: 'agreed to be removed',
  DeviceNodeRemovePendingCloses: 'was pulled out and is still open',
  DeviceNodeRemoved: 'was removed from its drivers',
  DeviceNodeDeleted: 'is gone',
}

/** What one of these events was, as a sentence without its full stop. */
export function sayPnp(event: PnpEvent): string {
  switch (event.t) {
    case 'devnode.arrived':
      return `The device ${event.devnode}${event.description === null ? '' : ` (${event.description})`} arrived${event.parent === null ? '' : ` on ${event.parent}`}`
    case 'devnode.state':
      return `The device ${event.devnode} ${STATES[event.to] ?? `went to ${event.to}`}`
    case 'devnode.problem':
      return event.problem === null
        ? `The device ${event.devnode} works again`
        : `The device ${event.devnode} does not work: code ${event.code}, ${event.problem}`
    case 'devnode.removed':
      return `The device ${event.devnode} left the device tree`
    case 'interface.changed':
      return `The device interface ${event.link} was ${event.enabled ? 'enabled' : 'disabled'}`
    case 'power.system':
      return `The machine went from ${event.from} to ${event.to}`
    case 'power.device':
      return `The device ${event.devnode ?? event.device} ${event.from === null ? 'is in' : `went from ${event.from} to`} ${event.to}`
  }
}
