/** `ring0 verify --low-resources`: every allocation fails once, in a run of its own. */
import type { RunRequest } from '../../shared/contract/model'
import { failEachAllocation } from '../lab/low-resources'
import type { VerifyArguments } from './arguments'
import { readRequest } from './folder'
import { printDiagnostic, printReport } from './report'
import { EXIT_STATUS } from './run'

/** Mishandled without a stop: things were left behind by a driver that refused to load. */
const LEFT_BEHIND = 3

export async function verify(options: VerifyArguments): Promise<number> {
  const read = readRequest(options)
  if ('problem' in read) {
    process.stderr.write(`ring0: ${read.problem}\n`)
    return 1
  }
  const verifier = options.verifier.length > 0 ? options.verifier : ['standard']
  const request: RunRequest = { ...read.request, verifier }
  const write = (text: string): void => void process.stdout.write(text)
  const result = await failEachAllocation(request)
  if ('problems' in result) {
    if (options.json) write(JSON.stringify({ diagnostics: result.problems }, null, 2) + '\n')
    else for (const problem of result.problems) printDiagnostic(problem, write)
    return 1
  }
  const { tried, failed, isComplete } = result
  if (options.json)
    write(JSON.stringify({ schema: 'ring0-verify/1', tried, isComplete, failed }, null, 2) + '\n')
  else if (failed) {
    const at = failed.at ? ` (${failed.at.file}:${failed.at.line})` : ''
    write(`When allocation ${failed.allocation}${at} fails, the driver does not handle it.\n\n`)
    printReport(failed.report, write)
  } else
    write(
      `${tried} allocations failed, each in a run of its own: every failure was handled.\n` +
        (isComplete ? '' : 'There are more allocations; they were not tried.\n'),
    )
  return failed ? EXIT_STATUS[failed.report.outcome] || LEFT_BEHIND : 0
}
