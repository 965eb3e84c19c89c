// Lists a folder, as `dir` does. FindFirstFile and FindNextFile ask the file system by
// NtQueryDirectoryFile; a filter between them and the disk may leave out what it likes.

import type { DWORD } from 'win32'
import {
  ERROR_FILE_NOT_FOUND,
  FILE_ATTRIBUTE_DIRECTORY,
  FindClose,
  FindFirstFile,
  FindNextFile,
  GetLastError,
  INVALID_HANDLE_VALUE,
  WIN32_FIND_DATAW,
  local,
  printf,
} from 'win32'

const FOLDER = 'C:\\Users\\student\\Documents\\*'

export function main(): number {
  const found = local(WIN32_FIND_DATAW)
  const search = FindFirstFile(FOLDER, found)
  if (search === INVALID_HANDLE_VALUE) {
    if (GetLastError() === ERROR_FILE_NOT_FOUND) printf('nothing found\n')
    return 1
  }
  let files: DWORD = 0
  let more = 1
  while (more) {
    if (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)
      printf('   <DIR>  %ws\n', found.cFileName)
    else {
      printf('%8u  %ws\n', found.nFileSizeLow, found.cFileName)
      files++
    }
    more = FindNextFile(search, found)
  }
  FindClose(search)
  printf('%u files\n', files)
  return 0
}
