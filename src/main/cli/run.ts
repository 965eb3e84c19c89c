/** `ring0 run`: one run, its report, its exit status. */
import { closeSync, openSync, writeFileSync } from 'node:fs'
import type { RunReport } from '../../shared/contract/model'
import type { TraceEvent } from '../../shared/trace/event'
import { eventLine } from '../../shared/trace/codec'
import { runProject } from '../lab/run'
import type { RunArguments } from './arguments'
import { writeDump } from './dump'
import { readRequest } from './folder'
import { printReport } from './report'

export const EXIT_STATUS: Readonly<Record<RunReport['outcome'], number>> = {
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
  const read = readRequest(options)
  if ('problem' in read) {
    process.stderr.write(`ring0: ${read.problem}\n`)
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
    const { report } = await runProject(read.request, {
      limits: { events: EVENTS_MAX },
      ...(trace ? { onEvent: (event) => trace.write(event) } : {}),
    })
    if (options.json) process.stdout.write(JSON.stringify(report, null, 2) + '\n')
    else printReport(report, (text) => process.stdout.write(text))
    trace?.close()
    if (trace?.problem) {
      process.stderr.write(`ring0: the trace is not complete: ${trace.problem}\n`)
      return 1
    }
    if (options.dump !== null && report.dump) {
      const problem = writeDump(options.dump, read.request, report)
      if (problem !== null) {
        process.stderr.write(`ring0: the dump cannot be written: ${problem}\n`)
        return 1
      }
    }
    return EXIT_STATUS[report.outcome]
  } finally {
    trace?.close()
  }
}

class TraceFile {
  /** Why the file does not hold all events; null while it does. A full disk must not end the run. */
  problem: string | null = null
  private readonly file: number
  private pending = ''
  private isOpen = true

  constructor(path: string) {
    this.file = openSync(path, 'w')
  }

  write(event: TraceEvent): void {
    this.pending += eventLine(event)
    if (this.pending.length > WRITE_BYTES) this.flush()
  }

  private flush(): void {
    try {
      if (this.problem === null) writeFileSync(this.file, this.pending)
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error)
    }
    this.pending = ''
  }

  /** Safe to call twice. */
  close(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.flush()
    closeSync(this.file)
  }
}
