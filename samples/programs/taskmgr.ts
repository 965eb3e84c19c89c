// The task manager: lists the processes as Windows tells them to anybody who asks.
//
// The answer comes from NtQuerySystemInformation, which walks PsActiveProcessHead. A driver that
// unlinks a process from that list, or hooks the service, changes what stands here.

import {
  CloseHandle,
  CreateToolhelp32Snapshot,
  INVALID_HANDLE_VALUE,
  PROCESSENTRY32W,
  Process32First,
  Process32Next,
  TH32CS_SNAPPROCESS,
  local,
  printf,
  sizeof,
} from 'win32'

export function main(): number {
  const snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0)
  if (snapshot === INVALID_HANDLE_VALUE) return 1
  const entry = local(PROCESSENTRY32W)
  entry.dwSize = sizeof(PROCESSENTRY32W)
  printf('   Id  Parent  Threads  Name\n')
  let more = Process32First(snapshot, entry)
  while (more) {
    printf(
      '%5u   %5u      %3u  %ws\n',
      entry.th32ProcessID,
      entry.th32ParentProcessID,
      entry.cntThreads,
      entry.szExeFile,
    )
    more = Process32Next(snapshot, entry)
  }
  CloseHandle(snapshot)
  return 0
}
