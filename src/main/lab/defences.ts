/** The drivers and programs of defences: samples/defences, as text, and what they said in a run. */
import crossViewDriver from '../../../samples/defences/cross-view/driver.ts?raw'
import crossViewFindings from '../../../samples/defences/cross-view/findings.ts?raw'
import crossViewProgram from '../../../samples/defences/cross-view/program.ts?raw'
import edrDriver from '../../../samples/defences/edr/driver.ts?raw'
import edrMessages from '../../../samples/defences/edr/messages.ts?raw'
import edrProgram from '../../../samples/defences/edr/program.ts?raw'
import guardDriver from '../../../samples/defences/filter-guard/driver.ts?raw'
import guardMessages from '../../../samples/defences/filter-guard/messages.ts?raw'
import guardProgram from '../../../samples/defences/filter-guard/program.ts?raw'
import type { DefenceAlert, ProjectFiles } from '../../shared/contract/model'
import { ALERT_MARK, type DefenceName } from '../../shared/defences'
import type { TraceEvent } from '../../shared/trace/event'

/** A defence that is a driver with a program. */
export interface ShippedDefence {
  /** Name of its service and of its driver. */
  service: string
  /** Name of its process. */
  program: string
  /** Values of its subkey Parameters. */
  parameters?: Record<string, string>
  /** Its files by the names that they have in its folder; `driver.ts` and `program.ts` are among them. */
  files: ProjectFiles
}

export const SHIPPED_DEFENCES: Partial<Record<DefenceName, ShippedDefence>> = {
  edr: {
    service: 'Edr',
    program: 'edr.exe',
    files: { 'driver.ts': edrDriver, 'messages.ts': edrMessages, 'program.ts': edrProgram },
  },
  'cross-view': {
    service: 'CrossView',
    program: 'crossview.exe',
    files: {
      'driver.ts': crossViewDriver,
      'findings.ts': crossViewFindings,
      'program.ts': crossViewProgram,
    },
  },
  'filter-guard': {
    service: 'FilterGuard',
    program: 'filterguard.exe',
    /** Highest of all: its group is FSFilter Top. */
    parameters: { Altitude: '409990' },
    files: { 'driver.ts': guardDriver, 'messages.ts': guardMessages, 'program.ts': guardProgram },
  },
}

/** Where a file of a defence lies among those of a project. */
export const defencePath = (name: DefenceName, file: string): string => `defences/${name}/${file}`

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
