/** PnP packets: what every one of them has in common. */
import { IO_STACK_LOCATION } from '../../../shared/nt/generated/offsets'
import { IRP_MJ_PNP } from '../../../shared/nt/irp-functions'
import { sendOwnIrp, type OwnResult } from '../io/own-irp'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'

const P = IO_STACK_LOCATION

/**
 * Send a PnP packet to the stack of a device. It arrives with STATUS_NOT_SUPPORTED at PASSIVE_LEVEL
 * in a system thread (K066).
 */
export function sendPnp(
  k: Kernel,
  device: Ptr,
  minor: number,
  fill?: (location: Ptr) => void,
  information: Ptr = 0,
): KernelRoutine<OwnResult> {
  return sendOwnIrp(k, device, {
    major: IRP_MJ_PNP,
    minor,
    information,
    ...(fill ? { fill } : {}),
  })
}

/** The same without parameters; `seen` gets the address of the packet. */
export function sendPnpSeen(
  k: Kernel,
  device: Ptr,
  minor: number,
  seen: (irp: bigint) => void,
): KernelRoutine<OwnResult> {
  return sendOwnIrp(k, device, {
    major: IRP_MJ_PNP,
    minor,
    onSend: (irp) => seen(k.memory.address(irp)),
  })
}

/** The same with one number or pointer for a parameter. */
export function sendPnpWith(
  k: Kernel,
  device: Ptr,
  minor: number,
  parameter: number,
): KernelRoutine<OwnResult> {
  return sendPnp(k, device, minor, (location) =>
    k.memory.setU32(location + P['Parameters.QueryId.IdType'], parameter),
  )
}

export function succeeded(result: OwnResult): boolean {
  return (result.status | 0) >= 0
}
