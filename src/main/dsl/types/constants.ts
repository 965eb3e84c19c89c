/** Constants of the Windows headers as names of the modules `wdm` and `win32`. */
import { CONSTANT_GROUPS, CONSTANTS, type ConstantGroup } from '../../../shared/nt/constants'
import { BUGCHECK_CODES } from '../../../shared/nt/bugchecks'
import * as irpFunctions from '../../../shared/nt/generated/irp-functions'
import { NTSTATUS_ROWS } from '../../../shared/nt/ntstatus'
import { WIN32_ERRORS } from '../../../shared/nt/generated/win32-errors'
import { hex32 } from '../../../shared/nt/format'
import { docComment, literal } from './text'

export type ModuleName = 'wdm' | 'win32'

export interface Constant {
  name: string
  value: number | bigint | null
  /** Declared type; absent: the type of the value itself. */
  type?: string
  doc?: string
  modules: readonly ModuleName[]
}

const BOTH: readonly ModuleName[] = ['wdm', 'win32']
const MODULES = { kernel: ['wdm'], user: ['win32'], both: BOTH } as const

function build(): Map<string, Constant> {
  const all = new Map<string, Constant>()
  const add = (constant: Constant): void => {
    if (!all.has(constant.name)) all.set(constant.name, constant)
  }
  for (const [value, name, meaning] of NTSTATUS_ROWS)
    add({ name, value, type: 'NTSTATUS', doc: `${hex32(value)}: ${meaning}`, modules: BOTH })
  add({ name: 'NULL', value: null, type: 'null', doc: 'The pointer to nothing.', modules: BOTH })
  // wdm.h gives the status that a completion routine returns a second name.
  add({
    name: 'STATUS_CONTINUE_COMPLETION',
    value: 0,
    type: 'NTSTATUS',
    doc: '0x00000000: a completion routine lets the completion go on.',
    modules: ['wdm'],
  })
  // A handle is a signed number in driver code, so the value of C's (HANDLE)(LONG_PTR)-1 is -1.
  add({
    name: 'INVALID_HANDLE_VALUE',
    value: -1,
    type: 'HANDLE',
    doc: '-1: what CreateFile gives when it fails.',
    modules: ['win32'],
  })
  for (const [group, facts] of Object.entries<ConstantGroup>(CONSTANT_GROUPS))
    for (const name of facts.names) {
      const value = CONSTANTS[name]
      add({
        name,
        value,
        ...(group === 'BOOLEAN' ? { type: 'BOOLEAN' } : {}),
        doc: `${literal(value)}: ${group.replace('_x64', '')}`,
        modules: MODULES[facts.scope],
      })
    }
  for (const [name, value] of Object.entries(irpFunctions))
    if (typeof value === 'number')
      add({ name, value, doc: `${literal(value)}: function code of an IRP`, modules: ['wdm'] })
  for (const [name, value] of Object.entries(BUGCHECK_CODES))
    add({ name, value, doc: `${hex32(value)}: bug check`, modules: ['wdm'] })
  for (const [name, value] of Object.entries(WIN32_ERRORS))
    add({ name, value, doc: `${value}: Win32 error`, modules: ['win32'] })
  return all
}

/** Every constant by name. */
export const DSL_CONSTANTS: ReadonlyMap<string, Constant> = build()

/** Declarations of the constants of the module `wdm`, or of those that only `win32` has. */
export function constantDeclarations(module: ModuleName): string {
  let text = ''
  for (const { name, value, type, doc, modules } of DSL_CONSTANTS.values()) {
    if (module === 'wdm' ? !modules.includes('wdm') : modules.includes('wdm')) continue
    text += docComment([doc], '  ')
    text += `  export const ${name}${type === undefined ? ` = ${literal(value ?? 0)}` : `: ${type}`}\n`
  }
  return text
}
