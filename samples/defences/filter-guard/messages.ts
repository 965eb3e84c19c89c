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

/** Look at drivers and folders. */
export const IOCTL_GUARD_LOOK = CTL_CODE(
  FILE_DEVICE_UNKNOWN,
  0xe00,
  METHOD_BUFFERED,
  FILE_ANY_ACCESS,
)
/** Takes the oldest message that was not taken yet. */
export const IOCTL_GUARD_NEXT = CTL_CODE(
  FILE_DEVICE_UNKNOWN,
  0xe01,
  METHOD_BUFFERED,
  FILE_ANY_ACCESS,
)

export const NAME_CHARACTERS = 80

export const MESSAGE = struct('FILTER_GUARD_MESSAGE', {
  /** A `Kind`. */
  Kind: ULONG,
  /** Of a routine: its number in the table of the driver object. Else the process that did it. */
  Number: ULONG,
  Name: array(ULONG, NAME_CHARACTERS),
})

export enum Kind {
  /** A dispatch routine lies neither in its driver nor in the kernel. */
  ForeignRoutine = 1,
  /** A file is in its folder on the volume, and not in the list that programs get. */
  HiddenFile,
  /** A device was attached without the filter manager. Honest filters do that too. */
  Attached,
  /** Kernel mode was refused to write or delete a driver's image. */
  ImageRefused,
  /** A device names another driver than the one in whose list it is. */
  GivenAway,
}
