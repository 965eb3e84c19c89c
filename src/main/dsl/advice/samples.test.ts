import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { check } from '../compile'

const root = join(__dirname, '../../../../samples/drivers')

function filesOf(name: string): Record<string, string> {
  const files = readdirSync(join(root, name)).filter((file) => file.endsWith('.ts'))
  return Object.fromEntries(
    files.map((file) => [file, readFileSync(join(root, name, file), 'utf8')]),
  )
}

const isFlawed = (files: Record<string, string>): boolean => 'fixed.ts' in files
const all = readdirSync(root).map((name) => [name, filesOf(name)] as const)

/** What is said of a driver file: code and line's text. */
function said(files: Record<string, string>, entry: string): string[] {
  return check(files, [{ entry, kind: 'driver' }]).map(
    ({ code, file, line, message }) =>
      `${code} ${files[file]?.split('\n')[line - 1]?.trim()} | ${message}`,
  )
}

test.each(all.filter(([, files]) => !isFlawed(files)))(
  '%s: a correct driver gets no advice',
  (_, files) => {
    for (const entry of ['driver.ts', 'csq.ts', 'lower.ts'])
      if (entry in files) expect(said(files, entry)).toEqual([])
  },
)

test.each(all.filter(([, files]) => isFlawed(files)))(
  '%s: its mended twin gets no advice',
  (_, files) => {
    expect(said(files, 'fixed.ts')).toEqual([])
  },
)

const expected: Record<string, string[]> = {
  'double-completion': ['WDM002 IoCompleteRequest(Irp, IO_NO_INCREMENT)'],
  'forgotten-completion': ['WDM005 return STATUS_INVALID_DEVICE_REQUEST'],
  leak: [
    'WDM018 let status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)',
    'WDM015 if (length > NOTE_BYTES) return Complete(Irp, STATUS_INVALID_BUFFER_SIZE, 0)',
  ],
  'neither-without-probe': ['WDM016 Irp.UserBuffer.u32[0] = requests'],
  'null-dereference': ["WDM019 DbgPrint('Adder: %u + %u\\n', request.Left, request.Right)"],
  'spin-lock-misuse': ['WDM008 KeAcquireSpinLock(extension.Lock, irql)'],
  'use-after-free': ['WDM020 ExFreePoolWithTag(extension.Session, TAG)'],
  'wrong-irql': [
    'WDM011 RtlCopyMemory(extension.Text.add(extension.Length), Irp.AssociatedIrp.SystemBuffer, length)',
  ],
}

test.each(Object.keys(expected))('%s: the mistake is found before the driver runs', (name) => {
  const files = filesOf(name)
  expect(said(files, 'driver.ts').map((line) => line.split(' | ')[0])).toEqual(expected[name])
})
