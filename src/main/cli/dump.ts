/** Dumps: what `ring0 run --dump FILE` writes of a crash, and `ring0 replay FILE` runs again. */
import { readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { RunReport, RunRequest } from '../../shared/contract/model'
import { runProject } from '../lab/run'
import type { ReplayArguments } from './arguments'
import { printReport } from './report'
import { EXIT_STATUS } from './run'
import { whereTyped } from './where-typed'

const Dump = z.object({
  schema: z.literal('ring0-dump/1'),
  request: RunRequest,
  report: RunReport,
})

/** The run did not end as the dump says: another version of the program wrote it. */
const NOT_THE_SAME = 1

/** @returns why the file could not be written, null when it was */
export function writeDump(path: string, request: RunRequest, report: RunReport): string | null {
  try {
    const dump: z.infer<typeof Dump> = { schema: 'ring0-dump/1', request, report }
    writeFileSync(whereTyped(path), JSON.stringify(dump, null, 2) + '\n')
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

export async function replay(options: ReplayArguments): Promise<number> {
  let dump: z.infer<typeof Dump>
  try {
    dump = Dump.parse(JSON.parse(readFileSync(whereTyped(options.file), 'utf8')))
  } catch (error) {
    const why = error instanceof z.ZodError ? 'this is no dump of ring0' : String(error)
    process.stderr.write(`ring0: ${options.file} cannot be read: ${why}\n`)
    return 1
  }
  const { report } = await runProject(dump.request)
  if (options.json) process.stdout.write(JSON.stringify(report, null, 2) + '\n')
  else printReport(report, (text) => process.stdout.write(text))
  if (report.dump?.digest !== dump.report.dump?.digest || report.outcome !== dump.report.outcome) {
    process.stderr.write('ring0: the run did not end as the dump says\n')
    return NOT_THE_SAME
  }
  return EXIT_STATUS[report.outcome]
}
