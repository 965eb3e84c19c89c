/** The files of a volume: a tree of folders and files in memory, without an idea of packets or handles. */
import {
  FILE_ATTRIBUTE_ARCHIVE,
  FILE_ATTRIBUTE_DIRECTORY,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_DIRECTORY_NOT_EMPTY,
  STATUS_DISK_FULL,
  STATUS_OBJECT_NAME_COLLISION,
  STATUS_OBJECT_NAME_INVALID,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_OBJECT_PATH_NOT_FOUND,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { upcase } from '../rtl/upcase'

/** Bytes of all files together, and files and folders: a driver that writes without end finds the disk full. */
const BYTES_MAX = 16 << 20
const NODES_MAX = 20_000
const NAME_MAX = 255
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
  readonly children: Map<string, FileNode> | null
  data = new Uint8Array(0)
  times: Times

  constructor(
    readonly id: number,
    public name: string,
    public parent: FileNode | null,
    /** FILE_ATTRIBUTE_xxx. */
    public attributes: number,
    now: bigint,
  ) {
    this.children = attributes & FILE_ATTRIBUTE_DIRECTORY ? new Map() : null
    this.times = { created: now, accessed: now, written: now, changed: now }
  }

  get isFolder(): boolean {
    return this.children !== null
  }

  /** `\Users\student\notes.txt`; `\` for the root. */
  get path(): string {
    if (!this.parent) return '\\'
    return `${this.parent.parent ? this.parent.path : ''}\\${this.name}`
  }

  /** Children in the order in which NTFS keeps them: by upper-case name. */
  sorted(): FileNode[] {
    return [...(this.children ?? new Map<string, FileNode>()).entries()]
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([, node]) => node)
  }
}

/** Where a path leads: the node, or the folder in which its last part would be. */
export interface Place {
  status: number
  node: FileNode | null
  folder: FileNode | null
  leaf: string
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

  /** Follow a path that begins at the root. */
  find(path: string): Place {
    const parts = path.split('\\').filter((part) => part !== '')
    let folder = this.root
    const leaf = parts.pop()
    if (leaf === undefined) return { status: STATUS_SUCCESS, node: folder, folder: null, leaf: '' }
    const none = (status: number): Place => ({ status, node: null, folder: null, leaf })
    if (parts.some(isBadName) || isBadName(leaf)) return none(STATUS_OBJECT_NAME_INVALID)
    for (const part of parts) {
      const next = folder.children?.get(upcase(part))
      if (!next?.isFolder) return none(STATUS_OBJECT_PATH_NOT_FOUND)
      folder = next
    }
    const node = folder.children?.get(upcase(leaf)) ?? null
    return { status: node ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND, node, folder, leaf }
  }

  /** A new file or folder; null when the volume is full. */
  add(folder: FileNode, name: string, attributes: number): FileNode | null {
    if (this.nodes >= NODES_MAX) return null
    const own = attributes & FILE_ATTRIBUTE_DIRECTORY ? 0 : FILE_ATTRIBUTE_ARCHIVE
    const node = new FileNode(++this.lastId + 1, name, folder, attributes | own, this.now())
    folder.children!.set(upcase(name), node)
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

  /** Take a node out of its folder. */
  remove(node: FileNode): number {
    if (node.children?.size) return STATUS_DIRECTORY_NOT_EMPTY
    node.parent?.children?.delete(upcase(node.name))
    if (node.parent) node.parent.times.written = this.now()
    this.bytes -= node.data.length
    this.nodes--
    return STATUS_SUCCESS
  }

  /** Give a node another name or folder. */
  move(node: FileNode, folder: FileNode, name: string, replace: boolean): number {
    if (name === '' || isBadName(name)) return STATUS_OBJECT_NAME_INVALID
    for (let at: FileNode | null = folder; at; at = at.parent)
      if (at === node) return STATUS_OBJECT_NAME_INVALID
    const there = folder.children!.get(upcase(name))
    if (there && there !== node) {
      if (!replace || there.isFolder) return STATUS_OBJECT_NAME_COLLISION
      this.remove(there)
    }
    node.parent!.children!.delete(upcase(node.name))
    node.name = name
    node.parent = folder
    folder.children!.set(upcase(name), node)
    node.times.changed = this.now()
    return STATUS_SUCCESS
  }

  /** Change the length of a file; what is new is zero. */
  resize(node: FileNode, length: number): number {
    if (this.bytes - node.data.length + length > BYTES_MAX) return STATUS_DISK_FULL
    this.bytes += length - node.data.length
    const data = new Uint8Array(length)
    data.set(node.data.subarray(0, length))
    node.data = data
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
  *all(folder = this.root): Generator<FileNode> {
    for (const node of folder.sorted()) {
      yield node
      if (node.isFolder) yield* this.all(node)
    }
  }
}
