/**
 * Low resources, one allocation at a time: the run is made again and again, and each time another
 * allocation of a driver fails, from the first to the last. What a driver does then is decided by its
 * code alone, so the first way that it does not handle is found for certain and by the same number.
 */
import type { Diagnostic, RunReport, RunRequest } from '../../shared/contract/model'
import type { SourcePlace } from '../../shared/trace/event'
import { prepare, runPrepared } from './run'

/** A run makes a handful of allocations; one that makes more is told so. */
const ALLOCATIONS_MAX = 2_000

export interface LowResources {
  /** Allocations that failed, each in a run of its own. */
  tried: number
  /** The first one whose failure was not handled. */
  failed: { allocation: number; at: SourcePlace | null; report: RunReport } | null
  /** False when there were more allocations than are tried. */
  isComplete: boolean
}

/** Fail the Nth allocation for N = 1, 2, 3 ... until no allocation is left to fail, or a run goes wrong. */
export async function failEachAllocation(
  request: RunRequest,
  max = ALLOCATIONS_MAX,
): Promise<LowResources | { problems: Diagnostic[] }> {
  const prepared = prepare(request)
  if ('problems' in prepared) return prepared
  for (let n = 1; n <= max; n++) {
    const { report, failedAllocation } = await runPrepared(prepared, request, { failAllocation: n })
    if (!failedAllocation) return { tried: n - 1, failed: null, isComplete: true }
    if (isMishandled(report))
      return {
        tried: n,
        failed: { allocation: n, at: failedAllocation.at, report },
        isComplete: true,
      }
  }
  return { tried: max, failed: null, isComplete: false }
}

/** A driver may refuse to load, or refuse the request. It may not stop the machine, hang, or leave things behind. */
function isMishandled({ outcome, leaks }: RunReport): boolean {
  return (outcome !== 'ok' && outcome !== 'load-failed') || leaks.length > 0
}
