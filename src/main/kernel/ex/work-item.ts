/**
 * Work items: routines for the system's worker threads, at PASSIVE_LEVEL in the System process.
 *
 * Each queue lets one worker run at a time, as a kernel queue does on one processor; when that one
 * waits, the next may start, on a new thread if need be. So an item that blocks holds up no other.
 */
import {
  CriticalWorkQueue,
  DelayedWorkQueue,
  HyperCriticalWorkQueue,
} from '../../../shared/nt/generated/constants'
import { WORK_QUEUE_ITEM } from '../../../shared/nt/generated/offsets'
import { STATUS_SUCCESS } from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import { kernelApcDisable, specialApcDisable } from '../ke/apc'
import { atDispatchLevel, requireNonpaged } from '../ke/at-dispatch'
import { PASSIVE_LEVEL } from '../ke/irql'
import type { Thread } from '../ke/thread'
import { PTE } from '../mm/layout'
import type { Ptr } from '../mm/memory'

/** IO_WORKITEM, which drivers see only by its size (Windows 10). */
export const IO_WORKITEM = {
  SIZE: 0x58,
  WorkItem: 0,
  Routine: 0x20,
  IoObject: 0x28,
  Context: 0x30,
} as const

/** Priorities of the workers by WORK_QUEUE_TYPE. */
const PRIORITIES: Readonly<Record<number, number>> = {
  [CriticalWorkQueue]: 13,
  [DelayedWorkQueue]: 12,
  [HyperCriticalWorkQueue]: 15,
}
const QUEUE_NAMES: Readonly<Record<number, string>> = {
  [CriticalWorkQueue]: 'critical',
  [DelayedWorkQueue]: 'delayed',
  [HyperCriticalWorkQueue]: 'hypercritical',
}
const WORKERS_MAX = 64

interface Queued {
  /** WORK_QUEUE_ITEM. */
  item: Ptr
  /** The IO_WORKITEM around it, 0 for a plain one. */
  ioItem: Ptr
  /** seq of its `work.queued`. */
  cause: number
}

interface Queue {
  type: number
  items: Queued[]
  workers: Worker[]
}

interface Worker {
  thread: Thread
  queue: Queue
  /** Waits for an item. */
  parked: boolean
  /** Item that it works on. */
  item: Queued | null
}

export class WorkQueue {
  private readonly queues = new Map<number, Queue>()
  private readonly workers = new Map<Thread, Worker>()
  private readonly queued = new Map<Ptr, Queued>()
  /** Routines of I/O work items that are queued or at work. */
  private readonly ioRoutines = new Map<Queued, Ptr>()
  /** Threads that wait for such items to be done. */
  private readonly flushing: Thread[] = []

  constructor(private readonly k: Kernel) {}

  // --- queueing ------------------------------------------------------------------------------------

  /**
   * ExQueueWorkItem.
   * @bugcheck 0xE4 parameter 1 = 1 when it is queued already, 6 for a queue that does not exist,
   *   7 for a routine that is none
   */
  queue(item: Ptr, type: number, ioItem: Ptr = 0): void {
    const { k } = this
    const { memory } = k
    const address = memory.address(ioItem || item)
    if (k.memory.pte(item) & PTE.pageable)
      k.verifier.check(
        'VR-MISC-WORKITEM-PAGED',
        true,
        [0x131, address, 0, 0],
        `The work item at ${memory.format(item)} lies in pageable memory.`,
      )
    requireNonpaged(k, item, 'WORK_QUEUE_ITEM')
    if (this.queued.has(item)) {
      const what = `The work item at ${memory.format(ioItem || item)} was queued again before it ran.`
      k.verifier.check('VR-MISC-WORKITEM-DOUBLE', true, [1, address, type, 0], what)
      k.bugCheck(0xe4, 1n, address, type, 0n, what)
    }
    if (!(type in PRIORITIES))
      k.bugCheck(0xe4, 6n, address, type, 0n, `There is no work queue of type ${type}.`)
    atDispatchLevel(k, () => {
      const routine = memory.ptr(
        ioItem ? ioItem + IO_WORKITEM.Routine : item + WORK_QUEUE_ITEM.WorkerRoutine,
      )
      if (memory.isUser(routine))
        k.bugCheck(0xe4, 7n, address, type, 0n, 'The routine of a work item is no kernel address.')
      // Linked to nothing real: drivers only see that it is not NULL while it is queued.
      memory.setPtr(item, item)
      memory.setPtr(item + WORK_QUEUE_ITEM['List.Blink'], item)
      const cause = k.tracing
        ? k.emit({
            t: 'work.queued',
            item: memory.format(ioItem || item),
            routine: k.images.symbol(routine),
          })
        : 0
      const queued: Queued = { item, ioItem, cause }
      this.queued.set(item, queued)
      if (ioItem) this.ioRoutines.set(queued, routine)
      const queue = this.queueOf(type)
      queue.items.push(queued)
      this.dispatch(queue)
    })
  }

  private queueOf(type: number): Queue {
    let queue = this.queues.get(type)
    if (!queue) {
      queue = { type, items: [], workers: [] }
      this.queues.set(type, queue)
    }
    return queue
  }

  /** Give a waiting item to a worker unless one is busy already. */
  private dispatch(queue: Queue): void {
    if (queue.items.length === 0) return
    if (queue.workers.some((worker) => !worker.parked && worker.thread.state !== 'waiting')) return
    const free = queue.workers.find((worker) => worker.parked)
    if (free) {
      free.parked = false
      this.k.dispatcher.release(free.thread, STATUS_SUCCESS, queue.items[0]!.cause)
    } else if (queue.workers.length < WORKERS_MAX) this.createWorker(queue)
  }

  private createWorker(queue: Queue): void {
    const { k } = this
    const name = `${QUEUE_NAMES[queue.type]} worker`
    const options = { process: k.processes.system, name, priority: PRIORITIES[queue.type] ?? 8 }
    // With one worker there the items come later than they could; without any they never would.
    const { scheduler } = k
    const isFirst = queue.workers.length === 0
    const thread = isFirst ? scheduler.createThread(options) : scheduler.tryCreateThread(options)
    if (!thread) return
    const worker: Worker = { thread, queue, parked: false, item: null }
    queue.workers.push(worker)
    this.workers.set(thread, worker)
    k.scheduler.start(thread, this.work(worker), 'nt!ExpWorkerThread')
  }

  /** A thread begins to wait: if it is a worker, another may take its place. Called by the dispatcher. */
  workerBlocks(thread: Thread): void {
    const worker = this.workers.get(thread)
    if (worker && !worker.parked) this.dispatch(worker.queue)
  }

  // --- working -------------------------------------------------------------------------------------

  private *work(worker: Worker): KernelRoutine<void> {
    const { k } = this
    const { queue, thread } = worker
    for (;;) {
      const next = queue.items.shift()
      if (!next) {
        worker.parked = true
        yield* k.dispatcher.park()
        continue
      }
      worker.item = next
      this.queued.delete(next.item)
      thread.cause = next.cause
      if (next.ioItem) {
        yield* this.runIoItem(next.ioItem)
        this.ioItemDone(next)
      } else yield* this.runItem(next.item)
      worker.item = null
      thread.at = null
      thread.cause = 0
    }
  }

  private *runItem(item: Ptr): KernelRoutine<void> {
    const { k } = this
    const { memory } = k
    const { routine, parameter } = atDispatchLevel(k, () => {
      this.unlink(item)
      return {
        routine: memory.ptr(item + WORK_QUEUE_ITEM.WorkerRoutine),
        parameter: memory.ptr(item + WORK_QUEUE_ITEM.Parameter),
      }
    })
    // From here on the item is the driver's again; most routines free it.
    yield* k.call(routine, 'WORKER_THREAD_ROUTINE', [parameter])
    this.checkReturn(routine, parameter, item)
  }

  private *runIoItem(ioItem: Ptr): KernelRoutine<void> {
    const { k } = this
    const { memory } = k
    const { routine, object, context } = atDispatchLevel(k, () => {
      this.unlink(ioItem + IO_WORKITEM.WorkItem)
      return {
        routine: memory.ptr(ioItem + IO_WORKITEM.Routine),
        object: memory.ptr(ioItem + IO_WORKITEM.IoObject),
        context: memory.ptr(ioItem + IO_WORKITEM.Context),
      }
    })
    yield* k.call(routine, 'IO_WORKITEM_ROUTINE', [object, context])
    this.checkReturn(routine, object, ioItem)
    yield* k.ob.dereference(object)
  }

  private unlink(item: Ptr): void {
    const { k } = this
    const { memory } = k
    if (memory.ptr(item) === 0)
      k.bugCheck(
        0x96,
        memory.address(item),
        0n,
        0n,
        memory.address(memory.ptr(item + WORK_QUEUE_ITEM.WorkerRoutine)),
        `The work item at ${memory.format(item)} was changed while it was queued: its links are NULL.`,
      )
    memory.setPtr(item, 0)
  }

  /** A routine that comes back leaves the worker as it found it. */
  private checkReturn(routine: Ptr, parameter: Ptr, item: Ptr): void {
    const { k } = this
    const address = k.memory.address(routine)
    const name = k.images.symbol(routine)
    if (k.irql.level !== PASSIVE_LEVEL) {
      const parameters = [
        address,
        k.irql.level,
        k.memory.address(parameter),
        k.memory.address(item),
      ]
      const what = `The work item routine ${name} returned at IRQL ${k.irql.level}.`
      k.verifier.check('VR-IRQL-RETURN-WORKITEM', true, parameters, what)
      k.irql.lower(PASSIVE_LEVEL, 'worker thread')
    }
    const apcs = kernelApcDisable(k, k.thread)
    const special = specialApcDisable(k, k.thread)
    if (apcs !== 0 || special !== 0)
      k.bugCheck(
        0x01,
        address,
        k.thread.attached ? 1n : 0n,
        BigInt(((special & 0xffff) << 16) | (apcs & 0xffff)) & 0xffff_ffffn,
        1n,
        `The work item routine ${name} returned with APCs disabled: a critical region was not left, or a mutex not released.`,
      )
  }

  // --- questions -----------------------------------------------------------------------------------

  isQueued(item: Ptr): boolean {
    return this.queued.has(item)
  }

  /** A queued item in a range of memory that is about to go away; 0 for none. */
  queuedIn(start: Ptr, end: Ptr): Ptr {
    for (const item of this.queued.keys()) if (item >= start && item < end) return item
    return 0
  }

  /**
   * Routine inside a range (a driver's image) of a plain item that is queued; 0 for none. I/O work
   * items do not count: they keep their driver loaded.
   */
  queuedInto(start: Ptr, end: Ptr): Ptr {
    const { memory } = this.k
    for (const { item, ioItem } of this.queued.values()) {
      if (ioItem) continue
      const routine = memory.ptr(item + WORK_QUEUE_ITEM.WorkerRoutine)
      if (routine >= start && routine < end) return routine
    }
    return 0
  }

  /** Whether an I/O work item with a routine inside a range is queued or at work. */
  private hasIoItemInto(start: Ptr, end: Ptr): boolean {
    for (const routine of this.ioRoutines.values())
      if (routine >= start && routine < end) return true
    return false
  }

  /** Wait until no I/O work item will run code in a range any more. Before an image goes away. */
  *flushIoItems(start: Ptr, end: Ptr): KernelRoutine<void> {
    while (this.hasIoItemInto(start, end)) {
      this.flushing.push(this.k.thread)
      yield* this.k.dispatcher.park()
    }
  }

  private ioItemDone(queued: Queued): void {
    this.ioRoutines.delete(queued)
    for (const thread of this.flushing.splice(0)) this.k.dispatcher.release(thread, STATUS_SUCCESS)
  }

  // --- IO_WORKITEM ---------------------------------------------------------------------------------

  /** IoAllocateWorkItem: 0 when memory is short. The block counts as the driver's. */
  allocateIoItem(object: Ptr): Ptr {
    const item = this.k.pool.allocate(IO_WORKITEM.SIZE, 'IoWi')
    if (item) this.initializeIoItem(item, object)
    return item
  }

  /** IoInitializeWorkItem. */
  initializeIoItem(item: Ptr, object: Ptr): void {
    this.k.memory.fill(item, IO_WORKITEM.SIZE, 0)
    this.k.memory.setPtr(item + IO_WORKITEM.IoObject, object)
  }

  /** IoQueueWorkItem: the device object stays referenced until the routine has returned. */
  queueIoItem(item: Ptr, routine: Ptr, type: number, context: Ptr): void {
    const { k } = this
    const { memory } = k
    if (!this.queued.has(item)) {
      memory.setPtr(item + IO_WORKITEM.Routine, routine)
      memory.setPtr(item + IO_WORKITEM.Context, context)
      memory.setPtr(item + WORK_QUEUE_ITEM.WorkerRoutine, routine)
      memory.setPtr(item + WORK_QUEUE_ITEM.Parameter, item)
    }
    this.queue(item + IO_WORKITEM.WorkItem, type, item)
    k.ob.reference(memory.ptr(item + IO_WORKITEM.IoObject))
  }

  /** IoFreeWorkItem. @bugcheck 0xE4 parameter 1 = 2 while it is queued */
  freeIoItem(item: Ptr): void {
    this.checkFree(item)
    this.k.pool.free(item)
  }

  /** IoUninitializeWorkItem. */
  uninitializeIoItem(item: Ptr): void {
    this.checkFree(item)
  }

  private checkFree(item: Ptr): void {
    const { k } = this
    if (!this.queued.has(item)) return
    const routine = k.memory.ptr(item + IO_WORKITEM.Routine)
    k.bugCheck(
      0xe4,
      2n,
      k.memory.address(item),
      k.memory.address(routine),
      0n,
      `The work item at ${k.memory.format(item)} was freed while it was queued.`,
    )
  }
}
