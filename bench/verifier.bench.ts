/** What the verifier costs: echo requests a second with it off and with the standard preset, trace off. */
import { runProject } from '../src/main/lab/run'
import { echoProject } from './lib/echo-project.mjs'
import { keepRows, row } from './lib/table.mjs'

const REQUESTS = 20_000
/** The best counts: others may share the machine. */
const ROUNDS = 3

/** Seconds of processor time that a run takes. */
async function cost(requests: number, verifier: string[]): Promise<number> {
  const before = process.cpuUsage()
  const { report } = await runProject(
    { files: echoProject(requests), seed: 1, verifier, trace: 'off' },
    { limits: { events: Infinity } },
  )
  if (report.outcome !== 'ok') throw new Error(`${report.outcome}: ${report.report?.what ?? ''}`)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

/** Seconds for the requests alone. */
async function best(verifier: string[]): Promise<number> {
  let least = Infinity
  for (let i = 0; i < ROUNDS; i++)
    least = Math.min(least, (await cost(REQUESTS, verifier)) - (await cost(1, verifier)))
  return least
}

async function main(): Promise<void> {
  await cost(2_000, [])
  const off = await best([])
  const standard = await best(['standard'])
  row('echo IRPs, verifier off', `${Math.round(REQUESTS / off).toLocaleString('en-US')}/s`)
  row('echo IRPs, standard', `${Math.round(REQUESTS / standard).toLocaleString('en-US')}/s`)
  row('standard : off', `${(standard / off).toFixed(1)} times as long`)
  keepRows('verifier')
}

void main()
