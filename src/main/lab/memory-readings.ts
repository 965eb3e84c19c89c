/**
 * When the memory tables of a run are read: before the drivers are loaded, and when the last program
 * is about to end, so that what was done to a program is still to be seen; when the machine stops
 * before, then.
 */
import type { MemoryTables, TablesOfRun } from '../../shared/memory/tables'
import { takeTables } from '../kernel/dbg/tables'
import type { Kernel } from '../kernel/kernel'
import type { Process } from '../kernel/ps/process'
import { BugCheck } from '../kernel/stop'

export class MemoryReadings implements TablesOfRun {
  before: MemoryTables | null = null
  after: MemoryTables | null = null

  /** The drivers are about to be loaded. */
  loading(k: Kernel): void {
    this.before = takeTables(k)
  }

  /** Read again whenever the last of these programs is about to end; more may be added meanwhile. */
  watch(k: Kernel, programs: readonly Process[]): void {
    k.processes.onExit = (process) => {
      if (!programs.includes(process)) return
      if (programs.every((other) => other === process || other.exitCode !== null))
        this.after = takeTables(k)
    }
  }

  /** The drivers are about to be unloaded, or the run is over. */
  end(k: Kernel): void {
    if (this.after === null || k.ended instanceof BugCheck) this.after = takeTables(k)
  }
}
