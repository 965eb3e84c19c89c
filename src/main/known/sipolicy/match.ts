/**
 * Does a policy block a driver, and by which of its rules? Microsoft's own semantics:
 *
 * - A hash rule means the authentihash or the hash of the first page, never the flat file.
 * - A file rule means the version resource: OriginalFilename (and its siblings), and the version of
 *   VS_FIXEDFILEINFO between minimum and maximum, both included. A denial with a MINIMUM alone
 *   blocks versions UP TO it: so it was before MaximumFileVersion existed, and the lists still hold
 *   such rules (`MinimumFileVersion="65535.65535.65535.65535"` blocks every version). Seen in
 *   MicrosoftDocs/windows-itpro-docs#10165 and MicrosoftDocs/WDAC-Toolkit#289 and #515. In an allow
 *   rule a minimum is a minimum.
 * - A signer rule means a certificate of the chain by the digest of its to-be-signed part, and the
 *   leaf by its names and EKUs, and, if it names files, any of them. A signature whose digest is not
 *   the file's is nobody's.
 */
import type { Certificate, FileFacts, Image, Signature } from '../../../shared/driver-file/facts'
import type { AllowRule, FileAttributes, HashRule, SignerRule, SiPolicy } from './policy'

type VersionInfo = NonNullable<Image['version']>

/** What of a file rules are held against. */
export interface PolicyFile {
  authentihash: { sha1: string | null; sha256: string | null } | null
  pageHash: { sha1: string; sha256: string } | null
  version: VersionInfo | null
  signatures: Signature[]
}

export interface PolicyMatch {
  rule: string
  ruleName: string
  matchedBy: 'authentihash' | 'page hash' | 'file name and version' | 'signer'
  /** Which value of the file met which of the rule. */
  text: string
}

/** Of facts as read; no image, no matches but by nothing. */
export function policyFileOf(facts: Pick<FileFacts, 'image' | 'signatures'>): PolicyFile {
  const { image, signatures } = facts
  return {
    authentihash: image?.authentihash ?? null,
    pageHash: image?.pageHash ?? null,
    version: image?.version ?? null,
    signatures,
  }
}

/**
 * Every rule of the policy that blocks the file, in the order hash, file, signer; none for a file
 * that may load. The policy is indexed at its first use, so that many files cost little each.
 */
export function matchPolicy(policy: SiPolicy, file: PolicyFile): PolicyMatch[] {
  let index = indexes.get(policy)
  if (!index) {
    index = new PolicyIndex(policy)
    indexes.set(policy, index)
  }
  return index.match(file)
}
const indexes = new WeakMap<SiPolicy, PolicyIndex>()

function grouped<T>(items: T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}

class PolicyIndex {
  readonly #hashes: Map<string, HashRule[]>
  /** By OriginalFilename; rules without one or with `*` stand under `*`. */
  readonly #files: Map<string, FileAttributes[]>
  readonly #signers: Map<string, SignerRule[]>

  constructor(policy: SiPolicy) {
    this.#hashes = grouped(policy.hashes, ({ hash }) => hash)
    this.#files = grouped(policy.files, ({ fileName }) => folded(fileName ?? '*'))
    this.#signers = grouped(policy.signers, ({ tbs }) => tbs)
  }

  match(file: PolicyFile): PolicyMatch[] {
    return [...this.#byHash(file), ...this.#byFile(file), ...this.#bySigner(file)]
  }

  #byHash(file: PolicyFile): PolicyMatch[] {
    return hashesOf(file).flatMap(({ hash, kind, matchedBy }) =>
      (this.#hashes.get(hash) ?? []).map((rule) => ({
        rule: rule.id,
        ruleName: rule.name,
        matchedBy,
        text: `The ${kind} ${hash} is the hash of the rule.`,
      })),
    )
  }

  #byFile({ version }: PolicyFile): PolicyMatch[] {
    if (!version) return []
    const names = new Set(['*', folded(version.strings['OriginalFilename'] ?? '*')])
    const rules = [...names].flatMap((name) => this.#files.get(name) ?? [])
    return rules.flatMap((rule) => {
      const text = meets(rule, version, 'deny')
      if (text === null) return []
      return [
        { rule: rule.id, ruleName: rule.name, matchedBy: 'file name and version' as const, text },
      ]
    })
  }

  #bySigner(file: PolicyFile): PolicyMatch[] {
    const found = new Map<string, PolicyMatch>()
    for (const signature of file.signatures) {
      if (!signature.digestMatches) continue
      for (const certificate of signature.chain) {
        for (const digest of new Set(Object.values(certificate.tbs))) {
          for (const rule of this.#signers.get(digest) ?? []) {
            const text = signs(rule, signature, certificate, file)
            if (text === null || found.has(rule.id)) continue
            found.set(rule.id, { rule: rule.id, ruleName: rule.name, matchedBy: 'signer', text })
          }
        }
      }
    }
    return [...found.values()]
  }
}

interface FileHash {
  hash: string
  kind: string
  matchedBy: 'authentihash' | 'page hash'
}

function hashesOf({ authentihash, pageHash }: PolicyFile): FileHash[] {
  const known = [
    { hash: authentihash?.sha1, kind: 'SHA-1 authentihash', matchedBy: 'authentihash' as const },
    {
      hash: authentihash?.sha256,
      kind: 'SHA-256 authentihash',
      matchedBy: 'authentihash' as const,
    },
    { hash: pageHash?.sha1, kind: 'SHA-1 page hash', matchedBy: 'page hash' as const },
    { hash: pageHash?.sha256, kind: 'SHA-256 page hash', matchedBy: 'page hash' as const },
  ]
  return known.flatMap(({ hash, ...rest }) => (hash ? [{ hash, ...rest }] : []))
}

/** Names as Windows compares them: no case, no outer blanks, no zeros that a resource ends with. */
function folded(name: string): string {
  return name.replaceAll('\0', '').trim().toLowerCase()
}

function compareVersions(left: string, right: string): number {
  const [a, b] = [left, right].map((version) => version.split('.').map(Number))
  for (let at = 0; at < 4; at += 1) {
    const difference = (a?.[at] ?? 0) - (b?.[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** Why the version resource meets a rule, in words, or null when it does not. */
function meets(rule: FileAttributes, version: VersionInfo, sense: 'deny' | 'allow'): string | null {
  const said: string[] = []
  const names = [
    ['OriginalFilename', rule.fileName],
    ['InternalName', rule.internalName],
    ['FileDescription', rule.fileDescription],
    ['ProductName', rule.productName],
  ] as const
  for (const [key, wanted] of names) {
    if (wanted === null || wanted === '*') continue
    const name = version.strings[key] ?? ''
    if (folded(name) !== folded(wanted)) return null
    said.push(`${key} is ${name.replaceAll('\0', '').trim()}`)
  }
  const { minimumVersion: least, maximumVersion: most } = rule
  // A resource without fixed information has version 0.
  const own = version.fileVersion ?? '0.0.0.0'
  if (most === null && least !== null && sense === 'deny') {
    if (compareVersions(own, least) > 0) return null
    said.push(`version ${own} is at most ${least}`)
  } else {
    if (least !== null && compareVersions(own, least) < 0) return null
    if (most !== null && compareVersions(own, most) > 0) return null
    if (least !== null) said.push(`version ${own} is at least ${least}`)
    if (most !== null) said.push(`version ${own} is at most ${most}`)
  }
  return said.length === 0 ? 'The rule is about every file.' : `${said.join(', ')}.`
}

/** Why a signature meets a signer rule, in words, or null when it does not. */
function signs(
  rule: SignerRule,
  signature: Signature,
  certificate: Certificate,
  file: PolicyFile,
): string | null {
  const [leaf] = signature.chain
  if (!leaf) return null
  const said = [
    `The certificate "${certificate.subjectName}" of the chain is the rule's by its TBS hash`,
  ]
  if (rule.publisher !== null) {
    if (folded(leaf.subjectName) !== folded(rule.publisher)) return null
    said.push(`the leaf is named "${leaf.subjectName}"`)
  }
  if (rule.issuer !== null) {
    if (folded(leaf.issuerName) !== folded(rule.issuer)) return null
    said.push(`its issuer is named "${leaf.issuerName}"`)
  }
  if (rule.oem !== null) {
    if (folded(signature.programName ?? '') !== folded(rule.oem)) return null
    said.push(`it was signed for "${rule.oem}"`)
  }
  const ekus = new Set(leaf.eku.map(({ oid }) => oid))
  if (!rule.ekus.every((oid) => ekus.has(oid))) return null
  if (rule.ekus.length > 0) said.push(`the leaf has the EKU ${rule.ekus.join(', ')}`)
  const signedAt = signature.timeStamp?.time
  if (rule.signedAfter !== null && signedAt !== undefined) {
    if (!(Date.parse(signedAt) > Date.parse(rule.signedAfter))) return null
    said.push(`it was signed after ${rule.signedAfter}`)
  }
  if (rule.files.length > 0) {
    const { version } = file
    const texts = version ? rule.files.map((attributes) => meets(attributes, version, 'deny')) : []
    const met = texts.find((text) => text !== null)
    if (met === undefined) return null
    said.push(met.replace(/\.$/, ''))
  }
  if (rule.exceptions.some((allowed) => isAllowed(allowed, file))) return null
  return `${said.join('; ')}.`
}

function isAllowed(rule: AllowRule, file: PolicyFile): boolean {
  if ('hash' in rule) return hashesOf(file).some(({ hash }) => hash === rule.hash.hash)
  return file.version !== null && meets(rule.file, file.version, 'allow') !== null
}
