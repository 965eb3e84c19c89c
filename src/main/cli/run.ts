/** `ring0 run`: one run, its report, its exit status. */
import { closeSync, openSync, writeSync } from 'node:fs'
import type { RunReport } from '../../shared/contract/model'
import type { TraceEvent } from '../../shared/trace/event'
import { eventLine } from '../../shared/trace/codec'
import { runProject } from '../lab/run'
import type { RunArguments } from './arguments'
import { readFolder } from './folder'
import { printReport } from './report'

const EXIT_STATUS: Readonly<Record<RunReport['outcome'], number>> = {
  ok: 0,
  'compile-error': 1,
  'load-failed': 1,
  bugcheck: 2,
  'verifier-stop': 3,
  leak: 3,
  hang: 4,
  limit: 4,
}

/** Nothing keeps the events in memory here, so there may be many. */
const EVENTS_MAX = 200_000_000

/** Trace lines are written in pieces of about this size. */
const WRITE_BYTES = 1 << 16

export async function run(options: RunArguments): Promise<number> {
  const folder = readFolder(options.folder)
  if ('problem' in folder) {
    process.stderr.write(`ring0: ${folder.problem}\n`)
    return 1
  }
  let trace: TraceFile | null = null
  if (options.trace !== null) {
    try {
      trace = new TraceFile(options.trace)
    } catch (error) {
      process.stderr.write(`ring0: the trace cannot be written: ${(error as Error).message}\n`)
      return 1
    }
  }
  try {
    const { report } = await runProject(
      {
        files: folder.files,
        ...(options.driver === null ? {} : { driver: options.driver }),
        seed: options.seed,
        verifier: options.verifier,
        // The report's first causes come from the trace, so it is always on; only a file keeps it.
        trace: 'full',
      },
      {
        limits: { events: EVENTS_MAX },
        ...(trace ? { onEvent: (event) => trace.write(event) } : {}),
      },
    )
    if (options.json) process.stdout.write(JSON.stringify(report, null, 2) + '\n')
    else printReport(report, (text) => process.stdout.write(text))
    return EXIT_STATUS[report.outcome]
  } finally {
    trace?.close()
  }
}

class TraceFile {
  private readonly file: number
  private pending = ''

  constructor(path: string) {
    this.file = openSync(path, 'w')
  }

  write(event: TraceEvent): void {
    this.pending += eventLine(event)
    if (this.pending.length > WRITE_BYTES) this.flush()
  }

  private flush(): void {
    writeSync(this.file, this.pending)
    this.pending = ''
  }

  close(): void {
    this.flush()
    closeSync(this.file)
  }
}
