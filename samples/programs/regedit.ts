// Lists a registry key: its subkeys, as NtEnumerateKey gives them. A driver that registered with
// CmRegisterCallbackEx is asked before and told after each of these calls, and may leave some out.

import {
  DWORD,
  ERROR_SUCCESS,
  HKEY_LOCAL_MACHINE,
  KEY_READ,
  RegCloseKey,
  RegEnumKeyEx,
  RegOpenKeyEx,
  WCHAR,
  array,
  local,
  out,
  printf,
} from 'win32'
import type { HANDLE } from 'win32'

const KEY = 'SYSTEM\\CurrentControlSet\\Services'
const NAME_CHARACTERS = 256

export function main(): number {
  const key = out<HANDLE>()
  const error = RegOpenKeyEx(HKEY_LOCAL_MACHINE, KEY, 0, KEY_READ, key)
  if (error !== ERROR_SUCCESS) {
    printf('%s: error %u\n', KEY, error)
    return 1
  }
  const name = local(array(WCHAR, NAME_CHARACTERS))
  const length = local(array(DWORD, 1))
  let count: DWORD = 0
  for (;;) {
    length[0] = NAME_CHARACTERS
    if (RegEnumKeyEx(key.value, count, name, length, null, null, null, null) !== ERROR_SUCCESS)
      break
    printf('%ws\n', name)
    count++
  }
  printf('%u keys\n', count)
  RegCloseKey(key.value)
  return 0
}
