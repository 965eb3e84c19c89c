/** The shipped rules and base rates, as the import's helper gives them to its workers. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  loadRules,
  readBaseRates,
  type BaseRates,
  type CapabilityRule,
} from '../../src/main/pe/capabilities'

export function loadCapabilities(): { rules: CapabilityRule[]; baseRates: BaseRates } {
  const folder = join('data', 'capabilities')
  const { rules } = loadRules(
    readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') })),
  )
  const csv = readFileSync(join('data', 'loldrivers', 'import-frequency.csv'), 'utf8')
  return { rules, baseRates: readBaseRates(csv) }
}
