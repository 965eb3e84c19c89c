/*
 * Census: opens every process for a look, as an inventory does, and ends none.
 */
import {
  CLIENT_ID,
  DbgPrint,
  InitializeObjectAttributes,
  NT_SUCCESS,
  OBJECT_ATTRIBUTES,
  OBJ_KERNEL_HANDLE,
  PROCESS_QUERY_LIMITED_INFORMATION,
  STATUS_SUCCESS,
  ZwClose,
  ZwOpenProcess,
  local,
  out,
} from 'wdm'
import type { DRIVER_OBJECT, HANDLE, NTSTATUS, ULONG, UNICODE_STRING } from 'wdm'

/** Ids are multiples of four; on this machine they stay below this one. */
const IDS_END = 4400

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = CensusUnload
  let count: ULONG = 0
  for (let id = 4; id < IDS_END; id += 4) if (IsThere(id)) count++
  DbgPrint('Census: %u processes\n', count)
  return STATUS_SUCCESS
}

function IsThere(Id: HANDLE): boolean {
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(attributes, null, OBJ_KERNEL_HANDLE, null, null)
  const client = local(CLIENT_ID)
  client.UniqueProcess = Id
  const process = out<HANDLE>()
  const access = PROCESS_QUERY_LIMITED_INFORMATION
  if (!NT_SUCCESS(ZwOpenProcess(process, access, attributes, client))) return false
  ZwClose(process.value)
  return true
}

function CensusUnload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('Census: ends\n')
}
