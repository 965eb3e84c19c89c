/** What IRP_MN_QUERY_DIRECTORY gives: the entries of a folder that a pattern takes, in the form of a class. */
import {
  FileBothDirectoryInformation,
  FileDirectoryInformation,
  FileFullDirectoryInformation,
  FileIdBothDirectoryInformation,
  FileNamesInformation,
} from '../../../shared/nt/generated/constants'
import {
  FILE_BOTH_DIR_INFORMATION,
  FILE_DIRECTORY_INFORMATION,
  FILE_FULL_DIR_INFORMATION,
  FILE_ID_BOTH_DIR_INFORMATION,
  FILE_NAMES_INFORMATION,
} from '../../../shared/nt/generated/offsets'
import type { Memory, Ptr } from '../mm/memory'
import { upcase } from '../rtl/upcase'
import { CLUSTER_BYTES, type FileNode } from './tree'

/** Where the name begins and its length stands, by class. */
const CLASSES: Readonly<Record<number, { name: number; length: number }>> = {
  [FileDirectoryInformation]: {
    name: FILE_DIRECTORY_INFORMATION.FileName,
    length: FILE_DIRECTORY_INFORMATION.FileNameLength,
  },
  [FileFullDirectoryInformation]: {
    name: FILE_FULL_DIR_INFORMATION.FileName,
    length: FILE_FULL_DIR_INFORMATION.FileNameLength,
  },
  [FileBothDirectoryInformation]: {
    name: FILE_BOTH_DIR_INFORMATION.FileName,
    length: FILE_BOTH_DIR_INFORMATION.FileNameLength,
  },
  [FileIdBothDirectoryInformation]: {
    name: FILE_ID_BOTH_DIR_INFORMATION.FileName,
    length: FILE_ID_BOTH_DIR_INFORMATION.FileNameLength,
  },
  [FileNamesInformation]: {
    name: FILE_NAMES_INFORMATION.FileName,
    length: FILE_NAMES_INFORMATION.FileNameLength,
  },
}

/** One entry: `.` and `..` stand for the folder itself and the one above it. */
export interface ListEntry {
  name: string
  node: FileNode
}

/** Whether there is such a class here, and the bytes in front of the name. */
export function entryHeader(kind: number): number | undefined {
  return CLASSES[kind]?.name
}

/**
 * FsRtlIsNameInExpression, with `*` and `?` and without case. It needs no more steps than the product of
 * both lengths, whatever the pattern.
 */
export function matches(pattern: string, name: string): boolean {
  const [p, n] = [upcase(pattern), upcase(name)]
  let [i, j, star, mark] = [0, 0, -1, 0]
  while (j < n.length)
    if (i < p.length && (p[i] === '?' || (p[i] !== '*' && p[i] === n[j]))) {
      i++
      j++
    } else if (p[i] === '*') {
      star = i++
      mark = j
    } else if (star >= 0) {
      i = star + 1
      j = ++mark
    } else return false
  while (p[i] === '*') i++
  return i === p.length
}

/**
 * Where a listing of a folder stands: behind a name, as a walk of the folder's index has it. What comes
 * into the folder in between is seen if its name comes later, and nothing is copied or sorted.
 */
export class Listing {
  private readonly pattern: string
  /** What every name has to begin with: only that part of the folder is walked. */
  private readonly prefix: string
  /** `.` and `..` that are still to come. */
  private dots: ListEntry[]
  private key: string
  private isAfter = false

  /** @param pattern  with `*` and `?`; `*.*` takes all, as Win32 has it */
  constructor(
    private readonly folder: FileNode,
    pattern: string,
  ) {
    this.pattern = pattern === '' || pattern === '*.*' ? '*' : upcase(pattern)
    this.prefix = /^[^*?]*/.exec(this.pattern)![0]
    this.key = this.prefix
    const { parent } = folder
    const dots = parent
      ? [
          { name: '.', node: folder },
          { name: '..', node: parent },
        ]
      : []
    this.dots = dots.filter(({ name }) => matches(this.pattern, name))
  }

  /** The next entry, which stays the next until `advance`; null when there are no more. */
  peek(): ListEntry | null {
    if (this.dots[0]) return this.dots[0]
    const children = this.folder.children!
    for (;;) {
      const key = children.keyFrom(this.key, this.isAfter)
      if (!key?.startsWith(this.prefix)) return null
      if (matches(this.pattern, key)) {
        const node = children.get(key)!
        return { name: node.name, node }
      }
      this.passBy(key)
    }
  }

  /** Go past an entry that `peek` gave. */
  advance(entry: ListEntry): void {
    if (this.dots[0] === entry) this.dots = this.dots.slice(1)
    else this.passBy(upcase(entry.name))
  }

  private passBy(key: string): void {
    this.key = key
    this.isAfter = true
  }
}

/**
 * Write one entry; NextEntryOffset stays 0. The caller has made sure that it fits.
 * @param room  characters of the name that are written; its length is told whole
 */
export function writeEntry(
  memory: Memory,
  at: Ptr,
  kind: number,
  entry: ListEntry,
  room = entry.name.length,
): void {
  const { name: nameAt, length: lengthAt } = CLASSES[kind]!
  const { name, node } = entry
  memory.fill(at, nameAt, 0)
  memory.setU32(at + lengthAt, name.length * 2)
  memory.setText16(at + nameAt, name.slice(0, room))
  if (kind === FileNamesInformation) return
  const D = FILE_DIRECTORY_INFORMATION
  const { created, accessed, written, changed } = node.times
  memory.setU64(at + D.CreationTime, created)
  memory.setU64(at + D.LastAccessTime, accessed)
  memory.setU64(at + D.LastWriteTime, written)
  memory.setU64(at + D.ChangeTime, changed)
  memory.setU64(at + D.EndOfFile, BigInt(node.data.length))
  memory.setU64(at + D.AllocationSize, BigInt(allocationOf(node)))
  memory.setU32(at + D.FileAttributes, node.attributes)
  if (kind === FileIdBothDirectoryInformation)
    memory.setU64(at + FILE_ID_BOTH_DIR_INFORMATION.FileId, BigInt(node.id))
}

/** Bytes that a file takes on the volume. */
export function allocationOf(node: FileNode): number {
  return Math.ceil(node.data.length / CLUSTER_BYTES) * CLUSTER_BYTES
}
