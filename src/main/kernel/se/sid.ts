/** Security identifiers: who somebody is. In kernel code a SID is its text, `S-1-5-18`; here are its bytes. */

/** A SID as text. */
export type Sid = string

/** SIDs that every machine has. */
export const SIDS = {
  nobody: 'S-1-0-0',
  everyone: 'S-1-1-0',
  local: 'S-1-2-0',
  creatorOwner: 'S-1-3-0',
  creatorGroup: 'S-1-3-1',
  ownerRights: 'S-1-3-4',
  network: 'S-1-5-2',
  interactive: 'S-1-5-4',
  service: 'S-1-5-6',
  anonymous: 'S-1-5-7',
  authenticatedUsers: 'S-1-5-11',
  restricted: 'S-1-5-12',
  system: 'S-1-5-18',
  localService: 'S-1-5-19',
  networkService: 'S-1-5-20',
  administrators: 'S-1-5-32-544',
  users: 'S-1-5-32-545',
  guests: 'S-1-5-32-546',
  powerUsers: 'S-1-5-32-547',
  allAppPackages: 'S-1-15-2-1',
} as const

/** Prefix of the accounts of this machine. */
export const MACHINE_SID = 'S-1-5-21-1004336348-1177238915-682003330'

/** Prefix of integrity levels; the last part is the level. */
const LABEL_PREFIX = 'S-1-16-'

/** Integrity levels, as the last part of their SIDs. */
export const INTEGRITY = { low: 0x1000, medium: 0x2000, high: 0x3000, system: 0x4000 } as const

export function integritySid(level: number): Sid {
  return LABEL_PREFIX + String(level)
}

/** The level that a label's SID stands for; null for any other SID. */
export function integrityOf(sid: Sid): number | null {
  return sid.startsWith(LABEL_PREFIX) ? Number(sid.slice(LABEL_PREFIX.length)) : null
}

export function integrityName(level: number): string {
  if (level >= INTEGRITY.system) return 'system'
  if (level >= INTEGRITY.high) return 'high'
  return level >= INTEGRITY.medium ? 'medium' : 'low'
}

const SUB_AUTHORITIES_MAX = 15

/** Text to SID, in the one way that SIDs are written; null for text that is none. */
export function parseSid(text: string): Sid | null {
  const parts = /^S-1-(\d+|0x[\da-f]+)((?:-(?:\d+|0x[\da-f]+))*)$/i.exec(text)
  if (!parts) return null
  const authority = Number(parts[1])
  const rest = parts[2]!.split('-').slice(1).map(Number)
  if (authority >= 2 ** 48 || rest.length > SUB_AUTHORITIES_MAX) return null
  if (rest.some((part) => part > 0xffff_ffff)) return null
  return ['S-1', authority, ...rest].join('-')
}

/** The bytes of a SID structure. */
export function sidBytes(sid: Sid): Uint8Array {
  const [authority = 0, ...rest] = sid.split('-').slice(2).map(Number)
  const bytes = new Uint8Array(8 + rest.length * 4)
  const view = new DataView(bytes.buffer)
  bytes[0] = 1
  bytes[1] = rest.length
  // The authority is the only big-endian number in it.
  view.setUint16(2, Math.floor(authority / 0x1_0000_0000))
  view.setUint32(4, authority % 0x1_0000_0000)
  rest.forEach((part, i) => view.setUint32(8 + i * 4, part, true))
  return bytes
}

/** The SID at the start of `bytes`; null when they hold none. */
export function sidFromBytes(bytes: Uint8Array): Sid | null {
  const count = bytes[1] ?? 0
  if (bytes[0] !== 1 || count > SUB_AUTHORITIES_MAX || bytes.length < 8 + count * 4) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const parts = [view.getUint16(2) * 0x1_0000_0000 + view.getUint32(4)]
  for (let i = 0; i < count; i++) parts.push(view.getUint32(8 + i * 4, true))
  return ['S-1', ...parts].join('-')
}
