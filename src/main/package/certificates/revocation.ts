/**
 * Certificate revocation lists (RFC 5280): with which an authority takes certificates back. Written for
 * packages whose signer is revoked, and read again where a policy asks.
 */
import { sign } from 'node:crypto'
import type { Certificate } from '../../../shared/driver-file/facts'
import { context, Der, hex, TAG } from '../../pe/authenticode/der'
import { distinguishedName } from '../../pe/authenticode/certificate'
import * as asn1 from './asn1'
import type { Issued } from './certificate'
import { keyIdOf } from './certificate'
import { OIDS } from './oids'

/** Reason codes: the key got into other hands. */
const KEY_COMPROMISE = 1
const REASON_CODE = '2.5.29.21'
const ENUMERATED = 10

/** What the authority of a certificate signs when it takes it back. One that signed itself cannot be. */
export function revocationListOf(signer: Issued, at: number): Uint8Array | null {
  const [issuer] = signer.issuers
  if (!issuer) return null
  const algorithm = asn1.algorithm(OIDS.sha256WithRsa)
  const reason = asn1.sequence(
    asn1.oid(REASON_CODE),
    asn1.octets(Uint8Array.of(ENUMERATED, 1, KEY_COMPROMISE)),
  )
  const entry = asn1.sequence(
    asn1.bigInteger(signer.serial),
    asn1.utcTime(at),
    asn1.sequence(reason),
  )
  const extension = (id: string, value: asn1.Node) =>
    asn1.sequence(asn1.oid(id), asn1.octets(asn1.bytesOf(value)))
  const list = asn1.sequence(
    asn1.integer(1),
    algorithm,
    issuer.subject,
    asn1.utcTime(at),
    asn1.sequence(entry),
    asn1.tagged(
      0,
      asn1.sequence(
        extension(OIDS.authorityKeyId, asn1.sequence(asn1.taggedBytes(0, keyIdOf(issuer.key)))),
        extension(OIDS.crlNumber, asn1.integer(1)),
      ),
    ),
  )
  const signature = sign('sha256', asn1.bytesOf(list), issuer.key.privateKey)
  return asn1.bytesOf(asn1.sequence(list, algorithm, asn1.bits(signature)))
}

export interface Revocation {
  /** Name of the authority, as `Certificate.issuer` has it. */
  issuer: string
  serials: ReadonlySet<string>
}

const ENTRIES_MAX = 10_000

/**
 * Read a list. Names and numbers only: who keeps such lists on a machine has verified them.
 * @returns null when the bytes are no such list
 */
export function readRevocationList(bytes: Uint8Array): Revocation | null {
  try {
    const [list] = Der.at(bytes).expect(TAG.sequence, 'no list').children()
    const fields = list!.expect(TAG.sequence, 'no list').children()
    if (fields[0]?.is(TAG.integer)) fields.shift()
    const [, issuer, , ...rest] = fields
    const entries = rest.find((field) => field.is(TAG.sequence))
    const serials = new Set<string>()
    for (const entry of entries?.children().slice(0, ENTRIES_MAX) ?? []) {
      const [serial] = entry.children()
      if (serial && !entry.is(context(0))) serials.add(serial.integerHex())
    }
    return { issuer: distinguishedName(issuer!).full, serials }
  } catch {
    return null
  }
}

/** The list that takes a certificate back, if one does. */
export const revocationOf = (
  { issuer, serial }: Certificate,
  lists: readonly Revocation[],
): Revocation | undefined =>
  lists.find((list) => list.issuer === issuer && list.serials.has(serial))

export const serialText = (serial: Uint8Array): string => hex(serial)
