/* The service key, a subkey of the driver's own, values of several types. */
import {
  DbgPrint,
  InitializeObjectAttributes,
  KEY_ALL_ACCESS,
  KEY_READ,
  KeyValuePartialInformation,
  OBJECT_ATTRIBUTES,
  OBJ_CASE_INSENSITIVE,
  OBJ_KERNEL_HANDLE,
  REG_DWORD,
  REG_OPTION_VOLATILE,
  REG_SZ,
  RTL_CONSTANT_STRING,
  STATUS_SUCCESS,
  UCHAR,
  ULONG,
  ZwClose,
  ZwCreateKey,
  ZwDeleteKey,
  ZwDeleteValueKey,
  ZwOpenKey,
  ZwQueryValueKey,
  ZwSetValueKey,
  array,
  local,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DRIVER_OBJECT, HANDLE, NTSTATUS, UNICODE_STRING } from 'wdm'
import { MakeDevice } from './witness'

const FLAGS = OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE
const BUFFER = struct('BUFFER', {
  TitleIndex: ULONG,
  Type: ULONG,
  DataLength: ULONG,
  Data: array(UCHAR, 116),
})

function Query(key: HANDLE, name: UNICODE_STRING): void {
  const info = local(BUFFER)
  const length = out<ULONG>()
  const status = ZwQueryValueKey(
    key,
    name,
    KeyValuePartialInformation,
    info,
    sizeof(BUFFER),
    length,
  )
  if (status !== STATUS_SUCCESS) DbgPrint('query %x\n', status)
  else DbgPrint('query type %u length %u first %u\n', info.Type, info.DataLength, info.Data[0])
}

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const value = RTL_CONSTANT_STRING('Number')
  const text = RTL_CONSTANT_STRING('Text')
  const attributes = local(OBJECT_ATTRIBUTES)
  const key = out<HANDLE>()
  const own = out<HANDLE>()
  const disposition = out<ULONG>()
  const number = local(array(ULONG, 1))
  number[0] = 42

  InitializeObjectAttributes(attributes, RegistryPath, FLAGS, 0, null)
  DbgPrint('open %x\n', ZwOpenKey(key, KEY_ALL_ACCESS, attributes))
  Query(key.value, RTL_CONSTANT_STRING('Type'))
  Query(key.value, RTL_CONSTANT_STRING('Start'))
  Query(key.value, RTL_CONSTANT_STRING('Nothing'))
  InitializeObjectAttributes(attributes, RTL_CONSTANT_STRING('Nobody'), FLAGS, key.value, null)
  DbgPrint('open %x\n', ZwOpenKey(own, KEY_READ, attributes))
  InitializeObjectAttributes(attributes, RTL_CONSTANT_STRING('Own'), FLAGS, key.value, null)
  const volatile = REG_OPTION_VOLATILE
  const status = ZwCreateKey(own, KEY_ALL_ACCESS, attributes, 0, null, volatile, disposition)
  DbgPrint('create %x %u\n', status, disposition.value)
  DbgPrint('set %x\n', ZwSetValueKey(own.value, value, 0, REG_DWORD, number, 4))
  const hi = RTL_CONSTANT_STRING('hi')
  DbgPrint('set %x\n', ZwSetValueKey(own.value, text, 0, REG_SZ, hi.Buffer, 6))
  Query(own.value, RTL_CONSTANT_STRING('number'))
  Query(own.value, text)
  DbgPrint('delete %x\n', ZwDeleteValueKey(own.value, value))
  DbgPrint('delete %x\n', ZwDeleteValueKey(own.value, value))
  DbgPrint('delete key %x\n', ZwDeleteKey(own.value))
  Query(own.value, text)
  DbgPrint('close %x\n', ZwClose(own.value))
  DbgPrint('close %x\n', ZwClose(key.value))
  return MakeDevice(DriverObject, 0)
}
