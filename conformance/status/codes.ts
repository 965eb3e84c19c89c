import { CTL_CODE, FILE_ANY_ACCESS, FILE_DEVICE_UNKNOWN, METHOD_BUFFERED } from 'wdm'

/** Completes with the first status of the input and returns the second. */
export const IOCTL_RETURN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
/** Marks the packet pending, completes it with the status of the input and returns STATUS_PENDING. */
export const IOCTL_PENDED = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
/** Keeps the packet, with a cancel routine. */
export const IOCTL_KEEP = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)
/** Completes the packet that was kept last, with Information 5. */
export const IOCTL_FINISH = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x803, METHOD_BUFFERED, FILE_ANY_ACCESS)
