/**
 * SDDL: security descriptors as text, `D:P(A;;GA;;;SY)(A;;GRGW;;;BU)`. Device objects take a DACL
 * only; `parseSddl` reads the whole form.
 */
import {
  SE_DACL_AUTO_INHERIT_REQ,
  SE_DACL_AUTO_INHERITED,
  SE_DACL_PROTECTED,
} from '../../../shared/nt/generated/constants'
import type { Ace, AceType, Descriptor } from './descriptor'
import { INTEGRITY, integritySid, MACHINE_SID, parseSid, SIDS, type Sid } from './sid'

const TYPES: Readonly<Record<string, AceType>> = { A: 'allow', D: 'deny', AU: 'audit', ML: 'label' }

const FLAGS: Readonly<Record<string, number>> = {
  OI: 1,
  CI: 2,
  NP: 4,
  IO: 8,
  ID: 16,
  SA: 64,
  FA: 128,
}

const RIGHTS: Readonly<Record<string, number>> = {
  GA: 0x1000_0000,
  GX: 0x2000_0000,
  GW: 0x4000_0000,
  GR: 0x8000_0000,
  SD: 0x1_0000,
  RC: 0x2_0000,
  WD: 0x4_0000,
  WO: 0x8_0000,
  CC: 0x1,
  DC: 0x2,
  LC: 0x4,
  SW: 0x8,
  RP: 0x10,
  WP: 0x20,
  DT: 0x40,
  LO: 0x80,
  CR: 0x100,
  FA: 0x1f_01ff,
  FR: 0x12_0089,
  FW: 0x12_0116,
  FX: 0x12_00a0,
  KA: 0xf_003f,
  KR: 0x2_0019,
  KW: 0x2_0006,
  KX: 0x2_0019,
}

/** Rights of a mandatory label. */
const LABEL_RIGHTS: Readonly<Record<string, number>> = { NW: 1, NR: 2, NX: 4 }

const NAMES: Readonly<Record<string, Sid>> = {
  AC: SIDS.allAppPackages,
  AN: SIDS.anonymous,
  AU: SIDS.authenticatedUsers,
  BA: SIDS.administrators,
  BG: SIDS.guests,
  BU: SIDS.users,
  CG: SIDS.creatorGroup,
  CO: SIDS.creatorOwner,
  IU: SIDS.interactive,
  LA: `${MACHINE_SID}-500`,
  LG: `${MACHINE_SID}-501`,
  LS: SIDS.localService,
  NS: SIDS.networkService,
  NU: SIDS.network,
  OW: SIDS.ownerRights,
  PU: SIDS.powerUsers,
  RC: SIDS.restricted,
  SU: SIDS.service,
  SY: SIDS.system,
  WD: SIDS.everyone,
  LW: integritySid(INTEGRITY.low),
  ME: integritySid(INTEGRITY.medium),
  HI: integritySid(INTEGRITY.high),
  SI: integritySid(INTEGRITY.system),
}

/** Text of SDDL that cannot be read, and where. */
export class SddlError extends Error {
  constructor(
    message: string,
    /** First character that does not fit. */
    readonly at: number,
  ) {
    super(message)
  }
}

class Reader {
  at = 0
  constructor(readonly text: string) {}

  fail(message: string): never {
    throw new SddlError(message, this.at)
  }
  starts(word: string): boolean {
    return this.text.startsWith(word, this.at)
  }
  take(word: string): boolean {
    if (!this.starts(word)) return false
    this.at += word.length
    return true
  }
  get done(): boolean {
    return this.at >= this.text.length
  }
  /** Everything up to one of `ends`, which stays. */
  until(ends: RegExp): string {
    const rest = this.text.slice(this.at)
    const length = rest.search(ends)
    const found = length < 0 ? rest : rest.slice(0, length)
    this.at += found.length
    return found
  }
}

/** Two-letter words one after the other. */
function words(reader: Reader, text: string, table: Readonly<Record<string, number>>): number {
  let value = 0
  for (let i = 0; i < text.length; i += 2) {
    const word = text.slice(i, i + 2)
    if (!Object.hasOwn(table, word)) reader.fail(`"${word}" is not known here`)
    value |= table[word]!
  }
  return value >>> 0
}

function sid(reader: Reader, text: string): Sid {
  const found = Object.hasOwn(NAMES, text) ? NAMES[text]! : parseSid(text)
  return found ?? reader.fail(`"${text}" is no SID`)
}

function parseAce(reader: Reader): Ace {
  const fields = reader.until(/\)/).split(';')
  if (!reader.take(')')) reader.fail('an entry does not end with )')
  if (fields.length !== 6) reader.fail('an entry has six fields')
  const [typeText, flagText, rightText, objectGuid, inheritGuid, sidText] = fields.map((field) =>
    field.trim(),
  ) as [string, string, string, string, string, string]
  if (!Object.hasOwn(TYPES, typeText)) reader.fail(`"${typeText}" is no type of entry`)
  if (objectGuid !== '' || inheritGuid !== '') reader.fail('entries for object types are not known')
  const type = TYPES[typeText]!
  const number = /^(?:0x[\da-f]{1,8}|\d{1,10})$/i.test(rightText) ? Number(rightText) : null
  const mask = number ?? words(reader, rightText, type === 'label' ? LABEL_RIGHTS : RIGHTS)
  if (mask > 0xffff_ffff) reader.fail('the access mask is too large')
  return {
    type,
    flags: words(reader, flagText, FLAGS),
    mask: mask >>> 0,
    sid: sid(reader, sidText),
  }
}

const ACL_FLAGS: readonly [string, number][] = [
  ['AR', SE_DACL_AUTO_INHERIT_REQ],
  ['AI', SE_DACL_AUTO_INHERITED],
  ['P', SE_DACL_PROTECTED],
]

function parseAcl(reader: Reader): { control: number; aces: Ace[] | null } {
  let control = 0
  if (reader.take('NO_ACCESS_CONTROL')) return { control, aces: null }
  for (;;) {
    const flag = ACL_FLAGS.find(([word]) => reader.take(word))
    if (!flag) break
    control |= flag[1]
  }
  const aces: Ace[] = []
  while (reader.take('(')) aces.push(parseAce(reader))
  return { control, aces }
}

/**
 * Read SDDL.
 * @throws SddlError for text that is none
 */
export function parseSddl(text: string): Descriptor {
  const reader: Reader = new Reader(text)
  const sd: Descriptor = { owner: null, group: null, dacl: null, sacl: null, control: 0 }
  const seen = new Set<string>()
  while (!reader.done) {
    const part = ['O:', 'G:', 'D:', 'S:'].find((word) => reader.starts(word))
    if (!part) reader.fail('expected O:, G:, D: or S:')
    if (seen.has(part)) reader.fail(`${part} comes twice`)
    seen.add(part)
    reader.at += 2
    if (part === 'O:') sd.owner = sid(reader, reader.until(/[OGDS]:/))
    else if (part === 'G:') sd.group = sid(reader, reader.until(/[OGDS]:/))
    else {
      const { control, aces } = parseAcl(reader)
      if (part === 'D:') sd.dacl = aces
      else sd.sacl = aces
      sd.control |= part === 'D:' ? control : control << 1
    }
  }
  return sd
}

/**
 * The SDDL that IoCreateDeviceSecure takes: a DACL and nothing else.
 * @throws SddlError
 */
export function parseDeviceSddl(text: string): Descriptor {
  if (!text.startsWith('D:'))
    throw new SddlError('a device takes a DACL: the text begins with D:', 0)
  const sd = parseSddl(text)
  if (sd.owner ?? sd.group ?? sd.sacl) throw new SddlError('a device takes a DACL only', 0)
  return { ...sd, owner: SIDS.administrators, group: SIDS.system }
}

/** A descriptor's DACL as text, for traces. */
export function formatDacl(sd: Descriptor): string {
  if (!sd.dacl) return 'D:NO_ACCESS_CONTROL'
  const flag = sd.control & SE_DACL_PROTECTED ? 'P' : ''
  const named = new Map(Object.entries(NAMES).map(([name, value]) => [value, name]))
  const entries = sd.dacl.map((entry) => {
    const type = Object.keys(TYPES).find((name) => TYPES[name] === entry.type)!
    return `(${type};;${formatRights(entry.mask)};;;${named.get(entry.sid) ?? entry.sid})`
  })
  return `D:${flag}${entries.join('')}`
}

function formatRights(mask: number): string {
  const generic = ['GA', 'GR', 'GW', 'GX'].filter((name) => mask & RIGHTS[name]!)
  const rest = (mask & 0x0fff_ffff) >>> 0
  if (rest === 0 && generic.length) return generic.join('')
  return `0x${mask.toString(16)}`
}
