/* K090: an entry that is taken out of its list twice. */
import {
  InitializeListHead,
  InsertTailList,
  LIST_ENTRY,
  RemoveEntryList,
  STATUS_SUCCESS,
  local,
} from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'
import { Stops } from './check'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const head = local(LIST_ENTRY)
  const first = local(LIST_ENTRY)
  const second = local(LIST_ENTRY)
  InitializeListHead(head)
  InsertTailList(head, first)
  InsertTailList(head, second)
  RemoveEntryList(first)
  Stops('K090', 0x139, 3)
  RemoveEntryList(first)
  return STATUS_SUCCESS
}
