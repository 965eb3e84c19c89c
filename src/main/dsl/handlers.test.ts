import { expect, test } from 'vitest'
import { compile } from './compile'
import { isHandledAt } from './handlers'

const SOURCE = `import { DbgPrint } from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DbgPrint('entry')
  try {
    DbgPrint('try')
    Taken()
    Both()
  } catch {
    DbgPrint('catch')
  }
  try {
    DbgPrint('finally')
  } finally {
    Both()
  }
  DriverObject.DriverUnload = Unload
  return 0
}
function Taken(): void {
  DbgPrint('taken')
  Deeper()
}
function Deeper(): void {
  DbgPrint('deeper')
}
function Both(): void {
  DbgPrint('both')
}
function Unload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('unload')
}
`

const { program } = compile({ 'driver.ts': SOURCE }, [{ entry: 'driver.ts', kind: 'driver' }])

test.each([
  ['entry', false],
  ['try', true],
  ['catch', false],
  ['finally', false],
  ['taken', true],
  ['deeper', true],
  ['both', null],
  ['unload', false],
])('an exception at DbgPrint(%j): %j', (word, handled) => {
  const line = SOURCE.split('\n').findIndex((text) => text.includes(`'${word}'`)) + 1
  expect(isHandledAt(program!.handlers!, { file: 'driver.ts', line, column: 8 })).toBe(handled)
})

test('of a place in no file nothing is known', () => {
  expect(isHandledAt(program!.handlers!, { file: 'other.ts', line: 1 })).toBeNull()
})
