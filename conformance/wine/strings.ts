/* Counted strings: making, comparing, appending, numbers. */
import {
  DbgPrint,
  PVOID,
  RTL_CONSTANT_STRING,
  RtlAppendUnicodeStringToString,
  RtlAppendUnicodeToString,
  RtlCompareUnicodeString,
  RtlCopyUnicodeString,
  RtlEqualUnicodeString,
  RtlInitUnicodeString,
  RtlIntegerToUnicodeString,
  RtlUnicodeStringToInteger,
  UNICODE_STRING,
  USHORT,
  array,
  cast,
  local,
  out,
} from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, ULONG } from 'wdm'
import { MakeDevice } from './witness'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const room = local(array(USHORT, 8))
  const abc = RTL_CONSTANT_STRING('abc')
  const upper = RTL_CONSTANT_STRING('ABC')
  const prefix = RTL_CONSTANT_STRING('ab')
  const number = RTL_CONSTANT_STRING('0x1f')
  const text = local(UNICODE_STRING)
  const empty = local(UNICODE_STRING)
  const value = out<ULONG>()
  text.MaximumLength = 16
  text.Buffer = room

  DbgPrint('length %u maximum %u\n', abc.Length, abc.MaximumLength)
  RtlInitUnicodeString(empty, null)
  const isNull = empty.Buffer === null ? 1 : 0
  DbgPrint('empty %u %u %u\n', empty.Length, empty.MaximumLength, isNull)
  DbgPrint('compare %d\n', RtlCompareUnicodeString(abc, upper, true))
  DbgPrint('compare %d\n', RtlCompareUnicodeString(abc, upper, false) > 0 ? 1 : 0)
  DbgPrint('compare %d\n', RtlCompareUnicodeString(prefix, abc, false) < 0 ? 1 : 0)
  const same = RtlEqualUnicodeString(abc, upper, true)
  DbgPrint('equal %u %u\n', same, RtlEqualUnicodeString(abc, upper, false))
  DbgPrint('append %x\n', RtlAppendUnicodeStringToString(text, abc))
  DbgPrint('append %x\n', RtlAppendUnicodeToString(text, 'defg'))
  const status = RtlAppendUnicodeToString(text, 'hij')
  DbgPrint("append %x '%ls'\n", status, text.Buffer)
  RtlCopyUnicodeString(text, upper)
  DbgPrint("copy '%ls' %u\n", text.Buffer, text.Length)
  DbgPrint('number %x', RtlUnicodeStringToInteger(number, 0, value))
  DbgPrint('value %u', value.value)
  const made = RtlIntegerToUnicodeString(0xbeef, 16, text)
  DbgPrint("text %x '%ls'\n", made, text.Buffer)
  DbgPrint(
    'wide %S %ls narrow %s %c hex %08x %#x %p\n',
    'wide',
    'long',
    'narrow',
    0x63,
    0xabc,
    0xabc,
    cast(PVOID, 0x1234),
  )
  return MakeDevice(DriverObject, 0)
}
