/** What defences said in a run. */
import type { DefenceAlert } from '../../shared/contract/model'
import { ALERT_MARK, type DefenceName } from '../../shared/defences'
import type { TraceEvent } from '../../shared/trace/event'

/** Alerts that a report keeps. */
const ALERTS_MAX = 200

/** Collects what defences say: lines that begin with ALERT, of their programs or their drivers. */
export class Alerts {
  readonly found: DefenceAlert[] = []
  private readonly byDriver: Map<string, DefenceName>
  private readonly byProgram: Map<string, DefenceName>
  /** By process. */
  private readonly programs = new Map<number, DefenceName>()

  constructor(defences: readonly { name: DefenceName; service: string; program: string }[]) {
    this.byDriver = new Map(defences.map(({ name, service }) => [service, name]))
    this.byProgram = new Map(defences.map(({ name, program }) => [program, name]))
  }

  /** Whether a process is the program of a defence. */
  isOwn(process: number): boolean {
    return this.programs.has(process)
  }

  see(event: TraceEvent): void {
    if (event.t === 'process.created') {
      const defence = this.byProgram.get(event.name)
      if (defence) this.programs.set(event.id, defence)
      return
    }
    if (event.t !== 'stdout' && event.t !== 'dbgprint') return
    const defence =
      event.t === 'stdout'
        ? this.programs.get(event.process)
        : this.byDriver.get(event.driver ?? '')
    if (!defence || !event.text.startsWith(ALERT_MARK) || this.found.length >= ALERTS_MAX) return
    this.found.push({
      defence,
      seq: event.seq,
      text: event.text.slice(ALERT_MARK.length).trimEnd(),
    })
  }
}
