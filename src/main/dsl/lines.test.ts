import { Script } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compiled, driver } from './testing/compile-driver'

// Compiled code is the source with text put in between: line n stays line n. The generated drivers
// carry a mark with its line number on every line that has room for one.

/** Pieces of statements; `@` becomes a text that is not in any other line, `;` where a break may stand. */
const STATEMENTS = [
  "DbgPrint('@')",
  "if (n === 1) DbgPrint('@')\nelse DbgPrint('@')",
  "for (let i = 0; i < n; i++) {\n  list.push('@')\n}",
  "for (\n  const each of ['@',\n '@']\n) text += each",
  "while (n-- > 0)\n  DbgPrint('@')",
  "do\n  n /= 2\nwhile (n > 4 && '@' !== text)",
  "try {\n  DbgPrint('@')\n} catch (error) {\n  text = '@'\n} finally {\n  n = 0\n}",
  "try { text = '@' } catch {\n}",
  "const f = (\n  a: ULONG, // '@'\n) =>\n  a + // '@'\n  1\nn = f(n)",
  "const g = (a) => {\n  return '@'\n}\ntext = g(n)",
  "const h = function (a: ULONG): ULONG {\n  return a as\n    ULONG // '@'\n}\nn = h(n)",
  'irp\n  .IoStatus\n  .Information = 5',
  "irp.IoStatus.Status |=\n  STATUS_PENDING // '@'",
  "buffer.u8\n  [n] += /* '@' */\n  4",
  'buffer.u32[\n  1\n]++',
  "text = `a${n}\n@${DbgPrint('@')}`",
  "/* '@'\n   '@' */",
  'const place = local(\n  KEVENT,\n)',
  'const result = out<\n  DEVICE_OBJECT\n>()',
  "switch (n) {\n  case 1:\n    DbgPrint('@')\n    break\n  default:\n    text = '@'\n}",
  "const pair: {\n  a: string\n  b(): string\n} = {\n  a: '@',\n  b() { return '@' },\n}\ntext = pair.b()",
  "label: for (;;) {\n  break label // '@'\n}",
  'interface Local {\n  a: number\n}',
  "if (irp !== null\n  && irp.Tail.Overlay.Thread !== null) text = '@'",
  'UNREFERENCED_PARAMETER(\n  irp)',
  'PAGED_CODE(\n)',
  'n = NT_SUCCESS(irp.IoStatus.Status)\n  ? sizeof(\n    IRP)\n  : addressof(irp\n    .Flags).u32[0]',
]

const bodies = fc
  .array(fc.tuple(fc.constantFrom(...STATEMENTS), fc.constantFrom('\n', '\r\n', ';\n')), {
    minLength: 1,
    maxLength: 12,
  })
  .map((list) => {
    let count = 0
    const text = list
      .map(([statement, end]) => {
        // One scope each, so that names may come twice.
        const own = /^(?:const|interface)/.test(statement) ? `{\n${statement}\n}` : statement
        return own + end
      })
      .join('')
      .replaceAll('@', () => `mark${count++}.`)
    return `export function run(irp: IRP, n: ULONG, buffer: PVOID) {
  let text = ''
  const list: string[] = []
${text}  return text
}`
  })

describe('line numbers', () => {
  test('of compiled code are those of the source', () => {
    fc.assert(
      fc.property(bodies, (body) => {
        const code = compiled(body).entries[0]?.modules[0]?.code ?? ''
        const source = driver(body).split('\n')
        const lines = code.split('\n')
        // One line more: the end of the module's function.
        expect(lines.length).toBe(source.length + 1)
        source.forEach((line, i) => {
          for (const mark of line.match(/mark\d+\./g) ?? []) expect(lines[i]).toContain(mark)
        })
        expect(new Script(code)).toBeInstanceOf(Script)
      }),
      { numRuns: 60 },
    )
  })

  test('also around types, imports and enumerations', () => {
    const source = `import {
  DbgPrint, // one
  type IRP,
} from 'wdm'
import type { DRIVER_OBJECT, UNICODE_STRING, NTSTATUS } from 'wdm'

enum State {
  Idle,
  Busy,
}
type Pair<
  T
> = { a: T; b: T }

export { run,
  helper as other }
function helper<T>(value: T,
  more?: T): T { return value }
function run() {
  return helper<number>(
    State.Busy) // mark
}
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS { return 0 }
`
    const code = compiled({ 'driver.ts': source }).entries[0]?.modules[0]?.code ?? ''
    const lines = code.split('\n')
    expect(lines.length).toBe(source.split('\n').length + 1)
    expect(lines[20]).toMatch(/^\s*1\) \/\/ mark$/)
    expect(new Script(code)).toBeInstanceOf(Script)
  })
})
