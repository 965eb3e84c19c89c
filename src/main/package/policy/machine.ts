/** A machine with its switches: what a policy of scenario.json says, filled up with what is usual. */
import type { LoadPolicy, WindowsVersion } from '../../../shared/package/policy'
import { WINDOWS_NAMES } from '../../../shared/package/policy'

export interface Machine {
  windows: WindowsVersion
  secureBoot: boolean
  hvci: boolean
  testSigning: boolean
  blockList: boolean
  upgraded: boolean
  sha2Update: boolean
  knownStampsOnly: boolean
  /** `2024-07-01T00:00:00Z`. */
  today: string
}

/** The machines of the Lab live in the summer of 2024 unless a scenario says otherwise. */
const TODAY = '2024-07-01'

type Defaults = Pick<Machine, 'secureBoot' | 'hvci' | 'blockList'>

/** How a new installation has them; Secure Boot as machines come with it. */
const DEFAULTS: Record<WindowsVersion, Defaults> = {
  '7': { secureBoot: false, hvci: false, blockList: false },
  '8.1': { secureBoot: true, hvci: false, blockList: false },
  '10-1507': { secureBoot: true, hvci: false, blockList: false },
  '10-1607': { secureBoot: true, hvci: false, blockList: false },
  '11-22H2': { secureBoot: true, hvci: true, blockList: true },
}

/** Switches that a version does not have stay as it is without them. */
const LACKS: Partial<Record<WindowsVersion, readonly (keyof Defaults)[]>> = {
  '7': ['secureBoot', 'hvci', 'blockList'],
  '8.1': ['hvci', 'blockList'],
}

export function machineOf(policy: LoadPolicy): Machine {
  const { windows } = policy
  const defaults = DEFAULTS[windows]
  const lacks = LACKS[windows] ?? []
  const choice = (key: keyof Defaults): boolean =>
    lacks.includes(key) ? false : (policy[key] ?? defaults[key])
  return {
    windows,
    secureBoot: choice('secureBoot'),
    hvci: choice('hvci'),
    blockList: choice('blockList'),
    testSigning: policy.testSigning ?? false,
    upgraded: policy.upgraded ?? false,
    sha2Update: policy.sha2Update ?? true,
    knownStampsOnly: policy.knownStampsOnly ?? false,
    today: new Date(Date.parse(policy.today ?? TODAY)).toISOString().replace('.000', ''),
  }
}

/** The switches in words, those that matter first. */
export function machineWords(machine: Machine): string {
  const { windows } = machine
  const lacks: readonly string[] = LACKS[windows] ?? []
  const on = (key: keyof Defaults, words: string): string[] =>
    lacks.includes(key) ? [] : [`${words} ${machine[key] ? 'on' : 'off'}`]
  return [
    WINDOWS_NAMES[windows],
    ...on('secureBoot', 'Secure Boot'),
    ...on('hvci', 'memory integrity'),
    ...on('blockList', 'block list'),
    ...(machine.testSigning ? ['test signing on'] : []),
    ...(machine.upgraded ? ['upgraded from an older version'] : []),
    ...(windows === '7' && !machine.sha2Update ? ['without the SHA-2 update'] : []),
    ...(machine.knownStampsOnly ? ['known time stamps only'] : []),
  ].join(', ')
}

const ORDER: readonly WindowsVersion[] = ['7', '8.1', '10-1507', '10-1607', '11-22H2']

export const isAtLeast = (machine: Machine, version: WindowsVersion): boolean =>
  ORDER.indexOf(machine.windows) >= ORDER.indexOf(version)
