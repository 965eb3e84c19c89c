/* Opens the file by its name, which nobody told it by a list. */
import {
  CloseHandle,
  CreateFile,
  FILE_SHARE_READ,
  GENERIC_READ,
  GetFileSize,
  GetLastError,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  printf,
} from 'win32'
export function main(): number {
  const file = CreateFile(
    'C:\\Users\\student\\Documents\\passwords.txt',
    GENERIC_READ,
    FILE_SHARE_READ,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (file === INVALID_HANDLE_VALUE) {
    printf('By its name: error %u\n', GetLastError())
    return 1
  }
  printf('By its name: %u bytes\n', GetFileSize(file, null))
  CloseHandle(file)
  return 0
}
