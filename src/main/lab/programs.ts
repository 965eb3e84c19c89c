/** The programs of the machine that a scenario may start without having them: samples/programs, as text. */
import browser from '../../../samples/programs/browser.ts?raw'
import dir from '../../../samples/programs/dir.ts?raw'
import guard from '../../../samples/programs/guard.ts?raw'
import notepad from '../../../samples/programs/notepad.ts?raw'
import proxy from '../../../samples/programs/proxy.ts?raw'
import regedit from '../../../samples/programs/regedit.ts?raw'
import taskmgr from '../../../samples/programs/taskmgr.ts?raw'
import updater from '../../../samples/programs/updater.ts?raw'

/** By the entry that scenarios name, `world/taskmgr.ts`. */
export const SHIPPED_PROGRAMS: ReadonlyMap<string, string> = new Map([
  ['world/browser.ts', browser],
  ['world/dir.ts', dir],
  ['world/guard.ts', guard],
  ['world/notepad.ts', notepad],
  ['world/proxy.ts', proxy],
  ['world/regedit.ts', regedit],
  ['world/taskmgr.ts', taskmgr],
  ['world/updater.ts', updater],
])
