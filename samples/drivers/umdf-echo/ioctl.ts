/*
 * The control codes, for the driver and for its client.
 *
 * The lowest two bits of a code are its transfer method: they decide what the I/O manager does with
 * the two buffers of DeviceIoControl before the driver sees the packet.
 */
import {
  CTL_CODE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  METHOD_BUFFERED,
  METHOD_IN_DIRECT,
  METHOD_NEITHER,
  METHOD_OUT_DIRECT,
} from 'wdm'

/** Gives back what it gets. */
export const IOCTL_ECHO_BUFFERED = CTL_CODE(
  FILE_DEVICE_UNKNOWN,
  0x800,
  METHOD_BUFFERED,
  FILE_ANY_ACCESS,
)
/** Adds up the bytes of the second buffer, which is input here. */
export const IOCTL_ECHO_IN_DIRECT = CTL_CODE(
  FILE_DEVICE_UNKNOWN,
  0x801,
  METHOD_IN_DIRECT,
  FILE_ANY_ACCESS,
)
/** Gives back what it gets. */
export const IOCTL_ECHO_OUT_DIRECT = CTL_CODE(
  FILE_DEVICE_UNKNOWN,
  0x802,
  METHOD_OUT_DIRECT,
  FILE_ANY_ACCESS,
)
/** Gives back what it gets. */
export const IOCTL_ECHO_NEITHER = CTL_CODE(
  FILE_DEVICE_UNKNOWN,
  0x803,
  METHOD_NEITHER,
  FILE_ANY_ACCESS,
)
