/**
 * System power states: the whole tree is asked, then told. On the way down children come before
 * their parents, on the way up parents before their children.
 */
import {
  DO_POWER_PAGABLE,
  PowerActionHibernate,
  PowerActionNone,
  PowerActionShutdownOff,
  PowerActionSleep,
  PowerSystemHibernate,
  PowerSystemShutdown,
  PowerSystemSleeping3,
  PowerSystemWorking,
  SystemPowerState,
} from '../../../shared/nt/generated/constants'
import { DEVICE_OBJECT, IO_STACK_LOCATION } from '../../../shared/nt/generated/offsets'
import { STATUS_INVALID_PARAMETER, STATUS_SUCCESS } from '../../../shared/nt/generated/ntstatus'
import {
  IRP_MJ_POWER,
  IRP_MN_QUERY_POWER,
  IRP_MN_SET_POWER,
} from '../../../shared/nt/irp-functions'
import type { KernelRoutine } from '../ddi/types'
import { sendOwnIrp } from '../io/own-irp'
import { DISPATCH_LEVEL } from '../ke/irql'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { DevNode } from '../pnp/devnode'

export type PowerAction = 'sleep' | 'hibernate' | 'wake'

const P = IO_STACK_LOCATION

/** System state and POWER_ACTION of each action. */
const TARGETS: Readonly<Record<PowerAction, { state: number; action: number }>> = {
  sleep: { state: PowerSystemSleeping3, action: PowerActionSleep },
  hibernate: { state: PowerSystemHibernate, action: PowerActionHibernate },
  wake: { state: PowerSystemWorking, action: PowerActionNone },
}

/** Devices that get system power packets: all that were started. */
function poweredNodes(k: Kernel): DevNode[] {
  return [...k.pnp.all()].filter((node) => node.parent !== null && node.wasStarted)
}

/**
 * Send a system power packet to one stack and wait for it.
 *
 * A stack whose drivers said DO_POWER_PAGABLE is called at PASSIVE_LEVEL. One that did not may be
 * needed while memory cannot be paged in: it gets SET_POWER at DISPATCH_LEVEL.
 */
function* sendSystemPower(
  k: Kernel,
  node: DevNode,
  minor: number,
  state: number,
  action: number,
): KernelRoutine<number> {
  const { memory } = k
  const top = k.devices.top(node.pdo)
  const isPageable = (memory.u32(top + DEVICE_OBJECT.Flags) & DO_POWER_PAGABLE) !== 0
  let packet: Ptr = 0
  const { status } = yield* sendOwnIrp(k, node.pdo, {
    major: IRP_MJ_POWER,
    minor,
    ...(!isPageable && minor === IRP_MN_SET_POWER ? { irql: DISPATCH_LEVEL } : {}),
    fill(location) {
      memory.setU32(location + P['Parameters.Power.Type'], SystemPowerState)
      memory.setU32(location + P['Parameters.Power.State.SystemState'], state)
      memory.setU32(location + P['Parameters.Power.ShutdownType'], action)
    },
    onSend(irp) {
      packet = irp
      k.power.sent(irp, node.pdo)
    },
  })
  k.power.returned(packet)
  return status
}

/**
 * Ask every device whether the machine may sleep, then tell them all. A refusal is followed by
 * SET_POWER for the working state to those that were asked.
 * @returns the status of the device that refused, or STATUS_SUCCESS
 */
export function* changeSystemState(k: Kernel, wanted: PowerAction): KernelRoutine<number> {
  const { state, action } = TARGETS[wanted]
  if (wanted === 'wake') return yield* wake(k)
  if (k.power.systemState !== PowerSystemWorking) return STATUS_INVALID_PARAMETER
  const nodes = poweredNodes(k).reverse()
  const asked: DevNode[] = []
  for (const node of nodes) {
    asked.push(node)
    const status = yield* sendSystemPower(k, node, IRP_MN_QUERY_POWER, state, action)
    if ((status | 0) >= 0) continue
    for (const each of asked.reverse())
      yield* sendSystemPower(k, each, IRP_MN_SET_POWER, PowerSystemWorking, action)
    return status
  }
  for (const node of nodes) yield* sendSystemPower(k, node, IRP_MN_SET_POWER, state, action)
  k.power.setSystemState(state)
  return STATUS_SUCCESS
}

function* wake(k: Kernel): KernelRoutine<number> {
  if (k.power.systemState === PowerSystemWorking) return STATUS_INVALID_PARAMETER
  k.power.setSystemState(PowerSystemWorking)
  yield* k.pnp.wakeDevices()
  for (const node of poweredNodes(k))
    yield* sendSystemPower(k, node, IRP_MN_SET_POWER, PowerSystemWorking, PowerActionNone)
  return STATUS_SUCCESS
}

/**
 * Shut down: IRP_MJ_SHUTDOWN to the devices that asked for it, then SET_POWER for S5 to all. Nobody
 * is asked, and the machine is off afterwards.
 */
export function* shutDown(k: Kernel): KernelRoutine<number> {
  yield* k.shutdown.notify()
  for (const node of poweredNodes(k).reverse())
    yield* sendSystemPower(k, node, IRP_MN_SET_POWER, PowerSystemShutdown, PowerActionShutdownOff)
  k.power.setSystemState(PowerSystemShutdown)
  k.stop('done')
  return STATUS_SUCCESS
}
