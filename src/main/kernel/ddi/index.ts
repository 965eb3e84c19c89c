/** The DDI table: every routine that driver code and client programs can call, by name. */
import { IO_DEVICE_DDIS } from './io-device'
import { IO_IRP_DDIS } from './io-irp'
import { MDL_DDIS } from './mdl'
import { POOL_DDIS } from './pool'
import type { DdiEntry } from './types'

export const DDIS: Readonly<Record<string, DdiEntry>> = {
  ...IO_DEVICE_DDIS,
  ...IO_IRP_DDIS,
  ...MDL_DDIS,
  ...POOL_DDIS,
}

/** Names in the order of their indexes, which compiled code uses. */
export const DDI_NAMES: readonly string[] = Object.keys(DDIS)
