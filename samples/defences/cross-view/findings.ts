/** What the program asks its driver for, and what the driver answers. */
import {
  CTL_CODE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  METHOD_BUFFERED,
  ULONG,
  array,
  struct,
} from 'wdm'
import type { Ptr } from 'wdm'

/** Takes the ids that a program is told of, gives what the views differ in. */
export const IOCTL_CROSS_VIEW_SCAN = CTL_CODE(
  FILE_DEVICE_UNKNOWN,
  0xe00,
  METHOD_BUFFERED,
  FILE_ANY_ACCESS,
)

/** Processes that a question can name, and findings that an answer holds. */
export const LISTED_MAX = 64
export const FINDINGS_MAX = 16
export const NAME_CHARACTERS = 32

/** The question: what a program sees by Toolhelp. */
export const LISTED = struct('CROSS_VIEW_LISTED', {
  Count: ULONG,
  Ids: array(ULONG, LISTED_MAX),
})

export const FINDING = struct('CROSS_VIEW_FINDING', {
  /** A `Kind`. */
  Kind: ULONG,
  /** Of a process; of the service list, how many keys it names. */
  Id: ULONG,
  /** Of the service list, how many there are. */
  Of: ULONG,
  Name: array(ULONG, NAME_CHARACTERS),
})

export type FINDING = Ptr<typeof FINDING>

export enum Kind {
  /** A process is in the table of ids and not in the list of processes. */
  NotInList = 1,
  /** A process is found by a thread of its own and not in the list of processes. */
  ThreadsOnly,
  /** A process is in the list, and a program that asks Windows is not told of it. */
  NotTold,
  /** The driver object of a service leads to an image that is not in the list of modules. */
  ModuleNotInList,
  /** A driver is loaded, and there is no service that it came from. */
  NoService,
  /** The key of the services has more keys than it lists. */
  KeysNotListed,
}
