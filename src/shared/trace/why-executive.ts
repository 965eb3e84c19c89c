/** Sentences for what the executive tells: callbacks, rights, APCs, attachments. */
import type { EventOf } from './event'
import { statusName } from './words'

type SaidHere = EventOf<
  | 'callback.registered'
  | 'callback.removed'
  | 'access.checked'
  | 'access.stripped'
  | 'privileges.adjusted'
  | 'apc.queued'
  | 'apc.delivered'
  | 'process.attached'
  | 'process.detached'
>

/** One sentence, without a full stop. */
export function sayExecutive(event: SaidHere): string {
  switch (event.t) {
    case 'callback.registered':
      return `${event.routine} was registered as ${event.kind} callback${event.altitude === null ? '' : ` at altitude ${event.altitude}`}${event.about === null ? '' : ` (${event.about})`}`
    case 'callback.removed':
      return `The ${event.kind} callback ${event.routine} was removed`
    case 'access.checked':
      return `${event.user} asked for ${event.desired} to ${event.object}, which has ${event.dacl}: ${statusName(event.status)}`
    case 'access.stripped':
      return `${event.routine} made rights ${event.before} to ${event.object} into ${event.after}`
    case 'privileges.adjusted': {
      const words = [
        event.enabled.length ? `enabled ${event.enabled.join(', ')}` : '',
        event.disabled.length ? `disabled ${event.disabled.join(', ')}` : '',
      ].filter((part) => part !== '')
      return `${event.user} ${words.join(' and ')}`
    }
    case 'apc.queued':
      return `The ${event.mode} APC ${event.routine} was queued to thread ${event.target}`
    case 'apc.delivered':
      return `The ${event.mode} APC ${event.routine} was delivered to thread ${event.target}`
    case 'process.attached':
      return `Thread ${event.thread} attached itself to process ${event.name}`
    case 'process.detached':
      return `Thread ${event.thread} left process ${event.name}`
  }
}
