/** Words for events of hardware and of memory that is mapped or paged. */
import type { HardwareEvent } from './fold-hardware'
import { plural } from './words'

const vectorWords = (vector: number): string => `vector 0x${vector.toString(16).toUpperCase()}`
const deviceName = (device: string | null): string => device ?? 'a line without a device'

/** What such an event says, without full stop. */
export function sayHardware(event: HardwareEvent): string {
  switch (event.t) {
    case 'interrupt.connected':
      return `${event.routine} was connected to ${vectorWords(event.vector)} at IRQL ${event.level}`
    case 'interrupt.disconnected':
      return `The interrupt object ${event.interrupt} was disconnected from ${vectorWords(event.vector)}`
    case 'interrupt.raised':
      return `The interrupt line of ${deviceName(event.device)} rose${event.masked ? '; nobody is connected to it' : ''}`
    case 'interrupt.delivered':
      return `The interrupt of ${deviceName(event.device)} interrupted the processor at IRQL ${event.irql} with ${vectorWords(event.vector)}`
    case 'interrupt.served':
      return event.claimed
        ? `${event.routine ?? 'A service routine'} claimed the interrupt`
        : 'No service routine claimed the interrupt'
    case 'device.accessed':
      return event.access === 'read'
        ? `Register ${event.register} of ${event.device} was read: ${event.value}`
        : `${event.value} was written to register ${event.register} of ${event.device}`
    case 'device.received':
      return `${plural(event.bytes, 'byte')} arrived at ${event.device}`
    case 'device.sent':
      return `${event.device} sent ${plural(event.bytes, 'byte')}`
    case 'register.written':
      return `${event.register} went from ${event.from} to ${event.to}`
    case 'code.diverted':
      return event.to === null
        ? `The bytes of ${event.from} were changed: the call returned at once`
        : `The bytes of ${event.from} were changed: the call went to ${event.to}`
    case 'pages.trimmed':
      return `${plural(event.pages.length, 'page')} went to the page file: ${event.reason}`
    case 'page.faulted':
      return `A ${event.access} brought the page ${event.page} back from the page file`
    case 'section.created':
      return `The section ${event.name ?? event.section} was created, ${plural(event.bytes, 'byte')} of ${event.backing}`
    case 'view.mapped':
      return `${plural(event.bytes, 'byte')} of section ${event.section} were mapped at ${event.view}${event.owner === null ? ' in system space' : ` in process ${event.owner}`}`
    case 'view.unmapped':
      return `The view at ${event.view} was unmapped`
    case 'physical.mapped':
      return `${plural(event.bytes, 'byte')} of ${event.what} at physical ${event.physical} were mapped at ${event.mapping}`
    case 'physical.unmapped':
      return `The mapping at ${event.mapping} was removed`
    case 'frames.allocated':
      return `${event.by} took ${plural(event.bytes, 'byte')} of physical memory at ${event.physical}`
    case 'frames.freed':
      return `${event.by} gave the physical memory of ${event.block} back`
  }
}
