/**
 * The DDI table: every routine that driver code and client programs can call, by name. A family file
 * that is not named here does not exist.
 */
import { CM_CALLBACK_DDIS } from './cm-callback'
import { DBG_DDIS } from './dbg'
import { ETW_DDIS } from './etw'
import { EX_CALLBACK_DDIS } from './ex-callback'
import { EX_SYNC_DDIS } from './ex-sync'
import { EX_WORK_DDIS } from './ex-work'
import { HAL_INTERRUPT_DDIS } from './hal-interrupt'
import { HAL_IO_DDIS } from './hal-io'
import { HAL_PROCESSOR_DDIS } from './hal-processor'
import { FLT_DDIS } from './flt'
import { FWP_DDIS } from './fwp'
import { INTERLOCKED_DDIS } from './interlocked'
import { IO_ASSOCIATED_DDIS } from './io-associated'
import { IO_CSQ_DDIS } from './io-csq'
import { IO_DEVICE_DDIS } from './io-device'
import { IO_IRP_DDIS } from './io-irp'
import { IO_NOTIFY_DDIS } from './io-notify'
import { IO_PNP_DDIS } from './io-pnp'
import { IO_TIMER_DDIS } from './io-timer'
import { KE_APC_DDIS } from './ke-apc'
import { KE_BUGCHECK_DDIS } from './ke-bugcheck'
import { KE_DEVICE_QUEUE_DDIS } from './ke-device-queue'
import { KE_DPC_DDIS } from './ke-dpc'
import { KE_EVENT_DDIS } from './ke-event'
import { KE_IRQL_DDIS } from './ke-irql'
import { KE_PROCESSOR_DDIS } from './ke-processor'
import { KE_SPINLOCK_DDIS } from './ke-spinlock'
import { KE_TIME_DDIS } from './ke-time'
import { LIST_DDIS } from './list'
import { MDL_DDIS } from './mdl'
import { MM_PHYSICAL_DDIS } from './mm-physical'
import { MM_PROCESS_DDIS } from './mm-process'
import { MM_STACK_DDIS } from './mm-stack'
import { OB_DDIS } from './ob'
import { OB_CALLBACK_DDIS } from './ob-callback'
import { POOL_DDIS } from './pool'
import { PS_NOTIFY_DDIS } from './ps-notify'
import { PO_DDIS } from './po'
import { PS_PROCESS_DDIS } from './ps-process'
import { PS_THREAD_DDIS } from './ps-thread'
import { RTL_MEMORY_DDIS } from './rtl-memory'
import { RTL_STRING_DDIS } from './rtl-string'
import { SE_DDIS } from './se'
import { WDF_DDIS } from './wdf'
import { WDF_CANCEL_DDIS } from './wdf-cancel'
import { WDF_DEFERRED_DDIS } from './wdf-deferred'
import { WDF_POWER_DDIS } from './wdf-power'
import { WDF_REQUEST_DDIS } from './wdf-request'
import { WDF_WAITLOCK_DDIS } from './wdf-waitlock'
import { WIN32_CRT_DDIS } from './win32-crt'
import { WIN32_FILE_DDIS } from './win32-file'
import { WIN32_MEMORY_DDIS } from './win32-memory'
import { WIN32_PROCESS_DDIS } from './win32-process'
import { WIN32_SYNC_DDIS } from './win32-sync'
import { WIN32_DDIS } from './win32'
import { WINSOCK_DDIS } from './winsock'
import { ZW_FILE_DDIS } from './zw-file'
import { ZW_REGISTRY_DDIS } from './zw-registry'
import { ZW_SYSTEM_DDIS } from './zw-system'
import { ZW_SECTION_DDIS } from './zw-section'
import type { DdiEntry } from './types'

export const DDIS: Readonly<Record<string, DdiEntry>> = {
  ...CM_CALLBACK_DDIS,
  ...DBG_DDIS,
  ...ETW_DDIS,
  ...EX_CALLBACK_DDIS,
  ...EX_SYNC_DDIS,
  ...EX_WORK_DDIS,
  ...HAL_INTERRUPT_DDIS,
  ...HAL_IO_DDIS,
  ...HAL_PROCESSOR_DDIS,
  ...FLT_DDIS,
  ...FWP_DDIS,
  ...INTERLOCKED_DDIS,
  ...IO_ASSOCIATED_DDIS,
  ...IO_CSQ_DDIS,
  ...IO_DEVICE_DDIS,
  ...IO_IRP_DDIS,
  ...IO_NOTIFY_DDIS,
  ...IO_PNP_DDIS,
  ...IO_TIMER_DDIS,
  ...KE_APC_DDIS,
  ...KE_BUGCHECK_DDIS,
  ...KE_DEVICE_QUEUE_DDIS,
  ...KE_DPC_DDIS,
  ...KE_EVENT_DDIS,
  ...KE_IRQL_DDIS,
  ...KE_PROCESSOR_DDIS,
  ...KE_SPINLOCK_DDIS,
  ...KE_TIME_DDIS,
  ...LIST_DDIS,
  ...MDL_DDIS,
  ...MM_PHYSICAL_DDIS,
  ...MM_PROCESS_DDIS,
  ...MM_STACK_DDIS,
  ...OB_DDIS,
  ...OB_CALLBACK_DDIS,
  ...PO_DDIS,
  ...POOL_DDIS,
  ...PS_NOTIFY_DDIS,
  ...PS_PROCESS_DDIS,
  ...PS_THREAD_DDIS,
  ...RTL_MEMORY_DDIS,
  ...RTL_STRING_DDIS,
  ...SE_DDIS,
  ...WDF_DDIS,
  ...WDF_CANCEL_DDIS,
  ...WDF_DEFERRED_DDIS,
  ...WDF_POWER_DDIS,
  ...WDF_REQUEST_DDIS,
  ...WDF_WAITLOCK_DDIS,
  ...WIN32_CRT_DDIS,
  ...WIN32_FILE_DDIS,
  ...WIN32_MEMORY_DDIS,
  ...WIN32_PROCESS_DDIS,
  ...WIN32_SYNC_DDIS,
  ...WIN32_DDIS,
  ...WINSOCK_DDIS,
  ...ZW_FILE_DDIS,
  ...ZW_REGISTRY_DDIS,
  ...ZW_SYSTEM_DDIS,
  ...ZW_SECTION_DDIS,
}

/** Names in the order of their indexes, which compiled code uses. */
export const DDI_NAMES: readonly string[] = Object.keys(DDIS)
