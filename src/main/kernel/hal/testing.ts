/** Driver code that tests of the HAL share: connecting to a device of the board. */
import { IO_CONNECT_INTERRUPT_PARAMETERS as CONNECT } from '../../../shared/nt/generated/offsets'
import type { Ptr } from '../mm/memory'
import type { Code, DriverApi } from '../testing/machine'
import { scratch } from '../testing/toy-driver'

/** Connect the function `isr` of the driver to a device; the KINTERRUPT, 0 when that failed. */
export function* connectTo(
  d: DriverApi,
  device: string,
  isr: string,
  options: Partial<{ context: Ptr; spinLock: Ptr; synchronizeIrql: number; shared: boolean }> = {},
): Code<Ptr> {
  const { hal, memory } = d.k
  const { vector, irql, mode } = hal.resourcesOf(hal.device(device)!)
  const p = scratch(d, CONNECT.SIZE)
  const place = scratch(d, 8)
  memory.setU32(p + CONNECT.Version, 1)
  memory.setPtr(p + CONNECT['FullySpecified.InterruptObject'], place)
  memory.setPtr(p + CONNECT['FullySpecified.ServiceRoutine'], d.fn(isr))
  memory.setPtr(p + CONNECT['FullySpecified.ServiceContext'], options.context ?? 0)
  memory.setPtr(p + CONNECT['FullySpecified.SpinLock'], options.spinLock ?? 0)
  memory.setU8(p + CONNECT['FullySpecified.SynchronizeIrql'], options.synchronizeIrql ?? irql)
  memory.setU8(p + CONNECT['FullySpecified.ShareVector'], (options.shared ?? false) ? 1 : 0)
  memory.setU32(p + CONNECT['FullySpecified.Vector'], vector)
  memory.setU8(p + CONNECT['FullySpecified.Irql'], irql)
  memory.setU32(p + CONNECT['FullySpecified.InterruptMode'], mode === 'edge' ? 1 : 0)
  memory.setU64(p + CONNECT['FullySpecified.ProcessorEnableMask'], 1n)
  const status = yield* d.ddi('IoConnectInterruptEx', p)
  return status === 0 ? memory.ptr(place) : 0
}

/** Port of a register of the serial port. */
export const COM1 = 0x3f8
/** Received data and transmitter empty of IER; OUT2 of MCR. */
export const IER_RECEIVED = 1
export const MCR_OUT2 = 8

/** Have the serial port raise its line when bytes arrive. */
export function* enableUart(d: DriverApi): Code<void> {
  yield* d.ddi('WRITE_PORT_UCHAR', COM1 + 4, MCR_OUT2)
  yield* d.ddi('WRITE_PORT_UCHAR', COM1 + 1, IER_RECEIVED)
}
