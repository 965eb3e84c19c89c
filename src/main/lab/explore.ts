/** The search for a seed that fails: one driver folder, compiled once, run with one seed after the other. */
import type { Diagnostic, RunReport, RunRequest } from '../../shared/contract/model'
import { prepare, runPrepared, type Prepared } from './run'

export interface Exploration {
  /** Seeds that were tried. */
  tried: number
  processors: number
  /** The first run that failed, as `run` with that seed reports it; null when none did. */
  failed: RunReport | null
}

export interface ExploreOptions {
  /** Seeds 1 to this one are tried. */
  seeds: number
  /** Called after each seed: true ends the search. */
  shouldStop?: (tried: number) => boolean
}

/**
 * Try seeds until a run fails.
 * @returns what was found, or why the folder cannot be run
 */
export async function explore(
  request: RunRequest,
  { seeds, shouldStop }: ExploreOptions,
): Promise<Exploration | { problems: Diagnostic[] } | { fixedSeed: number }> {
  const prepared = prepare(request)
  if ('problems' in prepared) return prepared
  const { seed: fixedSeed } = prepared.plan.scenario
  if (fixedSeed !== undefined) return { fixedSeed }
  const { processors } = prepared
  for (let seed = 1; seed <= seeds; seed++) {
    if (await fails(prepared, request, seed)) {
      const { report } = await runPrepared(prepared, { ...request, seed, trace: 'full' })
      return { tried: seed, processors, failed: report }
    }
    if (shouldStop?.(seed)) return { tried: seed, processors, failed: null }
  }
  return { tried: seeds, processors, failed: null }
}

/** Without a trace, which costs more than the run. */
async function fails(prepared: Prepared, request: RunRequest, seed: number): Promise<boolean> {
  const { report } = await runPrepared(prepared, { ...request, seed, trace: 'off' })
  return isFailure(report)
}

/** Anything but a run without a problem whose client, if there is one, was content. */
export function isFailure(report: RunReport): boolean {
  return report.outcome !== 'ok' || (report.client?.exitCode ?? 0) !== 0
}
