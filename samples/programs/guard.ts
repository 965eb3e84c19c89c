// The user part of the antivirus. Every second it looks whether its own process can still be seen
// and whether its driver is still loaded, and says so when that changes.
//
// Start it as { "name": "guard.exe", "entry": "world/guard.ts", "resident": true }: it takes the place
// of the guard.exe that waits, with its id and its protection.

import type { DWORD } from 'win32'
import {
  CloseHandle,
  CreateToolhelp32Snapshot,
  EnumDeviceDrivers,
  GetCurrentProcessId,
  GetDeviceDriverBaseName,
  INVALID_HANDLE_VALUE,
  PROCESSENTRY32W,
  PVOID,
  Process32First,
  Process32Next,
  Sleep,
  TH32CS_SNAPPROCESS,
  WCHAR,
  array,
  cast,
  local,
  out,
  printf,
  sizeof,
} from 'win32'

const DRIVERS_MAX = 64
const NAME_CHARACTERS = 32

/** Whether the task list has the process with this id. */
function isListed(id: DWORD): boolean {
  const snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0)
  if (snapshot === INVALID_HANDLE_VALUE) return false
  const entry = local(PROCESSENTRY32W)
  entry.dwSize = sizeof(PROCESSENTRY32W)
  let found = false
  let more = Process32First(snapshot, entry)
  while (more && !found) {
    found = entry.th32ProcessID === id
    more = Process32Next(snapshot, entry)
  }
  CloseHandle(snapshot)
  return found
}

/** Whether `guard.sys` is among the loaded drivers. */
function isDriverLoaded(): boolean {
  const bases = local(array(PVOID, DRIVERS_MAX))
  const needed = out<DWORD>()
  if (!EnumDeviceDrivers(bases, sizeof(bases), needed)) return false
  const name = local(array(WCHAR, NAME_CHARACTERS))
  for (let i = 0; i < needed.value / 8 && i < DRIVERS_MAX; i++) {
    const length = GetDeviceDriverBaseName(bases[i], name, NAME_CHARACTERS)
    // "guard.sys": the G and the S tell it apart from all others here.
    if (length === 9 && (name[0] | 0x20) === 0x67 && (name[6] | 0x20) === 0x73) return true
  }
  return false
}

export function main(): number {
  const own = GetCurrentProcessId()
  let wasListed = true
  let wasLoaded = true
  printf('guard: watching, process %u\n', own)
  for (;;) {
    const listed = isListed(own)
    const loaded = isDriverLoaded()
    if (listed !== wasListed)
      printf(listed ? 'guard: visible again\n' : 'guard: my process is hidden\n')
    if (loaded !== wasLoaded)
      printf(loaded ? 'guard: driver is back\n' : 'guard: my driver is gone\n')
    wasListed = listed
    wasLoaded = loaded
    Sleep(1000)
  }
}
