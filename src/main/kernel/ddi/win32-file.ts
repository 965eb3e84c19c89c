/** Win32 files and devices: CreateFile, DeviceIoControl, ReadFile, WriteFile, CancelIo, GetOverlappedResult. */
import {
  FILE_FLAG_BACKUP_SEMANTICS,
  FILE_FLAG_DELETE_ON_CLOSE,
  FILE_FLAG_NO_BUFFERING,
  FILE_FLAG_OVERLAPPED,
  FILE_FLAG_RANDOM_ACCESS,
  FILE_FLAG_SEQUENTIAL_SCAN,
  FILE_FLAG_WRITE_THROUGH,
  FILE_NON_DIRECTORY_FILE,
  FILE_READ_ATTRIBUTES,
  FILE_SYNCHRONOUS_IO_NONALERT,
  OBJ_CASE_INSENSITIVE,
  OBJ_INHERIT,
  SYNCHRONIZE,
} from '../../../shared/nt/generated/constants'
import {
  IO_STATUS_BLOCK,
  OVERLAPPED,
  SECURITY_ATTRIBUTES,
} from '../../../shared/nt/generated/offsets'
import {
  STATUS_END_OF_FILE,
  STATUS_NAME_TOO_LONG,
  STATUS_OBJECT_NAME_COLLISION,
  STATUS_PENDING,
} from '../../../shared/nt/generated/ntstatus'
import {
  ERROR_INVALID_PARAMETER,
  ERROR_IO_INCOMPLETE,
  ERROR_PATH_NOT_FOUND,
} from '../../../shared/nt/generated/win32-errors'
import { hex, hex32 } from '../../../shared/nt/format'
import {
  NtCancelIoFile,
  NtCancelIoFileEx,
  NtCreateFile,
  NtDeviceIoControlFile,
  NtFsControlFile,
  NtReadFile,
  NtWriteFile,
} from '../io/nt-file'
import { NtWaitForSingleObject } from '../ke/nt-wait'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { NtClose } from '../ob/nt-object'
import { SCRATCH } from '../ps/user'
import {
  boolOf,
  currentUser,
  enterWin32,
  fail,
  FALSE,
  handleField,
  nullWrite,
  scratchAttributes,
  scratchHandle,
  setLastError,
  TRUE,
  userAccess,
  w,
} from './win32-base'
import { ddi, t, type KernelRoutine } from './types'

export const INVALID_HANDLE = -1
const ERROR_FILE_EXISTS = 80
const FILE_DEVICE_FILE_SYSTEM = 9

// --- CreateFile --------------------------------------------------------------------------------------

/** CreateFile's dwCreationDisposition as NtCreateFile's, by value. */
const DISPOSITIONS: readonly (number | undefined)[] = [undefined, 2, 5, 1, 3, 4]

/** NtCreateFile's options by CreateFile's flags. */
const OPTIONS: readonly (readonly [flag: number, option: number])[] = [
  [FILE_FLAG_WRITE_THROUGH, 0x0000_0002],
  [FILE_FLAG_SEQUENTIAL_SCAN, 0x0000_0004],
  [FILE_FLAG_NO_BUFFERING, 0x0000_0008],
  [FILE_FLAG_RANDOM_ACCESS, 0x0000_0800],
  [FILE_FLAG_DELETE_ON_CLOSE, 0x0000_1000],
  [FILE_FLAG_BACKUP_SEMANTICS, 0x0000_4000],
]

/**
 * RtlDosPathNameToNtPathName: `\\.\X` and `\\?\X` become `\??\X`, `C:\x` becomes `\??\C:\x`, and a
 * relative name lies in the current directory, `C:\`.
 */
export function ntPath(dosPath: string): string {
  const path = dosPath.replaceAll('/', '\\')
  if (/^\\\\[.?]\\/.test(path)) return `\\??\\${path.slice(4)}`
  if (path.startsWith('\\??\\')) return path
  if (path.startsWith('\\\\')) return `\\??\\UNC\\${path.slice(2)}`
  if (/^[A-Za-z]:/.test(path))
    return `\\??\\${path[2] === '\\' ? path : `${path.slice(0, 2)}\\${path.slice(2)}`}`
  if (/^(?:con|nul|aux|prn|(?:com|lpt)[1-9])$/i.test(path)) return `\\??\\${path}`
  return `\\??\\C:${path.startsWith('\\') ? '' : '\\'}${path}`
}

export interface CreateFileArguments {
  name: string
  access: number
  share: number
  security: Ptr
  disposition: number
  flags: number
}

/** CreateFile: a handle, or INVALID_HANDLE_VALUE with the last error set. */
export function* createFile(k: Kernel, a: CreateFileArguments): KernelRoutine<number> {
  const { scratch } = currentUser(k)
  if (k.tracing) enterWin32(k, 'CreateFileW', a.name)
  const disposition = DISPOSITIONS[a.disposition]
  if (disposition === undefined) {
    setLastError(k, ERROR_INVALID_PARAMETER)
    return INVALID_HANDLE
  }
  if (a.name === '') {
    setLastError(k, ERROR_PATH_NOT_FOUND)
    return INVALID_HANDLE
  }
  const attributes = scratchAttributes(
    k,
    ntPath(a.name),
    OBJ_CASE_INSENSITIVE | inheritance(k, a.security),
  )
  if (!attributes) {
    fail(k, STATUS_NAME_TOO_LONG)
    return INVALID_HANDLE
  }
  let options = a.flags & FILE_FLAG_BACKUP_SEMANTICS ? 0 : FILE_NON_DIRECTORY_FILE
  if (!(a.flags & FILE_FLAG_OVERLAPPED)) options |= FILE_SYNCHRONOUS_IO_NONALERT
  for (const [flag, option] of OPTIONS) if (a.flags & flag) options |= option
  const status = yield* k.syscalls.call(NtCreateFile, [
    scratch + SCRATCH.handle,
    (a.access | SYNCHRONIZE | FILE_READ_ATTRIBUTES) >>> 0,
    attributes,
    scratch + SCRATCH.iosb,
    0,
    a.flags & 0xffff,
    a.share,
    disposition,
    options,
    0,
    0,
  ])
  if ((status | 0) < 0) {
    fail(k, status)
    // Of a file that is there already CreateFile says something else than all others.
    if (status === STATUS_OBJECT_NAME_COLLISION) setLastError(k, ERROR_FILE_EXISTS)
    return INVALID_HANDLE
  }
  return scratchHandle(k)
}

/** OBJ_INHERIT when SECURITY_ATTRIBUTES ask for it. */
export function inheritance(k: Kernel, security: Ptr): number {
  if (security === 0) return 0
  userAccess(k, security, SECURITY_ATTRIBUTES.SIZE, 'read')
  return k.memory.u32(security + SECURITY_ATTRIBUTES.bInheritHandle) ? OBJ_INHERIT : 0
}

export function* closeHandle(k: Kernel, handle: number): KernelRoutine<number> {
  if (k.tracing) enterWin32(k, 'CloseHandle', `handle ${hex(handle >>> 0)}`)
  return boolOf(k, yield* k.syscalls.call(NtClose, [handle]))
}

// --- transfer ----------------------------------------------------------------------------------------

/** Start of an asynchronous request: the event in its OVERLAPPED, which now says pending. */
function beginOverlapped(k: Kernel, overlapped: Ptr): number {
  userAccess(k, overlapped, OVERLAPPED.SIZE, 'write')
  k.memory.setSize(overlapped + OVERLAPPED.Internal, STATUS_PENDING)
  // The low bit asks for no completion packet; it is no part of the handle.
  return handleField(k, overlapped + OVERLAPPED.hEvent) & ~1
}

/**
 * DeviceIoControl. The number of bytes is left in the thread's `UserThread.transferred`.
 * @returns TRUE or FALSE
 */
export function* deviceIoControl(
  k: Kernel,
  handle: number,
  code: number,
  input: Ptr,
  inputLength: number,
  output: Ptr,
  outputLength: number,
  overlapped: Ptr,
): KernelRoutine<number> {
  const user = currentUser(k)
  const { memory } = k
  user.transferred = 0
  if (k.tracing)
    enterWin32(
      k,
      'DeviceIoControl',
      `code ${hex32(code)}, ${inputLength} bytes in, ${outputLength} out`,
    )
  const service = code >>> 16 === FILE_DEVICE_FILE_SYSTEM ? NtFsControlFile : NtDeviceIoControlFile
  const iosb = overlapped || user.scratch + SCRATCH.iosb
  const event = overlapped ? beginOverlapped(k, overlapped) : 0
  let status = yield* k.syscalls.call(service, [
    handle,
    event,
    0,
    overlapped,
    iosb,
    code,
    input,
    inputLength,
    output,
    outputLength,
  ])
  if (status === STATUS_PENDING && !overlapped) status = yield* waitForFile(k, handle, iosb)
  if (status === STATUS_PENDING) return fail(k, status)
  if (status >>> 30 !== 3) user.transferred = memory.u32(iosb + IO_STATUS_BLOCK.Information)
  return boolOf(k, status)
}

/** A request without OVERLAPPED on an asynchronous handle: wait for the file, take the block's status. */
function* waitForFile(k: Kernel, handle: number, iosb: Ptr): KernelRoutine<number> {
  const status = yield* k.syscalls.call(NtWaitForSingleObject, [handle, 0, 0])
  return (status | 0) < 0 ? status : k.memory.u32(iosb)
}

/** ReadFile and WriteFile. */
export function* transferFile(
  k: Kernel,
  write: boolean,
  handle: number,
  buffer: Ptr,
  length: number,
  overlapped: Ptr,
): KernelRoutine<number> {
  const user = currentUser(k)
  const { memory } = k
  user.transferred = 0
  if (k.tracing)
    enterWin32(k, write ? 'WriteFile' : 'ReadFile', `handle ${hex(handle >>> 0)}, ${length} bytes`)
  const iosb = overlapped || user.scratch + SCRATCH.iosb
  let event = 0
  let offset = 0
  if (overlapped) {
    event = beginOverlapped(k, overlapped)
    offset = user.scratch + SCRATCH.large
    memory.setU64(offset, memory.u64(overlapped + OVERLAPPED.Offset))
  }
  const service = write ? NtWriteFile : NtReadFile
  let status = yield* k.syscalls.call(service, [
    handle,
    event,
    0,
    overlapped,
    iosb,
    buffer,
    length,
    offset,
    0,
  ])
  if (status === STATUS_PENDING && !overlapped) status = yield* waitForFile(k, handle, iosb)
  if (status === STATUS_PENDING) return fail(k, status)
  // The end of a file that is read in order is no error.
  if (status === STATUS_END_OF_FILE && !overlapped && !write) return TRUE
  if (status >>> 30 !== 3) user.transferred = memory.u32(iosb + IO_STATUS_BLOCK.Information)
  return boolOf(k, status)
}

export function* cancelIo(k: Kernel, handle: number): KernelRoutine<number> {
  if (k.tracing) enterWin32(k, 'CancelIo', `handle ${hex(handle >>> 0)}`)
  const iosb = currentUser(k).scratch + SCRATCH.iosb
  return boolOf(k, yield* k.syscalls.call(NtCancelIoFile, [handle, iosb]))
}

/** GetOverlappedResult; bytes in `UserThread.transferred`. */
export function* overlappedResult(
  k: Kernel,
  handle: number,
  overlapped: Ptr,
  wait: boolean,
): KernelRoutine<number> {
  const user = currentUser(k)
  const { memory } = k
  user.transferred = 0
  if (k.tracing) enterWin32(k, 'GetOverlappedResult', wait ? 'waits' : 'does not wait')
  userAccess(k, overlapped, OVERLAPPED.SIZE, 'read')
  if (memory.u32(overlapped + OVERLAPPED.Internal) === STATUS_PENDING) {
    if (!wait) {
      setLastError(k, ERROR_IO_INCOMPLETE)
      return FALSE
    }
    const event = handleField(k, overlapped + OVERLAPPED.hEvent) & ~1
    const status = yield* k.syscalls.call(NtWaitForSingleObject, [event || handle, 0, 0])
    if ((status | 0) < 0) return fail(k, status)
  }
  user.transferred = memory.u32(overlapped + OVERLAPPED.InternalHigh)
  return boolOf(k, memory.u32(overlapped + OVERLAPPED.Internal))
}

// --- the routines ------------------------------------------------------------------------------------

const creator = (name: typeof w.wstr | typeof w.astr, summary: string) =>
  ddi({
    params: {
      lpFileName: name,
      dwDesiredAccess: w.dword,
      dwShareMode: w.dword,
      lpSecurityAttributes: t.optional(w.security),
      dwCreationDisposition: w.dword,
      dwFlagsAndAttributes: w.dword,
      hTemplateFile: w.handle,
    },
    returns: w.handle,
    module: 'win32',
    summary,
    docs: 'fileapi/nf-fileapi-createfilew',
    run: (k, a) =>
      createFile(k, {
        name: a.lpFileName ?? '',
        access: a.dwDesiredAccess,
        share: a.dwShareMode,
        security: a.lpSecurityAttributes,
        disposition: a.dwCreationDisposition,
        flags: a.dwFlagsAndAttributes,
      }),
  })

export const WIN32_FILE_DDIS = {
  CreateFile: creator(
    w.wstr,
    'Opens a device or a file and returns a handle; INVALID_HANDLE_VALUE when it fails.',
  ),
  CreateFileW: creator(w.wstr, 'CreateFile with a name of wide characters.'),
  CreateFileA: creator(w.astr, 'CreateFile with a name of ANSI characters.'),

  CloseHandle: ddi({
    params: { hObject: w.handle },
    returns: w.bool,
    module: 'win32',
    summary: 'Closes a handle.',
    docs: 'handleapi/nf-handleapi-closehandle',
    run: (k, a) => closeHandle(k, a.hObject),
  }),

  DeviceIoControl: ddi({
    params: {
      hDevice: w.handle,
      dwIoControlCode: w.dword,
      lpInBuffer: t.optional(w.pvoid),
      nInBufferSize: w.dword,
      lpOutBuffer: t.optional(w.pvoid),
      nOutBufferSize: w.dword,
      lpBytesReturned: t.optional(w.dwordOut),
      lpOverlapped: t.optional(w.overlapped),
    },
    returns: w.bool,
    module: 'win32',
    summary: 'Sends a control code to a driver, with data for it and room for its answer.',
    docs: 'ioapiset/nf-ioapiset-deviceiocontrol',
    *run(k, a) {
      const ok = yield* deviceIoControl(
        k,
        a.hDevice,
        a.dwIoControlCode,
        a.lpInBuffer,
        a.nInBufferSize,
        a.lpOutBuffer,
        a.nOutBufferSize,
        a.lpOverlapped,
      )
      if (a.lpBytesReturned.given) a.lpBytesReturned.write(currentUser(k).transferred)
      // Without OVERLAPPED the number of bytes is always written.
      else if (!a.lpOverlapped) nullWrite()
      return ok
    },
  }),

  ReadFile: ddi({
    params: {
      hFile: w.handle,
      lpBuffer: w.pvoid,
      nNumberOfBytesToRead: w.dword,
      lpNumberOfBytesRead: t.optional(w.dwordOut),
      lpOverlapped: t.optional(w.overlapped),
    },
    returns: w.bool,
    module: 'win32',
    summary: 'Reads from a device or file.',
    docs: 'fileapi/nf-fileapi-readfile',
    *run(k, a) {
      a.lpNumberOfBytesRead.write(0)
      const { hFile, lpBuffer, nNumberOfBytesToRead: length, lpOverlapped } = a
      const ok = yield* transferFile(k, false, hFile, lpBuffer, length, lpOverlapped)
      a.lpNumberOfBytesRead.write(currentUser(k).transferred)
      return ok
    },
  }),

  WriteFile: ddi({
    params: {
      hFile: w.handle,
      lpBuffer: w.pvoid,
      nNumberOfBytesToWrite: w.dword,
      lpNumberOfBytesWritten: t.optional(w.dwordOut),
      lpOverlapped: t.optional(w.overlapped),
    },
    returns: w.bool,
    module: 'win32',
    summary: 'Writes to a device or file.',
    docs: 'fileapi/nf-fileapi-writefile',
    *run(k, a) {
      a.lpNumberOfBytesWritten.write(0)
      const { hFile, lpBuffer, nNumberOfBytesToWrite: length, lpOverlapped } = a
      const ok = yield* transferFile(k, true, hFile, lpBuffer, length, lpOverlapped)
      a.lpNumberOfBytesWritten.write(currentUser(k).transferred)
      return ok
    },
  }),

  CancelIo: ddi({
    params: { hFile: w.handle },
    returns: w.bool,
    module: 'win32',
    summary: 'Cancels the requests that the calling thread has under way on a handle.',
    docs: 'fileapi/nf-fileapi-cancelio',
    run: (k, a) => cancelIo(k, a.hFile),
  }),

  CancelIoEx: ddi({
    params: { hFile: w.handle, lpOverlapped: t.optional(w.overlapped) },
    returns: w.bool,
    module: 'win32',
    summary: 'Cancels one request of a handle, or all of the process when no OVERLAPPED is given.',
    docs: 'fileapi/nf-fileapi-cancelioex',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'CancelIoEx', `handle ${hex(a.hFile >>> 0)}`)
      const iosb = currentUser(k).scratch + SCRATCH.iosb
      return boolOf(k, yield* k.syscalls.call(NtCancelIoFileEx, [a.hFile, a.lpOverlapped, iosb]))
    },
  }),

  GetOverlappedResult: ddi({
    params: {
      hFile: w.handle,
      lpOverlapped: w.overlapped,
      lpNumberOfBytesTransferred: w.dwordOut,
      bWait: w.bool,
    },
    returns: w.bool,
    module: 'win32',
    summary: 'Tells how an asynchronous request ended; waits for its end when asked to.',
    docs: 'ioapiset/nf-ioapiset-getoverlappedresult',
    *run(k, a) {
      const ok = yield* overlappedResult(k, a.hFile, a.lpOverlapped, a.bWait !== 0)
      const { transferred } = currentUser(k)
      if (a.lpNumberOfBytesTransferred.given) a.lpNumberOfBytesTransferred.write(transferred)
      else nullWrite()
      return ok
    },
  }),
}
