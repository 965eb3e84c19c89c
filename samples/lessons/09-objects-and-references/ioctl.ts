/* The control codes of the bell, for the driver and its programs. */
import { CTL_CODE, FILE_ANY_ACCESS, FILE_DEVICE_UNKNOWN, METHOD_BUFFERED } from 'wdm'

/** Input: the handle of an event, 8 bytes. The bell will set it. */
export const IOCTL_HANG_UP = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/** Sets the event. */
export const IOCTL_RING = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
