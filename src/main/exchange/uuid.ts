/** Name-based UUIDs (RFC 9562, version 5): the same thing gets the same id in every export. */
import { createHash } from 'node:crypto'

/** Namespace of STIX 2.1 for the ids of cyber-observable objects. */
export const STIX_NAMESPACE = '00abedb4-aa42-466c-9c01-fed23315a9b7'
/** Namespace of everything else that Ring0 Lab writes. */
export const RING0_NAMESPACE = '5b9b1c5e-6f0e-5b52-9a53-8a3f6f0c8d1e'

export function uuid5(namespace: string, name: string): string {
  const digest = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name, 'utf8')
    .digest()
    .subarray(0, 16)
  digest[6] = (digest[6]! & 0x0f) | 0x50
  digest[8] = (digest[8]! & 0x3f) | 0x80
  const hex = digest.toString('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-')
}

/** JSON with sorted keys and no spaces: what ids are made of. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value)
}
