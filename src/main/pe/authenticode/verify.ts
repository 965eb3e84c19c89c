/**
 * Does a signature fit a key? RSA (PKCS #1 v1.5 and PSS), ECDSA and DSA with Node's crypto, down to
 * MD5 and SHA-1: here the question is what was signed, not whether it should still be trusted.
 */
import type { KeyObject } from 'node:crypto'
import { constants, createPublicKey, hash, verify } from 'node:crypto'
import type { Algorithm, ParsedCertificate } from './certificate'
import { pssDigest } from './certificate'
import { context, TAG } from './der'
import { OID, signatureAlgorithm } from './oids'
import type { Work } from './work'

/** In bits. Authorities use 4096 at most, and time grows with the square. */
const MODULUS_MAX = 8192
const DSA_MODULUS_MAX = 3072
const KEYS_MAX = 256
const keys = new Map<string, KeyObject | null>()

/** A key as Node has it; null when Node knows no such key. */
function keyOf(publicKey: Uint8Array): KeyObject | null {
  const id = hash('sha256', publicKey, 'base64')
  const known = keys.get(id)
  if (known !== undefined) return known
  let key: KeyObject | null = null
  try {
    key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' })
    const max = key.asymmetricKeyType === 'dsa' ? DSA_MODULUS_MAX : MODULUS_MAX
    if ((key.asymmetricKeyDetails?.modulusLength ?? 0) > max) key = null
  } catch {
    // A key of an unknown kind or with bad numbers: nothing verifies with it.
  }
  if (keys.size >= KEYS_MAX) keys.delete([...keys.keys()][0])
  keys.set(id, key)
  return key
}

/**
 * @param publicKey SubjectPublicKeyInfo
 * @param algorithm of the signature; where it names no digest (`rsaEncryption`), `digest` counts
 * @param digest    name of the digest for Node's crypto
 * @returns false too when the kind of key or the algorithm is unknown
 */
export function signatureFits(
  publicKey: Uint8Array,
  algorithm: Algorithm,
  digest: string,
  data: Uint8Array,
  signature: Uint8Array,
  work: Work,
): boolean {
  return work.verification() && fits(publicKey, algorithm, digest, data, signature)
}

function fits(
  publicKey: Uint8Array,
  algorithm: Algorithm,
  digest: string,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = keyOf(publicKey)
  if (!key) return false
  const own = signatureAlgorithm(algorithm.oid).digest ?? digest
  try {
    if (algorithm.oid === OID.rsaPss || key.asymmetricKeyType === 'rsa-pss') {
      const padding = constants.RSA_PKCS1_PSS_PADDING
      const saltLength = saltOf(algorithm)
      return verify(pssDigest(algorithm), data, { key, padding, saltLength }, signature)
    }
    if (key.asymmetricKeyType === 'ed25519') return verify(null, data, key, signature)
    return verify(own, data, key, signature)
  } catch {
    // Thrown for malformed signatures and digests the library leaves out.
    return false
  }
}

/** Length of the salt of RSASSA-PSS in bytes, 20 where the parameters name none. */
function saltOf(algorithm: Algorithm): number {
  if (!algorithm.parameters?.is(TAG.sequence)) return 20
  const salt = algorithm.parameters.children().find((part) => part.is(context(2)))
  return salt ? salt.first().integer() : 20
}

const LINKS_MAX = 1024
const links = new Map<string, boolean>()

/** Did this key sign this certificate? Remembered, as authorities come again with every file. */
export function isSignedBy(
  certificate: ParsedCertificate,
  publicKey: Uint8Array,
  work: Work,
): boolean {
  const key = hash('sha256', publicKey, 'base64')
  const id = certificate.facts.thumbprint.sha256 + key
  const known = links.get(id)
  if (known !== undefined) return known
  if (!work.verification()) return false
  const { algorithm, tbs, signature } = certificate
  const isFit = fits(publicKey, algorithm, pssDigest(algorithm), tbs, signature)
  if (links.size >= LINKS_MAX) links.delete([...links.keys()][0])
  links.set(id, isFit)
  return isFit
}
