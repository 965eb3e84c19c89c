// constants.json and extra-constants.json -> constants.ts; Win32 error codes -> win32-errors.ts

import { exportedConstants, fail, key, literal, shorthandTable } from './emit.mjs'
import { allStatuses } from './ntstatus.mjs'

const WIN32_GROUP = 'WIN32_ERROR'

/** A value of the JSON: a number, or a string in hexadecimal where a trailing n asks for a bigint. */
function parseValue(name, value) {
  if (typeof value === 'string' && /^0x[0-9A-F]+n$/.test(value)) return BigInt(value.slice(0, -1))
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  return fail(`${name}: ${JSON.stringify(value)} is not a value`)
}

/**
 * The groups of both files under the names that are exported. A group of the second file with a name of the first adds
 * to it. `renames` gives a constant its header name where two groups of the first file use one name for two values.
 */
export function mergeGroups(table, extra) {
  const groups = new Map()
  const values = new Map()
  const add = (groupName, group, renames) => {
    const present = groups.get(groupName)
    const merged = present ?? { scope: extra.scopes[groupName] ?? 'kernel', sources: [], names: [] }
    merged.scope = group.scope ?? merged.scope
    merged.sources.push(group.source)
    merged.note = [merged.note, group.note].filter(Boolean).join(' ') || undefined
    for (const [rawName, rawValue] of Object.entries(group.values)) {
      const name = renames?.[rawName] ?? rawName
      const value = parseValue(name, rawValue)
      if (values.has(name) && values.get(name) !== value)
        fail(`${groupName}: ${name} is ${value}, but ${values.get(name)} elsewhere`)
      if (merged.names.includes(name)) fail(`${groupName}: ${name} is listed twice`)
      values.set(name, value)
      merged.names.push(name)
    }
    groups.set(groupName, merged)
  }
  for (const [name, group] of Object.entries(table.groups)) add(name, group, extra.renames[name])
  for (const [name, group] of Object.entries(extra.groups)) {
    if (name !== WIN32_GROUP) add(name, group)
  }
  return { groups, values }
}

/** constants.ts: a constant each, one table, and the groups they come from. */
export function renderConstants(table, extra) {
  const { groups, values } = mergeGroups(table, extra)
  const emitted = new Set()
  const sections = [...groups].map(([groupName, group]) => {
    const fresh = group.names.filter((name) => !emitted.has(name))
    fresh.forEach((name) => emitted.add(name))
    return `// ${groupName}\n${exportedConstants(fresh.map((name) => [name, values.get(name)]))}`
  })
  const rows = [...groups].map(([groupName, { scope, sources, note, names }]) => {
    return `  ${key(groupName)}: ${literal({ scope, source: sources.join('; '), note, names })},\n`
  })
  return `${sections.join('\n')}
${shorthandTable('CONSTANTS', [...values.keys()], 'Values by name; what needs 64 bits is a bigint.')}
/** Names in the table. */
export type ConstantName = keyof typeof CONSTANTS

/** Where a group of constants is visible: kernel-mode code, user-mode code, or both. */
export type ConstantScope = 'kernel' | 'user' | 'both'

/** A set of constants that belong to one field, parameter or enumeration. */
export interface ConstantGroup {
  readonly scope: ConstantScope
  readonly source: string
  readonly note?: string
  readonly names: readonly ConstantName[]
}

/** Groups by the name of the field, enumeration or topic. */
export const CONSTANT_GROUPS = {
${rows.join('')}} as const satisfies Readonly<Record<string, ConstantGroup>>

/** Names of the groups. */
export type ConstantGroupName = keyof typeof CONSTANT_GROUPS
`
}

/** win32-errors.ts: the codes that statuses map to, and the usual others. */
export function renderWin32Errors(statusTable, extraStatuses, extra) {
  const errors = new Map()
  const add = (name, value) => {
    if (errors.has(name) && errors.get(name) !== value) fail(`${name} has two values`)
    errors.set(name, value)
  }
  for (const { win32 } of allStatuses(statusTable, extraStatuses)) {
    if (win32) add(win32.name, win32.value)
  }
  for (const [name, value] of Object.entries(extra.groups[WIN32_GROUP].values)) add(name, value)
  const sorted = [...errors].sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1))
  const names = sorted.map(([name]) => name)
  return `${exportedConstants(sorted, (value) => `${value}`)}
${shorthandTable('WIN32_ERRORS', names, 'Win32 error codes by name.')}
/** Names in the table. */
export type Win32ErrorName = keyof typeof WIN32_ERRORS
`
}
