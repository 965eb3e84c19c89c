/** IRP_MJ_QUERY_INFORMATION: what a file says of itself, by class. */
import {
  FileBasicInformation,
  FileEaInformation,
  FileInternalInformation,
  FileNameInformation,
  FileNetworkOpenInformation,
  FileStandardInformation,
} from '../../../shared/nt/generated/constants'
import {
  FILE_BASIC_INFORMATION,
  FILE_NAME_INFORMATION,
  FILE_NETWORK_OPEN_INFORMATION,
  FILE_STANDARD_INFORMATION,
} from '../../../shared/nt/generated/offsets'
import {
  STATUS_BUFFER_OVERFLOW,
  STATUS_INFO_LENGTH_MISMATCH,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { Memory, Ptr } from '../mm/memory'
import { allocationOf } from './listing'
import type { FileNode } from './tree'

function writeTimes(memory: Memory, at: Ptr, node: FileNode): void {
  const B = FILE_BASIC_INFORMATION
  const { created, accessed, written, changed } = node.times
  memory.setU64(at + B.CreationTime, created)
  memory.setU64(at + B.LastAccessTime, accessed)
  memory.setU64(at + B.LastWriteTime, written)
  memory.setU64(at + B.ChangeTime, changed)
}

/** Bytes in front of what has no fixed length, by class. */
const FIXED_BYTES: Readonly<Record<number, number>> = {
  [FileBasicInformation]: FILE_BASIC_INFORMATION.SIZE,
  [FileStandardInformation]: FILE_STANDARD_INFORMATION.SIZE,
  [FileInternalInformation]: 8,
  [FileEaInformation]: 4,
  [FileNameInformation]: FILE_NAME_INFORMATION.FileName,
  [FileNetworkOpenInformation]: FILE_NETWORK_OPEN_INFORMATION.SIZE,
}

/** Fill the buffer, of which a driver's own packet may have less than the class takes. */
export function describeFile(
  memory: Memory,
  node: FileNode,
  deletePending: boolean,
  kind: number,
  at: Ptr,
  length: number,
): { status: number; information: number } {
  const done = (information: number) => ({ status: STATUS_SUCCESS, information })
  if (length < (FIXED_BYTES[kind] ?? 0))
    return { status: STATUS_INFO_LENGTH_MISMATCH, information: 0 }
  switch (kind) {
    case FileBasicInformation:
      memory.fill(at, FILE_BASIC_INFORMATION.SIZE, 0)
      writeTimes(memory, at, node)
      memory.setU32(at + FILE_BASIC_INFORMATION.FileAttributes, node.attributes)
      return done(FILE_BASIC_INFORMATION.SIZE)
    case FileStandardInformation: {
      const S = FILE_STANDARD_INFORMATION
      memory.fill(at, S.SIZE, 0)
      memory.setU64(at + S.AllocationSize, BigInt(allocationOf(node)))
      memory.setU64(at + S.EndOfFile, BigInt(node.data.length))
      memory.setU32(at + S.NumberOfLinks, deletePending ? 0 : 1)
      memory.setU8(at + S.DeletePending, deletePending ? 1 : 0)
      memory.setU8(at + S.Directory, node.isFolder ? 1 : 0)
      return done(S.SIZE)
    }
    case FileInternalInformation:
      memory.setU64(at, BigInt(node.id))
      return done(8)
    case FileEaInformation:
      memory.setU32(at, 0)
      return done(4)
    case FileNameInformation: {
      const N = FILE_NAME_INFORMATION
      const { path } = node
      const characters = Math.min(path.length, (length - N.FileName) >>> 1)
      memory.setU32(at + N.FileNameLength, path.length * 2)
      memory.setText16(at + N.FileName, path.slice(0, characters))
      const status = characters < path.length ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS
      return { status, information: N.FileName + characters * 2 }
    }
    case FileNetworkOpenInformation: {
      const O = FILE_NETWORK_OPEN_INFORMATION
      memory.fill(at, O.SIZE, 0)
      writeTimes(memory, at, node)
      memory.setU64(at + O.AllocationSize, BigInt(allocationOf(node)))
      memory.setU64(at + O.EndOfFile, BigInt(node.data.length))
      memory.setU32(at + O.FileAttributes, node.attributes)
      return done(O.SIZE)
    }
    default:
      return { status: STATUS_INVALID_PARAMETER, information: 0 }
  }
}
