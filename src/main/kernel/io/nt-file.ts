/** System services on files and devices: Nt(Create|Open|Read|Write|DeviceIoControl|...)File. */
import {
  FILE_APPEND_DATA,
  FILE_OPEN,
  FILE_SYNCHRONOUS_IO_ALERT,
  FILE_SYNCHRONOUS_IO_NONALERT,
  FILE_WRITE_DATA,
  FO_SYNCHRONOUS_IO,
  SL_RESTART_SCAN,
  SL_RETURN_SINGLE_ENTRY,
  SYNCHRONIZE,
} from '../../../shared/nt/generated/constants'
import {
  FILE_OBJECT,
  IO_STATUS_BLOCK,
  IRP,
  UNICODE_STRING,
} from '../../../shared/nt/generated/offsets'
import {
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_FILE_SYSTEM_CONTROL,
  IRP_MJ_READ,
  IRP_MJ_WRITE,
} from '../../../shared/nt/irp-functions'
import {
  STATUS_ACCESS_DENIED,
  STATUS_INFO_LENGTH_MISMATCH,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_INFO_CLASS,
  STATUS_INVALID_PARAMETER,
  STATUS_NOT_FOUND,
  STATUS_NOT_IMPLEMENTED,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { CapturedAttributes } from '../ob/attributes'
import { placeText, textBytes } from '../ob/header'
import type { KObject } from '../ob/object'
import {
  captureObjectAttributes,
  captureString,
  fromUser,
  guarded,
  probeRead,
  probeWrite,
} from '../ps/service-args'
import { service } from '../ps/service'
import type { FileData } from './services'

const FILE_READ_DATA = 1
const EVENT_MODIFY_STATE = 2
const SYNCHRONOUS = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT
/** FILE_MAXIMUM_DISPOSITION. */
const DISPOSITION_MAX = 5
/** Byte offset that means the file's own position (FILE_USE_FILE_POINTER_POSITION). */
const USE_FILE_POINTER = -2n

// --- open --------------------------------------------------------------------------------------

interface OpenArguments {
  handle: Ptr
  access: number
  attributes: Ptr
  iosb: Ptr
  fileAttributes: number
  share: number
  disposition: number
  options: number
}

/** Absolute path of what OBJECT_ATTRIBUTES name. */
function pathOf(given: CapturedAttributes): string {
  const { root, name } = given
  if (!root) return name
  const base = root.type.name === 'File' ? (root as KObject<FileData>).data.path : (root.name ?? '')
  return name === '' ? base : `${base === '\\' ? '' : base}\\${name}`
}

function* openFile(k: Kernel, a: OpenArguments): KernelRoutine<number> {
  let given: CapturedAttributes | undefined
  const bad = guarded(k, () => {
    probeWrite(k, a.handle, 8)
    probeWrite(k, a.iosb, IO_STATUS_BLOCK.SIZE)
    given = captureObjectAttributes(k, a.attributes)
    return given.status
  })
  if (bad !== STATUS_SUCCESS || !given) return bad
  const synchronous = (a.options & SYNCHRONOUS) !== 0
  if (
    (a.options & SYNCHRONOUS) === SYNCHRONOUS ||
    (synchronous && !(a.access & (SYNCHRONIZE | 0xf000_0000))) ||
    a.disposition > DISPOSITION_MAX
  )
    return STATUS_INVALID_PARAMETER
  const opened = yield* k.io.open({
    path: pathOf(given),
    access: a.access,
    share: a.share,
    disposition: a.disposition,
    options: a.options,
    attributes: a.fileAttributes,
    synchronous,
    userMode: fromUser(k),
    kernelHandle: given.kernelHandle,
  })
  if (opened.handle === 0) return opened.status
  return (
    guarded(k, () => {
      k.memory.setU64(a.handle, BigInt.asUintN(64, BigInt(opened.handle)))
      k.memory.setU32(a.iosb, opened.status)
      k.memory.setSize(a.iosb + IO_STATUS_BLOCK.Information, opened.information)
    }) || opened.status
  )
}

export const NtCreateFile = service('NtCreateFile', 0x55, 'pxpppxxxxpx', (k, args) => {
  const [handle = 0, access = 0, attributes = 0, iosb = 0, , fileAttributes = 0] = args
  const [share = 0, disposition = 0, options = 0] = args.slice(6)
  return openFile(k, {
    handle,
    access,
    attributes,
    iosb,
    fileAttributes,
    share,
    disposition: disposition >>> 0,
    options,
  })
})

export const NtOpenFile = service('NtOpenFile', 0x33, 'pxppxx', (k, args) => {
  const [handle = 0, access = 0, attributes = 0, iosb = 0, share = 0, options = 0] = args
  return openFile(k, {
    handle,
    access,
    attributes,
    iosb,
    fileAttributes: 0,
    share,
    disposition: FILE_OPEN,
    options,
  })
})

// --- transfer ------------------------------------------------------------------------------------

interface FileArgument {
  status: number
  file: Ptr
  granted: number
}

const file: FileArgument = { status: 0, file: 0, granted: 0 }

/** File object behind a handle. One object, reused: read it at once. */
function fileOf(k: Kernel, handle: number, access: number): FileArgument {
  const found = k.ob.resolveHandle(handle, access, k.ob.types.File, k.thread.previousMode)
  file.status = found.status
  file.file = found.object?.address ?? 0
  file.granted = found.access
  return file
}

/** Event that a request sets at its end: its address, 0 for none, or a negative status. */
function eventOf(k: Kernel, handle: number): number {
  if (handle === 0) return 0
  const found = k.ob.resolveHandle(
    handle,
    EVENT_MODIFY_STATE,
    k.ob.types.Event,
    k.thread.previousMode,
  )
  return found.object ? found.object.address : found.status | 0
}

/** The probe of a status block, which every transfer begins with: 0, or why it cannot be written. */
function badStatusBlock(k: Kernel, iosb: Ptr): number {
  if (k.thread.previousMode === 0) return 0
  return guarded(k, () => k.io.probeUser(iosb, IO_STATUS_BLOCK.SIZE, 'write'))
}

function* control(k: Kernel, args: number[], major: number): KernelRoutine<number> {
  const [handle = 0, event = 0, apc = 0, , iosb = 0, code = 0] = args
  const refuse = (status: number): number => k.io.refuse(major, code >>> 0, status, fromUser(k))
  const bad = badStatusBlock(k, iosb)
  if (bad) return refuse(bad)
  const { status, file, granted } = fileOf(k, handle, 0)
  if (status !== STATUS_SUCCESS) return refuse(status)
  if (apc) return STATUS_NOT_IMPLEMENTED
  const kevent = eventOf(k, event)
  if (kevent < 0) return refuse(kevent >>> 0)
  return yield* k.io.control({
    file,
    granted,
    iosb,
    event: kevent,
    userMode: k.thread.previousMode === 1,
    code: code >>> 0,
    input: args[6] ?? 0,
    inputLength: (args[7] ?? 0) >>> 0,
    output: args[8] ?? 0,
    outputLength: (args[9] ?? 0) >>> 0,
    major,
  })
}

export const NtDeviceIoControlFile = service(
  'NtDeviceIoControlFile',
  0x07,
  'hhpppxpxpx',
  (k, args) => control(k, args, IRP_MJ_DEVICE_CONTROL),
)

export const NtFsControlFile = service('NtFsControlFile', 0x39, 'hhpppxpxpx', (k, args) =>
  control(k, args, IRP_MJ_FILE_SYSTEM_CONTROL),
)

function* transfer(k: Kernel, args: number[], write: boolean): KernelRoutine<number> {
  const [handle = 0, event = 0, apc = 0, , iosb = 0, buffer = 0, length = 0] = args
  const [offsetAt = 0, keyAt = 0] = args.slice(7)
  const userMode = fromUser(k)
  const refuse = (status: number): number =>
    k.io.refuse(write ? IRP_MJ_WRITE : IRP_MJ_READ, null, status, userMode)
  const bad = badStatusBlock(k, iosb)
  if (bad) return refuse(bad)
  const { status, file, granted } = fileOf(k, handle, write ? 0 : FILE_READ_DATA)
  if (status !== STATUS_SUCCESS) return refuse(status)
  if (userMode && write && !(granted & (FILE_WRITE_DATA | FILE_APPEND_DATA)))
    return refuse(STATUS_ACCESS_DENIED)
  if (apc) return STATUS_NOT_IMPLEMENTED
  const kevent = eventOf(k, event)
  if (kevent < 0) return refuse(kevent >>> 0)
  let offset: bigint | null = null
  let key = 0
  const failed = guarded(k, () => {
    if (offsetAt) {
      probeRead(k, offsetAt, 8)
      offset = k.memory.i64(offsetAt)
      if (offset === USE_FILE_POINTER) offset = null
    }
    if (keyAt) {
      probeRead(k, keyAt, 4)
      key = k.memory.u32(keyAt)
    }
  })
  if (failed) return refuse(failed)
  return yield* k.io.data({
    file,
    granted,
    iosb,
    event: kevent,
    userMode,
    write,
    buffer,
    length: length >>> 0,
    offset,
    key,
  })
}

export const NtReadFile = service('NtReadFile', 0x06, 'hhppppxpp', (k, args) =>
  transfer(k, args, false),
)

export const NtWriteFile = service('NtWriteFile', 0x08, 'hhppppxpp', (k, args) =>
  transfer(k, args, true),
)

// --- cancel --------------------------------------------------------------------------------------

function writeStatusBlock(k: Kernel, iosb: Ptr, status: number, information: number): void {
  k.memory.setU32(iosb, status)
  k.memory.setSize(iosb + IO_STATUS_BLOCK.Information, information)
}

export const NtCancelIoFile = service('NtCancelIoFile', 0x5d, 'hp', function* (k, args) {
  const [handle = 0, iosb = 0] = args
  const bad = badStatusBlock(k, iosb)
  if (bad) return bad
  const { status, file } = fileOf(k, handle, 0)
  if (status !== STATUS_SUCCESS) return status
  yield* k.io.packets.cancelIo(file, k.thread)
  return guarded(k, () => writeStatusBlock(k, iosb, STATUS_SUCCESS, 0))
})

export const NtCancelIoFileEx = service('NtCancelIoFileEx', 0x92, 'hpp', function* (k, args) {
  const [handle = 0, request = 0, iosb = 0] = args
  const bad = badStatusBlock(k, iosb)
  if (bad) return bad
  const { status, file } = fileOf(k, handle, 0)
  if (status !== STATUS_SUCCESS) return status
  let count = 0
  const { process } = k.thread
  for (const info of [...k.irps.all()]) {
    if (info.file !== file || info.state !== 'active' || info.thread?.process !== process) continue
    if (request && k.memory.ptr(info.address + IRP.UserIosb) !== request) continue
    count++
    yield* k.irps.cancel(info.address)
  }
  const result = count > 0 ? STATUS_SUCCESS : STATUS_NOT_FOUND
  return guarded(k, () => writeStatusBlock(k, iosb, result, 0)) || result
})

// --- information ---------------------------------------------------------------------------------

/** FILE_INFORMATION_CLASS values that the I/O manager answers by itself. */
const FileAccessInformation = 8
const FilePositionInformation = 14
const FileModeInformation = 16
const FileAlignmentInformation = 17

/** Smallest buffer of each class that is known; the driver judges the rest. */
const CLASS_BYTES: Readonly<Record<number, number>> = {
  4: 40, // FileBasicInformation
  5: 24, // FileStandardInformation
  6: 8, // FileInternalInformation
  7: 4, // FileEaInformation
  [FileAccessInformation]: 4,
  9: 8, // FileNameInformation
  10: 24, // FileRenameInformation
  13: 1, // FileDispositionInformation
  [FilePositionInformation]: 8,
  [FileModeInformation]: 4,
  [FileAlignmentInformation]: 4,
  19: 8, // FileAllocationInformation
  20: 8, // FileEndOfFileInformation
  34: 56, // FileNetworkOpenInformation
}

function* information(k: Kernel, args: number[], set: boolean): KernelRoutine<number> {
  const [handle = 0, iosb = 0, buffer = 0, length = 0, kind = 0] = args
  const least = CLASS_BYTES[kind]
  if (least === undefined) return STATUS_INVALID_INFO_CLASS
  if (length >>> 0 < least) return STATUS_INFO_LENGTH_MISMATCH
  const bad = guarded(k, () => {
    probeWrite(k, iosb, IO_STATUS_BLOCK.SIZE)
    if (set) probeRead(k, buffer, length)
    else probeWrite(k, buffer, length)
  })
  if (bad) return bad
  const { status, file, granted } = fileOf(k, handle, 0)
  if (status !== STATUS_SUCCESS) return status
  const position = file + FILE_OBJECT['CurrentByteOffset.QuadPart']
  const own = (work: () => void, bytes: number): number =>
    guarded(k, () => {
      work()
      writeStatusBlock(k, iosb, STATUS_SUCCESS, bytes)
    })
  const { memory } = k
  if (kind === FilePositionInformation)
    return set
      ? own(() => memory.setU64(position, memory.u64(buffer)), 0)
      : own(() => memory.setU64(buffer, memory.u64(position)), 8)
  if (!set && kind === FileAccessInformation) return own(() => memory.setU32(buffer, granted), 4)
  if (!set && kind === FileAlignmentInformation) return own(() => memory.setU32(buffer, 0), 4)
  if (!set && kind === FileModeInformation)
    return own(() => {
      const flags = memory.u32(file + FILE_OBJECT.Flags)
      memory.setU32(buffer, flags & FO_SYNCHRONOUS_IO ? FILE_SYNCHRONOUS_IO_NONALERT : 0)
    }, 4)
  return yield* k.io.information({
    file,
    granted,
    iosb,
    event: 0,
    userMode: fromUser(k),
    set,
    buffer,
    length: length >>> 0,
    kind,
  })
}

export const NtQueryInformationFile = service('NtQueryInformationFile', 0x11, 'hppxx', (k, args) =>
  information(k, args, false),
)

export const NtSetInformationFile = service('NtSetInformationFile', 0x27, 'hppxx', (k, args) =>
  information(k, args, true),
)

// --- folders -------------------------------------------------------------------------------------

const FILE_LIST_DIRECTORY = 1

/** The pattern of a listing, kept with the file object: a filter may hold the packet for a while. */
function keepPattern(k: Kernel, file: Ptr, text: string): number {
  const object = k.ob.lookup(file) as KObject<FileData> | undefined
  if (!object) return STATUS_INVALID_PARAMETER
  const bytes = UNICODE_STRING.SIZE + textBytes(text)
  const at = k.pool.allocate(bytes, 'IoFs', { system: true })
  if (!at) return STATUS_INSUFFICIENT_RESOURCES
  placeText(k.memory, at, at + UNICODE_STRING.SIZE, text)
  if (object.data.pattern) k.pool.free(object.data.pattern)
  object.data.pattern = at
  return STATUS_SUCCESS
}

export const NtQueryDirectoryFile = service(
  'NtQueryDirectoryFile',
  0x35,
  'hhppppxxxpx',
  function* (k, args) {
    const [handle = 0, event = 0, apc = 0, , iosb = 0, buffer = 0, length = 0] = args
    const [kind = 0, single = 0, nameAt = 0, restart = 0] = args.slice(7)
    let pattern: string | null = null
    const bad = guarded(k, () => {
      probeWrite(k, iosb, IO_STATUS_BLOCK.SIZE)
      probeWrite(k, buffer, length >>> 0)
      if (nameAt === 0) return
      const given = captureString(k, nameAt)
      if (given.text !== '') pattern = given.text
      return given.status
    })
    if (bad) return bad
    const { status, file, granted } = fileOf(k, handle, FILE_LIST_DIRECTORY)
    if (status !== STATUS_SUCCESS) return status
    if (apc) return STATUS_NOT_IMPLEMENTED
    const kevent = eventOf(k, event)
    if (kevent < 0) return kevent >>> 0
    if (pattern !== null) {
      const kept = keepPattern(k, file, pattern)
      if (kept !== STATUS_SUCCESS) return kept
    }
    return yield* k.io.directory({
      file,
      granted,
      iosb,
      event: kevent,
      userMode: fromUser(k),
      buffer,
      length: length >>> 0,
      kind,
      pattern: pattern === null ? 0 : ((k.ob.lookup(file) as KObject<FileData>).data.pattern ?? 0),
      flags: (restart & 0xff ? SL_RESTART_SCAN : 0) | (single & 0xff ? SL_RETURN_SINGLE_ENTRY : 0),
    })
  },
)
