/** Files that somebody has open: how they come to be open, who shares them, and when a deleted one goes. */
import {
  DELETE,
  FILE_ATTRIBUTE_DIRECTORY,
  FILE_ATTRIBUTE_READONLY,
  FILE_DELETE_ON_CLOSE,
  FILE_DIRECTORY_FILE,
  FILE_NON_DIRECTORY_FILE,
  GENERIC_ALL,
  GENERIC_READ,
  GENERIC_WRITE,
} from '../../../shared/nt/generated/constants'
import { FILE_OBJECT, IO_STACK_LOCATION } from '../../../shared/nt/generated/offsets'
import {
  STATUS_ACCESS_DENIED,
  STATUS_CANNOT_DELETE,
  STATUS_DELETE_PENDING,
  STATUS_DISK_FULL,
  STATUS_FILE_IS_A_DIRECTORY,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_NOT_A_DIRECTORY,
  STATUS_OBJECT_NAME_COLLISION,
  STATUS_SHARING_VIOLATION,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { Listing } from './listing'
import type { FileNode, FileTree, Place } from './tree'

const P = IO_STACK_LOCATION
/** IO_SECURITY_CONTEXT.DesiredAccess. */
const DESIRED_ACCESS = 0x10
/** FSRTL_COMMON_FCB_HEADER and a little behind it; nothing here reads it, drivers look whether it is there. */
const FCB_BYTES = 0x58
const READ_RIGHTS = (1 | 0x20 | GENERIC_READ | GENERIC_ALL) >>> 0
const WRITE_RIGHTS = (2 | 4 | GENERIC_WRITE | GENERIC_ALL) >>> 0

/** Create dispositions. */
const SUPERSEDE = 0
const OPEN = 1
const CREATE = 2
const OPEN_IF = 3
const OVERWRITE_IF = 5

/** Information of a create. */
const [SUPERSEDED, OPENED, CREATED, OVERWRITTEN] = [0, 1, 2, 3]

/** One file object's state. */
export interface OpenFile {
  node: FileNode
  /** What it lets itself and others do, until it is cleaned up. */
  reads: boolean
  writes: boolean
  deletes: boolean
  share: number
  deleteOnClose: boolean
  /** Folders: what a listing takes and how far it has come, null before the first. */
  pattern: string
  listing: Listing | null
}

/** What all that have a file open share. */
interface Fcb {
  address: Ptr
  /** File objects that are not closed. */
  references: number
  active: Set<OpenFile>
  deletePending: boolean
}

export class OpenFiles {
  private readonly files = new Map<Ptr, OpenFile>()
  private readonly fcbs = new Map<FileNode, Fcb>()

  constructor(
    private readonly k: Kernel,
    private readonly tree: FileTree,
  ) {}

  of(file: Ptr): OpenFile | undefined {
    return this.files.get(file)
  }

  /** Whether anybody has a handle of it. */
  isOpen(node: FileNode): boolean {
    return (this.fcbs.get(node)?.active.size ?? 0) > 0
  }

  isDeletePending(node: FileNode): boolean {
    return this.fcbs.get(node)?.deletePending ?? false
  }

  setDeletePending(node: FileNode, value: boolean): void {
    const fcb = this.fcbs.get(node)
    if (fcb) fcb.deletePending = value
  }

  // --- open ----------------------------------------------------------------------------------------

  /** IRP_MJ_CREATE: the name that the file object has now leads to a file or folder, or makes one. */
  create(location: Ptr, file: Ptr): { status: number; information: number } {
    const { memory } = this.k
    const refuse = (status: number) => ({ status, information: 0 })
    const length = memory.u16(file + FILE_OBJECT.FileName)
    const path = length
      ? memory.text16(memory.ptr(file + FILE_OBJECT['FileName.Buffer']), length)
      : ''
    const options = memory.u32(location + P['Parameters.Create.Options'])
    const disposition = options >>> 24
    const context = memory.ptr(location + P['Parameters.Create.SecurityContext'])
    const access = context ? memory.u32(context + DESIRED_ACCESS) : 0
    // The name of the device and nothing behind it is the volume itself, not its root folder.
    const isVolume = path === ''
    const place = this.tree.find(path)
    const found = place.node
    if (found && this.isDeletePending(found)) return refuse(STATUS_DELETE_PENDING)
    const wanted: OpenFile = {
      node: found ?? this.tree.root,
      reads: !isVolume && (access & READ_RIGHTS) !== 0,
      writes: !isVolume && (access & WRITE_RIGHTS) !== 0,
      deletes: !isVolume && ((access & DELETE) | (options & FILE_DELETE_ON_CLOSE)) !== 0,
      share: memory.u16(location + P['Parameters.Create.ShareAccess']),
      deleteOnClose: (options & FILE_DELETE_ON_CLOSE) !== 0,
      pattern: '*',
      listing: null,
    }
    const status = isVolume
      ? this.checkVolume(disposition, options)
      : found
        ? this.checkExisting(found, wanted, disposition, options)
        : this.checkMissing(place, disposition)
    if (status !== STATUS_SUCCESS) return refuse(status)
    const fcbAt = this.k.pool.allocate(FCB_BYTES, 'NtfF', { system: true, paged: true })
    if (!fcbAt) return refuse(STATUS_INSUFFICIENT_RESOURCES)
    const attributes = memory.u16(location + P['Parameters.Create.FileAttributes'])
    const information = found
      ? this.overwrite(found, disposition)
      : this.makeNew(place, wanted, attributes, options)
    if (information < 0) {
      this.k.pool.free(fcbAt)
      return refuse(STATUS_DISK_FULL)
    }
    this.enter(file, wanted, fcbAt)
    return { status: STATUS_SUCCESS, information }
  }

  private checkVolume(disposition: number, options: number): number {
    if (options & FILE_DIRECTORY_FILE) return STATUS_NOT_A_DIRECTORY
    if (options & FILE_DELETE_ON_CLOSE) return STATUS_CANNOT_DELETE
    return disposition === OPEN || disposition === OPEN_IF ? STATUS_SUCCESS : STATUS_ACCESS_DENIED
  }

  private checkExisting(
    node: FileNode,
    wanted: OpenFile,
    disposition: number,
    options: number,
  ): number {
    if (disposition === CREATE) return STATUS_OBJECT_NAME_COLLISION
    if (node.isFolder && options & FILE_NON_DIRECTORY_FILE) return STATUS_FILE_IS_A_DIRECTORY
    if (!node.isFolder && options & FILE_DIRECTORY_FILE) return STATUS_NOT_A_DIRECTORY
    const isReplaced = disposition !== OPEN && disposition !== OPEN_IF
    if (node.isFolder && isReplaced) return STATUS_OBJECT_NAME_COLLISION
    if (node.attributes & FILE_ATTRIBUTE_READONLY && !node.isFolder) {
      if (wanted.writes || isReplaced) return STATUS_ACCESS_DENIED
      if (wanted.deleteOnClose) return STATUS_CANNOT_DELETE
    }
    if (wanted.deleteOnClose && !node.parent) return STATUS_CANNOT_DELETE
    return this.checkShare(node, wanted)
  }

  /** IoCheckShareAccess: everybody allows what everybody else wants. */
  private checkShare(node: FileNode, wanted: OpenFile): number {
    if (!wanted.reads && !wanted.writes && !wanted.deletes) return STATUS_SUCCESS
    const allows = (share: number, other: OpenFile): boolean =>
      (!other.reads || (share & 1) !== 0) &&
      (!other.writes || (share & 2) !== 0) &&
      (!other.deletes || (share & 4) !== 0)
    for (const open of this.fcbs.get(node)?.active ?? []) {
      if (!open.reads && !open.writes && !open.deletes) continue
      if (!allows(open.share, wanted) || !allows(wanted.share, open))
        return STATUS_SHARING_VIOLATION
    }
    return STATUS_SUCCESS
  }

  private checkMissing(place: Place, disposition: number): number {
    if (!place.folder) return place.status
    const isMade = disposition === CREATE || disposition === OPEN_IF || disposition === OVERWRITE_IF
    if (!isMade && disposition !== SUPERSEDE) return place.status
    return this.isDeletePending(place.folder) ? STATUS_DELETE_PENDING : STATUS_SUCCESS
  }

  private overwrite(node: FileNode, disposition: number): number {
    if (disposition === OPEN || disposition === OPEN_IF) return OPENED
    this.tree.resize(node, 0)
    this.k.emit({ t: 'file.written', path: node.path, size: 0 })
    return disposition === SUPERSEDE ? SUPERSEDED : OVERWRITTEN
  }

  private makeNew(place: Place, wanted: OpenFile, attributes: number, options: number): number {
    const isFolder = (options & FILE_DIRECTORY_FILE) !== 0
    // What NTFS keeps of what a caller asks for: read-only, hidden, system, archive.
    const kept = attributes & 0x27
    const node = this.tree.add(
      place.folder!,
      place.leaf,
      isFolder ? kept | FILE_ATTRIBUTE_DIRECTORY : kept,
    )
    if (!node) return -1
    wanted.node = node
    this.k.emit({ t: 'file.created', path: node.path, folder: isFolder })
    return CREATED
  }

  private enter(file: Ptr, open: OpenFile, fcbAt: Ptr): void {
    const { memory, pool } = this.k
    let fcb = this.fcbs.get(open.node)
    if (fcb) pool.free(fcbAt)
    else {
      fcb = { address: fcbAt, references: 0, active: new Set(), deletePending: false }
      this.fcbs.set(open.node, fcb)
    }
    fcb.references++
    fcb.active.add(open)
    this.files.set(file, open)
    memory.setPtr(file + FILE_OBJECT.FsContext, fcb.address)
  }

  // --- close ---------------------------------------------------------------------------------------

  /** The last handle of a file object is closed: what was to be deleted goes with the last of all. */
  cleanup(file: Ptr): number {
    const open = this.files.get(file)
    const fcb = open && this.fcbs.get(open.node)
    if (!open || !fcb) return STATUS_INVALID_DEVICE_REQUEST
    // A second cleanup of the same file object finds nothing to do.
    if (!fcb.active.delete(open)) return STATUS_SUCCESS
    if (open.deleteOnClose) fcb.deletePending = true
    if (!fcb.deletePending || fcb.active.size > 0) return STATUS_SUCCESS
    const { path } = open.node
    if (this.tree.remove(open.node) === STATUS_SUCCESS) this.k.emit({ t: 'file.deleted', path })
    fcb.deletePending = false
    return STATUS_SUCCESS
  }

  close(file: Ptr): number {
    const open = this.files.get(file)
    const fcb = open && this.fcbs.get(open.node)
    if (!open || !fcb) return STATUS_SUCCESS
    this.files.delete(file)
    fcb.active.delete(open)
    if (--fcb.references === 0) {
      this.k.pool.free(fcb.address)
      this.fcbs.delete(open.node)
    }
    return STATUS_SUCCESS
  }
}
