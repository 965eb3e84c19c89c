/** Event objects with names and handles. */
import { KEVENT } from '../../../shared/nt/generated/offsets'
import {
  STATUS_OBJECT_NAME_COLLISION,
  STATUS_OBJECT_NAME_EXISTS,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import type { KObject } from './kobject'

/** NotificationEvent and SynchronizationEvent, EVENT_TYPE and DISPATCHER_HEADER.Type alike. */
export type EventKind = 0 | 1

export interface EventResult {
  status: number
  object: KObject | null
}

/**
 * Make an event, or open the one of that name. The caller holds one reference.
 * @param openIf OBJ_OPENIF: a name that exists is opened with STATUS_OBJECT_NAME_EXISTS
 */
export function createEvent(
  k: Kernel,
  options: { name: string | null; kind: EventKind; state: boolean; openIf: boolean },
): EventResult {
  const created = k.ob.create('Event', KEVENT.SIZE, { name: options.name })
  if (typeof created !== 'number') {
    k.dispatcher.initializeEvent(created.address, options.kind, options.state)
    return { status: STATUS_SUCCESS, object: created }
  }
  if (created !== STATUS_OBJECT_NAME_COLLISION || !options.openIf || options.name === null)
    return { status: created, object: null }
  const existing = k.ob.find(options.name)
  if (!existing || existing.type.name !== 'Event')
    return { status: STATUS_OBJECT_TYPE_MISMATCH, object: null }
  k.ob.reference(existing.address)
  return { status: STATUS_OBJECT_NAME_EXISTS, object: existing }
}
