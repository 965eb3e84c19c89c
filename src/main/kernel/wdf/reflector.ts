/**
 * The reflector (`\Driver\WUDFRd`): stands in the device stack for a UMDF driver and passes packets to
 * its host process as messages. What a message carries is copied, so nothing of the kernel's is in
 * reach of the host. When the host ends, its packets come back with STATUS_DRIVER_PROCESS_TERMINATED,
 * and another host is started, a few times.
 */
import {
  DO_BUFFERED_IO,
  DO_DEVICE_INITIALIZING,
  FILE_DEVICE_SECURE_OPEN,
  FILE_DEVICE_UNKNOWN,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_DRIVER_PROCESS_TERMINATED,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_NO_SUCH_DEVICE,
  STATUS_PENDING,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { DEVICE_OBJECT, IO_STACK_LOCATION, IRP, KEVENT } from '../../../shared/nt/generated/offsets'
import { hex32 } from '../../../shared/nt/format'
import type { SourcePlace } from '../../../shared/trace/event'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { DevNode } from '../pnp/devnode'
import type { Process } from '../ps/process'
import { NtException } from '../stop'
import { forgetHost, type HostSide } from './framework'
import { captured, deliverAnswer, type Captured } from './host-buffers'
import { hostLife } from './host'
import { finish, forgetWaiting } from './queue'
import { reflections, type Reflection } from './request'

/** Hosts that are started anew for one device before it counts as failed. */
const RESTARTS_MAX = 5
const HOST = 'WUDFHost.exe'
/** SynchronizationEvent: one waiter, who takes the signal with it. */
const SYNCHRONIZATION = 1

/** A UMDF driver that the machine knows: its compiled code. */
export interface UmdfService {
  name: string
  unit: number
  places: ReadonlyMap<string, SourcePlace>
}

/** What the reflector tells its host. */
export type Message = { do: 'io'; irp: Ptr; asked: Captured } | { do: 'remove' }

interface Answer {
  irp: Ptr
  asked: Captured
  status: number
  information: number
  data: Uint8Array | null
}

export class Reflector implements HostSide, Reflection {
  /** Not yet received by the host. */
  readonly messages: Message[] = []
  /** The host waits for this one, the reflector's own thread for the other. */
  readonly arrived: Ptr
  private readonly answered: Ptr
  /** Somebody in the kernel waits for the host to be ready, or to be gone. */
  private readonly settled: Ptr
  private readonly answers: Answer[] = []
  private readonly outstanding = new Map<Ptr, Captured>()
  /** By file object: the host, counted from 1, that was there when it was opened. */
  private readonly files = new Map<Ptr, number>()
  private process: Process | null = null
  private hosts = 0
  private phase: 'starting' | 'serving' | 'leaving' | 'failed' | 'gone' = 'starting'
  private addStatus: number = STATUS_SUCCESS

  constructor(
    readonly k: Kernel,
    private readonly service: UmdfService,
    readonly device: Ptr,
    readonly below: Ptr,
    private readonly node: DevNode,
  ) {
    const event = (): Ptr => {
      const at = k.pool.allocate(KEVENT.SIZE, 'Wudf', { system: true })
      if (at) k.dispatcher.initializeEvent(at, SYNCHRONIZATION, false)
      return at
    }
    this.arrived = event()
    this.answered = event()
    this.settled = event()
  }

  get pdo(): Ptr {
    return this.node.pdo
  }

  // --- the host's life ---------------------------------------------------------------------------

  /** Start the first host and wait until its driver has added the device. @returns the driver's status */
  *begin(): KernelRoutine<number> {
    const { k } = this
    if (!this.arrived || !this.answered || !this.settled) return STATUS_INSUFFICIENT_RESOURCES
    const thread = k.scheduler.createThread({ process: k.processes.system, name: 'WUDFRd worker' })
    thread.cause = k.thread.cause
    k.scheduler.start(thread, this.serve(), 'WUDFRd!RdWorker')
    yield* k.dispatcher.wait([this.settled])
    return this.addStatus
  }

  /** The host's driver has done with EvtDriverDeviceAdd, or did not come that far. */
  added(status: number): void {
    // A later host that fails here ends, and counts as one that ended.
    if (this.phase !== 'starting') return
    this.addStatus = status
    const failed = (status | 0) < 0
    this.phase = failed ? 'leaving' : 'serving'
    if (!failed) this.k.dispatcher.setEvent(this.settled)
  }

  /** The reflector's own thread: starts hosts, completes what they answer, sees them end. */
  private *serve(): KernelRoutine<void> {
    const { k } = this
    while (this.phase !== 'gone' && this.phase !== 'failed') {
      const process = yield* this.launch()
      while (process.exitCode === null) {
        yield* k.dispatcher.wait([this.answered, process.address])
        yield* this.completeAnswers()
      }
      const code = yield* k.programs.exited(process)
      yield* this.ended(process, code)
    }
    k.dispatcher.setEvent(this.settled)
  }

  private *launch(): KernelRoutine<Process> {
    const { k, service } = this
    this.hosts++
    const process = yield* k.programs.startHost(HOST, service, (entry) => hostLife(k, this, entry))
    this.process = process
    k.emit({
      t: 'wdf.host.started',
      host: process.id,
      device: k.memory.format(this.device),
      service: service.name,
      restart: this.hosts - 1,
    })
    return process
  }

  private *ended(process: Process, code: number): KernelRoutine<void> {
    const { k } = this
    const lost = [...this.outstanding.keys()]
    const wasStarting = this.phase === 'starting'
    k.emit({
      t: 'wdf.host.ended',
      host: process.id,
      device: k.memory.format(this.device),
      code: hex32(code),
      lost: lost.map((irp) => k.irps.number(irp)),
      expected: this.phase === 'leaving',
    })
    this.process = null
    if (this.phase === 'leaving') this.phase = 'gone'
    else if (wasStarting) {
      this.addStatus = STATUS_DRIVER_PROCESS_TERMINATED
      this.phase = 'gone'
    } else if (this.hosts > RESTARTS_MAX) this.phase = 'failed'
    forgetHost(k, process)
    this.messages.length = 0
    for (const irp of lost) {
      // Whoever cancels it at this moment finds that it is not there any more.
      forgetWaiting(k, irp)
      k.irps.setCancelRoutine(irp, 0)
      if (this.take(irp)) yield* finish(k, irp, STATUS_DRIVER_PROCESS_TERMINATED)
    }
    if (this.phase !== 'failed') return
    k.emit({
      t: 'wdf.device.failed',
      device: k.memory.format(this.device),
      service: this.service.name,
      restarts: RESTARTS_MAX,
    })
    k.pnp.invalidateState(this.node)
  }

  get isFailed(): boolean {
    return this.phase === 'failed'
  }

  /** The device goes: the host hears of it and ends. */
  *remove(): KernelRoutine<void> {
    const { k } = this
    if (this.phase === 'serving') {
      this.phase = 'leaving'
      this.messages.push({ do: 'remove' })
      k.dispatcher.setEvent(this.arrived)
      // The worker tells when it is through; an older signal may still be there.
      while (!this.isOver) yield* k.dispatcher.wait([this.settled])
    }
    for (const event of [this.arrived, this.answered, this.settled]) if (event) k.pool.free(event)
  }

  private get isOver(): boolean {
    return this.phase === 'gone' || this.phase === 'failed'
  }

  // --- packets ---------------------------------------------------------------------------------

  /** A handle: it is good for the host that is there now, and for no later one. */
  *open(irp: Ptr, file: Ptr): KernelRoutine<number> {
    if (this.phase !== 'serving')
      return yield* finish(this.k, irp, STATUS_DRIVER_PROCESS_TERMINATED)
    this.files.set(file, this.hosts)
    return yield* finish(this.k, irp, STATUS_SUCCESS)
  }

  closed(file: Ptr): void {
    this.files.delete(file)
  }

  /** Send a packet to the host, in the thread that asks. */
  *reflect(irp: Ptr, file: Ptr): KernelRoutine<number> {
    const { k } = this
    const opened = this.files.get(file)
    if (this.phase !== 'serving' || (file && opened !== this.hosts))
      return yield* finish(k, irp, STATUS_DRIVER_PROCESS_TERMINATED)
    let asked: Captured
    try {
      asked = captured(k, irp)
    } catch (error) {
      if (!(error instanceof NtException)) throw error
      return yield* finish(k, irp, error.code)
    }
    k.irps.markPending(irp)
    this.outstanding.set(irp, asked)
    reflections(k).set(irp, this)
    this.messages.push({ do: 'io', irp, asked })
    this.tell('to host', irp, asked.input.length)
    k.dispatcher.setEvent(this.arrived)
    return STATUS_PENDING
  }

  private tell(way: 'to host' | 'from host', irp: Ptr, bytes: number): void {
    const { k } = this
    if (!k.tracing || !this.process) return
    k.emit({ t: 'wdf.message.passed', way, host: this.process.id, irp: k.irps.number(irp), bytes })
  }

  /** Whether the host still owes an answer to a packet. */
  owes(irp: Ptr): boolean {
    return this.outstanding.has(irp)
  }

  /** From now on nobody but the caller completes the packet. */
  private take(irp: Ptr): Captured | undefined {
    const asked = this.outstanding.get(irp)
    this.outstanding.delete(irp)
    reflections(this.k).delete(irp)
    return asked
  }

  /** The host, or the framework for it, is done with a packet. */
  complete(irp: Ptr, status: number, information: number, data: Uint8Array | null): void {
    const asked = this.take(irp)
    if (!asked) return
    this.tell('from host', irp, data?.length ?? 0)
    // The kernel copies as many bytes as it is told of: more than there is room for never leaves a host.
    const most = asked.outputLength || asked.input.length
    this.answers.push({ irp, asked, status, information: Math.min(information, most), data })
    this.k.dispatcher.setEvent(this.answered)
  }

  private *completeAnswers(): KernelRoutine<void> {
    const { k } = this
    for (let next = this.answers.shift(); next; next = this.answers.shift()) {
      const { irp, asked, status, information, data } = next
      if (data) deliverAnswer(k, irp, asked, data)
      k.memory.setU32(irp + IRP['IoStatus.Status'], status)
      k.memory.setSize(irp + IRP['IoStatus.Information'], information)
      yield* k.irps.complete(irp)
    }
  }
}

// --- devices ---------------------------------------------------------------------------------------

const reflectors = new WeakMap<Kernel, Map<Ptr, Reflector>>()

/** The reflectors of a machine, by their devices. */
export function reflectorsOf(k: Kernel): Map<Ptr, Reflector> {
  let found = reflectors.get(k)
  if (!found) reflectors.set(k, (found = new Map()))
  return found
}

/**
 * Put a reflector on top of a device's stack and start the host of its driver.
 * @param driver  driver object of WUDFRd
 * @returns what EvtDriverDeviceAdd returned, or why it was never called
 */
export function* addReflector(
  k: Kernel,
  driver: Ptr,
  node: DevNode,
  service: UmdfService,
): KernelRoutine<number> {
  const { status, device } = k.devices.create({
    driver,
    extensionSize: 0,
    name: null,
    type: FILE_DEVICE_UNKNOWN,
    characteristics: FILE_DEVICE_SECURE_OPEN,
    exclusive: false,
  })
  if (!device) return status
  const below = k.devices.attach(device, node.pdo)
  if (!below) {
    k.devices.delete(device)
    return STATUS_NO_SUCH_DEVICE
  }
  const flags = device + DEVICE_OBJECT.Flags
  k.memory.setU32(flags, (k.memory.u32(flags) | DO_BUFFERED_IO) & ~DO_DEVICE_INITIALIZING)
  const reflector = new Reflector(k, service, device, below, node)
  reflectorsOf(k).set(device, reflector)
  const added = yield* reflector.begin()
  if ((added | 0) < 0) {
    yield* reflector.remove()
    dropReflector(k, reflector)
  }
  return added
}

/** Take a reflector's device out of its stack. */
export function dropReflector(k: Kernel, { device, below }: Reflector): void {
  reflectorsOf(k).delete(device)
  k.devices.detach(below)
  k.devices.delete(device)
}

/** File object of a packet. */
export const fileOf = (k: Kernel, irp: Ptr): Ptr =>
  k.memory.ptr(k.irps.current(irp) + IO_STACK_LOCATION.FileObject)
