/** Pieces of source text in the Lab's language. */

/** A JavaScript literal in single quotes. */
export const literal = (text: string): string =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`

/** The imports that a text needs of a module: values, then types. */
export function importsFor(text: string, module: 'wdm' | 'win32'): string {
  const used = new Set(text.match(/[A-Za-z_]\w*/g))
  const majors =
    module === 'wdm' ? [...used].filter((name) => name.startsWith('IRP_MJ_')).sort() : []
  const line = (word: string, names: readonly string[]): string =>
    names.length === 0
      ? ''
      : `${word} {\n${names.map((name) => `  ${name},`).join('\n')}\n} from '${module}'\n`
  const { values, types } = NAMES[module]
  return (
    line('import', [...values.filter((name) => used.has(name)), ...majors]) +
    line(
      'import type',
      types.filter((name) => used.has(name)),
    )
  )
}

/** What the texts of a toy may use. */
const NAMES = {
  wdm: {
    values: [
      'DbgPrint',
      'FALSE',
      'FILE_DEVICE_UNKNOWN',
      'IO_NO_INCREMENT',
      'IoCompleteRequest',
      'IoCreateDevice',
      'IoCreateSymbolicLink',
      'IoDeleteDevice',
      'IoDeleteSymbolicLink',
      'IoGetCurrentIrpStackLocation',
      'NT_SUCCESS',
      'RTL_CONSTANT_STRING',
      'STATUS_INVALID_DEVICE_REQUEST',
      'STATUS_NOT_IMPLEMENTED',
      'STATUS_SUCCESS',
      'out',
    ],
    types: ['DEVICE_OBJECT', 'DRIVER_OBJECT', 'IRP', 'NTSTATUS', 'UNICODE_STRING'],
  },
  win32: {
    values: [
      'CloseHandle',
      'CreateFile',
      'DeviceIoControl',
      'GENERIC_READ',
      'GENERIC_WRITE',
      'GetLastError',
      'INVALID_HANDLE_VALUE',
      'OPEN_EXISTING',
      'UCHAR',
      'array',
      'local',
      'out',
      'printf',
    ],
    types: ['DWORD', 'HANDLE', 'ULONG'],
  },
}
