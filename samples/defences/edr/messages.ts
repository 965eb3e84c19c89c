/** What the driver tells its program, and how the program asks for it. */
import {
  CTL_CODE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  METHOD_BUFFERED,
  ULONG,
  array,
  struct,
} from 'wdm'

/** Takes the oldest message that was not taken yet. */
export const IOCTL_EDR_NEXT = CTL_CODE(FILE_DEVICE_UNKNOWN, 0xe00, METHOD_BUFFERED, FILE_ANY_ACCESS)

/** Characters of the image of a process, as EPROCESS has them, and of a service's name. */
export const NAME_CHARACTERS = 32

export const MESSAGE = struct('EDR_MESSAGE', {
  /** A `Kind`. */
  Kind: ULONG,
  /** The process that it is about. */
  ProcessId: ULONG,
  /** The process that did it, where one is known. */
  By: ULONG,
  /** Its name, or that of a service, in characters of one byte. */
  Name: array(ULONG, NAME_CHARACTERS),
})

export enum Kind {
  /** A process has another token than when it began. */
  TokenReplaced = 1,
  /** The protection of a process is another one than when it began. */
  ProtectionChanged,
  /** A protected process was forbidden before its first thread. */
  KeptFromStarting,
  /** Kernel mode opened a protected process with the right to end it. */
  OpenedToEnd,
  /** Somebody took rights from a handle that a protected process opened. */
  RightsTaken,
  /** The service key of a driver that is loaded is deleted. */
  ServiceKeyDeleted,
  /** A change of the own service key was refused. */
  OwnKeyRefused,
  /** The own routine for processes, handles or the registry is not called any more. */
  BlindToThreads,
  BlindToHandles,
  BlindToRegistry,
}
