/**
 * What happens after a bug check: every processor stands still, and on the one that met it the
 * callbacks that drivers registered run at HIGH_LEVEL, one after the other.
 *
 * The records are the drivers' own and lie in two lists in memory, as KeBugCheckCallbackListHead and
 * its sister for reasons do; one whose checksum does not fit is passed over. A callback that waits,
 * spins or stops the machine again ends it at once: there is nobody who could go on.
 */
import {
  BufferEmpty,
  BufferFinished,
  BufferIncomplete,
  BufferInserted,
  BufferStarted,
  KbCallbackSecondaryDumpData,
} from '../../../shared/nt/generated/constants'
import {
  KBUGCHECK_CALLBACK_RECORD as RECORD,
  KBUGCHECK_REASON_CALLBACK_RECORD as REASON,
  KBUGCHECK_SECONDARY_DUMP_DATA as SECONDARY,
  LIST_ENTRY,
} from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import { PTE } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import type { BugCheck } from '../stop'
import { HIGH_LEVEL } from './irql'
import { initializeListHead, insertTail, removeEntry } from './list'
import { Thread } from './thread'

/** Bytes that one callback may add to a dump. */
const DATA_BYTES_MAX = 4096
/** A list that a driver has damaged may be endless. */
const RECORDS_MAX = 256

/** What a callback left for the dump. */
export interface CallbackData {
  component: string
  routine: string
  /** Hexadecimal. */
  data: string
}

export class BugChecks {
  /** The stop whose callbacks run; null while the machine is well. */
  running: BugCheck | null = null
  /** What callbacks gave so far. */
  readonly data: CallbackData[] = []
  /** Record whose routine runs, to be marked when it does not end. */
  private current: Ptr = 0
  private plain: Ptr = 0
  private reasons: Ptr = 0

  constructor(private readonly k: Kernel) {}

  // --- registration --------------------------------------------------------------------------------

  private head(at: Ptr): Ptr {
    if (at) return at
    const head = this.k.pool.allocate(LIST_ENTRY.SIZE, 'KeBc', { system: true })
    initializeListHead(this.k.memory, head)
    return head
  }

  /** KeRegisterBugCheckCallback: false when the record is in use. */
  register(record: Ptr, routine: Ptr, buffer: Ptr, length: number, component: Ptr): boolean {
    const { memory } = this.k
    if (memory.u8(record + RECORD.State) !== BufferEmpty) return false
    memory.setPtr(record + RECORD.CallbackRoutine, routine)
    memory.setPtr(record + RECORD.Buffer, buffer)
    memory.setU32(record + RECORD.Length, length)
    memory.setPtr(record + RECORD.Component, component)
    memory.setU64(record + RECORD.Checksum, this.checksum(record))
    memory.setU8(record + RECORD.State, BufferInserted)
    insertTail(this.k, (this.plain = this.head(this.plain)), record)
    return true
  }

  /** KeDeregisterBugCheckCallback: whether it was registered. */
  deregister(record: Ptr): boolean {
    const { memory } = this.k
    if (memory.u8(record + RECORD.State) !== BufferInserted) return false
    removeEntry(this.k, record)
    memory.setU8(record + RECORD.State, BufferEmpty)
    return true
  }

  registerReason(record: Ptr, routine: Ptr, reason: number, component: Ptr): boolean {
    const { memory } = this.k
    if (memory.u8(record + REASON.State) !== BufferEmpty) return false
    memory.setPtr(record + REASON.CallbackRoutine, routine)
    memory.setPtr(record + REASON.Component, component)
    memory.setU32(record + REASON.Reason, reason)
    memory.setU64(record + REASON.Checksum, this.reasonChecksum(record))
    memory.setU8(record + REASON.State, BufferInserted)
    insertTail(this.k, (this.reasons = this.head(this.reasons)), record)
    return true
  }

  deregisterReason(record: Ptr): boolean {
    const { memory } = this.k
    if (memory.u8(record + REASON.State) !== BufferInserted) return false
    removeEntry(this.k, record)
    memory.setU8(record + REASON.State, BufferEmpty)
    return true
  }

  private checksum(record: Ptr): bigint {
    const { memory } = this.k
    const sum =
      memory.u64(record + RECORD.CallbackRoutine) +
      memory.u64(record + RECORD.Buffer) +
      BigInt(memory.u32(record + RECORD.Length)) +
      memory.u64(record + RECORD.Component)
    return BigInt.asUintN(64, sum)
  }

  private reasonChecksum(record: Ptr): bigint {
    const { memory } = this.k
    const sum =
      memory.u64(record + REASON.CallbackRoutine) +
      BigInt(memory.u32(record + REASON.Reason)) +
      memory.u64(record + REASON.Component)
    return BigInt.asUintN(64, sum)
  }

  // --- after a stop ----------------------------------------------------------------------------------

  /**
   * Let the callbacks run instead of ending at once.
   * @returns false when there are none
   */
  begin(stop: BugCheck): boolean {
    const { k } = this
    if (this.running) {
      this.finish()
      return true
    }
    if (this.entries(this.plain).length + this.entries(this.reasons).length === 0) return false
    // Nothing may stop the machine while it says why it stopped.
    k.ended = stop
    k.stopRecord.describe(stop)
    k.ended = null
    this.running = stop
    // The stack of the thread that met it may be what is broken.
    const { processor } = k
    const { id, process, address } = processor.current
    const { stackLimit, stackBase } = processor.idle
    const thread = new Thread(id, 'KeBugCheck', process, address, stackLimit, stackBase, null)
    thread.state = 'running'
    thread.cause = k.stopRecord.place.seq
    processor.current = thread
    k.scheduler.pushKernel(thread, this.callAll(), 'nt!KiScanBugCheckCallbackList', -1)
    return true
  }

  /** The last callback has run, or none can run any more. */
  finish(): void {
    const { k } = this
    const at = this.current + RECORD.State
    if (this.current && k.memory.pte(at) & PTE.write) k.memory.setU8(at, BufferIncomplete)
    this.current = 0
    k.ended = this.running
  }

  private *callAll(): KernelRoutine<void> {
    const { k } = this
    const { memory } = k
    k.irql.set(HIGH_LEVEL, 'bug check')
    for (const record of this.entries(this.plain)) {
      const isSound =
        memory.u8(record + RECORD.State) === BufferInserted &&
        memory.u64(record + RECORD.Checksum) === this.checksum(record)
      if (!isSound) continue
      this.current = record
      memory.setU8(record + RECORD.State, BufferStarted)
      const routine = memory.ptr(record + RECORD.CallbackRoutine)
      const buffer = memory.ptr(record + RECORD.Buffer)
      const length = memory.u32(record + RECORD.Length)
      yield* k.call(routine, 'KBUGCHECK_CALLBACK_ROUTINE', [buffer, length])
      memory.setU8(record + RECORD.State, BufferFinished)
      this.current = 0
      this.keep(memory.ptr(record + RECORD.Component), routine, buffer, length)
    }
    for (const record of this.entries(this.reasons)) yield* this.callReason(record)
    this.finish()
  }

  private *callReason(record: Ptr): KernelRoutine<void> {
    const { k } = this
    const { memory } = k
    const reason = memory.u32(record + REASON.Reason)
    const isSound =
      memory.u8(record + REASON.State) === BufferInserted &&
      memory.u64(record + REASON.Checksum) === this.reasonChecksum(record)
    if (!isSound || reason !== KbCallbackSecondaryDumpData) return
    const data = k.pool.allocate(SECONDARY.SIZE + DATA_BYTES_MAX, 'KeBc', { system: true })
    if (!data) return
    memory.setPtr(data + SECONDARY.InBuffer, data + SECONDARY.SIZE)
    memory.setU32(data + SECONDARY.InBufferLength, DATA_BYTES_MAX)
    memory.setU32(data + SECONDARY.MaximumAllowed, DATA_BYTES_MAX)
    const routine = memory.ptr(record + REASON.CallbackRoutine)
    yield* k.call(routine, 'KBUGCHECK_REASON_CALLBACK_ROUTINE', [
      reason,
      record,
      data,
      SECONDARY.SIZE,
    ])
    this.keep(
      memory.ptr(record + REASON.Component),
      routine,
      memory.ptr(data + SECONDARY.OutBuffer),
      memory.u32(data + SECONDARY.OutBufferLength),
    )
  }

  private keep(component: Ptr, routine: Ptr, buffer: Ptr, length: number): void {
    const { memory, images } = this.k
    let data = ''
    for (let i = 0; i < Math.min(length, DATA_BYTES_MAX); i++) {
      if (!(memory.pte(buffer + i) & PTE.read)) break
      data += memory
        .u8(buffer + i)
        .toString(16)
        .padStart(2, '0')
    }
    const isNamed = component !== 0 && memory.pte(component) & PTE.read
    this.data.push({
      component: isNamed ? memory.sz(component) : '',
      routine: images.symbol(routine),
      data,
    })
  }

  /** Records of a list, as far as it can be followed. */
  private entries(head: Ptr): Ptr[] {
    const { memory } = this.k
    const found: Ptr[] = []
    if (!head) return found
    for (let entry = memory.ptr(head); entry !== head; entry = memory.ptr(entry)) {
      const isThere = memory.pte(entry) & memory.pte(entry + RECORD.SIZE - 1) & PTE.read
      if (!isThere || found.length === RECORDS_MAX) break
      found.push(entry)
    }
    return found
  }
}
