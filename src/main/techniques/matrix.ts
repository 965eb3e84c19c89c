/** The matrix of techniques and defences: what became of each, found by running it. */
import { hex } from '../../shared/nt/format'
import type { RunReport } from '../../shared/contract/model'
import type { Technique } from '../../shared/techniques/technique'
import type { ReadRule } from '../detections/read'
import { runTechnique, type TechniqueRun } from './run'

/** A way in which a machine can defend itself, and what switches it on in scenario.json. */
export interface Defence {
  title: string
  about: string
  scenario: Readonly<Record<string, unknown>>
}

export const DEFENCE_COLUMNS: readonly Defence[] = [
  {
    title: 'Patch protection',
    about: 'Kernel Patch Protection looks every few seconds: `"defences": ["patchguard"]`',
    scenario: { defences: ['patchguard'] },
  },
  {
    title: 'Memory integrity',
    about: 'nothing writes to code or to KiServiceTable: `"defences": ["hvci"]`',
    scenario: { defences: ['hvci'] },
  },
  {
    title: 'Signature policy',
    about: 'the rules of Windows 10 1607 with Secure Boot: `"policy": { "windows": "10-1607" }`',
    scenario: { policy: { windows: '10-1607', secureBoot: true } },
  },
  {
    title: 'Block list',
    about: 'those of Windows 11 22H2 with the block list: `"policy": { "windows": "11-22H2" }`',
    scenario: { policy: { windows: '11-22H2', secureBoot: true, hvci: true, blockList: true } },
  },
]

export interface MatrixRow {
  technique: Technique
  /** Verdict for each of `DEFENCE_COLUMNS`. */
  verdicts: string[]
  /** Rules that raised an alarm where nothing defends the machine, in the order of their ids. */
  seenBy: string[]
}

/** Run a technique on the bare machine and under each defence. */
export async function matrixRow(
  technique: Technique,
  rules: readonly ReadRule[],
  seed = 1,
): Promise<MatrixRow> {
  const { alarms } = await runTechnique(technique, rules, { seed })
  const verdicts: string[] = []
  for (const { scenario } of DEFENCE_COLUMNS)
    verdicts.push(verdictOf(await runTechnique(technique, [], { scenario, seed })))
  return { technique, verdicts, seenBy: [...new Set(alarms.map(({ rule }) => rule))].sort() }
}

/** What became of it, in two words or three. */
function verdictOf({ worked, report }: TechniqueRun): string {
  const stop = stopOf(report)
  if (stop !== null) return worked ? `works, then ${stop}` : `stopped, ${stop}`
  if (worked) return 'works'
  return report.outcome === 'load-failed' ? 'not loaded' : 'fails'
}

const stopOf = ({ outcome, bugcheck }: RunReport): string | null =>
  outcome === 'bugcheck' && bugcheck ? hex(Number(bugcheck.code)) : null

/** docs/matrix.md. */
export function matrixDocument(rows: readonly MatrixRow[]): string {
  const titles = DEFENCE_COLUMNS.map(({ title }) => title)
  const lines = [
    ['Technique', 'ATT&CK', ...titles, 'Seen by'],
    ['---', '---', ...titles.map(() => '---'), '---'],
    ...rows.map(({ technique, verdicts, seenBy }) => [
      `\`${technique.slug}\``,
      technique.attack.join(', '),
      ...verdicts,
      seenBy.map((id) => `\`${id}\``).join(', ') || 'nothing',
    ]),
  ].map((cells) => `| ${cells.join(' | ')} |`)
  return [
    '# Techniques, defences, detections',
    '',
    'Made by `npm run matrix`, which runs every technique of `samples/techniques` on a machine without defences and',
    'on one with each of them; the unit tests compare it. Seed 1.',
    '',
    ...DEFENCE_COLUMNS.map(({ title, about }) => `- **${title}**: ${about}.`),
    '',
    '_works_: every statement of its goal holds. _fails_: one of them does not. _stopped_: the machine stopped with that',
    'bug check before the goal was reached; _works, then_: after it. _not loaded_: the machine refused the driver.',
    '_Seen by_ are the rules of `samples/detections` that raise an alarm where nothing defends the machine.',
    '',
    ...lines,
    '',
  ].join('\n')
}
