/** Small drivers for tests of the advice, and applying its fixes. */
import type { Diagnostic, SourceFix } from '../../../shared/contract/model'
import { check, compile } from '../compile'
import { driver as withImports } from '../testing/compile-driver'

/** A driver around a dispatch routine for IRP_MJ_DEVICE_CONTROL. */
export function driver(dispatch: string, more = '', entry = ''): string {
  return withImports(`
const EXTENSION = struct('EXTENSION', {
  Lock: KSPIN_LOCK,
  Other: KSPIN_LOCK,
  Queue: LIST_ENTRY,
  Text: PVOID,
  Pending: PIRP,
  Dpc: KDPC,
  Mutex: FAST_MUTEX,
})

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control
  DriverObject.DriverUnload = Unload
${entry}
  return STATUS_SUCCESS
}

function Control(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const extension = cast(EXTENSION, DeviceObject.DeviceExtension)
${dispatch}
}

function Complete(Irp: IRP, Status: NTSTATUS): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function Unload(DriverObject: DRIVER_OBJECT): void {}
${more}
`)
}

const entries = [{ entry: 'driver.ts', kind: 'driver' }] as const

/** What is said of a driver; errors of the test itself are thrown. */
export function adviceFor(source: string): Diagnostic[] {
  const found = check({ 'driver.ts': source }, entries)
  const errors = found.filter(({ severity }) => severity === 'error')
  if (errors.length > 0)
    throw new Error(errors.map(({ line, message }) => `${line}: ${message}`).join('\n'))
  return found
}

/** The source with a fix applied. */
export function applyFix(source: string, fix: SourceFix): string {
  const lines = source.split('\n')
  const offset = (line: number, column: number): number =>
    lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + column - 1
  const edits = fix.edits
    .map((edit) => ({
      start: offset(edit.line, edit.column),
      end: offset(edit.endLine, edit.endColumn),
      text: edit.text,
    }))
    .sort((a, b) => b.start - a.start)
  return edits.reduce(
    (text, edit) => text.slice(0, edit.start) + edit.text + text.slice(edit.end),
    source,
  )
}

/** Errors of the compiler in a source. */
export const errorsOf = (source: string): string[] =>
  compile({ 'driver.ts': source }, entries).diagnostics.map(
    ({ line, message }) => `${line}: ${message}`,
  )
