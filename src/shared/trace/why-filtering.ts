/** Sentences for what minifilters, the filtering platform and the driver framework tell. */
import type { EventOf } from './event'
import type { FilteringEventBody } from './event-filtering'
import { IRP_MJ_PNP, IRP_MJ_POWER, minorName } from '../nt/irp-functions'
import { majorName, statusName } from './words'

type SaidHere = EventOf<FilteringEventBody['t']>

const status = (value: string | null): string => (value === null ? '' : `, ${statusName(value)}`)

function minorOrMajor({ major, minor }: { major: number; minor: number }): string {
  return major === IRP_MJ_PNP || major === IRP_MJ_POWER ? minorName(major, minor) : majorName(major)
}

/** One sentence, without a full stop. */
export function sayFiltering(event: SaidHere): string {
  switch (event.t) {
    case 'minifilter.registered':
      return `${event.name} registered a minifilter at altitude ${event.altitude}`
    case 'minifilter.started':
      return `The minifilter ${event.name} started filtering`
    case 'minifilter.attached':
      return `The minifilter ${event.name} was attached to ${event.volume}`
    case 'minifilter.removed':
      return `The minifilter ${event.name} was removed`
    case 'minifilter.called':
      return `${event.routine} ${event.phase === 'pre' ? 'was asked before' : 'was told after'} ${majorName(event.operation)} of ${event.file || 'the volume'}: ${event.result}${status(event.status)}${event.changed ? '; it changed what the caller gets' : ''}`
    case 'minifilter.connected':
      return `A program connected to the port ${event.port}`
    case 'minifilter.disconnected':
      return `The connection to the port ${event.port} ended`
    case 'wfp.callout.registered':
      return `${event.routine} was registered as callout ${event.callout}`
    case 'wfp.callout.unregistered':
      return `The callout ${event.callout} was unregistered`
    case 'wfp.callout.added':
      return `The callout ${event.callout} was added to ${event.layer}`
    case 'wfp.callout.removed':
      return `The callout ${event.callout} was taken out of the filter engine`
    case 'wfp.sublayer.removed':
      return `The sublayer ${event.sublayer} was removed`
    case 'wfp.transaction':
      return `A transaction of the filter engine was ${event.did === 'began' ? 'begun' : event.did}`
    case 'wfp.redirected':
      return `${event.routine ?? event.filter} redirected the connection of ${event.program} to ${event.remote}: it leads to ${event.to}`
    case 'wfp.sublayer.added':
      return `The sublayer ${event.sublayer} was added with weight ${event.weight}`
    case 'wfp.filter.added':
      return `Filter ${event.filter} was added to ${event.layer}: ${event.action}${event.conditions.length ? ` where ${event.conditions.join(' and ')}` : ''}`
    case 'wfp.filter.removed':
      return `Filter ${event.filter} was removed`
    case 'wfp.classified':
      return `${event.routine === null ? `Filter ${event.filter}` : event.routine} said ${event.action} to ${event.protocol} ${event.local} to ${event.remote} of ${event.program}`
    case 'wfp.pended':
      return `The callout ${event.callout} keeps the connection to ${event.remote} waiting`
    case 'wfp.completed':
      return `The connection to ${event.remote} goes on`
    case 'wfp.decided':
      return `${event.protocol} ${event.local} to ${event.remote} was ${event.allowed ? 'permitted' : 'blocked'} at ${event.layer}`
    case 'wdf.object.created':
      return `The framework made a ${event.kind} object`
    case 'wdf.object.deleted':
      return `The framework deleted a ${event.kind} object${event.withParent ? ' with its parent' : ''}`
    case 'wdf.irp.handled':
      return `The framework ${event.how === 'completed' ? 'completed' : 'passed down'} IRP ${event.irp}, ${minorOrMajor(event)}, for the driver`
    case 'wdf.host.started':
      return `WUDFHost.exe (process ${event.host}) was started for the driver ${event.service}${event.restart ? `, restart ${event.restart}` : ''}`
    case 'wdf.host.ended':
      return `The host process ${event.host} ended with ${statusName(event.code)}${event.lost.length ? `; IRP ${event.lost.join(', ')} was with it` : ''}`
    case 'wdf.message.passed':
      return event.way === 'to host'
        ? `The reflector sent IRP ${event.irp} to process ${event.host} as a message with ${event.bytes} bytes`
        : `Process ${event.host} answered for IRP ${event.irp} with ${event.bytes} bytes`
    case 'wdf.device.failed':
      return `The device of ${event.service} failed: its host ended after ${event.restarts} restarts`
    case 'wdf.queue.created':
      return `A ${event.dispatch} queue was made${event.isDefault ? ' for all requests of its device' : ''}`
    case 'wdf.queue.purged':
      return `The queue ${event.queue} was purged: it takes no more requests`
    case 'wdf.queue.deleted':
      return `The queue ${event.queue} was deleted`
    case 'wdf.request.queued':
      return event.from === undefined
        ? `IRP ${event.irp} became a request and waits in the queue ${event.queue}`
        : `The request of IRP ${event.irp} went from the queue ${event.from} to ${event.queue}`
    case 'wdf.request.presented':
      return event.handler === null
        ? `The driver took the request of IRP ${event.irp} out of its queue`
        : `The request of IRP ${event.irp} was handed to ${event.handler}`
    case 'wdf.request.completed':
      return `The request of IRP ${event.irp} was completed with ${statusName(event.status)}`
    case 'wdf.request.marked':
      return event.routine === null
        ? `The request of IRP ${event.irp} cannot be called back any more`
        : `The request of IRP ${event.irp} can be called back by ${event.routine}`
    case 'wdf.request.cancelled':
      return `The request of IRP ${event.irp} was cancelled while it waited`
    case 'wdf.request.forwarded':
      return `The request of IRP ${event.irp} was sent to the device below`
  }
}
