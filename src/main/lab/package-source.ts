/**
 * What a toy driver says of itself to whoever packs it: which routines it imports, under the names that
 * a linked image has, and what it calls its devices. Read from the text of its files.
 */
import type { ProjectFiles } from '../../shared/contract/model'
import type { ImportedModule, PackageSource } from '../package'
import { DDIS } from '../kernel/ddi'
import { isInline } from '../kernel/ddi/inline'
import { isOfModule } from '../kernel/ddi/types'
import type { Plan, PlannedDriver } from './project'

/** Routines that are macros over others: what the linker sees. */
const LINKED_AS: Readonly<Record<string, string>> = {
  IoAcquireRemoveLock: 'IoAcquireRemoveLockEx',
  IoCallDriver: 'IofCallDriver',
  IoCompleteRequest: 'IofCompleteRequest',
  IoInitializeRemoveLock: 'IoInitializeRemoveLockEx',
  IoReleaseRemoveLock: 'IoReleaseRemoveLockEx',
  IoReleaseRemoveLockAndWait: 'IoReleaseRemoveLockAndWaitEx',
  IoRequestDpc: 'KeInsertQueueDpc',
  KeAcquireSpinLock: 'KeAcquireSpinLockRaiseToDpc',
  KeRaiseIrql: 'KfRaiseIrql',
  ObDereferenceObject: 'ObfDereferenceObject',
  ObReferenceObject: 'ObfReferenceObject',
  PsGetCurrentProcess: 'IoGetCurrentProcess',
}

/** Where routines are exported, by how their names begin; the kernel itself for all others. */
const MODULES: readonly [beginning: RegExp, dll: string][] = [
  [/^Flt[A-Z]/, 'FLTMGR.SYS'],
  [/^Fwp[ms][A-Z]/, 'fwpkclnt.sys'],
  [/^Hal[A-Z]/, 'HAL.dll'],
]
const KERNEL = 'ntoskrnl.exe'
/** Routines of the framework are reached through a table that this one fills in. */
const FRAMEWORK = {
  beginning: /^(?:Wdf|WDF)/,
  dll: 'WDFLDR.SYS',
  functions: ['WdfVersionBind', 'WdfVersionUnbind'],
}

const OBJECT_NAME = /^\\(?:Device|DosDevices|\?\?)\\[\x20-\x7e]{1,200}$/

export function packageSourceOf(plan: Plan, driver: PlannedDriver): PackageSource {
  const texts = [...modulesOf(plan.files, driver.entry)]
  const devices = (plan.scenario.devices ?? []).filter(
    ({ service }) => service?.toLowerCase() === driver.name.toLowerCase(),
  )
  return {
    name: driver.name,
    description: `${driver.name}, a toy driver`,
    imports: importsOf(texts),
    texts: objectNames(texts),
    integrityCheck: driver.integrityCheck,
    devices: devices.map(({ id, description }) => ({ id, description: description ?? id })),
  }
}

const IMPORT = /\b(?:import|export)\s+(type\s+)?([^'"]*?)\bfrom\s*['"]([^'"]+)['"]/g

/** The text of a file and of all that it imports, each once. */
function* modulesOf(
  files: ProjectFiles,
  file: string,
  seen: Set<string> = new Set(),
): Generator<string> {
  if (seen.has(file) || !Object.hasOwn(files, file)) return
  seen.add(file)
  const text = files[file]!
  yield text
  for (const [, isType, , from] of text.matchAll(IMPORT)) {
    if (isType || !from!.startsWith('.')) continue
    const path = new URL(from!, `file:///${file}`).pathname.slice(1)
    yield* modulesOf(files, path.endsWith('.ts') ? path : `${path}.ts`, seen)
  }
}

function importsOf(texts: readonly string[]): ImportedModule[] {
  const names = new Set(texts.flatMap(routinesOf))
  const modules = new Map<string, Set<string>>()
  for (const name of [...names].sort()) {
    const isFramework = FRAMEWORK.beginning.test(name)
    const dll = isFramework
      ? FRAMEWORK.dll
      : (MODULES.find(([beginning]) => beginning.test(name))?.[1] ?? KERNEL)
    const functions = isFramework ? FRAMEWORK.functions : [LINKED_AS[name] ?? name]
    const known = modules.get(dll) ?? new Set()
    for (const each of functions) known.add(each)
    modules.set(dll, known)
  }
  return [...modules].map(([dll, functions]) => ({ dll, functions: [...functions] }))
}

/** Names of routines that a module takes in by value and a linker would have to find. */
function routinesOf(text: string): string[] {
  return [...text.matchAll(IMPORT)].flatMap(([, isType, names]) =>
    isType
      ? []
      : (names!.match(/[A-Za-z_]\w*/g) ?? []).filter((name) => {
          const entry = Object.hasOwn(DDIS, name) ? DDIS[name] : undefined
          return entry !== undefined && isOfModule(entry, 'wdm') && !isInline(name)
        }),
  )
}

/** Names of objects among the literals: devices, and links that user mode opens. */
function objectNames(texts: readonly string[]): string[] {
  const literals = texts.flatMap(
    (text) => text.match(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g) ?? [],
  )
  const names = literals.map((literal) => literal.slice(1, -1).replace(/\\(.)/g, '$1'))
  return [...new Set(names.filter((name) => OBJECT_NAME.test(name)))]
}
