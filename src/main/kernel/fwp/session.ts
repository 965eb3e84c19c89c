/** A session with the filter engine: its transaction, and what goes when it ends. */
import {
  STATUS_FWP_NO_TXN_IN_PROGRESS,
  STATUS_FWP_TXN_IN_PROGRESS,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'

/** Takes back what was added. */
type Undo = () => KernelRoutine<void>

export class Session {
  /** What a dynamic session takes along when it is closed. */
  private readonly own: Undo[] = []
  private transaction: Undo[] | null = null

  constructor(
    private readonly k: Kernel,
    private readonly isDynamic: boolean,
  ) {}

  /** Something was added in this session. */
  added(undo: Undo): void {
    if (this.transaction) this.transaction.push(undo)
    else if (this.isDynamic) this.own.push(undo)
  }

  begin(): number {
    if (this.transaction) return STATUS_FWP_TXN_IN_PROGRESS
    this.transaction = []
    this.tell('began')
    return STATUS_SUCCESS
  }

  commit(): number {
    if (!this.transaction) return STATUS_FWP_NO_TXN_IN_PROGRESS
    if (this.isDynamic) this.own.push(...this.transaction)
    this.transaction = null
    this.tell('committed')
    return STATUS_SUCCESS
  }

  *abort(): KernelRoutine<number> {
    const { transaction } = this
    if (!transaction) return STATUS_FWP_NO_TXN_IN_PROGRESS
    this.transaction = null
    yield* takeBack(transaction)
    this.tell('aborted')
    return STATUS_SUCCESS
  }

  /** FwpmEngineClose: a transaction that is open comes to nothing. */
  *close(): KernelRoutine<void> {
    if (this.transaction) yield* this.abort()
    yield* takeBack(this.own)
    this.own.length = 0
  }

  private tell(did: 'began' | 'committed' | 'aborted'): void {
    if (this.k.tracing) this.k.emit({ t: 'wfp.transaction', did })
  }
}

/** The last first: a filter goes before its callout. */
function* takeBack(undos: readonly Undo[]): KernelRoutine<void> {
  for (const undo of [...undos].reverse()) yield* undo()
}
