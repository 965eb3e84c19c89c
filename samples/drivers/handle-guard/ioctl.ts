/** The control code that driver and program agree on. */
import { CTL_CODE, FILE_ANY_ACCESS, FILE_DEVICE_UNKNOWN, METHOD_BUFFERED } from 'wdm'

/** Protects the process that sends it. */
export const IOCTL_GUARD_PROTECT_ME = CTL_CODE(
  FILE_DEVICE_UNKNOWN,
  0x800,
  METHOD_BUFFERED,
  FILE_ANY_ACCESS,
)
