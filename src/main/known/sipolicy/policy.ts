/**
 * A code integrity policy (SiPolicy XML, the form of Microsoft's recommended driver block rules) as
 * far as it can block a driver: what the signing scenario 131 denies. Plain data, kept as JSON.
 *
 * @see https://learn.microsoft.com/windows/security/application-security/application-control/app-control-for-business/design/microsoft-recommended-driver-block-rules
 */

/** Conditions on the version resource; all that are given must hold. */
export interface FileAttributes {
  id: string
  name: string
  /** OriginalFilename; `*` for any. Names are compared without case and outer blanks. */
  fileName: string | null
  internalName: string | null
  fileDescription: string | null
  productName: string | null
  /** Of VS_FIXEDFILEINFO, as four numbers joined by dots. */
  minimumVersion: string | null
  maximumVersion: string | null
}

export interface HashRule {
  id: string
  name: string
  /** Authentihash or page hash, SHA-1 or SHA-256, lower case. Never a hash of the flat file. */
  hash: string
}

export interface SignerRule {
  id: string
  name: string
  /** Digest of the to-be-signed part of a certificate in the chain, by that one's own algorithm. */
  tbs: string
  /** Common name of the leaf. */
  publisher: string | null
  /** Common name of who issued the leaf. */
  issuer: string | null
  /** The OEM a Microsoft signature was made for: program name of the signature. */
  oem: string | null
  /** Dotted OIDs the leaf must carry, all of them. */
  ekus: string[]
  /** Only signatures after this time (ISO 8601); one without a time stamp counts as after. */
  signedAfter: string | null
  /** Any of these is enough; an empty list means every file of the signer. */
  files: FileAttributes[]
  exceptions: AllowRule[]
}

/** An allow rule that a denial names as its exception. */
export type AllowRule = { hash: HashRule } | { file: FileAttributes }

export interface SiPolicy {
  name: string
  version: string
  policyId: string | null
  hashes: HashRule[]
  files: FileAttributes[]
  signers: SignerRule[]
  /** What the policy says that is not evaluated here, or could not be understood. */
  notes: string[]
}

export const ruleCount = ({ hashes, files, signers }: SiPolicy): number =>
  hashes.length + files.length + signers.length
