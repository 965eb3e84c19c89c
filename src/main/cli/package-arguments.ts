/** What was typed after `ring0 package` and `ring0 policy`, as data. */
import { LoadPolicy, WindowsVersion } from '../../shared/package/policy'

export interface PackageArguments {
  command: 'package'
  folder: string
  out: string
  /** Service name; null for the folder's first driver. */
  driver: string | null
  /** File that says how it is signed, in place of the folder's own. */
  signing: string | null
  json: boolean
}

export interface PolicyArguments {
  command: 'policy'
  files: string[]
  /** Null for every version. */
  windows: WindowsVersion | null
  machine: Omit<LoadPolicy, 'windows'>
  json: boolean
}

interface Values {
  out?: string
  driver?: string
  signing?: string
  windows?: string
  machine?: string
}

export function packageArguments(
  folder: string,
  json: boolean,
  { out, driver, signing }: Values,
): PackageArguments | { problem: string } {
  if (out === undefined) return { problem: 'package wants --out and a folder to write into' }
  return { command: 'package', folder, out, driver: driver ?? null, signing: signing ?? null, json }
}

const SWITCHES = Object.keys(LoadPolicy.shape).filter((key) => !['windows', 'today'].includes(key))

export function policyArguments(
  files: string[],
  json: boolean,
  values: Values,
): PolicyArguments | { problem: string } {
  const windows = WindowsVersion.nullable().safeParse(values.windows ?? null)
  if (!windows.success)
    return { problem: `--windows is one of ${WindowsVersion.options.join(', ')}` }
  const machine: Record<string, string | boolean> = {}
  for (const part of (values.machine ?? '').split(',').filter(Boolean)) {
    const [key = '', value = ''] = part.split('=')
    if (key === 'today') machine[key] = value
    else if (SWITCHES.includes(key) && /^(on|off)$/.test(value)) machine[key] = value === 'on'
    else
      return {
        problem: `--machine wants ${SWITCHES.join(', ')} =on or =off, or today=DAY, not '${part}'`,
      }
  }
  const parsed = LoadPolicy.omit({ windows: true }).safeParse(machine)
  if (!parsed.success) return { problem: `--machine: ${parsed.error.issues[0]?.message ?? ''}` }
  return { command: 'policy', files, windows: windows.data, machine: parsed.data, json }
}
