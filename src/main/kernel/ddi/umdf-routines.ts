/** Which routines of 'wdm' a UMDF driver has: those of the framework and of ntdll that need no kernel. */
import { DDIS } from './index'
import { isInline } from './inline'

/** What Microsoft documents for KMDF only. */
const KERNEL_ONLY: ReadonlySet<string> = new Set([
  'WdfControlDeviceInitAllocate',
  'WdfControlFinishInitializing',
  'WdfDeviceEnqueueRequest',
  'WdfDeviceInitAssignName',
  'WdfDeviceInitSetIoInCallerContextCallback',
  'WdfDeviceWdmGetDeviceObject',
  'WDF_DPC_CONFIG_INIT',
  'WdfDpcCancel',
  'WdfDpcCreate',
  'WdfDpcEnqueue',
  'WdfDpcGetParentObject',
  'WdfRequestProbeAndLockUserBufferForRead',
  'WdfRequestProbeAndLockUserBufferForWrite',
  'WdfRequestRetrieveUnsafeUserInputBuffer',
  'WdfRequestRetrieveUnsafeUserOutputBuffer',
])

/** What Windows has in UMDF and the lab has in KMDF only. */
const NOT_IN_HOSTS: ReadonlySet<string> = new Set([
  'WdfDeviceGetIoTarget',
  'WdfDeviceInitSetIoType',
  'WdfDeviceInitSetPnpPowerEventCallbacks',
  'WDF_TIMER_CONFIG_INIT',
  'WDF_TIMER_CONFIG_INIT_PERIODIC',
  'WdfRequestMarkCancelable',
  'WdfRequestMarkCancelableEx',
  'WdfRequestSend',
  'WdfRequestUnmarkCancelable',
  'WdfSpinLockAcquire',
  'WdfSpinLockCreate',
  'WdfSpinLockRelease',
  'WdfTimerCreate',
  'WdfTimerGetParentObject',
  'WdfTimerStart',
  'WdfTimerStop',
  'WdfWaitLockAcquire',
  'WdfWaitLockCreate',
  'WdfWaitLockRelease',
  'WdfWorkItemCreate',
  'WdfWorkItemEnqueue',
  'WdfWorkItemGetParentObject',
])

/** Of the rest, what ntdll exports to everybody. */
const NTDLL: ReadonlySet<string> = new Set(['DbgPrint', 'DbgPrintEx', 'RtlInitUnicodeString'])

/** Why a UMDF driver cannot call a routine; null when it can, or when the name is no routine. */
export function whyNotInUmdf(name: string): string | null {
  const entry = Object.hasOwn(DDIS, name) ? DDIS[name] : undefined
  if (!entry || entry.module === 'both' || NTDLL.has(name)) return null
  if (KERNEL_ONLY.has(name)) return `${name} is there in KMDF only.`
  if (NOT_IN_HOSTS.has(name))
    return `${name} is there in KMDF only; the lab does not have it in UMDF.`
  if (/^(?:Wdf|WDF_)/.test(name)) return null
  return `${name} is ${isInline(name) ? 'for kernel code' : 'a routine of the kernel'}, and a UMDF driver runs in user mode.`
}
