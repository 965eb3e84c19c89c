/**
 * Steps of a scenario that are not calls of a program but things that happen to the machine: devices
 * come and go, it falls asleep, it is shut down. What has an answer is in the report as a request.
 */
import type { ScenarioStep } from '../../../shared/contract/model'
import {
  IRP_MJ_PNP,
  IRP_MJ_POWER,
  IRP_MN_QUERY_REMOVE_DEVICE,
  IRP_MN_QUERY_STOP_DEVICE,
  IRP_MN_SET_POWER,
} from '../../../shared/nt/irp-functions'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'

export type DeviceStep = Extract<
  ScenarioStep,
  { do: 'plug' | 'unplug' | 'surpriseRemove' | 'restart' | 'power' | 'shutdown' }
>

/** Do one step and wait until the machine has come to rest again. */
export function* deviceStep(k: Kernel, step: DeviceStep): KernelRoutine<void> {
  switch (step.do) {
    case 'plug':
      return yield* k.pnp.plug(step.device, step.as ?? step.device)
    case 'unplug': {
      const status = yield* k.pnp.unplug(step.device)
      return k.io.reports.recordStep(
        'CM_Request_Device_Eject',
        IRP_MJ_PNP,
        IRP_MN_QUERY_REMOVE_DEVICE,
        status,
      )
    }
    case 'surpriseRemove':
      yield* k.pnp.surpriseRemove(step.device)
      return
    case 'restart': {
      const status = yield* k.pnp.restart(step.device)
      return k.io.reports.recordStep('rebalance', IRP_MJ_PNP, IRP_MN_QUERY_STOP_DEVICE, status)
    }
    case 'power': {
      const status = yield* k.power.change(step.to)
      return k.io.reports.recordStep('SetSuspendState', IRP_MJ_POWER, IRP_MN_SET_POWER, status)
    }
    case 'shutdown':
      yield* k.power.shutDown()
  }
}
