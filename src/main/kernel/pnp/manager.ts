/**
 * The PnP manager: the device tree and what is done with it. Everything happens on one system thread
 * (see action-queue.ts), which is why drivers get their PnP packets at PASSIVE_LEVEL and one by one.
 *
 * The tree is made when the first device is: a machine without PnP devices has none.
 */
import { BusRelations } from '../../../shared/nt/generated/constants'
import { STATUS_NO_SUCH_DEVICE } from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { upcase } from '../rtl/upcase'
import { ActionQueue } from './action-queue'
import { DevNode, PROBLEMS, type DevNodeState, type Problem } from './devnode'
import { enumerateChildren } from './enumerate'
import { Interfaces } from './interfaces'
import { Packages } from './packages'
import { rebalance } from './rebalance'
import { closesDone, queryAndRemove, surpriseRemove } from './remove'
import { Arbiter } from './resources'
import { RootBus } from './root-bus'
import { isUnwell } from './start'
import { ownReferences } from './rules'

export class PnpManager {
  readonly packages: Packages
  readonly interfaces: Interfaces
  readonly arbiter: Arbiter
  readonly actions: ActionQueue
  /** Devices that were surprise removed and are still open. */
  readonly pendingCloses = new Set<DevNode>()
  /** Devices of the stack that handles SURPRISE_REMOVAL now, with the address of the packet. */
  readonly beingSurprised = new Map<Ptr, bigint>()
  private bus: RootBus | null = null
  private rootNode: DevNode | null = null
  private readonly nodes = new Map<Ptr, DevNode>()
  private readonly paths = new Map<string, DevNode>()

  constructor(private readonly k: Kernel) {
    this.packages = new Packages(k)
    this.interfaces = new Interfaces(k)
    this.arbiter = new Arbiter(k)
    this.actions = new ActionQueue(k, 'PnP device actions', 'nt!PipDeviceActionWorker')
  }

  // --- the tree ----------------------------------------------------------------------------------

  /** The root of the tree, with the machine's own bus; made on first use. */
  get root(): DevNode {
    if (this.rootNode) return this.rootNode
    this.bus = new RootBus(this.k)
    const root = new DevNode(this.bus.device, null)
    root.path = 'HTREE\\ROOT\\0'
    root.description = 'Root of the device tree'
    this.rootNode = root
    this.add(root)
    this.setState(root, 'DeviceNodeStarted')
    return root
  }

  private get rootBus(): RootBus {
    void this.root
    return this.bus!
  }

  /** The node of a physical device; undefined when the device is none. */
  byPdo(pdo: Ptr): DevNode | undefined {
    return this.nodes.get(pdo)
  }

  byPath(path: string): DevNode | undefined {
    return this.paths.get(upcase(path))
  }

  /** The node whose stack a device is in. */
  byDevice(device: Ptr): DevNode | undefined {
    return this.nodes.get(this.k.devices.bottom(device))
  }

  /** By path, device id, or what a scenario calls it. The newest of several. */
  find(name: string): DevNode | undefined {
    const wanted = upcase(this.bus?.pathOf(name) ?? name)
    const exact = this.paths.get(wanted)
    if (exact) return exact
    return [...this.nodes.values()].findLast(
      ({ path, hardwareIds }) =>
        upcase(path.slice(0, path.lastIndexOf('\\'))) === wanted ||
        hardwareIds.some((id) => upcase(id) === wanted),
    )
  }

  /** Every node, parents before their children. */
  *all(): Iterable<DevNode> {
    if (this.rootNode) yield* this.rootNode.parentsFirst()
  }

  /** Put a node that knows its path into the tree. */
  add(node: DevNode): void {
    const { k } = this
    this.nodes.set(node.pdo, node)
    this.paths.set(upcase(node.path), node)
    node.parent?.children.push(node)
    if (k.tracing)
      k.emit({
        t: 'devnode.arrived',
        devnode: node.path,
        parent: node.parent?.path ?? null,
        pdo: k.memory.format(node.pdo),
        description: node.description,
        service: this.packages.stackOf(node).service,
      })
  }

  /** Take a node out of the tree, with the reference to its physical device. */
  delete(node: DevNode): void {
    const { k } = this
    this.setState(node, 'DeviceNodeDeleted')
    this.nodes.delete(node.pdo)
    this.paths.delete(upcase(node.path))
    this.pendingCloses.delete(node)
    const siblings = node.parent?.children
    siblings?.splice(siblings.indexOf(node), 1)
    this.interfaces.forget(node)
    this.arbiter.forget(node)
    for (const block of [node.bootResources, node.requirements, node.allocatedResources])
      if (block && k.pool.block(block)) k.pool.free(block)
    if (k.tracing) k.emit({ t: 'devnode.removed', devnode: node.path })
    k.devices.setNode(node.pdo, false)
    this.dropReference(node.pdo)
  }

  /**
   * Give back a reference that a bus driver took for the PnP manager.
   * @bugcheck 0xCA with 5 when the bus driver took none
   */
  dropReference(pdo: Ptr): void {
    const { k } = this
    if (k.ob.pointerCount(pdo) <= ownReferences(k, pdo))
      k.bugCheck(
        0xca,
        5,
        k.memory.address(pdo),
        0,
        0,
        'A bus driver reported a physical device object without ObReferenceObject: it would be freed while the device is in the tree.',
      )
    k.ob.release(pdo)
  }

  setState(node: DevNode, state: DevNodeState): void {
    const { k } = this
    const from = node.state
    if (from === state) return
    node.state = state
    if (k.tracing)
      k.emit({
        t: 'devnode.state',
        devnode: node.path,
        from,
        to: state,
        problem: node.problem,
      })
  }

  /** Note why a device does not work: the code that Device Manager shows. */
  setProblem(node: DevNode, problem: Problem | null): void {
    const { k } = this
    if (node.problem === problem) return
    node.problem = problem
    if (k.tracing)
      k.emit({
        t: 'devnode.problem',
        devnode: node.path,
        problem,
        code: problem === null ? 0 : PROBLEMS[problem],
      })
  }

  // --- what drivers and people do ------------------------------------------------------------------

  /** IoInvalidateDeviceRelations: the bus is asked again, later and in another thread. */
  invalidateRelations(node: DevNode, type: number): void {
    if (type !== BusRelations) return
    this.actions.post(() => this.enumerate(node))
  }

  /** IoInvalidateDeviceState: the device is asked how it is. */
  invalidateState(node: DevNode): void {
    this.actions.post(() => this.askState(node))
  }

  private *askState(node: DevNode): KernelRoutine<void> {
    if (!this.isPresent(node) || node.state !== 'DeviceNodeStarted') return
    if (yield* isUnwell(this.k, node)) yield* this.fail(node)
  }

  private *enumerate(node: DevNode): KernelRoutine<void> {
    if (!this.isPresent(node) || node.state !== 'DeviceNodeStarted') return
    yield* enumerateChildren(this.k, node)
  }

  /**
   * Plug a device into the machine's own bus and wait until it is started, or is not.
   * @param id    device id, `TOY\Lamp`
   * @param name  how later steps call it
   */
  *plug(id: string, name: string): KernelRoutine<void> {
    yield* this.actions.run(() => {
      this.rootBus.plug(id, name)
      return this.enumerate(this.root)
    })
    yield* this.actions.settle()
  }

  /** Pull a device of the machine's own bus without asking. */
  *surpriseRemove(name: string): KernelRoutine<number> {
    const node = this.find(name)
    if (!node || !this.rootBus.owns(node.pdo)) return STATUS_NO_SUCH_DEVICE
    yield* this.actions.run(() => {
      if (this.isPresent(node)) this.rootBus.pull(node.pdo)
      return this.enumerate(this.root)
    })
    yield* this.actions.settle()
    return 0
  }

  /** Remove a device as Device Manager does: drivers and handles may veto. The status of the query. */
  *unplug(name: string): KernelRoutine<number> {
    const node = this.find(name)
    if (!node) return STATUS_NO_SUCH_DEVICE
    const status = yield* this.actions.run(() => this.removeOrderly(node))
    yield* this.actions.settle()
    return status
  }

  /** It may have gone while the action waited for its turn, or be on its way. */
  private isPresent(node: DevNode): boolean {
    return this.nodes.get(node.pdo) === node && !node.surpriseRemoved
  }

  private *removeOrderly(node: DevNode): KernelRoutine<number> {
    if (!this.isPresent(node)) return STATUS_NO_SUCH_DEVICE
    const status = yield* queryAndRemove(this.k, node)
    if ((status | 0) < 0 || !this.rootBus.owns(node.pdo)) return status
    this.rootBus.pull(node.pdo)
    yield* this.enumerate(this.root)
    return status
  }

  /** Stop a device and start it again, as when its resources move. The status of QUERY_STOP or of the start. */
  *restart(name: string): KernelRoutine<number> {
    const node = this.find(name)
    if (!node) return STATUS_NO_SUCH_DEVICE
    const status = yield* this.actions.run(() => this.rebalance(node))
    yield* this.actions.settle()
    return status
  }

  private *rebalance(node: DevNode): KernelRoutine<number> {
    return this.isPresent(node) ? yield* rebalance(this.k, node) : STATUS_NO_SUCH_DEVICE
  }

  /** A driver said that its device failed (PNP_DEVICE_FAILED): out with the stack. */
  *fail(node: DevNode): KernelRoutine<void> {
    this.setProblem(node, 'CM_PROB_FAILED_POST_START')
    yield* surpriseRemove(this.k, node)
  }

  /** The machine woke: devices of its own bus that waited for it hear of it (IRP_MN_WAIT_WAKE). */
  *wakeDevices(): KernelRoutine<void> {
    if (this.bus) yield* this.bus.wake()
  }

  /** A file object on a device is gone: a removal may have waited for it. */
  deviceClosed(device: Ptr): void {
    if (this.pendingCloses.size === 0) return
    const node = this.byDevice(device)
    if (!node) return
    this.actions.post(() => closesDone(this.k))
  }

  /** Remove every device, the last one first, as at the end of a run. */
  *removeAll(): KernelRoutine<void> {
    if (!this.rootNode) return
    yield* this.actions.settle()
    for (const node of [...this.rootNode.children].reverse()) yield* this.unplug(node.path)
  }
}
