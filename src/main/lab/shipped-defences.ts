/** The drivers and programs of defences: samples/defences, as text. */
import crossViewDriver from '../../../samples/defences/cross-view/driver.ts?raw'
import crossViewFindings from '../../../samples/defences/cross-view/findings.ts?raw'
import crossViewProgram from '../../../samples/defences/cross-view/program.ts?raw'
import edrDriver from '../../../samples/defences/edr/driver.ts?raw'
import edrMessages from '../../../samples/defences/edr/messages.ts?raw'
import edrProgram from '../../../samples/defences/edr/program.ts?raw'
import guardDriver from '../../../samples/defences/filter-guard/driver.ts?raw'
import guardMessages from '../../../samples/defences/filter-guard/messages.ts?raw'
import guardProgram from '../../../samples/defences/filter-guard/program.ts?raw'
import type { ProjectFiles } from '../../shared/contract/model'
import type { DefenceName } from '../../shared/defences'

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
