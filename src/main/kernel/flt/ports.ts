/**
 * Communication ports: the way between a minifilter and its service in user mode. A port has a name;
 * a program that connects to it gets a handle, and both sides can send messages.
 */
import { EVENT_ALL_ACCESS } from '../../../shared/nt/generated/constants'
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
  clients: Client[]
}

/** A program that is connected. */
export interface Client {
  server: ServerPort
  /** FLT_PORT that the driver knows it by. */
  address: Ptr
  /** What the driver gave it in the connect callback. */
  cookie: Ptr
  /** What its handle leads to; signalled when a message comes. */
  object: KObject
  inbox: Message[]
  waiting: Map<bigint, Message>
}

interface Message {
  id: bigint
  bytes: Uint8Array
  replyMax: number
  reply: Uint8Array | null
  /** Event that the sender waits for. */
  done: Ptr
}

export class Ports {
  private readonly servers = new Map<string, ServerPort>()
  private lastMessage = 0n

  constructor(private readonly k: Kernel) {}

  create(port: Omit<ServerPort, 'address' | 'clients'>): ServerPort | number {
    const key = upcase(port.name)
    if (this.servers.has(key)) return STATUS_OBJECT_NAME_COLLISION
    const address = this.k.pool.allocate(OBJECT_BYTES, 'FMsp', { system: true })
    if (!address) return STATUS_INSUFFICIENT_RESOURCES
    const server = { ...port, address, clients: [] }
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

  *closeAll(filter: Ptr): KernelRoutine<void> {
    for (const server of [...this.servers.values()]) {
      if (server.filter !== filter) continue
      for (const client of [...server.clients]) yield* this.disconnect(client)
      this.close(server.address)
    }
  }

  client(address: Ptr): Client | undefined {
    for (const server of this.servers.values())
      for (const client of server.clients) if (client.address === address) return client
    return undefined
  }

  clientOf(object: KObject | null): Client | undefined {
    for (const server of this.servers.values())
      for (const client of server.clients) if (client.object === object) return client
    return undefined
  }

  /** FilterConnectCommunicationPort. */
  *connect(name: string, context: Uint8Array): KernelRoutine<{ status: number; handle: number }> {
    const { k } = this
    const none = (status: number): { status: number; handle: number } => ({ status, handle: 0 })
    const server = this.servers.get(upcase(name))
    if (!server) return none(STATUS_OBJECT_NAME_NOT_FOUND)
    if (server.clients.length >= server.connectionsMax) return none(STATUS_CONNECTION_COUNT_LIMIT)
    const address = k.pool.allocate(OBJECT_BYTES + context.length, 'FMcp', { system: true })
    if (!address) return none(STATUS_INSUFFICIENT_RESOURCES)
    let client: Client | null = null
    const object = k.ob.create('Event', KEVENT.SIZE, {
      onDelete: () => (client ? this.disconnect(client) : undefined),
    })
    if (typeof object === 'number') {
      k.pool.free(address)
      return none(object)
    }
    k.dispatcher.initializeEvent(object.address, 1, false)
    k.memory.write(address + OBJECT_BYTES, context)
    const status = yield* k.call(server.connect, 'FLT_CONNECT_NOTIFY', [
      address,
      server.cookie,
      context.length ? address + OBJECT_BYTES : 0,
      context.length,
      address,
    ])
    if ((status | 0) < 0) {
      yield* k.ob.dereference(object.address)
      k.pool.free(address)
      return none(status)
    }
    const cookie = k.memory.ptr(address)
    client = { server, address, cookie, object, inbox: [], waiting: new Map() }
    server.clients.push(client)
    const handle = k.ob.openHandle(object, EVENT_ALL_ACCESS)
    yield* k.ob.dereference(object.address)
    return handle ? { status, handle } : none(STATUS_INSUFFICIENT_RESOURCES)
  }

  /** One side is gone: senders that wait get STATUS_PORT_DISCONNECTED. */
  *disconnect(client: Client): KernelRoutine<void> {
    const { k } = this
    const at = client.server.clients.indexOf(client)
    if (at < 0) return
    client.server.clients.splice(at, 1)
    for (const message of [...client.inbox, ...client.waiting.values()])
      k.dispatcher.setEvent(message.done)
    if (client.server.disconnect)
      yield* k.call(client.server.disconnect, 'FLT_DISCONNECT_NOTIFY', [client.cookie])
    k.pool.free(client.address)
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
    const done = k.pool.allocate(KEVENT.SIZE, 'FMms', { system: true })
    if (!done) return none(STATUS_INSUFFICIENT_RESOURCES)
    k.dispatcher.initializeEvent(done, 0, false)
    const message: Message = { id: ++this.lastMessage, bytes, replyMax, reply: null, done }
    client.inbox.push(message)
    k.dispatcher.setEvent(client.object.address)
    const waited = yield* k.dispatcher.wait([done], { timeout })
    client.inbox = client.inbox.filter((other) => other !== message)
    client.waiting.delete(message.id)
    k.pool.free(done)
    if (waited === STATUS_TIMEOUT) return none(STATUS_TIMEOUT)
    if (!client.server.clients.includes(client)) return none(STATUS_PORT_DISCONNECTED)
    const reply = message.reply ?? new Uint8Array(0)
    return reply.length > replyMax
      ? { status: STATUS_BUFFER_OVERFLOW, reply: reply.subarray(0, replyMax) }
      : { status: STATUS_SUCCESS, reply }
  }

  /** FilterGetMessage: the next message, waited for. */
  *take(client: Client): KernelRoutine<Message | null> {
    const { k } = this
    while (client.inbox.length === 0) {
      if (!client.server.clients.includes(client)) return null
      yield* k.dispatcher.wait([client.object.address], { mode: 1 })
    }
    const message = client.inbox.shift()!
    if (message.replyMax > 0) client.waiting.set(message.id, message)
    else k.dispatcher.setEvent(message.done)
    return message
  }

  /** FilterReplyMessage; false when nobody waits for this answer. */
  reply(client: Client, id: bigint, bytes: Uint8Array): boolean {
    const message = client.waiting.get(id)
    if (!message) return false
    client.waiting.delete(id)
    message.reply = bytes
    this.k.dispatcher.setEvent(message.done)
    return true
  }
}
