/** What a callout is asked with: the values of a layer, metadata, the filter, and room for its decision. */
import {
  FWP_ACTION_CONTINUE,
  FWP_BYTE_BLOB_TYPE,
  FWPS_METADATA_FIELD_COMPLETION_HANDLE,
  FWPS_METADATA_FIELD_PROCESS_ID,
  FWPS_METADATA_FIELD_PROCESS_PATH,
  FWPS_METADATA_FIELD_REDIRECT_RECORD_HANDLE,
} from '../../../shared/nt/generated/constants'
import {
  FWP_BYTE_BLOB,
  FWP_VALUE0,
  FWPS_CLASSIFY_OUT0,
  FWPS_FILTER1,
  FWPS_INCOMING_METADATA_VALUES0,
  FWPS_INCOMING_VALUES0,
  KEVENT,
} from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import {
  applicationId,
  FIELD_TYPES,
  type Condition,
  type Connection,
  type ConnectionField,
  type Layer,
} from './layers'
import type { Redirection } from './redirect'

export interface Callout {
  key: string
  id: number
  classify: Ptr
  notify: Ptr
  /** Connections that its driver has pended. */
  busy: number
}

export interface Filter {
  id: bigint
  layer: string
  sublayer: string
  weight: number
  action: number
  /** GUID of the callout that it asks; null for a filter that decides by itself. */
  callout: string | null
  conditions: readonly Condition[]
}

/** A layer at which a connection is being classified. */
export interface Classification {
  layer: Layer
  connection: Connection
  /** Only at the redirect layer. */
  redirection: Redirection | null
  /** FWPS_RIGHT_*: a callout that decided hard has taken the right to write from those after it. */
  rights: number
}

/** Where the parts of a question to a callout lie behind the values. */
function partsOf({ layer, connection }: Classification): {
  meta: number
  out: number
  event: number
  filter: number
  blob: number
  path: number
  end: number
} {
  const meta = FWPS_INCOMING_VALUES0.SIZE + layer.fieldCount * FWP_VALUE0.SIZE
  const out = meta + FWPS_INCOMING_METADATA_VALUES0.SIZE
  const event = out + FWPS_CLASSIFY_OUT0.SIZE
  const filter = event + KEVENT.SIZE
  const blob = filter + FWPS_FILTER1.SIZE
  const path = blob + FWP_BYTE_BLOB.SIZE
  return { meta, out, event, filter, blob, path, end: path + applicationId(connection).length * 2 }
}

export const questionBytes = (what: Classification): number => partsOf(what).end

/** What a callout is asked with: values, metadata, the filter, and room for what it decides. */
export function writeQuestion(
  k: Kernel,
  at: Ptr,
  filter: Filter,
  callout: Callout,
  what: Classification,
): { meta: Ptr; out: Ptr; event: Ptr; filter: Ptr } {
  const { memory } = k
  const { layer, connection, redirection } = what
  const parts = partsOf(what)
  const application = applicationId(connection)
  memory.setText16(at + parts.path, application)
  memory.setU32(at + parts.blob + FWP_BYTE_BLOB.size, application.length * 2)
  memory.setPtr(at + parts.blob + FWP_BYTE_BLOB.data, at + parts.path)
  const values = at + FWPS_INCOMING_VALUES0.SIZE
  memory.setU16(at + FWPS_INCOMING_VALUES0.layerId, layer.id)
  memory.setU32(at + FWPS_INCOMING_VALUES0.valueCount, layer.fieldCount)
  memory.setPtr(at + FWPS_INCOMING_VALUES0.incomingValue, values)
  for (const [field, place] of Object.entries(layer.fields) as [ConnectionField, number][]) {
    const value = values + place * FWP_VALUE0.SIZE
    memory.setU32(value + FWP_VALUE0.type, FIELD_TYPES[field])
    memory.setU32(value + FWP_VALUE0.uint32, connection[field])
  }
  const id = values + layer.applicationField * FWP_VALUE0.SIZE
  memory.setU32(id + FWP_VALUE0.type, FWP_BYTE_BLOB_TYPE)
  memory.setPtr(id + FWP_VALUE0.byteBlob, at + parts.blob)

  const meta = at + parts.meta
  const records = redirection?.hasRecords ? redirection.first : 0
  memory.setU32(
    meta + FWPS_INCOMING_METADATA_VALUES0.currentMetadataValues,
    FWPS_METADATA_FIELD_COMPLETION_HANDLE |
      FWPS_METADATA_FIELD_PROCESS_ID |
      FWPS_METADATA_FIELD_PROCESS_PATH |
      (records ? FWPS_METADATA_FIELD_REDIRECT_RECORD_HANDLE : 0),
  )
  memory.setPtr(meta + FWPS_INCOMING_METADATA_VALUES0.processPath, at + parts.blob)
  memory.setU64(meta + FWPS_INCOMING_METADATA_VALUES0.processId, BigInt(connection.process.id))
  memory.setPtr(meta + FWPS_INCOMING_METADATA_VALUES0.completionHandle, at + parts.event)
  memory.setPtr(meta + FWPS_INCOMING_METADATA_VALUES0.redirectRecords, records)
  k.dispatcher.initializeEvent(at + parts.event, 0, false)

  const out = at + parts.out
  memory.setU32(out + FWPS_CLASSIFY_OUT0.actionType, FWP_ACTION_CONTINUE)
  memory.setU32(out + FWPS_CLASSIFY_OUT0.rights, what.rights)
  memory.setU64(out + FWPS_CLASSIFY_OUT0.filterId, filter.id)

  memory.setU64(at + parts.filter + FWPS_FILTER1.filterId, filter.id)
  memory.setU32(at + parts.filter + FWPS_FILTER1['action.type'], filter.action)
  memory.setU32(at + parts.filter + FWPS_FILTER1['action.calloutId'], callout.id)
  return { meta, out, event: at + parts.event, filter: at + parts.filter }
}
