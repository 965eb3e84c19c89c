/* What is pinned to the board, for the driver and its programs. */
import {
  CTL_CODE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  METHOD_BUFFERED,
  PVOID,
  ULONG,
  struct,
} from 'wdm'

/** Input: a note. */
export const IOCTL_PIN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/** Output: the note that was pinned. */
export const IOCTL_LOOK = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

export const NOTE = struct('NOTE', { Address: PVOID, ProcessId: ULONG })
