/** Security descriptors: who owns an object and who may do what with it; their bytes and back. */
import {
  ACCESS_ALLOWED_ACE_TYPE,
  ACCESS_DENIED_ACE_TYPE,
  ACL_REVISION,
  SE_DACL_PRESENT,
  SE_SACL_PRESENT,
  SE_SELF_RELATIVE,
  SYSTEM_AUDIT_ACE_TYPE,
  SYSTEM_MANDATORY_LABEL_ACE_TYPE,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_INVALID_ACL,
  STATUS_INVALID_SECURITY_DESCR,
  STATUS_INVALID_SID,
  STATUS_UNKNOWN_REVISION,
} from '../../../shared/nt/generated/ntstatus'
import {
  ACCESS_ALLOWED_ACE,
  ACL,
  SECURITY_DESCRIPTOR,
  SECURITY_DESCRIPTOR_RELATIVE,
} from '../../../shared/nt/generated/offsets'
import type { Memory, Ptr } from '../mm/memory'
import { sidBytes, sidFromBytes, type Sid } from './sid'

export type AceType = 'allow' | 'deny' | 'audit' | 'label'

/** One entry of an access control list. */
export interface Ace {
  type: AceType
  /** Inheritance flags; INHERIT_ONLY_ACE takes it out of the check. */
  flags: number
  mask: number
  sid: Sid
}

/** A security descriptor. A DACL that is null allows everybody everything; an empty one nobody anything. */
export interface Descriptor {
  owner: Sid | null
  group: Sid | null
  dacl: readonly Ace[] | null
  sacl: readonly Ace[] | null
  /** SE_DACL_PROTECTED and its like. */
  control: number
}

const ACE_TYPES: readonly [AceType, number][] = [
  ['allow', ACCESS_ALLOWED_ACE_TYPE],
  ['deny', ACCESS_DENIED_ACE_TYPE],
  ['audit', SYSTEM_AUDIT_ACE_TYPE],
  ['label', SYSTEM_MANDATORY_LABEL_ACE_TYPE],
]
const SID_BYTES_MAX = 68

export function ace(type: AceType, mask: number, sid: Sid, flags = 0): Ace {
  return { type, flags, mask: mask >>> 0, sid }
}

/** A descriptor with an owner and a DACL. */
export function descriptor(
  owner: Sid,
  dacl: readonly Ace[] | null,
  sacl?: readonly Ace[],
): Descriptor {
  return { owner, group: owner, dacl, sacl: sacl ?? null, control: 0 }
}

function aclBytes(aces: readonly Ace[]): Uint8Array {
  const sids = aces.map(({ sid }) => sidBytes(sid))
  const size = sids.reduce<number>(
    (sum, sid) => sum + ACCESS_ALLOWED_ACE.SidStart + sid.length,
    ACL.SIZE,
  )
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  bytes[ACL.AclRevision] = ACL_REVISION
  view.setUint16(ACL.AclSize, size, true)
  view.setUint16(ACL.AceCount, aces.length, true)
  let at: number = ACL.SIZE
  aces.forEach(({ type, flags, mask }, i) => {
    const sid = sids[i]!
    const length = ACCESS_ALLOWED_ACE.SidStart + sid.length
    bytes[at] = ACE_TYPES.find(([name]) => name === type)![1]
    bytes[at + 1] = flags
    view.setUint16(at + 2, length, true)
    view.setUint32(at + ACCESS_ALLOWED_ACE.Mask, mask, true)
    bytes.set(sid, at + ACCESS_ALLOWED_ACE.SidStart)
    at += length
  })
  return bytes
}

/** The descriptor in one piece (SECURITY_DESCRIPTOR_RELATIVE and its parts). */
export function descriptorBytes({ owner, group, dacl, sacl, control }: Descriptor): Uint8Array {
  const parts: [field: number, bytes: Uint8Array][] = []
  const { Owner, Group, Sacl, Dacl, Control, SIZE } = SECURITY_DESCRIPTOR_RELATIVE
  if (sacl) parts.push([Sacl, aclBytes(sacl)])
  if (dacl) parts.push([Dacl, aclBytes(dacl)])
  if (owner) parts.push([Owner, sidBytes(owner)])
  if (group) parts.push([Group, sidBytes(group)])
  const bytes = new Uint8Array(parts.reduce<number>((sum, [, part]) => sum + part.length, SIZE))
  const view = new DataView(bytes.buffer)
  bytes[0] = 1
  // A DACL that is present and NULL is not the same as none, but both allow everything.
  const flags = SE_SELF_RELATIVE | SE_DACL_PRESENT | (sacl ? SE_SACL_PRESENT : 0)
  view.setUint16(Control, control | flags, true)
  let at: number = SIZE
  for (const [field, part] of parts) {
    view.setUint32(field, at, true)
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** What reads the bytes: the machine itself, or somebody who looks at it from outside. */
export type DescriptorSource = Pick<Memory, 'u8' | 'u16' | 'u32' | 'ptr' | 'read' | 'add'>

function readSid(memory: DescriptorSource, at: Ptr): Sid | null {
  const count = memory.u8(at + 1)
  return sidFromBytes(memory.read(at, Math.min(8 + count * 4, SID_BYTES_MAX)))
}

function readAcl(memory: DescriptorSource, at: Ptr): Ace[] | number {
  const size = memory.u16(at + ACL.AclSize)
  const count = memory.u16(at + ACL.AceCount)
  const revision = memory.u8(at + ACL.AclRevision)
  if (revision < 2 || revision > 4 || size < ACL.SIZE) return STATUS_INVALID_ACL
  const aces: Ace[] = []
  let entry = at + ACL.SIZE
  for (let i = 0; i < count; i++) {
    if (entry + ACCESS_ALLOWED_ACE.SidStart > at + size) return STATUS_INVALID_ACL
    const length = memory.u16(entry + 2)
    if (length < ACCESS_ALLOWED_ACE.SIZE || entry + length > at + size) return STATUS_INVALID_ACL
    const kind = memory.u8(entry)
    const type = ACE_TYPES.find(([, value]) => value === kind)?.[0]
    const sid = type && readSid(memory, entry + ACCESS_ALLOWED_ACE.SidStart)
    // Entries of other kinds (conditions, object types) are passed over, as they match nobody here.
    if (type && sid)
      aces.push({
        type,
        flags: memory.u8(entry + 1),
        mask: memory.u32(entry + ACCESS_ALLOWED_ACE.Mask),
        sid,
      })
    entry += length
  }
  return aces
}

/**
 * A security descriptor out of memory, absolute or in one piece.
 * @returns the status when the bytes are none
 */
export function readDescriptor(memory: DescriptorSource, at: Ptr): Descriptor | number {
  if (memory.u8(at) !== 1) return STATUS_UNKNOWN_REVISION
  const control = memory.u16(at + SECURITY_DESCRIPTOR.Control)
  const relative = (control & SE_SELF_RELATIVE) !== 0
  const part = (absolute: number, offset: number): Ptr => {
    if (!relative) return memory.ptr(at + absolute)
    const distance = memory.u32(at + offset)
    return distance === 0 ? 0 : memory.add(at, distance)
  }
  const R = SECURITY_DESCRIPTOR_RELATIVE
  const ownerAt = part(SECURITY_DESCRIPTOR.Owner, R.Owner)
  const groupAt = part(SECURITY_DESCRIPTOR.Group, R.Group)
  const daclAt = control & SE_DACL_PRESENT ? part(SECURITY_DESCRIPTOR.Dacl, R.Dacl) : 0
  const saclAt = control & SE_SACL_PRESENT ? part(SECURITY_DESCRIPTOR.Sacl, R.Sacl) : 0
  const owner = ownerAt ? readSid(memory, ownerAt) : null
  const group = groupAt ? readSid(memory, groupAt) : null
  if ((ownerAt && !owner) || (groupAt && !group)) return STATUS_INVALID_SID
  const dacl = daclAt ? readAcl(memory, daclAt) : null
  const sacl = saclAt ? readAcl(memory, saclAt) : null
  if (typeof dacl === 'number') return dacl
  if (typeof sacl === 'number') return STATUS_INVALID_SECURITY_DESCR
  return { owner, group, dacl, sacl, control: control & 0x3f00 }
}
