/** The way of one packet as a sequence picture: who hands it to whom, in order. */
import type { TraceEvent } from '../../../../shared/trace/event'
import { majorName, plural, statusName } from '../../../../shared/trace/words'

export type Actor = 'application' | 'I/O manager' | (string & {})

export interface Message {
  seq: number
  from: Actor
  to: Actor
  /**
   * `down` solid: the packet goes down; `up` double: completion; `return` thin and dotted: a dispatch
   * routine returns; `cancel` dashed; `again` a completion of a packet that was complete already;
   * `note` something that happens in one place.
   */
  kind: 'down' | 'up' | 'return' | 'cancel' | 'again' | 'note'
  label: string
  detail: string
}

export interface Sequence {
  actors: Actor[]
  messages: Message[]
}

const APP = 'application'
const IO = 'I/O manager'

/** A completion that ended the machine: it left no event of the packet, only the bug check. */
export interface DeadlyCompletion {
  /** Seq of the bug check. */
  seq: number
  /** Seq of the completion that came first. */
  firstSeq: number
}

/**
 * Build the picture from the events of one packet.
 * @param deadly  the second completion that the run stopped at, of whatever packet it was
 */
export function sequenceOf(
  events: readonly TraceEvent[],
  deadly: DeadlyCompletion | null = null,
): Sequence {
  const drivers: Actor[] = []
  const messages: Message[] = []
  let completed = 0
  const meet = (name: Actor): Actor => {
    if (name !== APP && name !== IO && !drivers.includes(name)) drivers.push(name)
    return name
  }
  const add = (
    event: TraceEvent,
    kind: Message['kind'],
    from: Actor,
    to: Actor,
    label: string,
    detail = '',
  ): void => {
    messages.push({ seq: event.seq, kind, from: meet(from), to: meet(to), label, detail })
  }
  let holder: Actor = IO

  for (const event of events) {
    switch (event.t) {
      case 'irp.created': {
        const what = `${majorName(event.major).replace('IRP_MJ_', '')}${event.ioctl === null ? '' : ` ${event.ioctl}`}`
        if (event.by === 'I/O manager')
          add(event, 'down', APP, IO, what, plural(event.inputLength, 'byte in', 'bytes in'))
        else add(event, 'note', event.driver ?? IO, event.driver ?? IO, `makes IRP ${event.irp}`)
        holder = event.by === 'I/O manager' ? IO : (event.driver ?? IO)
        break
      }
      case 'irp.sent': {
        const from = event.driver ?? holder
        add(
          event,
          'down',
          from === event.to ? IO : from,
          event.to,
          `IRP ${event.irp}`,
          `stack location ${event.location}`,
        )
        holder = event.to
        break
      }
      case 'irp.pended':
        add(event, 'note', event.driver ?? holder, event.driver ?? holder, 'pending')
        break
      case 'irp.queued':
        add(
          event,
          'note',
          event.driver ?? holder,
          event.driver ?? holder,
          `queued in ${event.queue}`,
        )
        break
      case 'irp.completed':
        completed++
        if (completed === 1) add(event, 'up', event.by, IO, statusName(event.status), 'completion')
        else
          add(event, 'again', event.by, IO, `${statusName(event.status)} again`, 'completed before')
        break
      case 'irp.completion':
        add(event, 'up', IO, event.to, 'completion routine', statusName(event.result))
        if (statusName(event.result) === 'STATUS_MORE_PROCESSING_REQUIRED') completed = 0
        break
      case 'irp.cancelled':
        add(
          event,
          'cancel',
          IO,
          holder,
          'cancel',
          event.routine ? 'cancel routine called' : 'no cancel routine',
        )
        break
      case 'irp.finished':
        add(event, 'up', IO, APP, statusName(event.status), plural(event.information, 'byte'))
        break
      case 'routine.returned':
        if (event.kind === 'dispatch' && event.driver !== undefined)
          add(
            event,
            'return',
            event.driver,
            callerOf(messages, event.driver),
            typeof event.result === 'string' ? `returns ${statusName(event.result)}` : 'returns',
          )
        break
    }
  }
  const first = deadly && messages.find((message) => message.seq === deadly.firstSeq)
  if (first && !messages.some((message) => message.kind === 'again'))
    messages.push({
      seq: deadly.seq,
      from: first.from,
      to: IO,
      kind: 'again',
      label: 'completed again',
      detail: 'bug check 0x44',
    })
  return { actors: [APP, IO, ...drivers], messages }
}

/** Who sent the packet to a driver: a dispatch routine returns to there. */
function callerOf(messages: readonly Message[], driver: Actor): Actor {
  return (
    messages.findLast((message) => message.kind === 'down' && message.to === driver)?.from ?? IO
  )
}
