/** Layers of the filtering platform, and the fields of a connection that filters and callouts see there. */
import {
  FWP_UINT16,
  FWP_UINT32,
  FWP_UINT8,
  FWPS_LAYER_ALE_AUTH_CONNECT_V4,
} from '../../../shared/nt/generated/constants'

/** What a program wants to connect to. */
export interface Connection {
  localAddress: number
  localPort: number
  protocol: number
  remoteAddress: number
  remotePort: number
}

export type ConnectionField = keyof Connection

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
}

/** A program is about to connect: may it? */
export const ALE_AUTH_CONNECT_V4: Layer = {
  key: '{C38D57D1-05A7-4C33-904F-7FBCEEE60E82}',
  id: FWPS_LAYER_ALE_AUTH_CONNECT_V4,
  name: 'ALE_AUTH_CONNECT_V4',
  fields: { localAddress: 2, localPort: 4, protocol: 5, remoteAddress: 6, remotePort: 7 },
  fieldCount: 8,
}

const LAYERS: ReadonlyMap<string, Layer> = new Map(
  [ALE_AUTH_CONNECT_V4].map((layer) => [layer.key, layer]),
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

export interface Condition {
  /** GUID of a field. */
  field: string
  value: number
}

/** Whether a connection is as a condition says. A field that the lab does not know is no reason to let it pass. */
export function holds({ field, value }: Condition, connection: Connection): boolean {
  const known = CONDITIONS[field]
  return known === undefined || connection[known] === value
}

/** A condition in words: `remotePort = 443`. */
export function conditionWords({ field, value }: Condition): string {
  const known = CONDITIONS[field]
  return `${known ?? field} = ${known === 'remoteAddress' ? addressWords(value) : value}`
}

export const addressWords = (address: number): string =>
  [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.')

const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'ICMP', 6: 'TCP', 17: 'UDP' }

/** A connection as the trace tells it. */
export function connectionWords(c: Connection): {
  protocol: string
  local: string
  remote: string
} {
  return {
    protocol: PROTOCOLS[c.protocol] ?? String(c.protocol),
    local: `${addressWords(c.localAddress)}:${c.localPort}`,
    remote: `${addressWords(c.remoteAddress)}:${c.remotePort}`,
  }
}
