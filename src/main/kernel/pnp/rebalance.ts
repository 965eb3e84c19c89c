/** Stopping devices so that their resources can move, and starting them again. */
import {
  IRP_MN_CANCEL_STOP_DEVICE,
  IRP_MN_QUERY_STOP_DEVICE,
  IRP_MN_STOP_DEVICE,
} from '../../../shared/nt/irp-functions'
import {
  STATUS_CONFLICTING_ADDRESSES,
  STATUS_SUCCESS,
  STATUS_UNSUCCESSFUL,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { DevNode } from './devnode'
import { sendPnp } from './send'
import { assignResources, sendStart, started } from './start'
import { surpriseRemove } from './remove'

/**
 * QUERY_STOP to the device and all below it; then STOP, other resources and START. A refusal gets
 * CANCEL_STOP to all that were asked. A device that does not start again is treated as pulled out, with
 * what is below it; the others start all the same.
 * @returns the refusal, or why the first device did not start again
 */
export function* rebalance(k: Kernel, node: DevNode): KernelRoutine<number> {
  if (node.state !== 'DeviceNodeStarted') return STATUS_UNSUCCESSFUL
  const tree = [...node.childrenFirst()].filter((each) => each.state === 'DeviceNodeStarted')
  const asked: DevNode[] = []
  for (const each of tree) {
    asked.push(each)
    const { status } = yield* sendPnp(k, each.pdo, IRP_MN_QUERY_STOP_DEVICE)
    if ((status | 0) >= 0) {
      k.pnp.setState(each, 'DeviceNodeQueryStopped')
      continue
    }
    for (const one of asked.reverse()) {
      yield* sendPnp(k, one.pdo, IRP_MN_CANCEL_STOP_DEVICE)
      k.pnp.setState(one, 'DeviceNodeStarted')
    }
    return status
  }
  for (const each of tree) {
    yield* sendPnp(k, each.pdo, IRP_MN_STOP_DEVICE)
    k.pnp.setState(each, 'DeviceNodeStopped')
  }
  for (const each of tree) k.pnp.arbiter.release(each)
  let failure: number = STATUS_SUCCESS
  for (const each of tree.reverse()) {
    // Gone with its bus meanwhile.
    if (each.state !== 'DeviceNodeStopped') continue
    const problem = yield* assignResources(k, each)
    const status = problem === null ? yield* sendStart(k, each) : STATUS_CONFLICTING_ADDRESSES
    if ((status | 0) >= 0) {
      yield* started(k, each)
      continue
    }
    if (failure === STATUS_SUCCESS) failure = status
    k.pnp.setProblem(each, problem ?? 'CM_PROB_FAILED_START')
    yield* surpriseRemove(k, each)
  }
  return failure
}
