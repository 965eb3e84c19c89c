/**
 * Words for events, and chains of causes as sentences. `sentence` says what one event was; `why`
 * walks from an event along `cause` to the first one and adds what the pointers alone do not say:
 * the first completion of a packet that is completed again, the free before a use.
 */
import { DISPATCH_LEVEL } from '../nt/irql'
import type { EventOf, TraceEvent, TraceValue } from './event'
import { sayExecutive } from './why-executive'
import { isFilteringEvent } from './fold-filtering'
import { isNetworkEvent } from './fold-network'
import { sayFiltering } from './why-filtering'
import { sayNetwork } from './why-network'
import { sayHardware } from './why-hardware'
import { sayPnp } from './why-pnp'
import {
  deviceWords,
  grouped,
  irqlName,
  leakNoun,
  majorName,
  placeWords,
  plural,
  statusName,
} from './words'

/** What `why` needs to know of a run. */
export interface WhySource {
  event(seq: number): TraceEvent | undefined
  /** Seqs of the events of one packet, oldest first. */
  irp?(irp: number): readonly number[]
  /** Seq of the last `pool.freed` before `seq` of the block that held an address. */
  freed?(address: string, seq: number): number | undefined
}

export interface Reason {
  seq: number
  text: string
}

/** A chain is cut here; nobody reads a longer one. */
const CHAIN_MAX = 40

/**
 * The events that led to `seq`, first cause first and the event itself last, each with a sentence.
 * Empty when there is no such event.
 */
export function why(source: WhySource, seq: number): Reason[] {
  const chain: TraceEvent[] = []
  const seen = new Set<number>()
  for (
    let event = source.event(seq);
    event && !seen.has(event.seq) && chain.length < CHAIN_MAX;
    event = event.cause === undefined ? undefined : source.event(event.cause)
  ) {
    seen.add(event.seq)
    chain.push(event)
  }
  const focus = chain[0]
  if (!focus) return []
  const related = relatedSeqs(source, focus, chain).filter((item) => !seen.has(item))
  for (const item of related) {
    const event = source.event(item)
    if (event) chain.push(event)
  }
  chain.sort((a, b) => a.seq - b.seq)
  return foldHops(chain, seq).map((events) => ({
    seq: events[0]!.seq,
    text: events.length > 1 ? wayWords(events) : withContext(source, events[0]!),
  }))
}

/** The stops of one way between user mode and a driver are one reason, not six. */
function foldHops(chain: readonly TraceEvent[], focus: number): TraceEvent[][] {
  const groups: TraceEvent[][] = []
  for (const event of chain) {
    const last = groups.at(-1)
    if (last && event.t === 'hop' && event.seq !== focus && last[0]!.t === 'hop') last.push(event)
    else groups.push([event])
  }
  return groups
}

function wayWords(events: readonly TraceEvent[]): string {
  const names = events.flatMap((event) => (event.t === 'hop' ? [event.name] : []))
  return `${names[0]} led to ${names.slice(1).join(', ')}.`
}

/** Events that explain the focus though no `cause` leads to them. */
function relatedSeqs(source: WhySource, focus: TraceEvent, chain: readonly TraceEvent[]): number[] {
  if (focus.t === 'bugcheck' || focus.t === 'verifier.stop' || focus.t === 'exception.raised') {
    const related: number[] = []
    const code = focus.t === 'exception.raised' ? 0 : Number(focus.code)
    if (code === 0x44 || focus.t === 'verifier.stop') {
      const irp = nearestIrp(chain)
      if (irp !== undefined) related.push(...completions(source, irp, focus.seq))
    }
    if (LEVEL_STOPS.has(code)) {
      const raise = lastBefore(source, focus.seq, (event) => isRaise(event, focus.thread))
      if (raise !== undefined) related.push(raise)
    }
    if (EXCEPTION_STOPS.has(code)) {
      const raised = lastBefore(source, focus.seq, (event) => event.t === 'exception.raised')
      if (raised !== undefined) related.push(raised)
    }
    const address = focus.t === 'exception.raised' ? focus.address : focus.parameters[0]
    const freed = address === null ? undefined : source.freed?.(address, focus.seq)
    if (freed !== undefined) related.push(freed)
    return related
  }
  if (focus.t === 'irp.completed' || focus.t === 'irp.completion')
    return completions(source, focus.irp, focus.seq)
  return []
}

/** Bug checks that an IRQL above PASSIVE_LEVEL is part of, and those that follow an exception. */
const LEVEL_STOPS = new Set([0x0a, 0xd1, 0x133])
const EXCEPTION_STOPS = new Set([0x1e, 0x3b, 0x7e])

/** How far back `lastBefore` looks. */
const LOOK_BACK_MAX = 2000

function lastBefore(
  source: WhySource,
  seq: number,
  match: (event: TraceEvent) => boolean,
): number | undefined {
  for (let at = seq - 1; at >= Math.max(1, seq - LOOK_BACK_MAX); at--) {
    const event = source.event(at)
    if (event && match(event)) return at
  }
  return undefined
}

function isRaise(event: TraceEvent, thread: number): boolean {
  return (
    event.t === 'irql.changed' &&
    event.thread === thread &&
    event.from < DISPATCH_LEVEL &&
    event.to >= DISPATCH_LEVEL
  )
}

function nearestIrp(chain: readonly TraceEvent[]): number | undefined {
  for (const event of chain) if ('irp' in event && typeof event.irp === 'number') return event.irp
  return undefined
}

function completions(source: WhySource, irp: number, before: number): number[] {
  return (source.irp?.(irp) ?? []).filter(
    (seq) => seq < before && source.event(seq)?.t === 'irp.completed',
  )
}

function withContext(source: WhySource, event: TraceEvent): string {
  if (event.t === 'irp.completed') {
    const first = completions(source, event.irp, event.seq)[0]
    if (first !== undefined) {
      const at = source.event(first)?.at
      const by = at ? ` by ${placeWords(at)}` : ''
      return `${sentence(event)} It was completed at #${first}${by} already, so it belonged to the I/O manager.`
    }
  }
  return sentence(event)
}

/** What an event says, in one sentence without its number. */
export function sentence(event: TraceEvent): string {
  const where = event.at ? ` (${placeWords(event.at)})` : ''
  return `${say(event)}${where}.`
}

function say(event: TraceEvent): string {
  switch (event.t) {
    case 'run.started':
      return `The machine started with ${event.processors ? `${event.processors} processors, ` : ''}seed ${event.seed}${event.verifier.length > 0 ? ` and verifier ${event.verifier.join(', ')}` : ''}`
    case 'machine.rebooted':
      return `The machine started again, for boot ${event.boot}`
    case 'run.ended':
      return `The run ended: ${event.summary.replace(/\.$/, '')}`
    case 'service.created':
      return `The service ${event.name} was registered under ${event.registryPath}`
    case 'image.verified':
      return event.accepted
        ? `The machine's policy let ${event.name}.sys load. ${event.because}`
        : `The machine's policy refused ${event.name}.sys with ${statusName(event.status)}. ${event.because}`
    case 'image.mapped':
      return `${event.name}.sys was mapped at ${event.base}, ${plural(event.size, 'byte')}`
    case 'module.loaded':
      return `${event.path} was loaded at ${event.base} when the machine booted`
    case 'volume.mounted':
      return `The volume ${event.letter} was mounted from ${event.device} with ${plural(event.files.length, 'file')} and folders`
    case 'key.pressed':
      return `The key ${event.key} was pressed, scan code ${event.code}`
    case 'input.delivered':
      return `What was typed reached ${event.name} (${event.to}): ${JSON.stringify(event.text)}`
    case 'file.created':
      return `The ${event.folder ? 'folder' : 'file'} C:${event.path} was made`
    case 'file.written':
      return `C:${event.path} was changed and has ${plural(event.size, 'byte')} now`
    case 'file.renamed':
      return `C:${event.path} was renamed to C:${event.to}`
    case 'file.deleted':
      return `C:${event.path} was deleted`
    case 'image.unmapped':
      return `${event.name}.sys was unmapped`
    case 'driver.loaded':
      return `The load of ${event.name} ended with ${statusName(event.status)}`
    case 'driver.unloaded':
      return `${event.name} was unloaded`
    case 'object.created':
      return `${event.type} object ${event.name ?? event.object} was created`
    case 'object.deleted':
      return `${event.type} object ${event.name ?? event.object} was deleted`
    case 'handle.opened':
      return `Handle ${hex(event.handle)} to ${event.name ?? event.type} was opened`
    case 'handle.closed':
      return `Handle ${hex(event.handle)} was closed`
    case 'device.created':
      return `${event.owner} created ${deviceWords(event.name, event.device)}`
    case 'device.deleted':
      return `${event.owner} deleted ${deviceWords(event.name, event.device)}`
    case 'device.attached':
      return `Device ${event.device} was attached above ${event.target}`
    case 'device.detached':
      return `Device ${event.device} was detached from ${event.target}`
    case 'link.created':
      return `The link ${event.link} to ${event.target} was created`
    case 'link.deleted':
      return `The link ${event.link} was deleted`
    case 'hop':
      return `${event.name} ran in ${event.mode} mode${event.detail ? `: ${event.detail}` : ''}`
    case 'routine.called':
      return `${event.name} was called${event.irp === undefined ? '' : ` with IRP ${event.irp}`}`
    case 'routine.returned':
      return `${event.name} returned${event.result === null ? '' : ` ${resultWords(event.result)}`}`
    case 'ddi.called':
      return `${callerWords(event)}${event.name}(${argumentWords(event)})${event.result === undefined || event.result === null ? '' : ` gave ${resultWords(event.result)}`}`
    case 'ddi.returned':
      return `${event.name} returned${event.result === null ? '' : ` ${resultWords(event.result)}`}`
    case 'irp.created':
      return `The ${event.by} created IRP ${event.irp} for ${majorName(event.major)}${event.ioctl === null ? '' : ` ${event.ioctl}`}`
    case 'irp.sent':
      return `IRP ${event.irp} was sent to ${event.to} for ${deviceWords(event.deviceName, event.device)}`
    case 'irp.pended':
      return `IRP ${event.irp} was marked pending`
    case 'irp.queued':
      return `IRP ${event.irp} was put into ${event.queue}`
    case 'irp.completed':
      return `${event.by} completed IRP ${event.irp} with ${statusName(event.status)}${event.information > 0 ? `, information ${grouped(event.information)}` : ''}`
    case 'irp.completion':
      return `The completion routine of ${event.to} saw IRP ${event.irp} and returned ${statusName(event.result)}`
    case 'irp.cancelled':
      return `IRP ${event.irp} was cancelled${event.routine ? ' and its cancel routine called' : ' without a cancel routine'}`
    case 'irp.finished':
      return `IRP ${event.irp} came back to the application with ${statusName(event.status)}`
    case 'irp.freed':
      return `IRP ${event.irp} was freed`
    case 'pool.allocated':
      return `${plural(event.bytes, 'byte')} of ${event.pool} pool were taken with tag ${event.tag}`
    case 'pool.freed':
      return `${plural(event.bytes, 'byte')} of ${event.pool} pool with tag ${event.tag} were freed`
    case 'irql.changed':
      return `IRQL went from ${irqlName(event.from)} to ${irqlName(event.to)} in ${event.reason}`
    case 'lock.contended':
      return `Processor ${event.cpu} began to spin for the ${event.kind} ${event.lock}`
    case 'lock.acquired':
      return `The ${event.kind} ${event.lock} was acquired`
    case 'lock.released':
      return `The ${event.kind} ${event.lock} was released`
    case 'thread.created':
      return `Thread ${event.id} (${event.name}) was created`
    case 'thread.exited':
      return `Thread ${event.id} ended with ${statusName(event.status)}`
    case 'thread.switched':
      return `The processor went from thread ${event.from} to thread ${event.to}`
    case 'wait.started':
      return `Thread ${event.thread} began to wait for ${plural(event.objects.length, 'object')}${event.timeout === null ? '' : ` with a time limit`}`
    case 'wait.ended':
      return `The wait of thread ${event.thread} ended with ${statusName(event.status)}`
    case 'object.signaled':
      return `${event.type} ${event.object} was signaled`
    case 'dpc.queued':
      return `The DPC ${event.routine} was queued${event.processor === undefined ? '' : ` to processor ${event.processor}`}`
    case 'timer.set':
      return `A timer was set${event.period > 0 ? ' to repeat' : ''}`
    case 'timer.expired':
      return `A timer expired`
    case 'work.queued':
      return `The work item ${event.routine} was queued`
    case 'process.created':
      return `Process ${event.id} (${event.name}) was created`
    case 'process.exited':
      return `Process ${event.name} ended with exit code ${event.exitCode}`
    case 'devnode.arrived':
    case 'devnode.state':
    case 'devnode.problem':
    case 'devnode.removed':
    case 'interface.changed':
    case 'power.system':
    case 'power.device':
      return sayPnp(event)
    case 'registry':
      return `Registry ${event.operation} of ${event.key}${event.value === null ? '' : ` ${event.value}`}: ${statusName(event.status)}`
    case 'dbgprint':
      return `DbgPrint: ${event.text.trimEnd()}`
    case 'stdout':
      return `The program printed: ${event.text.trimEnd()}`
    case 'request.finished':
      return `${event.api} ended with ${statusName(event.status)}`
    case 'exception.raised':
      return `${statusName(event.code)} was raised${event.access === null ? '' : ` by a ${event.access}`}${event.address === null ? '' : ` at ${event.address}`}`
    case 'exception.handled':
      return `${statusName(event.code)} was handled`
    case 'bugcheck':
      return `Bug check ${shortCode(event.code)} ${event.name}`
    case 'verifier.stop':
      return `The verifier stopped the driver: ${event.rule}, ${event.name}`
    case 'verifier.warned':
      return `The verifier warned: ${event.what.replace(/\.$/, '')} (${event.rule})`
    case 'leak.found':
      return `Left behind at unload: ${plural(event.count, leakNoun(event.kind))}${event.tag ? ` with tag ${event.tag}` : ''}${event.name ? ` ${event.name}` : ''}${event.bytes === undefined ? '' : `, ${plural(event.bytes, 'byte')}`}`
    case 'hang.found':
      return `The run hangs: ${event.reason.replace(/\.$/, '')}`
    case 'limit.reached':
      return `A limit was reached: ${event.detail.replace(/\.$/, '')}`
    case 'callback.registered':
    case 'callback.removed':
    case 'access.checked':
    case 'access.stripped':
    case 'privileges.adjusted':
    case 'apc.queued':
    case 'apc.delivered':
    case 'process.attached':
    case 'process.detached':
      return sayExecutive(event)
    default:
      if (isNetworkEvent(event)) return sayNetwork(event)
      return isFilteringEvent(event) ? sayFiltering(event) : sayHardware(event)
  }
}

function callerWords(event: EventOf<'ddi.called'>): string {
  return event.driver === undefined ? '' : `${event.driver} called `
}

function argumentWords(event: EventOf<'ddi.called'>): string {
  return Object.entries(event.args)
    .map(([name, value]) => `${name} ${valueWords(value)}`)
    .join(', ')
}

function resultWords(value: TraceValue): string {
  return typeof value === 'string' && /^0x[0-9A-F]{8}$/i.test(value)
    ? statusName(value)
    : valueWords(value)
}

function valueWords(value: TraceValue): string {
  if (value === null) return 'NULL'
  // Large numbers are flags and codes; small ones are counts.
  if (typeof value === 'number')
    return Number.isInteger(value) && value >= 0x10000 ? hex(value) : String(value)
  return typeof value === 'string' && /\s/.test(value) ? JSON.stringify(value) : String(value)
}

/** `0x00000044` -> `0x44`. */
export function shortCode(code: string): string {
  return `0x${Number(code).toString(16).toUpperCase()}`
}

function hex(value: number): string {
  return `0x${value.toString(16).toUpperCase()}`
}
