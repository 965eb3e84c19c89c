/** Short ways from a piece of driver code to its diagnostics or to something that runs. */
import type { Diagnostic } from '../../../shared/contract/model'
import { compile } from '../compile'
import type { CompiledProgram } from '../compiled'
import { moduleExports } from '../types/declarations'
import { FakeRuntime, type Routine } from './fake-runtime'

const ENTRY =
  'export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS { return 0 }\n'

/**
 * A whole driver around some code: what the code uses of `wdm` is imported in the first line, and a
 * DriverEntry is added where there is none. The code begins in line 2.
 */
export function driver(code: string): string {
  const entry = /\bDriverEntry\b/.test(code) ? '' : `\n${ENTRY}`
  const whole = code + entry
  const used = new Set(whole.match(/[A-Za-z_]\w*/g))
  const declared = new Set(
    [...whole.matchAll(/\b(?:const|let|function|enum|type|interface)\s+(\w+)/g)].map(
      (match) => match[1],
    ),
  )
  const names = [...used].filter((name) => moduleExports().wdm.has(name) && !declared.has(name))
  return `import { ${names.join(', ')} } from 'wdm'\n${whole}`
}

/** Diagnostics of a driver, or of a folder with driver.ts. */
export function diagnose(files: string | Record<string, string>): Diagnostic[] {
  const project = typeof files === 'string' ? { 'driver.ts': driver(files) } : files
  return compile(project, [{ entry: 'driver.ts', kind: 'driver' }]).diagnostics
}

/** @throws when the code does not compile, with its diagnostics */
export function compiled(files: string | Record<string, string>): CompiledProgram {
  const project = typeof files === 'string' ? { 'driver.ts': driver(files) } : files
  const { program, diagnostics } = compile(project, [{ entry: 'driver.ts', kind: 'driver' }])
  if (program) return program
  const list = diagnostics.map(
    (each) => `${each.file}:${each.line}:${each.column} ${each.code} ${each.message} ${each.hint}`,
  )
  throw new Error(`does not compile:\n${list.join('\n')}\n${project['driver.ts'] ?? ''}`)
}

/** Compile, load and run the exported function `run`. */
export function execute(
  code: string | Record<string, string>,
  routines: Readonly<Record<string, Routine>> = {},
  ...args: unknown[]
): { value: unknown; runtime: FakeRuntime } {
  const runtime = new FakeRuntime(routines)
  const exports = runtime.load(compiled(code))
  return { value: runtime.run(exports['run'], ...args), runtime }
}
