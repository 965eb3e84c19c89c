/** Rules about locks that need more than the lock itself. */
import { IO_STACK_LOCATION, IRP } from '../../../../shared/nt/generated/offsets'
import { IRP_MJ_PNP } from '../../../../shared/nt/irp-functions'
import type { CodeFrame } from '../../ke/thread'
import type { Kernel } from '../../kernel'
import type { Ptr } from '../../mm/memory'

const IRP_MN_REMOVE_DEVICE = 0x02

/** IoReleaseRemoveLockAndWait belongs to the removal of the device. */
export function waitingForRemoveLock(k: Kernel, lock: Ptr): void {
  if (!k.verifier.isActive('VR-LOCK-REMOVELOCK-WAIT')) return
  const isRemoving = k.thread.frames.some(
    (frame) => frame.kind === 'code' && frame.routine === 'DRIVER_DISPATCH' && isRemove(k, frame),
  )
  k.verifier.warn(
    'VR-LOCK-REMOVELOCK-WAIT',
    !isRemoving,
    `IoReleaseRemoveLockAndWait was called for the lock at ${k.memory.format(lock)} while no device is removed.`,
  )
}

/** Whether a dispatch routine was called with IRP_MN_REMOVE_DEVICE, wherever the packet is now. */
function isRemove(k: Kernel, frame: CodeFrame): boolean {
  const { memory } = k
  const irp = frame.args[1] ?? 0
  const info = k.irps.info(irp)
  if (!info) return false
  for (let i = 0; i < info.stackCount; i++) {
    const location = irp + IRP.SIZE + i * IO_STACK_LOCATION.SIZE
    if (
      memory.u8(location + IO_STACK_LOCATION.MajorFunction) === IRP_MJ_PNP &&
      memory.u8(location + IO_STACK_LOCATION.MinorFunction) === IRP_MN_REMOVE_DEVICE
    )
      return true
  }
  return false
}
