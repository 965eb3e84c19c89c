/**
 * The access check: a token's SIDs and privileges against a descriptor. Entries count in their order;
 * the first one that speaks of a right decides it, so a denial behind a permission denies nothing.
 */
import {
  ACCESS_SYSTEM_SECURITY,
  INHERIT_ONLY_ACE,
  MAXIMUM_ALLOWED,
  READ_CONTROL,
  SE_SECURITY_PRIVILEGE,
  SE_TAKE_OWNERSHIP_PRIVILEGE,
  WRITE_DAC,
  WRITE_OWNER,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_ACCESS_DENIED,
  STATUS_PRIVILEGE_NOT_HELD,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { GenericMapping } from '../ob/object-type'
import type { Descriptor } from './descriptor'
import { INTEGRITY, integrityOf, SIDS, type Sid } from './sid'

/** What the check has to know of who asks. */
export interface Subject {
  user: Sid
  /** SIDs that count for permissions and denials. */
  enabled: ReadonlySet<Sid>
  /** SIDs that count for denials only. */
  denyOnly: ReadonlySet<Sid>
  integrity: number
  hasPrivilege(privilege: number): boolean
}

export interface AccessResult {
  status: number
  /** Rights in full, generic ones mapped; 0 unless the status is success. */
  granted: number
  /** Privileges that the decision rests on. */
  privileges: number[]
}

/** SYSTEM_MANDATORY_LABEL_NO_WRITE_UP and NO_READ_UP. */
const NO_WRITE_UP = 1
const NO_READ_UP = 2
const GENERIC = 0xf000_0000

/** Replace generic rights by those of a type. MAXIMUM_ALLOWED stays. */
export function mapGeneric(access: number, mapping: GenericMapping): number {
  let mapped = access & ~GENERIC
  if (access & 0x8000_0000) mapped |= mapping.read
  if (access & 0x4000_0000) mapped |= mapping.write
  if (access & 0x2000_0000) mapped |= mapping.execute
  if (access & 0x1000_0000) mapped |= mapping.all
  return mapped >>> 0
}

/** Rights that the integrity label keeps from somebody of a lower level. */
function labelDenies(sd: Descriptor, subject: Subject, mapping: GenericMapping): number {
  const label = sd.sacl?.find((entry) => entry.type === 'label')
  const level = label ? (integrityOf(label.sid) ?? INTEGRITY.medium) : INTEGRITY.medium
  if (subject.integrity >= level) return 0
  const policy = label ? label.mask : NO_WRITE_UP
  let allowed = mapping.all
  if (policy & NO_WRITE_UP) allowed &= mapping.read | mapping.execute
  if (policy & NO_READ_UP) allowed &= ~mapping.read | mapping.execute
  return ~allowed
}

/** Rights that the DACL gives, and those that it denies, out of `wanted`. */
function walk(
  sd: Descriptor,
  subject: Subject,
  wanted: number,
  mapping: GenericMapping,
): { granted: number; open: number } {
  let granted = 0
  let open = wanted
  for (const entry of sd.dacl!) {
    if (open === 0) break
    if (entry.flags & INHERIT_ONLY_ACE) continue
    const mask = mapGeneric(entry.mask, mapping) & open
    if (entry.type === 'allow') {
      if (!subject.enabled.has(entry.sid)) continue
      granted |= mask
    } else if (entry.type !== 'deny') continue
    else if (!subject.enabled.has(entry.sid) && !subject.denyOnly.has(entry.sid)) continue
    open &= ~mask
  }
  return { granted, open }
}

/**
 * SeAccessCheck for a caller in user mode.
 * @param desired    rights asked for, generic ones and MAXIMUM_ALLOWED included
 * @param previously rights that were granted before and need no check
 * @returns STATUS_ACCESS_DENIED, or STATUS_PRIVILEGE_NOT_HELD where a privilege is what is missing
 */
export function accessCheck(
  sd: Descriptor,
  subject: Subject,
  desired: number,
  mapping: GenericMapping,
  previously = 0,
): AccessResult {
  const privileges: number[] = []
  const deny = (status: number): AccessResult => ({ status, granted: 0, privileges: [] })
  const wantsAll = (desired & MAXIMUM_ALLOWED) !== 0
  let wanted = mapGeneric(desired, mapping) & ~MAXIMUM_ALLOWED & ~previously
  let granted = previously
  if (wanted & ACCESS_SYSTEM_SECURITY) {
    if (!subject.hasPrivilege(SE_SECURITY_PRIVILEGE)) return deny(STATUS_PRIVILEGE_NOT_HELD)
    privileges.push(SE_SECURITY_PRIVILEGE)
    granted |= ACCESS_SYSTEM_SECURITY
    wanted &= ~ACCESS_SYSTEM_SECURITY
  }
  if (wanted & WRITE_OWNER && subject.hasPrivilege(SE_TAKE_OWNERSHIP_PRIVILEGE)) {
    privileges.push(SE_TAKE_OWNERSHIP_PRIVILEGE)
    granted |= WRITE_OWNER
    wanted &= ~WRITE_OWNER
  }
  const forbidden = labelDenies(sd, subject, mapping)
  if (wanted & forbidden) return deny(STATUS_ACCESS_DENIED)
  const most = mapping.all & ~forbidden
  if (!sd.dacl) {
    granted |= wantsAll ? wanted | most : wanted
    return { status: STATUS_SUCCESS, granted: granted >>> 0, privileges }
  }
  // The owner always reads and changes the list, unless an entry for OWNER RIGHTS says what he may.
  const owns = sd.owner !== null && subject.enabled.has(sd.owner)
  if (owns && !sd.dacl.some((entry) => entry.sid === SIDS.ownerRights)) {
    // What the label keeps from somebody it keeps from the owner too.
    granted |= (READ_CONTROL | WRITE_DAC) & (wantsAll ? ~forbidden : wanted)
    wanted &= ~(READ_CONTROL | WRITE_DAC)
  }
  if (wanted !== 0) {
    const result = walk(sd, subject, wanted, mapping)
    if ((result.granted & wanted) !== wanted) return deny(STATUS_ACCESS_DENIED)
    granted |= result.granted
  }
  if (wantsAll) granted |= walk(sd, subject, most, mapping).granted
  if (granted === 0 && desired !== 0) return deny(STATUS_ACCESS_DENIED)
  return { status: STATUS_SUCCESS, granted: granted >>> 0, privileges }
}
