/* Opens two files that are both there. */
import {
  CloseHandle,
  CreateFile,
  FILE_SHARE_READ,
  GENERIC_READ,
  GetLastError,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  printf,
} from 'win32'

function attempt(what: string, path: string): void {
  const file = CreateFile(path, GENERIC_READ, FILE_SHARE_READ, null, OPEN_EXISTING, 0, null)
  if (file === INVALID_HANDLE_VALUE) {
    printf('%s: error %u\n', what, GetLastError())
    return
  }
  printf('%s: opened\n', what)
  CloseHandle(file)
}

export function main(): number {
  attempt('letter.txt', 'C:\\Users\\student\\Documents\\letter.txt')
  attempt('plan.txt', 'C:\\Users\\student\\Documents\\plan.txt')
  return 0
}
