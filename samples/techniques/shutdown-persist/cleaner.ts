/* The tool that cleans up: it disables the service of the driver and deletes its file. */
import {
  DWORD,
  DeleteFile,
  ERROR_SUCCESS,
  GetFileAttributes,
  HKEY_LOCAL_MACHINE,
  KEY_READ,
  KEY_SET_VALUE,
  REG_DWORD,
  RegCloseKey,
  RegOpenKeyEx,
  RegQueryValueEx,
  RegSetValueEx,
  array,
  local,
  out,
  printf,
} from 'win32'
import type { HANDLE } from 'win32'

const KEY = 'SYSTEM\\CurrentControlSet\\Services\\Lichen'
const FILE = 'C:\\Windows\\System32\\drivers\\Lichen.sys'
const SERVICE_DISABLED = 4
const INVALID_FILE_ATTRIBUTES = 0xffffffff

export function main(): number {
  const key = out<HANDLE>()
  if (RegOpenKeyEx(HKEY_LOCAL_MACHINE, KEY, 0, KEY_READ | KEY_SET_VALUE, key) !== ERROR_SUCCESS)
    return 1
  const start = local(array(DWORD, 1))
  start[0] = SERVICE_DISABLED
  RegSetValueEx(key.value, 'Start', 0, REG_DWORD, start, 4)
  const length = local(array(DWORD, 1))
  length[0] = 4
  RegQueryValueEx(key.value, 'Start', null, out<DWORD>(), start, length)
  RegCloseKey(key.value)
  DeleteFile(FILE)
  const isGone = GetFileAttributes(FILE) === INVALID_FILE_ATTRIBUTES
  printf('Lichen: start type %u, file %s\n', start[0], isGone ? 'gone' : 'there')
  return 0
}
