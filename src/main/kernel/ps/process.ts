/** A process: an address space, a handle table, threads. */
import type { HandleTable } from '../ob/handle'
import type { Ptr } from '../mm/memory'

export class Process {
  exitCode: number | null = null
  /** Where its image lies on its volume. */
  path: string
  /** Terminal services session: 0 for services, 1 for who sits at the machine. */
  session = 0
  /** What follows its name on the command line. */
  arguments = ''
  /** It hosts a driver: what runs there calls the driver's functions in user mode. */
  isHost = false
  /** Next free byte of its simulated heap. */
  heap: Ptr = 0

  constructor(
    readonly id: number,
    readonly name: string,
    /** EPROCESS. */
    readonly address: Ptr,
    /** User address space (`Memory.createSlice`), -1 for the System process. */
    readonly slice: number,
    readonly handles: HandleTable,
  ) {
    this.path = `\\Lab\\${name}`
  }
}
