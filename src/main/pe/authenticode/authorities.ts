/**
 * Which public authority, if any, a chain ends at: Microsoft's own roots, the cross-certificates for
 * kernel drivers, public roots, roots that stamp times. The lists are in data/indicators.
 */
import authorities from '../../../../data/indicators/authorities.json'
import publicRoots from '../../../../data/indicators/public-roots.json'
import type { ParsedCertificate } from './certificate'
import type { Chain } from './chain'
import { hex } from './der'
import { isSignedBy } from './verify'
import type { Work } from './work'

export type AuthorityRole =
  'microsoft' | 'microsoft-cross' | 'microsoft-test' | 'time-stamp' | 'public'

/** How it was recognised, strongest first; `name` stands for nothing but the name. */
export type Basis = 'thumbprint' | 'tbs' | 'key' | 'name'

export interface Authority {
  name: string
  role: AuthorityRole
  basis: Basis
}

interface Entry {
  name: string
  role: string
  sha1?: string
  sha256?: string
  /** SHA-256 of the to-be-signed part. */
  tbs?: string
  /** SubjectPublicKeyInfo in base64. */
  key?: string
}

const entries: Entry[] = [...authorities, ...publicRoots]
const byThumbprint = new Map<string, Entry>()
const byTbs = new Map<string, Entry>()
const byKey = new Map<string, Entry>()
const byName = new Map<string, Entry[]>()
for (const entry of entries) {
  if (entry.sha1) byThumbprint.set(entry.sha1, entry)
  if (entry.sha256) byThumbprint.set(entry.sha256, entry)
  if (entry.tbs) byTbs.set(entry.tbs, entry)
  if (entry.key) byKey.set(hex(Buffer.from(entry.key, 'base64')), entry)
  byName.set(entry.name, [...(byName.get(entry.name) ?? []), entry])
}

/**
 * The authority a chain ends at; null when no list has it.
 * An issuer that was left out is recognised by its key where that is on file, else by its name; a
 * root that is there must be the very certificate, or have the very key.
 */
export function authorityOf(chain: Chain, work: Work): Authority | null {
  for (const certificate of [...chain.certificates].reverse()) {
    const found = recognised(certificate)
    if (found) return found
  }
  const last = chain.certificates.at(-1)
  return last && !chain.isComplete ? missingIssuer(last, work) : null
}

function recognised(certificate: ParsedCertificate): Authority | null {
  const { thumbprint, tbs } = certificate.facts
  const same = byThumbprint.get(thumbprint.sha256) ?? byThumbprint.get(thumbprint.sha1)
  if (same) return authority(same, 'thumbprint')
  const signed = byTbs.get(tbs.sha256)
  if (signed) return authority(signed, 'tbs')
  // The same key in another certificate: a root that was issued anew.
  const keyed = byKey.get(hex(certificate.publicKey))
  return keyed ? authority(keyed, 'key') : null
}

function missingIssuer(last: ParsedCertificate, work: Work): Authority | null {
  const named = byName.get(last.facts.issuerName) ?? []
  const signer = named.find(({ key }) => key && isSignedBy(last, Buffer.from(key, 'base64'), work))
  if (signer) return authority(signer, 'key')
  const keyless = named.find(({ key, tbs }) => !key && !tbs)
  return keyless ? authority(keyless, 'name') : null
}

function authority({ name, role }: Entry, basis: Basis): Authority {
  return { name, role: role as AuthorityRole, basis }
}
