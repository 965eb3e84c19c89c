/**
 * Security descriptors in words. Covers what drivers give to IoCreateDeviceSecure: the access list of
 * an SDDL text, its rights and trustees.
 *
 * @see https://learn.microsoft.com/windows/win32/secauthz/security-descriptor-string-format
 */

const trustees: Readonly<Record<string, string>> = {
  SY: 'SYSTEM',
  BA: 'Administrators',
  WD: 'Everyone',
  BU: 'Users',
  AU: 'Authenticated Users',
  IU: 'interactive users',
  NU: 'network users',
  RC: 'restricted code',
  AC: 'all app packages',
  AN: 'Anonymous',
  BG: 'Guests',
  PU: 'Power Users',
  LS: 'LOCAL SERVICE',
  NS: 'NETWORK SERVICE',
  SU: 'services',
  CO: 'the creator',
  OW: 'the owner',
  UD: 'user-mode drivers',
}

/** Rights that decide what a handle can do, by the bits of an access mask. */
const READ = 1
const WRITE = 2
const EXECUTE = 4
const ALL = 8

const rightFlags: Readonly<Record<string, number>> = {
  GA: ALL,
  GR: READ,
  GW: WRITE,
  GX: EXECUTE,
  FA: ALL,
  FR: READ,
  FW: WRITE,
  FX: EXECUTE,
}

const GENERIC_ALL = 0x1000_0000
const FILE_ALL_ACCESS = 0x1f_01ff
const ENTRIES_MAX = 16

/** Rights as text of pairs (`GRGW`) or as a number (`0x12019f`). */
function flagsOf(rights: string): number {
  if (/^(0x|\d)/i.test(rights)) {
    const mask = Number(rights) >>> 0
    if ((mask & GENERIC_ALL) !== 0 || (mask & FILE_ALL_ACCESS) === FILE_ALL_ACCESS) return ALL
    const isRead = (mask & 0x8000_0001) !== 0
    const isWrite = (mask & 0x4000_0002) !== 0
    const isExecute = (mask & 0x2000_0020) !== 0
    return (isRead ? READ : 0) | (isWrite ? WRITE : 0) | (isExecute ? EXECUTE : 0)
  }
  return (rights.match(/../g) ?? []).reduce((flags, pair) => flags | (rightFlags[pair] ?? 0), 0)
}

function verbs(flags: number): string {
  if (flags & ALL) return 'full access'
  const names = [
    flags & READ ? 'read' : '',
    flags & WRITE ? 'write' : '',
    flags & EXECUTE ? 'execute' : '',
  ].filter((name) => name !== '')
  return names.length === 0 ? 'other rights' : names.join(', ')
}

/**
 * The access list of a security descriptor in words: `SYSTEM: full access; Everyone: read, write`.
 * @returns a sentence part; says so when the text has no access list
 */
export function describeSddl(sddl: string): string {
  const list = /D:([A-Z_]*)((?:\([^)]*\))*)/.exec(sddl)
  if (!list) return 'no access list, so every access is granted'
  const entries = [...list[2].matchAll(/\(([^)]*)\)/g)].slice(0, ENTRIES_MAX)
  if (entries.length === 0) {
    return list[1].includes('NO_ACCESS_CONTROL')
      ? 'no access list, so every access is granted'
      : 'an empty access list: only kernel code opens it'
  }
  return entries
    .map(([, entry]) => {
      const [type, , rights = '', , , trustee = ''] = entry.split(';')
      const who = trustees[trustee] ?? trustee
      return `${who}: ${type.endsWith('D') ? 'denied ' : ''}${verbs(flagsOf(rights))}`
    })
    .join('; ')
}
