/**
 * The way of sockets into the kernel: `\Driver\AFD` with the device `\Device\Afd`, of which Winsock opens a
 * file for each socket and asks by control codes. Below it, in name, `\Driver\Tcpip` with `\Device\Tcp`.
 *
 * Deviations: the codes are Windows' operations with METHOD_BUFFERED (there METHOD_NEITHER), the protocol is
 * in the path of the file (there in extended attributes), and an accepted connection is named by its socket.
 */
import {
  DO_DEVICE_INITIALIZING,
  IPPROTO_TCP,
  IPPROTO_UDP,
} from '../../../shared/nt/generated/constants'
import {
  DEVICE_OBJECT,
  FILE_OBJECT,
  IO_STACK_LOCATION,
  IRP,
  SOCKADDR_IN,
  UNICODE_STRING,
} from '../../../shared/nt/generated/offsets'
import {
  IRP_MJ_CLEANUP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
} from '../../../shared/nt/irp-functions'
import {
  STATUS_CANCELLED,
  STATUS_INVALID_CONNECTION,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_PENDING,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Image } from '../loader/image'
import type { Ptr } from '../mm/memory'
import { assert } from '../stop'
import type { Endpoint } from './endpoint'
import { Network } from './network'
import type { RemoteHost } from './hosts'
import { readPlace, writePlace } from './sockaddr'

export const AFD_DEVICE = '\\Device\\Afd'
const FILE_DEVICE_NETWORK = 0x12
const code = (operation: number): number => (FILE_DEVICE_NETWORK << 12) | (operation << 2)
export const AFD = {
  bind: code(0),
  connect: code(1),
  startListen: code(2),
  waitForListen: code(3),
  accept: code(4),
  receive: code(5),
  send: code(7),
} as const
/** What a wait for a connection gives: the number of its socket, then the address of the other side. */
export const ACCEPTED_BYTES = 4 + SOCKADDR_IN.SIZE

const CURRENT = IRP['Tail.Overlay.CurrentStackLocation']
const BUFFER = IRP['AssociatedIrp.SystemBuffer']
const P = IO_STACK_LOCATION

/** What is to become of a packet; null leaves it pending. */
type Answer = { status: number; information: number } | null
const answer = (status: number, information = 0): Answer => ({ status, information })

/** A packet that asks for something, taken apart. */
interface Request {
  irp: Ptr
  buffer: Ptr
  inputLength: number
  outputLength: number
}

export class Afd {
  readonly network: Network
  /** By FILE_OBJECT. */
  private readonly endpoints = new Map<Ptr, Endpoint>()
  /** Connections that were taken from a backlog and have no file yet, by their sockets' numbers. */
  private readonly accepted = new Map<number, { endpoint: Endpoint; listener: Endpoint }>()
  /** Whose list a packet waits in. */
  private readonly waiting = new Map<Ptr, Ptr[]>()
  private readonly cancelRoutine: Ptr

  constructor(
    private readonly k: Kernel,
    hosts: readonly RemoteHost[] | null,
    images: ReadonlyMap<string, Image> = new Map(),
  ) {
    const image = images.get('afd')
    this.network = new Network(k, hosts)
    this.network.arrived = (endpoint) => this.serve(endpoint)
    this.cancelRoutine = k.images.registerNative(
      'AfdCancelReceive',
      (_: Kernel, args: number[]) => this.cancel(args[1] ?? 0),
      undefined,
      image,
    )
    const major = (work: (location: Ptr, file: Ptr, irp: Ptr) => KernelRoutine<Answer>) =>
      function* (_: Kernel, [, irp = 0]: number[]): KernelRoutine<number> {
        const location = k.memory.ptr(irp + CURRENT)
        const result = yield* work(location, k.memory.ptr(location + P.FileObject), irp)
        if (!result) return STATUS_PENDING
        yield* complete(k, irp, result.status, result.information)
        return result.status
      }
    makeDevice(k, 'Tcpip', '\\Device\\Tcp', images.get('tcpip'), {})
    makeDevice(k, 'AFD', AFD_DEVICE, image, {
      [IRP_MJ_CREATE]: major((_, file) => this.open(file)),
      [IRP_MJ_CLEANUP]: major((_, file) => this.cleanup(file)),
      [IRP_MJ_CLOSE]: major((_, file) => this.close(file)),
      [IRP_MJ_DEVICE_CONTROL]: major((location, file, irp) => this.control(location, file, irp)),
    })
  }

  private *open(file: Ptr): KernelRoutine<Answer> {
    const { memory } = this.k
    const name = file + FILE_OBJECT.FileName
    const path = memory.text16(
      memory.ptr(name + UNICODE_STRING.Buffer),
      memory.u16(name + UNICODE_STRING.Length),
    )
    const protocol = path === '\\Udp' ? IPPROTO_UDP : IPPROTO_TCP
    this.endpoints.set(file, this.network.create(protocol, this.k.thread.process))
    return answer(STATUS_SUCCESS)
  }

  private *cleanup(file: Ptr): KernelRoutine<Answer> {
    const endpoint = this.endpoints.get(file)
    if (endpoint) {
      yield* this.network.close(endpoint)
      // What nobody gave a file is hung up with the socket that listened.
      for (const [id, { endpoint: orphan, listener }] of [...this.accepted])
        if (listener === endpoint) {
          this.accepted.delete(id)
          yield* this.network.close(orphan)
        }
      for (const list of [endpoint.reads, endpoint.accepts])
        for (let irp = this.next(list); irp; irp = this.next(list))
          yield* complete(this.k, irp, STATUS_CANCELLED, 0)
    }
    return answer(STATUS_SUCCESS)
  }

  private *close(file: Ptr): KernelRoutine<Answer> {
    this.endpoints.delete(file)
    return answer(STATUS_SUCCESS)
  }

  private *control(location: Ptr, file: Ptr, irp: Ptr): KernelRoutine<Answer> {
    const { memory } = this.k
    const endpoint = this.endpoints.get(file)
    if (!endpoint) return answer(STATUS_INVALID_DEVICE_REQUEST)
    const request: Request = {
      irp,
      buffer: memory.ptr(irp + BUFFER),
      inputLength: memory.u32(location + P['Parameters.DeviceIoControl.InputBufferLength']),
      outputLength: memory.u32(location + P['Parameters.DeviceIoControl.OutputBufferLength']),
    }
    const needs = { address: SOCKADDR_IN.SIZE, number: 4 }
    switch (memory.u32(location + P['Parameters.DeviceIoControl.IoControlCode'])) {
      case AFD.bind:
        if (request.inputLength < needs.address) return answer(STATUS_INVALID_PARAMETER)
        return answer(this.network.bind(endpoint, readPlace(this.k, request.buffer)))
      case AFD.connect:
        if (request.inputLength < needs.address) return answer(STATUS_INVALID_PARAMETER)
        return answer(yield* this.network.connect(endpoint, readPlace(this.k, request.buffer)))
      case AFD.startListen:
        if (request.inputLength < needs.number) return answer(STATUS_INVALID_PARAMETER)
        return answer(this.network.listen(endpoint, memory.i32(request.buffer)))
      case AFD.waitForListen:
        if (!endpoint.backlog || request.outputLength < ACCEPTED_BYTES)
          return answer(STATUS_INVALID_PARAMETER)
        return this.giveConnection(endpoint, request) ?? this.pend(irp, endpoint.accepts)
      case AFD.accept:
        if (request.inputLength < needs.number) return answer(STATUS_INVALID_PARAMETER)
        return answer(this.adopt(file, memory.u32(request.buffer)))
      case AFD.send: {
        const bytes = request.inputLength
          ? memory.read(request.buffer, request.inputLength).slice()
          : new Uint8Array(0)
        const status = yield* this.network.send(endpoint, bytes)
        return answer(status, status === STATUS_SUCCESS ? bytes.length : 0)
      }
      case AFD.receive:
        if (!endpoint.remote) return answer(STATUS_INVALID_CONNECTION)
        yield* this.untilDue(endpoint)
        return this.giveBytes(endpoint, request) ?? this.pend(irp, endpoint.reads)
      default:
        return answer(STATUS_INVALID_DEVICE_REQUEST)
    }
  }

  /** What is under way from a host takes its time. */
  private *untilDue({ inbox }: Endpoint): KernelRoutine<void> {
    const left = (inbox[0]?.tick ?? 0) - this.k.tick
    if (left > 0) yield* this.k.dispatcher.delay(BigInt(-left))
  }

  private giveBytes(endpoint: Endpoint, { buffer, outputLength }: Request): Answer {
    const bytes = this.network.take(endpoint, outputLength)
    if (!bytes) return null
    if (bytes.length > 0) this.k.memory.write(buffer, bytes)
    return answer(STATUS_SUCCESS, bytes.length)
  }

  private giveConnection(listener: Endpoint, { buffer }: Request): Answer {
    const endpoint = this.network.accept(listener)
    if (!endpoint) return null
    this.accepted.set(endpoint.id, { endpoint, listener })
    this.k.memory.setU32(buffer, endpoint.id)
    if (endpoint.remote) writePlace(this.k, buffer + 4, endpoint.remote)
    return answer(STATUS_SUCCESS, ACCEPTED_BYTES)
  }

  /** A fresh file becomes the socket of an accepted connection. */
  private adopt(file: Ptr, id: number): number {
    const endpoint = this.accepted.get(id)?.endpoint
    // A file whose socket is in use would take that one's port and packets along.
    if (!endpoint || this.endpoints.get(file)?.local) return STATUS_INVALID_PARAMETER
    this.accepted.delete(id)
    this.endpoints.set(file, endpoint)
    return STATUS_SUCCESS
  }

  // --- packets that wait ---------------------------------------------------------------------------

  private pend(irp: Ptr, list: Ptr[]): Answer {
    const { k } = this
    k.irps.markPending(irp)
    list.push(irp)
    this.waiting.set(irp, list)
    k.irps.setCancelRoutine(irp, this.cancelRoutine)
    // Cancelled on its way here: nobody called the routine, and nobody will.
    if (k.memory.u8(irp + IRP.Cancel) !== 0 && k.irps.setCancelRoutine(irp, 0) !== 0) {
      this.forget(irp)
      return answer(STATUS_CANCELLED)
    }
    return null
  }

  private forget(irp: Ptr): void {
    const list = this.waiting.get(irp)
    this.waiting.delete(irp)
    const at = list?.indexOf(irp) ?? -1
    if (at >= 0) list?.splice(at, 1)
  }

  /** The packet that has waited longest; 0 when none is left that nobody cancels. */
  private next(list: Ptr[]): Ptr {
    for (;;) {
      const irp = list.shift()
      if (irp === undefined) return 0
      this.waiting.delete(irp)
      if (this.k.irps.setCancelRoutine(irp, 0) !== 0) return irp
    }
  }

  /** A socket has got something: whoever waits for it gets it. */
  private *serve(endpoint: Endpoint): KernelRoutine<void> {
    const { k } = this
    const take = function* (
      list: Ptr[],
      next: (list: Ptr[]) => Ptr,
      isReady: () => boolean,
      give: (request: Request) => Answer,
    ): KernelRoutine<void> {
      while (list.length > 0 && isReady()) {
        const irp = next(list)
        if (!irp) return
        const location = k.memory.ptr(irp + CURRENT)
        const result = give({
          irp,
          buffer: k.memory.ptr(irp + BUFFER),
          inputLength: 0,
          outputLength: k.memory.u32(location + P['Parameters.DeviceIoControl.OutputBufferLength']),
        })
        yield* complete(k, irp, result?.status ?? STATUS_CANCELLED, result?.information ?? 0)
      }
    }
    const next = (list: Ptr[]): Ptr => this.next(list)
    yield* take(
      endpoint.accepts,
      next,
      () => (endpoint.backlog?.length ?? 0) > 0,
      (request) => this.giveConnection(endpoint, request),
    )
    yield* take(
      endpoint.reads,
      next,
      () => endpoint.inbox.length > 0 || endpoint.isOver,
      (request) => this.giveBytes(endpoint, request),
    )
  }

  private *cancel(irp: Ptr): KernelRoutine<void> {
    const { k } = this
    this.forget(irp)
    k.irps.releaseCancelLock(k.memory.u8(irp + IRP.CancelIrql))
    yield* complete(k, irp, STATUS_CANCELLED, 0)
  }
}

function* complete(k: Kernel, irp: Ptr, status: number, information: number): KernelRoutine<void> {
  k.memory.setU32(irp + IRP['IoStatus.Status'], status)
  k.memory.setSize(irp + IRP['IoStatus.Information'], information)
  yield* k.irps.complete(irp)
}

function makeDevice(
  k: Kernel,
  driverName: string,
  name: string,
  image: Image | undefined,
  majors: Parameters<Kernel['loader']['createBuiltin']>[1],
): void {
  const driver = k.loader.createBuiltin(driverName, majors, { image })
  const { device } = k.devices.create({
    driver,
    extensionSize: 0,
    name,
    type: FILE_DEVICE_NETWORK,
    characteristics: 0,
    exclusive: false,
  })
  assert(device !== 0, `no memory for ${name}`)
  const flags = device + DEVICE_OBJECT.Flags
  k.memory.setU32(flags, k.memory.u32(flags) & ~DO_DEVICE_INITIALIZING)
}

const machines = new WeakMap<Kernel, Afd>()

/** The sockets of a machine. A bare one gets them when a program first asks for a socket. */
export function afdOf(k: Kernel): Afd {
  let found = machines.get(k)
  if (!found) machines.set(k, (found = new Afd(k, null)))
  return found
}

/** Boot: the network with the hosts that can be reached. */
export function startNetwork(
  k: Kernel,
  hosts: readonly RemoteHost[],
  images: ReadonlyMap<string, Image>,
): Afd {
  const afd = new Afd(k, hosts, images)
  machines.set(k, afd)
  return afd
}
