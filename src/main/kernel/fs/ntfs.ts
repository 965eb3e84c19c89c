/**
 * The file system of the machine's only volume: the driver `\FileSystem\Ntfs` with the device
 * `\Device\HarddiskVolume1`, which is `C:`. Its requests come as packets like those of any driver, so
 * filters above it, hooks of its MajorFunction table and minifilters see and change them. Data goes by
 * Irp->UserBuffer (neither buffered nor direct), in the context of whoever asks.
 *
 * Unlike on Windows the volume device is the file system's own (no VPB, no mount), nothing is cached,
 * and files have no descriptors of their own.
 */
import {
  DO_DEVICE_INITIALIZING,
  FILE_ATTRIBUTE_DIRECTORY,
  FILE_ATTRIBUTE_READONLY,
  FILE_DEVICE_DISK_FILE_SYSTEM,
  FileBasicInformation,
  FileDispositionInformation,
  FileEndOfFileInformation,
  FileRenameInformation,
  FO_SYNCHRONOUS_IO,
  SL_RESTART_SCAN,
  SL_RETURN_SINGLE_ENTRY,
} from '../../../shared/nt/generated/constants'
import {
  DEVICE_OBJECT,
  FILE_BASIC_INFORMATION,
  FILE_OBJECT,
  FILE_RENAME_INFORMATION,
  IO_STACK_LOCATION,
  IRP,
  UNICODE_STRING,
} from '../../../shared/nt/generated/offsets'
import {
  IRP_MJ_CLEANUP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DIRECTORY_CONTROL,
  IRP_MJ_FLUSH_BUFFERS,
  IRP_MJ_QUERY_INFORMATION,
  IRP_MJ_READ,
  IRP_MJ_SET_INFORMATION,
  IRP_MJ_WRITE,
  IRP_MN_QUERY_DIRECTORY,
} from '../../../shared/nt/irp-functions'
import {
  STATUS_ACCESS_DENIED,
  STATUS_ACCESS_VIOLATION,
  STATUS_BUFFER_OVERFLOW,
  STATUS_CANNOT_DELETE,
  STATUS_DIRECTORY_NOT_EMPTY,
  STATUS_DISK_FULL,
  STATUS_END_OF_FILE,
  STATUS_FILE_CLOSED,
  STATUS_INFO_LENGTH_MISMATCH,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_INFO_CLASS,
  STATUS_INVALID_PARAMETER,
  STATUS_NO_MORE_FILES,
  STATUS_NO_SUCH_FILE,
  STATUS_OBJECT_NAME_INVALID,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import { systemTime } from '../ke/time'
import type { Kernel } from '../kernel'
import type { Image } from '../loader/image'
import { MemoryFault, type Ptr } from '../mm/memory'
import { assert } from '../stop'
import { describeFile } from './information'
import { entryHeader, Listing, writeEntry } from './listing'
import { OpenFiles, type OpenFile } from './opens'
import { FileTree, type FileNode } from './tree'

const P = IO_STACK_LOCATION
const CURRENT = IRP['Tail.Overlay.CurrentStackLocation']
export const VOLUME_DEVICE = '\\Device\\HarddiskVolume1'
/** ByteOffset of a write that appends (FILE_WRITE_TO_END_OF_FILE). */
const TO_END = -1n
/** One write reaches no further than this, whatever its offset. */
const OFFSET_MAX = 1n << 30n

/** Bytes of what is set, without the name of a rename. */
const SET_BYTES: Readonly<Record<number, number>> = {
  [FileDispositionInformation]: 1,
  [FileRenameInformation]: FILE_RENAME_INFORMATION.FileName,
  [FileEndOfFileInformation]: 8,
  [FileBasicInformation]: FILE_BASIC_INFORMATION.SIZE,
}

/** What a request came to. */
interface Answer {
  status: number
  information: number
}
const answer = (status: number, information = 0): Answer => ({ status, information })

export class Ntfs {
  readonly tree: FileTree
  readonly device: Ptr
  private readonly opens: OpenFiles

  constructor(
    private readonly k: Kernel,
    image: Image | undefined,
  ) {
    this.tree = new FileTree(() => systemTime(k))
    this.opens = new OpenFiles(k, this.tree)
    const major =
      (work: (location: Ptr, file: Ptr, irp: Ptr) => Answer) => (_: Kernel, args: number[]) =>
        this.dispatch(args[1] ?? 0, work)
    const driver = k.loader.createBuiltin(
      'Ntfs',
      {
        [IRP_MJ_CREATE]: major((location, file) => this.opens.create(location, file)),
        [IRP_MJ_CLEANUP]: major((_, file) => answer(this.opens.cleanup(file))),
        [IRP_MJ_CLOSE]: major((_, file) => answer(this.opens.close(file))),
        [IRP_MJ_READ]: major((location, file, irp) => this.read(location, file, irp)),
        [IRP_MJ_WRITE]: major((location, file, irp) => this.write(location, file, irp)),
        [IRP_MJ_QUERY_INFORMATION]: major((location, file, irp) => this.query(location, file, irp)),
        [IRP_MJ_SET_INFORMATION]: major((location, file, irp) => this.set(location, file, irp)),
        [IRP_MJ_DIRECTORY_CONTROL]: major((location, file, irp) => this.list(location, file, irp)),
        [IRP_MJ_FLUSH_BUFFERS]: major(() => answer(STATUS_SUCCESS)),
      },
      { directory: '\\FileSystem', image },
    )
    const { device } = k.devices.create({
      driver,
      extensionSize: 0,
      name: VOLUME_DEVICE,
      type: FILE_DEVICE_DISK_FILE_SYSTEM,
      characteristics: 0,
      exclusive: false,
    })
    assert(device !== 0, 'no memory for the volume')
    this.device = device
    const flags = device + DEVICE_OBJECT.Flags
    k.memory.setU32(flags, k.memory.u32(flags) & ~DO_DEVICE_INITIALIZING)
    k.ob.namespace.createSymbolicLink('\\GLOBAL??\\C:', VOLUME_DEVICE)
  }

  /** Do what a packet asks for and complete it. A caller's buffer that is not there is its status. */
  private *dispatch(
    irp: Ptr,
    work: (location: Ptr, file: Ptr, irp: Ptr) => Answer,
  ): KernelRoutine<number> {
    const { k } = this
    const { memory } = k
    const location = memory.ptr(irp + CURRENT)
    let result: Answer
    try {
      result = work(location, memory.ptr(location + P.FileObject), irp)
    } catch (error) {
      if (!(error instanceof MemoryFault) || !memory.isUser(error.index)) throw error
      result = answer(STATUS_ACCESS_VIOLATION)
    }
    memory.setU32(irp + IRP['IoStatus.Status'], result.status)
    memory.setSize(irp + IRP['IoStatus.Information'], result.information)
    yield* k.irps.complete(irp)
    return result.status
  }

  // --- data ------------------------------------------------------------------------------------------

  /** The open file behind a packet with its data, or the status that it ends with. */
  private dataOf(file: Ptr): OpenFile | number {
    const open = this.opens.of(file)
    if (!open) return STATUS_FILE_CLOSED
    return open.node.isFolder ? STATUS_INVALID_DEVICE_REQUEST : open
  }

  private read(location: Ptr, file: Ptr, irp: Ptr): Answer {
    const { memory } = this.k
    const open = this.dataOf(file)
    if (typeof open === 'number') return answer(open)
    const length = memory.u32(location + P['Parameters.Read.Length'])
    const offset = memory.i64(location + P['Parameters.Read.ByteOffset'])
    if (offset < 0n) return answer(STATUS_INVALID_PARAMETER)
    const { node } = open
    if (length === 0) return answer(STATUS_SUCCESS)
    if (offset >= BigInt(node.data.length)) return answer(STATUS_END_OF_FILE)
    const from = Number(offset)
    const bytes = node.data.subarray(from, from + length)
    memory.write(memory.ptr(irp + IRP.UserBuffer), bytes)
    node.times.accessed = systemTime(this.k)
    this.advance(file, from + bytes.length)
    return answer(STATUS_SUCCESS, bytes.length)
  }

  private write(location: Ptr, file: Ptr, irp: Ptr): Answer {
    const { k } = this
    const { memory } = k
    const open = this.dataOf(file)
    if (typeof open === 'number') return answer(open)
    const { node } = open
    const length = memory.u32(location + P['Parameters.Read.Length'])
    const given = memory.i64(location + P['Parameters.Read.ByteOffset'])
    const offset = given === TO_END ? BigInt(node.data.length) : given
    if (offset < 0n) return answer(STATUS_INVALID_PARAMETER)
    if (offset + BigInt(length) > OFFSET_MAX) return answer(STATUS_DISK_FULL)
    if (length === 0) return answer(STATUS_SUCCESS)
    const at = Number(offset)
    const status = this.tree.write(node, at, memory.read(memory.ptr(irp + IRP.UserBuffer), length))
    if (status !== STATUS_SUCCESS) return answer(status)
    this.changed(node)
    this.advance(file, at + length)
    return answer(STATUS_SUCCESS, length)
  }

  /** Where the next transfer of a synchronous file begins is the file system's to say. */
  private advance(file: Ptr, offset: number): void {
    const { memory } = this.k
    if (memory.u32(file + FILE_OBJECT.Flags) & FO_SYNCHRONOUS_IO)
      memory.setU64(file + FILE_OBJECT['CurrentByteOffset.QuadPart'], BigInt(offset))
  }

  private changed(node: FileNode): void {
    if (this.k.tracing) this.k.emit({ t: 'file.written', path: node.path, size: node.data.length })
  }

  // --- information -------------------------------------------------------------------------------------

  private query(location: Ptr, file: Ptr, irp: Ptr): Answer {
    const { memory } = this.k
    const open = this.opens.of(file)
    if (!open) return answer(STATUS_FILE_CLOSED)
    return describeFile(
      memory,
      open.node,
      this.opens.isDeletePending(open.node),
      memory.u32(location + P['Parameters.QueryFile.FileInformationClass']),
      memory.ptr(irp + IRP['AssociatedIrp.SystemBuffer']),
      memory.u32(location + P['Parameters.QueryFile.Length']),
    )
  }

  private set(location: Ptr, file: Ptr, irp: Ptr): Answer {
    const { memory } = this.k
    const open = this.opens.of(file)
    if (!open) return answer(STATUS_FILE_CLOSED)
    const kind = memory.u32(location + P['Parameters.SetFile.FileInformationClass'])
    const length = memory.u32(location + P['Parameters.SetFile.Length'])
    const at = memory.ptr(irp + IRP['AssociatedIrp.SystemBuffer'])
    if (length < (SET_BYTES[kind] ?? 0)) return answer(STATUS_INFO_LENGTH_MISMATCH)
    switch (kind) {
      case FileDispositionInformation:
        return answer(this.setDisposition(open, memory.u8(at) !== 0))
      case FileRenameInformation:
        return answer(this.rename(open.node, at, length))
      case FileEndOfFileInformation: {
        const size = memory.i64(at)
        if (open.node.isFolder || size < 0n) return answer(STATUS_INVALID_PARAMETER)
        if (size > OFFSET_MAX) return answer(STATUS_DISK_FULL)
        const status = this.tree.resize(open.node, Number(size))
        if (status === STATUS_SUCCESS) this.changed(open.node)
        return answer(status)
      }
      case FileBasicInformation:
        this.setBasic(open.node, at)
        return answer(STATUS_SUCCESS)
      default:
        return answer(STATUS_INVALID_INFO_CLASS)
    }
  }

  private setDisposition(open: OpenFile, isDeleted: boolean): number {
    const { node } = open
    if (isDeleted && (node.attributes & FILE_ATTRIBUTE_READONLY || !node.parent))
      return STATUS_CANNOT_DELETE
    if (isDeleted && node.children?.size) return STATUS_DIRECTORY_NOT_EMPTY
    this.opens.setDeletePending(node, isDeleted)
    return STATUS_SUCCESS
  }

  /** A name without a backslash stays in the folder; any other is a path on this volume. */
  private rename(node: FileNode, at: Ptr, length: number): number {
    const { memory } = this.k
    const R = FILE_RENAME_INFORMATION
    const bytes = memory.u32(at + R.FileNameLength)
    if (!node.parent || R.FileName + bytes > length) return STATUS_INVALID_PARAMETER
    const name = memory.text16(at + R.FileName, bytes)
    const path = name.replace(/^\\\?\?\\C:/i, '').replace(VOLUME_DEVICE, '')
    const place = path.includes('\\') ? this.tree.find(path) : null
    const folder = place ? place.folder : node.parent
    if (!folder) return place?.status || STATUS_OBJECT_NAME_INVALID
    const from = node.path
    const replace = memory.u8(at + R.ReplaceIfExists) !== 0
    const leaf = place ? place.leaf : path
    const there = this.tree.child(folder, leaf)
    if (replace && there && there !== node && this.opens.isOpen(there)) return STATUS_ACCESS_DENIED
    const status = this.tree.move(node, folder, leaf, replace)
    if (status === STATUS_SUCCESS && this.k.tracing)
      this.k.emit({ t: 'file.renamed', path: from, to: node.path })
    return status
  }

  private setBasic(node: FileNode, at: Ptr): void {
    const { memory } = this.k
    const B = FILE_BASIC_INFORMATION
    // 0 leaves a time or the attributes as they are.
    const created = memory.u64(at + B.CreationTime)
    const written = memory.u64(at + B.LastWriteTime)
    const attributes = memory.u32(at + B.FileAttributes)
    if (created) node.times.created = created
    if (written) node.times.written = written
    if (attributes)
      node.attributes =
        (attributes & ~FILE_ATTRIBUTE_DIRECTORY) | (node.isFolder ? FILE_ATTRIBUTE_DIRECTORY : 0)
    node.times.changed = systemTime(this.k)
  }

  // --- folders -----------------------------------------------------------------------------------------

  private list(location: Ptr, file: Ptr, irp: Ptr): Answer {
    const { memory } = this.k
    const open = this.opens.of(file)
    if (!open) return answer(STATUS_FILE_CLOSED)
    if (memory.u8(location + P.MinorFunction) !== IRP_MN_QUERY_DIRECTORY || !open.node.isFolder)
      return answer(STATUS_INVALID_PARAMETER)
    const kind = memory.u32(location + P['Parameters.QueryDirectory.FileInformationClass'])
    const header = entryHeader(kind)
    if (header === undefined) return answer(STATUS_INVALID_INFO_CLASS)
    const flags = memory.u8(location + P.Flags)
    const first = open.listing === null
    if (first) open.pattern = this.patternOf(location)
    if (!open.listing || flags & SL_RESTART_SCAN)
      open.listing = new Listing(open.node, open.pattern)
    const { listing } = open
    const length = memory.u32(location + P['Parameters.QueryDirectory.Length'])
    if (length < header) return answer(STATUS_INFO_LENGTH_MISMATCH)
    let entry = listing.peek()
    if (!entry) return answer(first ? STATUS_NO_SUCH_FILE : STATUS_NO_MORE_FILES)
    const buffer = memory.ptr(irp + IRP.UserBuffer)
    // The first entry is given even if its name has to be cut.
    const room = (length - header) >>> 1
    if (entry.name.length > room) {
      writeEntry(memory, buffer, kind, entry, room)
      listing.advance(entry)
      return answer(STATUS_BUFFER_OVERFLOW, header + room * 2)
    }
    let [end, last] = [0, -1]
    for (; entry; entry = listing.peek()) {
      const at = (end + 7) & ~7
      const bytes = header + entry.name.length * 2
      if (at + bytes > length) break
      if (last >= 0) memory.setU32(buffer + last, at - last)
      writeEntry(memory, buffer + at, kind, entry)
      listing.advance(entry)
      last = at
      end = at + bytes
      if (flags & SL_RETURN_SINGLE_ENTRY) break
    }
    return answer(STATUS_SUCCESS, end)
  }

  private patternOf(location: Ptr): string {
    const { memory } = this.k
    const name = memory.ptr(location + P['Parameters.QueryDirectory.FileName'])
    if (!name) return '*'
    const length = memory.u16(name + UNICODE_STRING.Length)
    return length ? memory.text16(memory.ptr(name + UNICODE_STRING.Buffer), length) : '*'
  }
}
