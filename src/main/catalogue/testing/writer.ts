/**
 * A process that saves without pause until it is killed, for the test that nothing saved is lost.
 * Every acknowledged save is told on stdout, after the answer and not before.
 *
 * Usage: node writer.cjs CATALOGUE_FILE FIRST_NUMBER
 */
import { writeSync } from 'node:fs'
import { openCatalogue } from '../catalogue'
import { reportOf } from './report'

const [file, first] = process.argv.slice(2)
if (file === undefined || first === undefined) throw new Error('Usage: writer FILE NUMBER')

const opened = openCatalogue({
  file,
  appVersion: '0.1.0',
  bundledFolder: null,
  askExportPath: () => Promise.resolve(null),
  askImportPath: () => Promise.resolve(null),
  onChanged: () => undefined,
  onProblem: (text) => console.error(text),
})
if (!opened.ok) throw new Error(`${opened.error.code}: ${opened.error.detail ?? ''}`)
const { handlers } = opened.value

/** Straight to the pipe: what is told is told even if the process ends in the next moment. */
const tell = (line: string): void => void writeSync(1, `${line}\n`)

async function save(number: number): Promise<void> {
  const files = { 'driver.ts': `// ${number}\n${'x'.repeat((number * 37) % 3000)}` }
  const sample = await handlers['samples.create']({
    title: `Sample ${number}`,
    summary: '',
    status: 'draft',
    tags: [`t${number % 7}`],
    notes: '',
    files,
  })
  if (!sample.ok) throw new Error(sample.error.message)
  tell(`sample ${number} ${sample.value.id}`)
  const run = await handlers['runs.save']({
    id: `run-${number}`,
    sampleId: sample.value.id,
    sampleTitle: sample.value.title,
    request: { files, seed: number, verifier: [], trace: 'full' },
    report: reportOf({ seed: number }),
  })
  if (!run.ok) throw new Error(run.error.message)
  tell(`run ${number}`)
  const draft = await handlers['drafts.save']({
    key: 'lab',
    files,
    sampleId: null,
    view: `${number}`,
  })
  if (!draft.ok) throw new Error(draft.error.message)
  tell(`draft ${number}`)
}

async function main(): Promise<void> {
  for (let number = Number(first); ; number++) await save(number)
}
void main()
