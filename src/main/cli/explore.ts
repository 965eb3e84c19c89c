/** `ring0 explore`: searches interleavings for one that fails. */
import type { RunRequest } from '../../shared/contract/model'
import { explore as search } from '../lab/explore'
import type { ExploreArguments } from './arguments'
import { readRequest } from './folder'
import { printDiagnostic, printReport } from './report'
import { EXIT_STATUS } from './run'

/** The client program said so itself, with its exit code. */
const CLIENT_FAILED = 5

export async function explore(options: ExploreArguments): Promise<number> {
  const read = readRequest(options)
  if ('problem' in read) return complain(read.problem)
  const request: RunRequest = { ...read.request, processors: processorsOf(options, read.request) }
  const write = (text: string): void => void process.stdout.write(text)
  const found = await search(request, { seeds: options.seeds })
  if ('fixedSeed' in found)
    return complain(
      `the scenario fixes the seed (${found.fixedSeed}); without "seed" in it there is something to search`,
    )
  if ('problems' in found) {
    if (options.json) write(JSON.stringify({ diagnostics: found.problems }, null, 2) + '\n')
    else for (const problem of found.problems) printDiagnostic(problem, write)
    return 1
  }
  const { tried, processors, failed } = found
  const replay = failed && replayCommand(options, failed.seed, processors)
  if (options.json) {
    const document = {
      schema: 'ring0-explore/1',
      seeds: options.seeds,
      tried,
      processors,
      failed: failed && { seed: failed.seed, replay, report: failed },
    }
    write(JSON.stringify(document, null, 2) + '\n')
  } else if (!failed) write(`${tried} seeds on ${processors} processors: none fails.\n`)
  else {
    write(
      `Seed ${failed.seed} fails, the first of ${options.seeds} on ${processors} processors.\n\n`,
    )
    printReport(failed, write)
    write(`\nReplay it with\n  ${replay}\n`)
  }
  if (!failed) return 0
  return EXIT_STATUS[failed.outcome] || CLIENT_FAILED
}

/** What was asked for, what the scenario says, or two: with one there is little to search. */
function processorsOf(options: ExploreArguments, { files }: RunRequest): number {
  if (options.processors !== null) return options.processors
  try {
    const scenario: unknown = JSON.parse(files['scenario.json'] ?? '{}')
    const { processors } = scenario as { processors?: unknown }
    return typeof processors === 'number' ? processors : 2
  } catch {
    // What is wrong with it is said by whoever reads it in earnest.
    return 2
  }
}

function replayCommand(options: ExploreArguments, seed: number, processors: number): string {
  const words = ['npm run ring0 -- run', options.folder, `--seed ${seed}`]
  words.push(`--processors ${processors}`)
  if (options.scenario !== null) words.push(`--scenario ${options.scenario}`)
  if (options.driver !== null) words.push(`--driver ${options.driver}`)
  if (options.verifier.length > 0) words.push(`--verifier ${options.verifier.join(',')}`)
  return words.join(' ')
}

function complain(problem: string): number {
  process.stderr.write(`ring0: ${problem}\n`)
  return 1
}
