/** DEVNODEs: the nodes of the device tree, one for each physical device object. */
import type { Ptr } from '../mm/memory'

/** PNP_DEVNODE_STATE, as the kernel debugger shows it. */
export type DevNodeState =
  | 'DeviceNodeUninitialized'
  | 'DeviceNodeInitialized'
  | 'DeviceNodeDriversAdded'
  | 'DeviceNodeResourcesAssigned'
  | 'DeviceNodeStarted'
  | 'DeviceNodeQueryStopped'
  | 'DeviceNodeStopped'
  | 'DeviceNodeQueryRemoved'
  | 'DeviceNodeRemovePendingCloses'
  | 'DeviceNodeRemoved'
  | 'DeviceNodeDeleted'

/** CM_PROB_* codes, the "Code 10" of Device Manager. */
export const PROBLEMS = {
  CM_PROB_OUT_OF_MEMORY: 3,
  CM_PROB_FAILED_START: 10,
  CM_PROB_NORMAL_CONFLICT: 12,
  CM_PROB_DISABLED: 22,
  CM_PROB_FAILED_INSTALL: 28,
  CM_PROB_FAILED_ADD: 31,
  CM_PROB_DRIVER_FAILED_LOAD: 39,
  CM_PROB_FAILED_POST_START: 43,
} as const

export type Problem = keyof typeof PROBLEMS

export class DevNode {
  readonly children: DevNode[] = []
  state: DevNodeState = 'DeviceNodeUninitialized'
  problem: Problem | null = null
  /** `TOY\Lamp\0000`; empty until its ids were asked for. */
  path = ''
  hardwareIds: string[] = []
  compatibleIds: string[] = []
  description: string | null = null
  location: string | null = null
  /** CapabilityFlags, Address and UINumber of its DEVICE_CAPABILITIES. */
  capabilities = 0
  address = 0xffff_ffff
  uiNumber = 0xffff_ffff
  /** CM_RESOURCE_LIST of the bus driver (boot configuration) and the one that START_DEVICE brought; 0 for none. */
  bootResources: Ptr = 0
  allocatedResources: Ptr = 0
  /** IO_RESOURCE_REQUIREMENTS_LIST of the bus driver; 0 for none. */
  requirements: Ptr = 0
  /** The bus driver no longer reports it. */
  missing = false
  /** SURPRISE_REMOVAL was sent; REMOVE_DEVICE waits for the last handle. */
  surpriseRemoved = false
  /** Buses between it and the root. */
  readonly depth: number

  constructor(
    /** Physical device object. The node holds the reference that the bus driver took for it. */
    readonly pdo: Ptr,
    readonly parent: DevNode | null,
  ) {
    this.depth = parent ? parent.depth + 1 : 0
  }

  /** Whether drivers above the bus driver's own are in the stack. */
  get hasStack(): boolean {
    return (
      this.state !== 'DeviceNodeUninitialized' &&
      this.state !== 'DeviceNodeInitialized' &&
      this.state !== 'DeviceNodeRemoved' &&
      this.state !== 'DeviceNodeDeleted'
    )
  }

  /** It was started, and may be asleep, stopped or about to go. */
  get wasStarted(): boolean {
    return (
      this.state === 'DeviceNodeStarted' ||
      this.state === 'DeviceNodeQueryStopped' ||
      this.state === 'DeviceNodeStopped' ||
      this.state === 'DeviceNodeQueryRemoved'
    )
  }

  /** The node and all below it, children before their parents: the order of going. */
  *childrenFirst(): Iterable<DevNode> {
    for (const child of this.children) yield* child.childrenFirst()
    yield this
  }

  /** The node and all below it, parents before their children: the order of coming. */
  *parentsFirst(): Iterable<DevNode> {
    yield this
    for (const child of this.children) yield* child.parentsFirst()
  }
}
