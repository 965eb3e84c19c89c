/* A program that would like to end the antivirus, and one that only looks: both ask Windows. */
import {
  CloseHandle,
  FALSE,
  OpenProcess,
  PROCESS_QUERY_LIMITED_INFORMATION,
  PROCESS_TERMINATE,
  printf,
} from 'win32'
import type { DWORD } from 'win32'

/** The id of guard.exe on this machine. */
const GUARD = 2456

function attempt(what: string, access: DWORD): void {
  const process = OpenProcess(access, FALSE, GUARD)
  printf('killer: opening guard.exe %s: %s\n', what, process === null ? 'refused' : 'allowed')
  if (process !== null) CloseHandle(process)
}

export function main(): number {
  attempt('to look', PROCESS_QUERY_LIMITED_INFORMATION)
  attempt('to end it', PROCESS_TERMINATE)
  return 0
}
