import { describe, expect, test } from 'vitest'
import { LAYOUTS } from '../../../shared/nt/layout'
import { NTSTATUS } from '../../../shared/nt/ntstatus'
import { DDI_NAMES, DDIS } from '../../kernel/ddi/index'
import { createProgram } from '../program'
import { diagnose } from '../testing/compile-driver'
import { compile } from '../compile'
import { TYPE_VALUES } from './c-types'
import { declarationFiles, moduleExports } from './declarations'
import { LANGUAGE_HELPERS } from '../runtime-names'
import { LANGUAGE_NAMES } from './language'

describe('declarations', () => {
  test('are without mistakes of their own', () => {
    const program = createProgram({}, [])
    const files = program.getSourceFiles()
    expect(files.map(({ fileName }) => fileName)).toEqual(['/lib.d.ts', '/wdm.d.ts', '/win32.d.ts'])
    for (const file of files)
      expect([
        ...program.getSyntacticDiagnostics(file),
        ...program.getSemanticDiagnostics(file),
      ]).toEqual([])
  })

  test('have what their list of names says, and nothing else', () => {
    const checker = createProgram({}, []).getTypeChecker()
    for (const module of ['wdm', 'win32'] as const) {
      const symbol = checker.getAmbientModules().find(({ name }) => name === `"${module}"`)
      const internal = new Set([
        'kind',
        'content',
        'AnyType',
        'ContentOf',
        'ArrayFields',
        'Fields',
        'View',
      ])
      const names = symbol
        ? checker
            .getExportsOfModule(symbol)
            .map(({ name }) => name)
            .filter((name) => !internal.has(name))
        : []
      expect(names.sort()).toEqual([...moduleExports()[module]].sort())
    }
  })

  test('hold every routine, structure and status', () => {
    const text = `${declarationFiles()['wdm.d.ts']}${declarationFiles()['win32.d.ts']}`
    const language = new Set<string>(LANGUAGE_NAMES)
    for (const name of DDI_NAMES)
      if (!language.has(name)) expect(text).toContain(`export function ${name}(`)
    for (const name of Object.keys(LAYOUTS))
      expect(text).toContain(`export interface ${name} extends PVOID`)
    for (const name of Object.keys(NTSTATUS))
      expect(text).toContain(`export const ${name}: NTSTATUS`)
    for (const name of Object.keys(LANGUAGE_HELPERS))
      expect(text).toContain(`export function ${name}`)
    expect(TYPE_VALUES.get('PIRP')).toEqual({ k: 'pointer', to: 'IRP' })
  })

  test('show a routine with its prototype, level and summary', () => {
    const text = declarationFiles()['wdm.d.ts'] ?? ''
    const end = text.indexOf('  export function IoCreateDevice(')
    const doc = text.slice(text.lastIndexOf('/**', end), text.indexOf('\n', end))
    expect(doc).toContain(
      'NTSTATUS IoCreateDevice(PDRIVER_OBJECT DriverObject, ULONG DeviceExtensionSize',
    )
    expect(doc).toContain('IRQL: <= APC_LEVEL')
    expect(doc).toContain('DeviceObject: OUT<DEVICE_OBJECT> | PVOID): NTSTATUS')
  })

  test('take TRUE and FALSE for the ULONG that is a truth value', () => {
    expect(declarationFiles()['wdm.d.ts']).toContain('BugCheckOnFailure: ULONG | BOOLEAN')
  })

  test('every routine can be called with arguments of its own types', () => {
    const value = (type: string): string => `undefined as any as (${type})`
    for (const [module, entry] of [
      ['wdm', 'driver'],
      ['win32', 'client'],
    ] as const) {
      const names = DDI_NAMES.filter(
        (name) =>
          (DDIS[name]?.module ?? 'wdm') === module &&
          moduleExports()[module].has(name) &&
          !(LANGUAGE_NAMES as readonly string[]).includes(name),
      )
      const calls = names.map((name) => {
        const count = Object.values(DDIS[name]?.params ?? {}).filter(
          ({ k }) => k !== 'varargs',
        ).length
        return `  ${name}(${Array.from({ length: count }, () => value('any')).join(', ')})`
      })
      const main =
        entry === 'driver'
          ? 'export function DriverEntry(d: DRIVER_OBJECT, r: UNICODE_STRING): NTSTATUS { return 0 }'
          : 'export function main(): number { return 0 }'
      const file = `${entry}.ts`
      const types = entry === 'driver' ? 'DRIVER_OBJECT, UNICODE_STRING, NTSTATUS, ' : ''
      const source = `import { ${types}${names.join(', ')} } from '${module}'\n${main}\nexport function all() {\n${calls.join('\n')}\n}`
      const { diagnostics, program } = compile({ [file]: source }, [{ entry: file, kind: entry }])
      expect(diagnostics).toEqual([])
      for (const name of names)
        expect(program?.entries[0]?.modules[0]?.code).toContain(`${name}=$rt.$ddi("${name}")`)
    }
  })
})

describe('types of structures', () => {
  test('64-bit fields read bigint and take numbers', () => {
    expect(
      diagnose(`export function run(irp: IRP, d: DRIVER_OBJECT, u: UNICODE_STRING) {
        irp.IoStatus.Information = 5
        irp.IoStatus.Information += 4n
        const wide: bigint = irp.IoStatus.Information
        u.Buffer = 'text'
        u.Buffer = null
        d.DriverUnload = null
        irp.UserIosb.Pointer = irp
        irp.Tail.Overlay.DriverContext[0] = irp
        irp.Cancel = irp.Flags === 0
        irp.PendingReturned = TRUE
        const back: NTSTATUS = irp.UserIosb.Status
        irp.Overlay.AllocationSize = irp.Overlay.AllocationSize
        return [wide, back]
      }`),
    ).toEqual([])
  })

  test('own structures infer their fields', () => {
    const code = (line: string): string[] =>
      diagnose(`const NODE = struct('NODE', {
        Entry: LIST_ENTRY, Device: PDEVICE_OBJECT, Name: array(WCHAR, 8), Next: pointer(KEVENT), Owner: HANDLE,
        Wait: PKSTART_ROUTINE, Bytes: PUCHAR, Total: LONGLONG, Flag: BOOLEAN, All: array(LIST_ENTRY, 3) })
        type PNODE = Ptr<typeof NODE>
        export function run(n: PNODE) { ${line} }`).map(({ code: each }) => each)
    for (const line of [
      'n.Entry.Flink = n.Entry',
      'const d: DEVICE_OBJECT = n.Device; n.Device = null',
      'n.Name[1] = n.Name.length + sizeof(n)',
      'KeSetEvent(n.Next, 0, false)',
      'n.Bytes[0] = n.Bytes[1] & 0x0F',
      'n.Wait = (context: PVOID) => {}',
      'n.Flag = n.Owner === 5; n.Flag = TRUE',
      'n.All[1].Blink = n.All[0]; n.Entry = n.All[2]',
      'const same: PNODE = CONTAINING_RECORD(n.Entry, NODE, "Entry")',
      'const same: PNODE = cast(NODE, n.Device)',
    ])
      expect([line, code(line)]).toEqual([line, []])
    expect(code('n.Device = n.Entry')).toEqual(['TS2740'])
    expect(code('n.Missing = 1')).toEqual(['TS2339'])
    expect(code('n.Name = null')).toEqual(['TS2540'])
    expect(code('const t: LONG = n.Total')).toEqual(['TS2322'])
  })
})
