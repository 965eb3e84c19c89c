/** What the registry of a booted Windows holds beyond that of a bare machine: services, and some keys that everybody knows. */
import type { Key } from '../cm/key'
import { SERVICES_PATH, type PlainValue } from '../cm/registry'
import type { Kernel } from '../kernel'
import { START, SYSTEM_MODULES, SYSTEM_SERVICES } from './module-table'

/** Keys and their values, by path below `\REGISTRY`. */
const KEYS: Readonly<Record<string, Readonly<Record<string, PlainValue>>>> = {
  'MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion': {
    ProgramFilesDir: 'C:\\Program Files',
  },
  'MACHINE\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run': {
    SecurityHealth: '%windir%\\system32\\SecurityHealthSystray.exe',
  },
  'MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon': {
    Shell: 'explorer.exe',
    Userinit: 'C:\\Windows\\system32\\userinit.exe,',
  },
  'MACHINE\\SYSTEM\\ControlSet001\\Control\\ComputerName\\ComputerName': { ComputerName: 'LAB-PC' },
  'MACHINE\\SYSTEM\\ControlSet001\\Control\\Lsa': { RunAsPPL: 1 },
  'MACHINE\\SYSTEM\\ControlSet001\\Control\\Session Manager': {
    BootExecute: ['autocheck autochk *'],
  },
  'MACHINE\\SYSTEM\\ControlSet001\\Control\\Session Manager\\Memory Management': {
    ClearPageFileAtShutdown: 0,
  },
}

/** The key at a path below `\REGISTRY`, made with all that lead to it. */
function keyAt(k: Kernel, path: string): Key {
  return path.split('\\').reduce((key, part) => key.subkey(part) ?? key.add(part), k.registry.root)
}

function setAll(k: Kernel, key: Key, values: Readonly<Record<string, PlainValue>>): void {
  for (const [name, value] of Object.entries(values)) k.registry.set(key, name, value)
}

/**
 * Fill the hives. A service that a scenario has installed already stays as it is.
 * @returns the services that run since the boot
 */
export function fillHives(k: Kernel): string[] {
  const running: string[] = []
  for (const [path, values] of Object.entries(KEYS)) setAll(k, keyAt(k, path), values)
  const exists = (name: string): boolean =>
    k.registry.key(`${SERVICES_PATH}\\${name}`) !== undefined
  for (const { name, file, service } of SYSTEM_MODULES) {
    if (!service || exists(name)) continue
    running.push(name)
    const { type, start, displayName, group } = service
    k.registry.createService(name, { imagePath: file, displayName, start })
    const key = k.registry.key(`${SERVICES_PATH}\\${name}`)!
    setAll(k, key, { Type: type, ...(group === undefined ? {} : { Group: group }) })
  }
  for (const { name, image, displayName, type, account } of SYSTEM_SERVICES) {
    if (exists(name)) continue
    running.push(name)
    k.registry.createService(name, { imagePath: image, displayName, start: START.auto })
    const key = k.registry.key(`${SERVICES_PATH}\\${name}`)!
    setAll(k, key, { Type: type, ObjectName: account })
  }
  return running
}
