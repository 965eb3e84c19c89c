/** Layers of the filtering platform, and the fields of a connection that filters and callouts see there. */
import {
  FWP_UINT16,
  FWP_UINT32,
  FWP_UINT8,
  FWPS_LAYER_ALE_AUTH_CONNECT_V4,
  FWPS_LAYER_ALE_CONNECT_REDIRECT_V4,
} from '../../../shared/nt/generated/constants'
import { addressWords, placeWords, protocolWords } from '../net/address'
import { processNtPath } from '../ps/image-name'
import type { Process } from '../ps/process'

interface ConnectionFields {
  localAddress: number
  localPort: number
  protocol: number
  remoteAddress: number
  remotePort: number
}

/** What a program wants to connect to. */
export interface Connection extends ConnectionFields {
  process: Process
}

export type ConnectionField = keyof ConnectionFields

/** The application's id: where its image lies, in small letters, and a zero. */
export const applicationId = ({ process }: Connection): string =>
  `${processNtPath(process).toLowerCase()}\0`

/** A place where filters are asked. */
export interface Layer {
  /** FWPM_LAYER_*, as text. */
  key: string
  /** FWPS_LAYER_*: what callouts are told. */
  id: number
  /** `ALE_AUTH_CONNECT_V4`. */
  name: string
  /** FWPS_FIELD_*: where the values of a connection lie in what callouts get. */
  fields: Readonly<Record<ConnectionField, number>>
  fieldCount: number
  /** Where the application's id lies. */
  applicationField: number
}

/** A program is about to connect: may it? */
export const ALE_AUTH_CONNECT_V4: Layer = {
  key: '{C38D57D1-05A7-4C33-904F-7FBCEEE60E82}',
  id: FWPS_LAYER_ALE_AUTH_CONNECT_V4,
  name: 'ALE_AUTH_CONNECT_V4',
  fields: { localAddress: 2, localPort: 4, protocol: 5, remoteAddress: 6, remotePort: 7 },
  fieldCount: 8,
  applicationField: 0,
}

/** A program is about to connect: where is it to lead? Asked before it is asked whether it may. */
export const ALE_CONNECT_REDIRECT_V4: Layer = {
  key: '{C6E63C8C-B784-4562-AA7D-0A67CFCAF9A3}',
  id: FWPS_LAYER_ALE_CONNECT_REDIRECT_V4,
  name: 'ALE_CONNECT_REDIRECT_V4',
  fields: { localAddress: 2, localPort: 4, protocol: 5, remoteAddress: 6, remotePort: 8 },
  fieldCount: 9,
  applicationField: 0,
}

const LAYERS: ReadonlyMap<string, Layer> = new Map(
  [ALE_AUTH_CONNECT_V4, ALE_CONNECT_REDIRECT_V4].map((layer) => [layer.key, layer]),
)

/** Name of a layer by its GUID; the GUID for one that the lab does not have. */
export const layerName = (key: string): string => LAYERS.get(key)?.name ?? key

/** FWP_DATA_TYPE of each field. */
export const FIELD_TYPES: Readonly<Record<ConnectionField, number>> = {
  localAddress: FWP_UINT32,
  localPort: FWP_UINT16,
  protocol: FWP_UINT8,
  remoteAddress: FWP_UINT32,
  remotePort: FWP_UINT16,
}

/** FWPM_CONDITION_*: what a filter may ask for. */
const CONDITIONS: Readonly<Record<string, ConnectionField>> = {
  '{B235AE9A-1D64-49B8-A44C-5FF3D9095045}': 'remoteAddress',
  '{C35A604D-D22B-4E1A-91B4-68F674EE674B}': 'remotePort',
  '{3971EF2B-623E-4F9A-8CB1-6E79B806B9A7}': 'protocol',
}

const APPLICATION_ID = '{D78E1E87-8644-4EA5-9437-D809ECEFC971}'

export interface Condition {
  /** GUID of a field. */
  field: string
  /** A number, or the text of an application's id. */
  value: number | string
}

/** Whether a connection is as a condition says. A field that the lab does not know is no reason to let it pass. */
export function holds({ field, value }: Condition, connection: Connection): boolean {
  if (field === APPLICATION_ID)
    return typeof value === 'string' && value.toLowerCase() === applicationId(connection)
  const known = CONDITIONS[field]
  return known === undefined || connection[known] === value
}

/** A condition in words: `remotePort = 443`. */
export function conditionWords({ field, value }: Condition): string {
  if (field === APPLICATION_ID) return `application = ${String(value).replace(/\0$/, '')}`
  const known = CONDITIONS[field]
  const isAddress = known === 'remoteAddress' && typeof value === 'number'
  return `${known ?? field} = ${isAddress ? addressWords(value) : value}`
}

/** A connection as the trace tells it. */
export function connectionWords(c: Connection): {
  protocol: string
  local: string
  remote: string
  program: string
} {
  return {
    protocol: protocolWords(c.protocol),
    local: placeWords({ address: c.localAddress, port: c.localPort }),
    remote: placeWords({ address: c.remoteAddress, port: c.remotePort }),
    program: c.process.name,
  }
}
