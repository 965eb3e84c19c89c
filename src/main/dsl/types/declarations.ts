/**
 * The declaration files of driver code. The compiler and the editor read the same text; all of it
 * comes from the tables of the kernel and of shared/nt.
 */
import { STRUCT_ALIASES } from '../../../shared/nt/layout'
import { SCALARS, TYPE_VALUES, USER_STRUCTS } from './c-types'
import { constantDeclarations, DSL_CONSTANTS, type ModuleName } from './constants'
import { LANGUAGE_DECLARATIONS, LANGUAGE_NAMES, scalarDeclarations } from './language'
import { LIB_D_TS } from './lib'
import { ddiDeclarations } from './routines'
import { routineDeclarations, structDeclarations } from './structs'

const USER_ROUTINES = ['MAIN', 'THREAD_START_ROUTINE']

/** Names of `wdm` that `win32` has as well, other than constants. */
function sharedNames(): string[] {
  const names = new Set<string>([...LANGUAGE_NAMES])
  for (const [name, value] of TYPE_VALUES) {
    const known =
      value.k === 'scalar' ||
      (value.k === 'struct' && USER_STRUCTS.has(name)) ||
      (value.k === 'pointer' &&
        (value.to === null || SCALARS.has(value.to) || USER_STRUCTS.has(value.to))) ||
      (value.k === 'function' && USER_ROUTINES.includes(value.routine))
    if (known) names.add(name)
  }
  return [...names]
}

function wdm(): string {
  return (
    `declare module 'wdm' {\n${LANGUAGE_DECLARATIONS}\n` +
    scalarDeclarations() +
    structDeclarations() +
    routineDeclarations() +
    constantDeclarations('wdm') +
    ddiDeclarations('wdm') +
    '}\n'
  )
}

function win32(): string {
  const constants = [...DSL_CONSTANTS.values()]
    .filter(({ modules }) => modules.length === 2)
    .map(({ name }) => name)
  const types = sharedNames()
  // Named one by one and imported as well, because the declarations below use them.
  return (
    `declare module 'win32' {\n  import { ${['POINTER', 'OUT', ...TYPE_VALUES.keys()].join(', ')} } from 'wdm'\n` +
    `  export { ${[...types, ...constants].join(', ')} } from 'wdm'\n` +
    constantDeclarations('win32') +
    ddiDeclarations('win32') +
    '}\n'
  )
}

let files: Readonly<Record<string, string>> | undefined

/** Text of `lib.d.ts`, `wdm.d.ts` and `win32.d.ts` by file name; made at the first call. */
export function declarationFiles(): Readonly<Record<string, string>> {
  files ??= { 'lib.d.ts': LIB_D_TS, 'wdm.d.ts': wdm(), 'win32.d.ts': win32() }
  return files
}

let exportsOf: Readonly<Record<ModuleName, ReadonlySet<string>>> | undefined

/** Names that each module exports. */
export function moduleExports(): Readonly<Record<ModuleName, ReadonlySet<string>>> {
  if (!exportsOf) {
    const shared = sharedNames()
    const names: Record<ModuleName, Set<string>> = {
      wdm: new Set([...TYPE_VALUES.keys(), ...LANGUAGE_NAMES, ...Object.keys(STRUCT_ALIASES)]),
      win32: new Set(shared),
    }
    for (const { name, modules } of DSL_CONSTANTS.values())
      for (const module of modules) names[module].add(name)
    for (const module of ['wdm', 'win32'] as const)
      for (const line of ddiDeclarations(module).matchAll(/^ {2}export function (\w+)/gm))
        names[module].add(line[1] ?? '')
    exportsOf = names
  }
  return exportsOf
}
