/**
 * Win32 folders and the names of files: FindFirstFile and its kin, DeleteFile, MoveFile,
 * CreateDirectory, sizes and positions. Each is the system call that it is on Windows, so filters see it.
 */
import {
  DELETE,
  FILE_BEGIN,
  FILE_CURRENT,
  FILE_DIRECTORY_FILE,
  FILE_END,
  FILE_NON_DIRECTORY_FILE,
  FILE_SYNCHRONOUS_IO_NONALERT,
  FileBothDirectoryInformation,
  FileDispositionInformation,
  FileNetworkOpenInformation,
  FilePositionInformation,
  FileRenameInformation,
  FileStandardInformation,
  OBJ_CASE_INSENSITIVE,
  SYNCHRONIZE,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_NAME_TOO_LONG,
  STATUS_NO_MEMORY,
  STATUS_NO_MORE_FILES,
  STATUS_NO_SUCH_FILE,
} from '../../../shared/nt/generated/ntstatus'
import {
  FILE_BOTH_DIR_INFORMATION,
  FILE_NETWORK_OPEN_INFORMATION,
  FILE_RENAME_INFORMATION,
  FILE_STANDARD_INFORMATION,
  UNICODE_STRING,
  WIN32_FIND_DATAW,
} from '../../../shared/nt/generated/offsets'
import { hex } from '../../../shared/nt/format'
import {
  ERROR_FILE_NOT_FOUND,
  ERROR_INVALID_HANDLE,
  ERROR_INVALID_PARAMETER,
} from '../../../shared/nt/generated/win32-errors'
import {
  NtCreateFile,
  NtOpenFile,
  NtQueryDirectoryFile,
  NtQueryInformationFile,
  NtSetInformationFile,
} from '../io/nt-file'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { heapOf } from '../mm/user-memory'
import { NtClose } from '../ob/nt-object'
import type { Process } from '../ps/process'
import { NAME_MAX, SCRATCH } from '../ps/user'
import { INVALID_HANDLE, ntPath } from './win32-file'
import {
  boolOf,
  currentUser,
  enterWin32,
  fail,
  FALSE,
  scratchAttributes,
  scratchHandle,
  setLastError,
  TRUE,
  userAccess,
  w,
} from './win32-base'
import { ddi, t, type KernelRoutine } from './types'

const ERROR_NO_MORE_FILES = 18
const ERROR_NEGATIVE_SEEK = 131
const SHARE_ALL = 7
const FILE_LIST_DIRECTORY = 1
const FILE_READ_ATTRIBUTES = 0x80
const FILE_CREATE = 2
const INVALID = 0xffff_ffff
/** Room for the entries of one answer. */
const LISTING_BYTES = 4096
/** What services answer into: behind the words and strings of other calls. */
const ANSWER = SCRATCH.handles

/**
 * Open a file or folder by its Win32 name; the handle, or null with the last error set.
 * @param isNew  make it, as a folder
 */
function* open(
  k: Kernel,
  name: string,
  access: number,
  options: number,
  isNew = false,
): KernelRoutine<number | null> {
  const { scratch } = currentUser(k)
  const attributes = scratchAttributes(k, ntPath(name), OBJ_CASE_INSENSITIVE)
  if (!attributes) {
    fail(k, STATUS_NAME_TOO_LONG)
    return null
  }
  const handle = scratch + SCRATCH.handle
  const rights = (access | SYNCHRONIZE) >>> 0
  const all = (options | FILE_SYNCHRONOUS_IO_NONALERT) >>> 0
  const iosb = scratch + SCRATCH.iosb
  const status = isNew
    ? yield* k.syscalls.call(NtCreateFile, [
        handle,
        rights,
        attributes,
        iosb,
        0,
        0x80,
        SHARE_ALL,
        FILE_CREATE,
        all,
        0,
        0,
      ])
    : yield* k.syscalls.call(NtOpenFile, [handle, rights, attributes, iosb, SHARE_ALL, all])
  if ((status | 0) >= 0) return scratchHandle(k)
  fail(k, status)
  return null
}

/** Ask about an open file; the status. The answer is in the scratch area. */
function query(k: Kernel, handle: number, kind: number, bytes: number): KernelRoutine<number> {
  const { scratch } = currentUser(k)
  const args = [handle, scratch + SCRATCH.iosb, scratch + ANSWER, bytes, kind]
  return k.syscalls.call(NtQueryInformationFile, args)
}

/** Change something of an open file; what to change is at `at`. */
function change(
  k: Kernel,
  handle: number,
  kind: number,
  at: Ptr,
  bytes: number,
): KernelRoutine<number> {
  const args = [handle, currentUser(k).scratch + SCRATCH.iosb, at, bytes, kind]
  return k.syscalls.call(NtSetInformationFile, args)
}

// --- listings ----------------------------------------------------------------------------------------

/** A listing under way: the open folder and what came of the last answer. */
interface Find {
  buffer: Ptr
  /** Entry that comes next, as an offset; -1 when a new answer is needed. */
  next: number
}

const finds = new WeakMap<Process, Map<number, Find>>()

function findsOf(process: Process): Map<number, Find> {
  let found = finds.get(process)
  if (!found) finds.set(process, (found = new Map<number, Find>()))
  return found
}

/** One entry of a folder as Win32 has it. */
function writeFound(k: Kernel, entry: Ptr, to: Ptr): void {
  const { memory } = k
  const E = FILE_BOTH_DIR_INFORMATION
  const F = WIN32_FIND_DATAW
  memory.fill(to, F.SIZE, 0)
  memory.setU32(to + F.dwFileAttributes, memory.u32(entry + E.FileAttributes))
  memory.copy(to + F.ftCreationTime, entry + E.CreationTime, 8)
  memory.copy(to + F.ftLastAccessTime, entry + E.LastAccessTime, 8)
  memory.copy(to + F.ftLastWriteTime, entry + E.LastWriteTime, 8)
  memory.setU32(to + F.nFileSizeLow, memory.u32(entry + E.EndOfFile))
  memory.setU32(to + F.nFileSizeHigh, memory.u32(entry + E.EndOfFile + 4))
  // A filter may have written anything there: the name ends with the room for it.
  const bytes = Math.min(memory.u32(entry + E.FileNameLength), 518) & ~1
  userAccess(k, entry, E.FileName + bytes, 'read')
  memory.copy(to + F.cFileName, entry + E.FileName, bytes)
}

/** The next entry, from the last answer or a new one: TRUE, or FALSE with the last error set. */
function* nextEntry(
  k: Kernel,
  handle: number,
  find: Find,
  to: Ptr,
  pattern: Ptr,
): KernelRoutine<number> {
  const { memory } = k
  userAccess(k, to, WIN32_FIND_DATAW.SIZE, 'write')
  if (find.next < 0) {
    const iosb = currentUser(k).scratch + SCRATCH.iosb
    const status = yield* k.syscalls.call(NtQueryDirectoryFile, [
      handle,
      0,
      0,
      0,
      iosb,
      find.buffer,
      LISTING_BYTES,
      FileBothDirectoryInformation,
      0,
      pattern,
      0,
    ])
    if (status === STATUS_NO_MORE_FILES || status === STATUS_NO_SUCH_FILE) {
      setLastError(k, pattern ? ERROR_FILE_NOT_FOUND : ERROR_NO_MORE_FILES)
      return FALSE
    }
    if ((status | 0) < 0) return fail(k, status)
    find.next = 0
  }
  const entry = find.buffer + find.next
  const offset = memory.u32(entry + FILE_BOTH_DIR_INFORMATION.NextEntryOffset)
  const isLast = offset === 0 || find.next + offset >= LISTING_BYTES
  find.next = isLast ? -1 : find.next + offset
  writeFound(k, entry, to)
  return TRUE
}

/** A path cut into its folder and the pattern behind it. */
function splitPattern(path: string): { folder: string; pattern: string } {
  const name = path.replaceAll('/', '\\')
  const cut = name.lastIndexOf('\\')
  if (cut < 0) return { folder: 'C:\\', pattern: name }
  return { folder: name.slice(0, cut + 1), pattern: name.slice(cut + 1) }
}

function* findFirst(k: Kernel, path: string, to: Ptr): KernelRoutine<number> {
  const { memory } = k
  const { folder, pattern } = splitPattern(path)
  if (pattern === '') {
    setLastError(k, ERROR_FILE_NOT_FOUND)
    return INVALID_HANDLE
  }
  const handle = yield* open(k, folder, FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE)
  if (handle === null) return INVALID_HANDLE
  const heap = heapOf(k, k.thread.process)
  const buffer = heap.allocate(LISTING_BYTES + UNICODE_STRING.SIZE + pattern.length * 2 + 2, true)
  const all = findsOf(k.thread.process)
  const close = function* (): KernelRoutine<number> {
    if (buffer) heap.release(buffer)
    yield* k.syscalls.call(NtClose, [handle])
    return INVALID_HANDLE
  }
  if (!buffer) {
    fail(k, STATUS_NO_MEMORY)
    return yield* close()
  }
  const string = buffer + LISTING_BYTES
  memory.setText16(string + UNICODE_STRING.SIZE, pattern)
  memory.setU16(string + UNICODE_STRING.Length, pattern.length * 2)
  memory.setU16(string + UNICODE_STRING.MaximumLength, pattern.length * 2)
  memory.setPtr(string + UNICODE_STRING.Buffer, string + UNICODE_STRING.SIZE)
  const find: Find = { buffer, next: -1 }
  if (!(yield* nextEntry(k, handle, find, to, string))) return yield* close()
  all.set(handle, find)
  return handle
}

function* findNext(k: Kernel, handle: number, to: Ptr): KernelRoutine<number> {
  const find = findsOf(k.thread.process).get(handle)
  if (find) return yield* nextEntry(k, handle, find, to, 0)
  setLastError(k, ERROR_INVALID_HANDLE)
  return FALSE
}

function* findClose(k: Kernel, handle: number): KernelRoutine<number> {
  const all = findsOf(k.thread.process)
  const find = all.get(handle)
  if (!find) {
    setLastError(k, ERROR_INVALID_HANDLE)
    return FALSE
  }
  all.delete(handle)
  heapOf(k, k.thread.process).release(find.buffer)
  return boolOf(k, yield* k.syscalls.call(NtClose, [handle]))
}

// --- names -------------------------------------------------------------------------------------------

function* deleteFile(k: Kernel, name: string): KernelRoutine<number> {
  const handle = yield* open(k, name, DELETE | FILE_READ_ATTRIBUTES, FILE_NON_DIRECTORY_FILE)
  if (handle === null) return FALSE
  const at = currentUser(k).scratch + ANSWER
  k.memory.setU8(at, 1)
  const status = yield* change(k, handle, FileDispositionInformation, at, 1)
  yield* k.syscalls.call(NtClose, [handle])
  return boolOf(k, status)
}

function* moveFile(k: Kernel, from: string, to: string): KernelRoutine<number> {
  const { memory } = k
  const target = ntPath(to)
  if (target.length >= NAME_MAX) return fail(k, STATUS_NAME_TOO_LONG)
  const handle = yield* open(k, from, DELETE | FILE_READ_ATTRIBUTES, 0)
  if (handle === null) return FALSE
  const R = FILE_RENAME_INFORMATION
  const bytes = R.FileName + target.length * 2
  const at = heapOf(k, k.thread.process).allocate(bytes + 2, true)
  let status = STATUS_NO_MEMORY
  if (at) {
    memory.setU32(at + R.FileNameLength, target.length * 2)
    memory.setText16(at + R.FileName, target)
    status = yield* change(k, handle, FileRenameInformation, at, Math.max(bytes, R.SIZE))
    heapOf(k, k.thread.process).release(at)
  }
  yield* k.syscalls.call(NtClose, [handle])
  return boolOf(k, status)
}

/** SetFilePointerEx: the new position, or null with the last error set. */
function* setPosition(
  k: Kernel,
  handle: number,
  distance: bigint,
  method: number,
): KernelRoutine<bigint | null> {
  const { memory } = k
  const at = currentUser(k).scratch + ANSWER
  let start = 0n
  if (method === FILE_CURRENT || method === FILE_END) {
    const isEnd = method === FILE_END
    const kind = isEnd ? FileStandardInformation : FilePositionInformation
    const status = yield* query(k, handle, kind, isEnd ? FILE_STANDARD_INFORMATION.SIZE : 8)
    if ((status | 0) < 0) {
      fail(k, status)
      return null
    }
    start = memory.i64(at + (isEnd ? FILE_STANDARD_INFORMATION.EndOfFile : 0))
  } else if (method !== FILE_BEGIN) {
    setLastError(k, ERROR_INVALID_PARAMETER)
    return null
  }
  const position = BigInt.asIntN(64, start + distance)
  if (position < 0n) {
    setLastError(k, ERROR_NEGATIVE_SEEK)
    return null
  }
  memory.setU64(at, BigInt.asUintN(64, position))
  const status = yield* change(k, handle, FilePositionInformation, at, 8)
  if ((status | 0) >= 0) return position
  fail(k, status)
  return null
}

// --- the routines ------------------------------------------------------------------------------------

const FIND_DATA = { k: 'ptr', c: 'LPWIN32_FIND_DATAW', target: 'WIN32_FIND_DATAW' } as const

const finder = (summary: string) =>
  ddi({
    params: { lpFileName: w.wstr, lpFindFileData: FIND_DATA },
    returns: w.handle,
    module: 'win32',
    summary,
    docs: 'fileapi/nf-fileapi-findfirstfilew',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'FindFirstFileW', a.lpFileName ?? '')
      return yield* findFirst(k, a.lpFileName ?? '', a.lpFindFileData)
    },
  })

export const WIN32_FOLDER_DDIS = {
  FindFirstFile: finder(
    'Begins to list a folder, `C:\\Users\\*`; INVALID_HANDLE_VALUE when nothing is found.',
  ),
  FindFirstFileW: finder('FindFirstFile with a name of wide characters.'),

  FindNextFile: ddi({
    params: { hFindFile: w.handle, lpFindFileData: FIND_DATA },
    returns: w.bool,
    module: 'win32',
    summary: 'Next entry of a listing; FALSE with ERROR_NO_MORE_FILES behind the last.',
    docs: 'fileapi/nf-fileapi-findnextfilew',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'FindNextFileW', `handle ${hex(a.hFindFile >>> 0)}`)
      return yield* findNext(k, a.hFindFile, a.lpFindFileData)
    },
  }),

  FindClose: ddi({
    params: { hFindFile: w.handle },
    returns: w.bool,
    module: 'win32',
    summary: 'Ends a listing.',
    docs: 'fileapi/nf-fileapi-findclose',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'FindClose', `handle ${hex(a.hFindFile >>> 0)}`)
      return yield* findClose(k, a.hFindFile)
    },
  }),

  DeleteFile: ddi({
    params: { lpFileName: w.wstr },
    returns: w.bool,
    module: 'win32',
    summary: 'Deletes a file; it goes when the last handle to it is closed.',
    docs: 'fileapi/nf-fileapi-deletefilew',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'DeleteFileW', a.lpFileName ?? '')
      return yield* deleteFile(k, a.lpFileName ?? '')
    },
  }),

  MoveFile: ddi({
    params: { lpExistingFileName: w.wstr, lpNewFileName: w.wstr },
    returns: w.bool,
    module: 'win32',
    summary: 'Gives a file or folder another name or place on the volume.',
    docs: 'winbase/nf-winbase-movefilew',
    *run(k, a) {
      const [from, to] = [a.lpExistingFileName ?? '', a.lpNewFileName ?? '']
      if (k.tracing) enterWin32(k, 'MoveFileW', `${from} to ${to}`)
      return yield* moveFile(k, from, to)
    },
  }),

  CreateDirectory: ddi({
    params: { lpPathName: w.wstr, lpSecurityAttributes: t.optional(w.security) },
    returns: w.bool,
    module: 'win32',
    summary: 'Makes a folder.',
    docs: 'fileapi/nf-fileapi-createdirectoryw',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'CreateDirectoryW', a.lpPathName ?? '')
      const name = a.lpPathName ?? ''
      const handle = yield* open(k, name, FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE, true)
      if (handle === null) return FALSE
      return boolOf(k, yield* k.syscalls.call(NtClose, [handle]))
    },
  }),

  GetFileAttributes: ddi({
    params: { lpFileName: w.wstr },
    returns: w.dword,
    module: 'win32',
    summary:
      'Attributes of a file or folder; INVALID_FILE_ATTRIBUTES (0xFFFFFFFF) when it is not there.',
    docs: 'fileapi/nf-fileapi-getfileattributesw',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'GetFileAttributesW', a.lpFileName ?? '')
      const handle = yield* open(k, a.lpFileName ?? '', FILE_READ_ATTRIBUTES, 0)
      if (handle === null) return INVALID
      const O = FILE_NETWORK_OPEN_INFORMATION
      const status = yield* query(k, handle, FileNetworkOpenInformation, O.SIZE)
      const attributes = k.memory.u32(currentUser(k).scratch + ANSWER + O.FileAttributes)
      yield* k.syscalls.call(NtClose, [handle])
      if ((status | 0) >= 0) return attributes
      fail(k, status)
      return INVALID
    },
  }),

  GetFileSize: ddi({
    params: { hFile: w.handle, lpFileSizeHigh: t.optional(w.dwordOut) },
    returns: w.dword,
    module: 'win32',
    summary: 'Length of a file in bytes; INVALID_FILE_SIZE (0xFFFFFFFF) when it fails.',
    docs: 'fileapi/nf-fileapi-getfilesize',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'GetFileSize', `handle ${hex(a.hFile >>> 0)}`)
      const S = FILE_STANDARD_INFORMATION
      const status = yield* query(k, a.hFile, FileStandardInformation, S.SIZE)
      if ((status | 0) < 0) {
        fail(k, status)
        return INVALID
      }
      const at = currentUser(k).scratch + ANSWER + S.EndOfFile
      a.lpFileSizeHigh.write(k.memory.u32(at + 4))
      return k.memory.u32(at)
    },
  }),

  SetFilePointer: ddi({
    params: {
      hFile: w.handle,
      lDistanceToMove: t.i32('LONG'),
      lpDistanceToMoveHigh: t.optional(w.pvoid),
      dwMoveMethod: w.dword,
    },
    returns: w.dword,
    module: 'win32',
    support: 'partial',
    note: 'Distances of 32 bits; lpDistanceToMoveHigh counts for nothing.',
    summary: 'Moves the position at which a file is read and written next.',
    docs: 'fileapi/nf-fileapi-setfilepointer',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'SetFilePointer', `handle ${hex(a.hFile >>> 0)}`)
      const { hFile, lDistanceToMove, dwMoveMethod } = a
      const position = yield* setPosition(k, hFile, BigInt(lDistanceToMove), dwMoveMethod)
      return position === null ? INVALID : Number(position & 0xffff_ffffn)
    },
  }),
}
