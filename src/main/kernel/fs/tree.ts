/** The files of a volume: a tree of folders and files in memory, without an idea of packets or handles. */
import {
  FILE_ATTRIBUTE_ARCHIVE,
  FILE_ATTRIBUTE_DIRECTORY,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_DIRECTORY_NOT_EMPTY,
  STATUS_DISK_FULL,
  STATUS_FILE_DELETED,
  STATUS_NAME_TOO_LONG,
  STATUS_OBJECT_NAME_COLLISION,
  STATUS_OBJECT_NAME_INVALID,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_OBJECT_PATH_NOT_FOUND,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { upcase } from '../rtl/upcase'
import { Children } from './children'

/** Bytes of all files together, and files and folders: a driver that writes without end finds the disk full. */
export const BYTES_MAX = 16 << 20
const NODES_MAX = 20_000
const NAME_MAX = 255
/**
 * Names in a path. With names of at most 255 characters no path passes the 32,767 of Windows, which knows
 * no other bound on depth.
 */
export const DEPTH_MAX = 127
/** Cluster of the volume: allocation sizes are multiples of it. */
export const CLUSTER_BYTES = 4096

export interface Times {
  created: bigint
  accessed: bigint
  written: bigint
  changed: bigint
}

/** A file or a folder. */
export class FileNode {
  readonly children: Children | null
  /** No longer on the volume, though somebody may have it open. */
  isRemoved = false
  times: Times
  /** What the file holds, at the beginning of a buffer that has room for more. */
  private buffer = new Uint8Array(0)
  private size = 0

  constructor(
    readonly id: number,
    public name: string,
    public parent: FileNode | null,
    /** FILE_ATTRIBUTE_xxx. */
    public attributes: number,
    now: bigint,
  ) {
    this.children = attributes & FILE_ATTRIBUTE_DIRECTORY ? new Children() : null
    this.times = { created: now, accessed: now, written: now, changed: now }
  }

  get isFolder(): boolean {
    return this.children !== null
  }

  /** A view of what the file holds. */
  get data(): Uint8Array {
    return this.buffer.subarray(0, this.size)
  }

  /**
   * Change the length; what is new is zero. The buffer doubles when it grows, so that appending does not copy
   * each time, and is given back when three quarters of it are free.
   */
  setLength(length: number): void {
    const room = this.buffer.length
    if (length > room || length < room / 4) {
      const buffer = new Uint8Array(length > room ? Math.max(length, 2 * room) : length)
      buffer.set(this.data.subarray(0, length))
      this.buffer = buffer
    } else this.buffer.fill(0, length, this.size)
    this.size = length
  }

  /** `\Users\student\notes.txt`; `\` for the root. */
  get path(): string {
    const names: string[] = []
    for (const node of this.upwards()) if (node.parent) names.unshift(node.name)
    return `\\${names.join('\\')}`
  }

  /** Names in the path: 0 for the root. */
  get depth(): number {
    let depth = 0
    for (let at = this.parent; at; at = at.parent) depth++
    return depth
  }

  get height(): number {
    return this.children?.height ?? 0
  }

  /** The node, its folder, the folder of that, up to the root. */
  *upwards(): Generator<FileNode> {
    yield this
    for (let at = this.parent; at; at = at.parent) yield at
  }
}

/** Where a path leads: the node, or the folder in which its last part would be. */
export interface Place {
  status: number
  node: FileNode | null
  folder: FileNode | null
  leaf: string
}

/** A node has come into a folder, or is about to leave it: what counts heights above it learns of it. */
function recount(folder: FileNode, was: number | null, is: number | null): void {
  for (let at: FileNode | null = folder; at && was !== is; at = at.parent) {
    const before = at.height
    at.children!.recount(was, is)
    was = before
    is = at.height
  }
}

const isBadName = (name: string): boolean => name.length > NAME_MAX || /[<>:"/|?*\0]/.test(name)

export class FileTree {
  readonly root: FileNode
  private lastId = 4
  private nodes = 1
  private bytes = 0

  constructor(private readonly now: () => bigint) {
    this.root = new FileNode(5, '', null, FILE_ATTRIBUTE_DIRECTORY, now())
  }

  /** It has as many files and folders as there can be. */
  get isFull(): boolean {
    return this.nodes >= NODES_MAX
  }

  /** Follow a path that begins at the root. */
  find(path: string): Place {
    const parts = path.split('\\').filter((part) => part !== '')
    let folder = this.root
    const leaf = parts.pop()
    if (leaf === undefined) return { status: STATUS_SUCCESS, node: folder, folder: null, leaf: '' }
    const none = (status: number): Place => ({ status, node: null, folder: null, leaf })
    if (parts.length >= DEPTH_MAX) return none(STATUS_NAME_TOO_LONG)
    if (parts.some(isBadName) || isBadName(leaf)) return none(STATUS_OBJECT_NAME_INVALID)
    for (const part of parts) {
      const next = folder.children?.get(upcase(part))
      if (!next?.isFolder) return none(STATUS_OBJECT_PATH_NOT_FOUND)
      folder = next
    }
    const node = folder.children?.get(upcase(leaf)) ?? null
    return { status: node ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND, node, folder, leaf }
  }

  /** A new file or folder; null when the volume is full or the folder as deep as one can be. */
  add(folder: FileNode, name: string, attributes: number): FileNode | null {
    if (this.isFull || folder.depth >= DEPTH_MAX) return null
    const own = attributes & FILE_ATTRIBUTE_DIRECTORY ? 0 : FILE_ATTRIBUTE_ARCHIVE
    const node = new FileNode(++this.lastId + 1, name, folder, attributes | own, this.now())
    this.link(node)
    folder.times.written = this.now()
    this.nodes++
    return node
  }

  /** Make a path with all folders that lead to it, for what a volume begins with. */
  make(path: string, folder = false): FileNode | null {
    const parts = path.split('\\').filter((part) => part !== '')
    let at = this.root
    for (const [i, part] of parts.entries()) {
      const attributes = folder || i < parts.length - 1 ? FILE_ATTRIBUTE_DIRECTORY : 0
      const next = at.children?.get(upcase(part)) ?? (at.isFolder && this.add(at, part, attributes))
      if (!next) return null
      at = next
    }
    return at
  }

  /** What a folder holds under a name. */
  child(folder: FileNode, name: string): FileNode | undefined {
    return folder.children?.get(upcase(name))
  }

  private link(node: FileNode): void {
    node.parent!.children!.add(upcase(node.name), node)
    recount(node.parent!, null, node.height)
  }

  private unlink(node: FileNode): void {
    node.parent!.children!.delete(upcase(node.name))
    recount(node.parent!, node.height, null)
  }

  /** Take a node, and no other of its name, out of its folder. */
  remove(node: FileNode): number {
    if (node.isRemoved || !node.parent) return STATUS_FILE_DELETED
    if (node.children?.size) return STATUS_DIRECTORY_NOT_EMPTY
    this.unlink(node)
    node.isRemoved = true
    node.parent.times.written = this.now()
    this.bytes -= node.data.length
    this.nodes--
    return STATUS_SUCCESS
  }

  /** Give a node another name or folder. */
  move(node: FileNode, folder: FileNode, name: string, replace: boolean): number {
    if (node.isRemoved) return STATUS_FILE_DELETED
    if (name === '' || isBadName(name)) return STATUS_OBJECT_NAME_INVALID
    for (const at of folder.upwards()) if (at === node) return STATUS_OBJECT_NAME_INVALID
    if (folder.depth + 1 + node.height > DEPTH_MAX) return STATUS_NAME_TOO_LONG
    const there = folder.children!.get(upcase(name))
    if (there && there !== node) {
      if (!replace || there.isFolder) return STATUS_OBJECT_NAME_COLLISION
      this.remove(there)
    }
    this.unlink(node)
    node.name = name
    node.parent = folder
    this.link(node)
    node.times.changed = this.now()
    return STATUS_SUCCESS
  }

  /** Change the length of a file; what is new is zero. */
  resize(node: FileNode, length: number): number {
    if (node.isRemoved) return STATUS_FILE_DELETED
    if (this.bytes - node.data.length + length > BYTES_MAX) return STATUS_DISK_FULL
    this.bytes += length - node.data.length
    node.setLength(length)
    node.times.written = node.times.changed = this.now()
    return STATUS_SUCCESS
  }

  /** Write into a file, making it longer where that is needed. */
  write(node: FileNode, offset: number, bytes: Uint8Array): number {
    const end = offset + bytes.length
    const status = end > node.data.length ? this.resize(node, end) : STATUS_SUCCESS
    if (status !== STATUS_SUCCESS) return status
    node.data.set(bytes, offset)
    node.times.written = node.times.changed = this.now()
    return status
  }

  /** Every file and folder below the root, folders before what they hold. */
  *all(): Generator<FileNode> {
    const open = [this.root.children!.inOrder()]
    for (let at = open.at(-1); at; at = open.at(-1)) {
      const next = at.next()
      if (next.done) {
        open.pop()
        continue
      }
      yield next.value
      if (next.value.children) open.push(next.value.children.inOrder())
    }
  }
}
