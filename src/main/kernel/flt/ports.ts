/**
 * Communication ports: the way between a minifilter and its service in user mode. A port has a name;
 * a program that connects to it gets a handle, and both sides can send messages.
 */
import { EVENT_ALL_ACCESS, NotificationEvent } from '../../../shared/nt/generated/constants'
import {
  STATUS_BUFFER_OVERFLOW,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_OBJECT_NAME_COLLISION,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_PORT_DISCONNECTED,
  STATUS_SUCCESS,
  STATUS_TIMEOUT,
} from '../../../shared/nt/generated/ntstatus'
import { KEVENT } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { KObject } from '../ob/kobject'
import { upcase } from '../rtl/upcase'

const STATUS_CONNECTION_COUNT_LIMIT = 0xc000_0246
const OBJECT_BYTES = 0x40

/** What FltCreateCommunicationPort made. */
export interface ServerPort {
  address: Ptr
  filter: Ptr
  name: string
  cookie: Ptr
  connect: Ptr
  disconnect: Ptr
  message: Ptr
  connectionsMax: number
  /** Programs that are connected; they stay so when the port itself is closed. */
  connections: number
}

/** A program that is connected. */
export interface Client {
  server: ServerPort
  /** FLT_PORT that the driver knows it by; 0 once it has closed it. */
  address: Ptr
  /** What the driver gave it in the connect callback. */
  cookie: Ptr
  /** What its handle leads to; signalled while there is a message, and for good at the end. */
  object: KObject
  inbox: Message[]
  waiting: Map<bigint, Message>
  /** Messages pass. */
  isConnected: boolean
  /** The driver was told of the end. */
  isOver: boolean
}

interface Message {
  id: bigint
  bytes: Uint8Array
  replyMax: number
  reply: Uint8Array | null
  /** It was taken and, if an answer was asked for, answered. */
  isDone: boolean
  /** Event that the sender waits for. */
  done: Ptr
}

export class Ports {
  /** Those that can be connected to, by name. */
  private readonly servers = new Map<string, ServerPort>()
  /** By FLT_PORT. */
  private readonly clients = new Map<Ptr, Client>()
  private readonly byObject = new Map<KObject, Client>()
  private lastMessage = 0n

  constructor(private readonly k: Kernel) {}

  create(port: Omit<ServerPort, 'address' | 'connections'>): ServerPort | number {
    const key = upcase(port.name)
    if (this.servers.has(key)) return STATUS_OBJECT_NAME_COLLISION
    const address = this.k.pool.allocate(OBJECT_BYTES, 'FMsp', { system: true })
    if (!address) return STATUS_INSUFFICIENT_RESOURCES
    const server = { ...port, address, connections: 0 }
    this.servers.set(key, server)
    return server
  }

  /** FltCloseCommunicationPort: nobody can connect any more; those who are stay. */
  close(address: Ptr): void {
    for (const [key, server] of this.servers)
      if (server.address === address) {
        this.servers.delete(key)
        this.k.pool.free(address)
      }
  }

  /** The filter goes: its ports with all who are connected to them, also to one that was closed before. */
  *closeAll(filter: Ptr): KernelRoutine<void> {
    for (const client of [...this.byObject.values()])
      if (client.server.filter === filter) yield* this.end(client)
    for (const server of [...this.servers.values()])
      if (server.filter === filter) this.close(server.address)
  }

  client(address: Ptr): Client | undefined {
    return this.clients.get(address)
  }

  clientOf(object: KObject | null): Client | undefined {
    return object ? this.byObject.get(object) : undefined
  }

  /** FilterConnectCommunicationPort. */
  *connect(name: string, context: Uint8Array): KernelRoutine<{ status: number; handle: number }> {
    const { k } = this
    const none = (status: number): { status: number; handle: number } => ({ status, handle: 0 })
    const server = this.servers.get(upcase(name))
    if (!server) return none(STATUS_OBJECT_NAME_NOT_FOUND)
    if (server.connections >= server.connectionsMax) return none(STATUS_CONNECTION_COUNT_LIMIT)
    const client = this.makeClient(server, context)
    if (typeof client === 'number') return none(client)
    const { address, object } = client
    server.connections++
    const status = yield* k.call(server.connect, 'FLT_CONNECT_NOTIFY', [
      address,
      server.cookie,
      context.length ? address + OBJECT_BYTES : 0,
      context.length,
      address,
    ])
    // Refused, or ended by the callback itself with FltCloseClientPort.
    if ((status | 0) < 0 || !client.isConnected) {
      server.connections--
      this.shut(client)
      this.byObject.delete(object)
      yield* k.ob.dereference(object.address)
      return none((status | 0) < 0 ? status : STATUS_PORT_DISCONNECTED)
    }
    client.cookie = k.memory.ptr(address)
    this.tell('minifilter.connected', client)
    const handle = k.ob.openHandle(object, EVENT_ALL_ACCESS)
    yield* k.ob.dereference(object.address)
    return { status, handle }
  }

  private makeClient(server: ServerPort, context: Uint8Array): Client | number {
    const { k } = this
    const address = k.pool.allocate(OBJECT_BYTES + context.length, 'FMcp', { system: true })
    if (!address) return STATUS_INSUFFICIENT_RESOURCES
    const object = k.ob.create('Event', KEVENT.SIZE, {
      onLastHandleClosed: () => this.end(client),
      onDelete: (deleted) => void this.byObject.delete(deleted),
    })
    if (typeof object === 'number') {
      k.pool.free(address)
      return object
    }
    k.dispatcher.initializeEvent(object.address, NotificationEvent, false)
    k.memory.write(address + OBJECT_BYTES, context)
    const client: Client = {
      server,
      address,
      cookie: 0,
      object,
      inbox: [],
      waiting: new Map(),
      isConnected: true,
      isOver: false,
    }
    this.clients.set(address, client)
    this.byObject.set(object, client)
    return client
  }

  /** FltCloseClientPort: no message passes any more. The handle of the program stays until it closes it. */
  closeClient(address: Ptr): void {
    const client = this.clients.get(address)
    if (client) this.shut(client)
  }

  /** Cut the line: who waits on either side is told STATUS_PORT_DISCONNECTED. */
  private shut(client: Client): void {
    const { k } = this
    if (client.address) {
      this.clients.delete(client.address)
      k.pool.free(client.address)
      client.address = 0
    }
    if (!client.isConnected) return
    client.isConnected = false
    for (const message of [...client.inbox, ...client.waiting.values()])
      k.dispatcher.setEvent(message.done)
    k.dispatcher.setEvent(client.object.address)
  }

  /** The program has closed its handle or the filter goes: tell the driver, once, and cut the line. */
  private *end(client: Client): KernelRoutine<void> {
    if (client.isOver) return
    client.isOver = true
    this.tell('minifilter.disconnected', client)
    const { server } = client
    server.connections--
    if (server.disconnect)
      yield* this.k.call(server.disconnect, 'FLT_DISCONNECT_NOTIFY', [client.cookie])
    this.shut(client)
  }

  /** `client` is named by its object, which is there from the beginning to the end. */
  private tell(
    t: 'minifilter.connected' | 'minifilter.disconnected',
    { server, object }: Client,
  ): void {
    const { k } = this
    if (!k.tracing) return
    const [filter, client] = [k.memory.format(server.filter), k.memory.format(object.address)]
    k.emit({ t, filter, port: server.name, client })
  }

  /**
   * FltSendMessage: wait until the program has taken the message and, with `replyMax`, has answered.
   * @param timeout  as of KeWaitForSingleObject; null waits as long as it takes
   */
  *send(
    client: Client,
    bytes: Uint8Array,
    replyMax: number,
    timeout: bigint | null,
  ): KernelRoutine<{ status: number; reply: Uint8Array }> {
    const { k } = this
    const none = (status: number): { status: number; reply: Uint8Array } => ({
      status,
      reply: new Uint8Array(0),
    })
    if (!client.isConnected) return none(STATUS_PORT_DISCONNECTED)
    const done = k.pool.allocate(KEVENT.SIZE, 'FMms', { system: true })
    if (!done) return none(STATUS_INSUFFICIENT_RESOURCES)
    k.dispatcher.initializeEvent(done, NotificationEvent, false)
    const id = ++this.lastMessage
    const message: Message = { id, bytes, replyMax, reply: null, isDone: false, done }
    client.inbox.push(message)
    k.dispatcher.setEvent(client.object.address)
    const waited = yield* k.dispatcher.wait([done], { timeout })
    client.inbox = client.inbox.filter((other) => other !== message)
    client.waiting.delete(message.id)
    k.pool.free(done)
    if (!message.isDone)
      return none(waited === STATUS_TIMEOUT ? STATUS_TIMEOUT : STATUS_PORT_DISCONNECTED)
    const reply = message.reply ?? new Uint8Array(0)
    return reply.length > replyMax
      ? { status: STATUS_BUFFER_OVERFLOW, reply: reply.subarray(0, replyMax) }
      : { status: STATUS_SUCCESS, reply }
  }

  /** FilterGetMessage: the next message, waited for; null when there will be none. */
  *take(client: Client): KernelRoutine<Message | null> {
    const { k } = this
    while (client.isConnected) {
      const message = client.inbox.shift()
      if (message) {
        if (message.replyMax > 0) client.waiting.set(message.id, message)
        else this.done(message)
        return message
      }
      k.dispatcher.resetEvent(client.object.address)
      yield* k.dispatcher.wait([client.object.address], { mode: 1 })
    }
    return null
  }

  /** FilterReplyMessage; false when nobody waits for this answer. */
  reply(client: Client, id: bigint, bytes: Uint8Array): boolean {
    const message = client.waiting.get(id)
    if (!message) return false
    client.waiting.delete(id)
    message.reply = bytes
    this.done(message)
    return true
  }

  private done(message: Message): void {
    message.isDone = true
    this.k.dispatcher.setEvent(message.done)
  }
}
