/** The matrix of techniques and defences: what became of each, found by running it. */
import type {
  DefenceSummary,
  Matrix,
  MatrixRow,
  MatrixVerdict,
} from '../../shared/contract/techniques'
import { createHash } from 'node:crypto'
import type { Technique } from '../../shared/techniques/technique'
import type { ReadRule } from '../detections/read'
import { runTechnique } from './run'
import { verdictOf, verdictWords } from './verdict'

/** Run a technique and its twin on the bare machine and under each defence. */
export async function matrixRow(
  technique: Technique,
  defences: readonly DefenceSummary[],
  rules: readonly ReadRule[],
  seed = 1,
): Promise<MatrixRow> {
  const { alarms } = await runTechnique(technique, rules, { seed })
  const verdicts: MatrixVerdict[] = []
  const twin: MatrixVerdict[] = []
  for (const { name } of defences) {
    const how = { defences: [name], seed }
    verdicts.push(verdictOf(await runTechnique(technique, [], how)))
    twin.push(verdictOf(await runTechnique(technique, [], { ...how, twin: true })))
  }
  const { slug, title, attack } = technique
  const seenBy = [...new Set(alarms.map(({ rule }) => rule))].sort()
  return { slug, title, attack, inputs: inputsOf(technique), verdicts, twin, seenBy }
}

/** Digest of what a row rests on beside the lab itself: the files of the technique and its goals. */
export function inputsOf({ files, goal, twin }: Technique): string {
  const sorted = Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1))
  const text = JSON.stringify([sorted, goal, twin.goal])
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** docs/matrix.md. */
export function matrixDocument({ seed, columns, rows }: Matrix): string {
  const table = (
    last: string,
    cellsOf: (row: MatrixRow) => { verdicts: readonly MatrixVerdict[]; last: string },
  ): string[] =>
    [
      ['Technique', ...columns.map(({ title }) => title), last],
      Array.from({ length: columns.length + 2 }, () => '---'),
      ...rows.map((row) => {
        const { verdicts, last } = cellsOf(row)
        return [`\`${row.slug}\``, ...verdicts.map(verdictWords), last]
      }),
    ].map((cells) => `| ${cells.join(' | ')} |`)
  const code = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ')
  return [
    '# Techniques, defences, detections',
    '',
    'Made by `npm run matrix`, which runs every technique of `samples/techniques` on a machine without defences and',
    `on one with each of them; the unit tests compare the cells that matter most. Seed ${seed}.`,
    '',
    ...columns.map(({ name, title, about }) => `- **${title}**, \`${name}\`: ${about}`),
    '',
    '_works_: every statement of its goal holds. _reported_: it does, and the defence raised an alert. _fails_: one of',
    'them does not. _stopped_: the machine stopped with that bug check before the goal was reached; _works, then_: after',
    'it. _not loaded_: the machine refused the driver. _Seen by_ are the rules of `samples/detections` that raise an',
    'alarm where nothing defends the machine.',
    '',
    ...table('Seen by', ({ verdicts, seenBy }) => ({ verdicts, last: code(seenBy) || 'nothing' })),
    '',
    '## Twins',
    '',
    'The honest counterparts. No defence may report one; a policy refuses whatever nobody signed.',
    '',
    ...table('ATT&CK of the technique', ({ twin, attack }) => ({
      verdicts: twin,
      last: attack.join(', '),
    })),
    '',
    '## What the defences said',
    '',
    ...rows.flatMap(({ slug, verdicts }) =>
      verdicts.flatMap(({ alerts }, i) =>
        alerts.map((text) => `- \`${slug}\`, ${columns[i]!.title}: ${text}`),
      ),
    ),
    '',
  ].join('\n')
}

/** A cell that came out otherwise with another seed. */
export interface MatrixDifference {
  seed: number
  slug: string
  column: string
  twin: boolean
  was: string
  is: string
}

/** Verdicts of a matrix that are not those of the first one. Both have the same rows and columns. */
export function matrixDifferences(first: Matrix, other: Matrix): MatrixDifference[] {
  return other.rows.flatMap((row, r) =>
    [false, true].flatMap((twin) => {
      const [before, now] = [first.rows[r]!, row].map((each) => (twin ? each.twin : each.verdicts))
      return now!.flatMap((verdict, c) => {
        const [was, is] = [verdictWords(before![c]!), verdictWords(verdict)]
        const { slug } = row
        const column = first.columns[c]!.name
        return was === is ? [] : [{ seed: other.seed, slug, column, twin, was, is }]
      })
    }),
  )
}
