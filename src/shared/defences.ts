/**
 * Defences that can be switched on in a machine, by name: in `scenario.json`, for one run, or in the
 * window (docs/scenarios.md).
 */
import { z } from 'zod'
import type { LoadPolicy } from './package/policy'

export const DEFENCES = [
  'patchguard',
  'hvci',
  'signature-policy',
  'block-list',
  'edr',
  'cross-view',
  'filter-guard',
] as const
export const DefenceName = z.enum(DEFENCES)
export type DefenceName = z.infer<typeof DefenceName>

/** Names of a list, each once. */
export const DefenceNames = z.array(DefenceName).max(DEFENCES.length)

export interface DefenceFacts {
  title: string
  /** What it does, in one sentence. */
  about: string
  /** What it notices or stops. */
  sees: string
  /** What goes past it. */
  misses: string
  /** Rules for loading drivers that it brings along. */
  policy?: LoadPolicy
}

/** Those that are features of the machine. The others are drivers: `defence.md` of their folder says it. */
export const DEFENCE_FACTS: Readonly<Partial<Record<DefenceName, DefenceFacts>>> = {
  patchguard: {
    title: 'Patch protection',
    about: 'Kernel Patch Protection looks every few seconds and stops the machine.',
    sees: 'Changes of code, system call tables, registers and lists of the kernel that are there when it looks.',
    misses: 'Data that it does not know, and what is put back between two looks.',
  },
  hvci: {
    title: 'Memory integrity',
    about: 'Nothing writes to code or to KiServiceTable.',
    sees: 'Writes to code, to KiServiceTable and to the register of the system call entry; they fault.',
    misses: 'Changes of data, which is most of what such drivers do.',
  },
  'signature-policy': {
    title: 'Signature policy',
    about: 'Drivers are loaded by the rules of Windows 10 1607 with Secure Boot.',
    sees: 'Drivers that nobody signed, or whose signature these rules do not take.',
    misses: 'Drivers that are signed as they should be and have a hole.',
    policy: { windows: '10-1607', secureBoot: true },
  },
  'block-list': {
    title: 'Block list',
    about: 'Drivers are loaded by the rules of Windows 11 22H2 with its block list.',
    sees: 'Drivers without a signature, and signed ones that are known to be vulnerable.',
    misses: 'Vulnerable drivers that nobody has put on the list yet.',
    policy: { windows: '11-22H2', secureBoot: true, hvci: true, blockList: true },
  },
}

/** What a line of a defence's driver or program begins with when it is an alert. */
export const ALERT_MARK = 'ALERT '

/** The policy that defences bring along, the strictest where several do; null where none does. */
export function policyOf(defences: readonly DefenceName[]): LoadPolicy | null {
  const asked = DEFENCES.filter((name) => defences.includes(name))
  return asked.reduce<LoadPolicy | null>(
    (policy, name) => DEFENCE_FACTS[name]?.policy ?? policy,
    null,
  )
}
