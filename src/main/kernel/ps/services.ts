/** Every system service that this kernel has. */
import {
  NtCancelIoFile,
  NtCancelIoFileEx,
  NtCreateFile,
  NtDeviceIoControlFile,
  NtFsControlFile,
  NtOpenFile,
  NtQueryInformationFile,
  NtReadFile,
  NtSetInformationFile,
  NtWriteFile,
} from '../io/nt-file'
import {
  NtDelayExecution,
  NtWaitForMultipleObjects,
  NtWaitForSingleObject,
  NtYieldExecution,
} from '../ke/nt-wait'
import {
  NtAllocateVirtualMemory,
  NtFreeVirtualMemory,
  NtProtectVirtualMemory,
  NtReadVirtualMemory,
  NtWriteVirtualMemory,
} from '../mm/nt-memory'
import {
  NtClearEvent,
  NtClose,
  NtCreateEvent,
  NtDuplicateObject,
  NtResetEvent,
  NtSetEvent,
} from '../ob/nt-object'
import {
  NtCreateThreadEx,
  NtLoadDriver,
  NtOpenProcess,
  NtOpenThread,
  NtQueryInformationProcess,
  NtQueryInformationThread,
  NtTerminateProcess,
  NtTerminateThread,
  NtUnloadDriver,
} from './nt-process'
import { NtAdjustPrivilegesToken, NtOpenProcessToken } from '../se/nt-token'
import type { Service } from './service'
import { NtQuerySystemInformation } from './system-information'

export const SERVICES: readonly Service[] = [
  NtAllocateVirtualMemory,
  NtCancelIoFile,
  NtCancelIoFileEx,
  NtClearEvent,
  NtClose,
  NtCreateEvent,
  NtCreateFile,
  NtCreateThreadEx,
  NtDelayExecution,
  NtDeviceIoControlFile,
  NtDuplicateObject,
  NtFreeVirtualMemory,
  NtFsControlFile,
  NtLoadDriver,
  NtOpenFile,
  NtOpenProcess,
  NtOpenThread,
  NtProtectVirtualMemory,
  NtQueryInformationFile,
  NtQueryInformationProcess,
  NtQueryInformationThread,
  NtReadFile,
  NtReadVirtualMemory,
  NtResetEvent,
  NtSetEvent,
  NtSetInformationFile,
  NtTerminateProcess,
  NtTerminateThread,
  NtUnloadDriver,
  NtWaitForMultipleObjects,
  NtWaitForSingleObject,
  NtWriteFile,
  NtWriteVirtualMemory,
  NtYieldExecution,
  NtQuerySystemInformation,
  NtAdjustPrivilegesToken,
  NtOpenProcessToken,
]
