/**
 * The rules by which Windows loads drivers, one function each: asked about one signature, or about the
 * image as a whole. A rule that has nothing to say on a machine is not asked. docs/packages.md has the
 * sources, and what is assumed where there are none.
 */
import type { Image, Signature } from '../../../shared/driver-file/facts'
import type { RuleAnswer, RuleId } from '../../../shared/package/policy'
import {
  STATUS_IMAGE_CERT_EXPIRED,
  STATUS_IMAGE_CERT_REVOKED,
  STATUS_INVALID_IMAGE_HASH,
} from '../../../shared/nt/ntstatus'
import { matchPolicy } from '../../known/sipolicy/match'
import type { SiPolicy } from '../../known/sipolicy/policy'
import type { Revocation } from '../certificates/revocation'
import { revocationOf } from '../certificates/revocation'
import { isAtLeast, type Machine } from './machine'
import type { Standing } from './standing'

/** What a machine knows beside its switches. */
export interface Knowledge {
  revocations: readonly Revocation[]
  /** The vulnerable driver block list; null for none. */
  blockList: SiPolicy | null
}

export interface Asked {
  machine: Machine
  knowledge: Knowledge
  image: Image
  signatures: readonly Signature[]
}

export interface AskedOfSignature extends Asked {
  signature: Signature
  standing: Standing
  /** The machine is in test mode and the chain ends nowhere else. */
  inTestMode: boolean
}

type Answer = Pick<RuleAnswer, 'passes' | 'because'> & { data?: Record<string, string> }

export interface Rule<A> {
  id: RuleId
  asks: string
  /** What a refusal ends in. */
  status: number
  /** Null: the rule has nothing to say here. */
  answer(asked: A): Answer | null
}

const pass = (because: string, data?: Record<string, string>): Answer => ({
  passes: true,
  because,
  ...(data ? { data } : {}),
})
const refuse = (because: string, data?: Record<string, string>): Answer => ({
  passes: false,
  because,
  ...(data ? { data } : {}),
})

const day = (time: string): string => time.slice(0, 10)

/** The day on which Windows 10 came out; certificates of before it keep loading drivers. */
const PORTAL_FROM = '2015-07-29T00:00:00Z'
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3'
const PAGE = 0x1000

const digest: Rule<AskedOfSignature> = {
  id: 'digest',
  asks: 'Is the image what was signed, and does the signature fit its certificate?',
  status: STATUS_INVALID_IMAGE_HASH,
  answer({ signature }) {
    const { digestAlgorithm, digest: signed, digestMatches, verifies } = signature
    const data = { algorithm: digestAlgorithm, digest: signed }
    if (!digestMatches)
      return refuse(
        `The image is not what was signed: its ${digestAlgorithm} digest differs.`,
        data,
      )
    if (!verifies) return refuse("The signature does not fit the signer's certificate.", data)
    return pass(`The ${digestAlgorithm} digest is that of the image, and the signature fits.`, data)
  },
}

const sha2: Rule<AskedOfSignature> = {
  id: 'sha2',
  asks: 'Can this Windows read the digest?',
  status: STATUS_INVALID_IMAGE_HASH,
  answer({ machine, signature: { digestAlgorithm } }) {
    if (machine.windows !== '7') return null
    const data = { algorithm: digestAlgorithm }
    if (digestAlgorithm === 'sha1') return pass('Windows 7 reads SHA-1 from the start.', data)
    return machine.sha2Update
      ? pass('Windows 7 reads SHA-2 since the update KB3033929.', data)
      : refuse('Windows 7 without the update KB3033929 reads SHA-1 signatures only.', data)
  },
}

const root: Rule<AskedOfSignature> = {
  id: 'root',
  asks: 'Does the chain end at a root that drivers are trusted under?',
  status: STATUS_INVALID_IMAGE_HASH,
  answer({ standing, inTestMode }) {
    const data = { root: standing.rootName }
    if (standing.root === 'platform')
      return pass(`The chain ends at "${standing.rootName}", the root of the platform.`, data)
    if (standing.root === 'cross')
      return pass(`The chain goes through a cross-certificate to "${standing.rootName}".`, data)
    const where = `The chain ends at "${standing.rootName}", under which no driver is trusted`
    return inTestMode ? pass(`${where}; test mode asks no root.`, data) : refuse(`${where}.`, data)
  },
}

const testSigning: Rule<AskedOfSignature> = {
  id: 'test-signing',
  asks: 'Does the machine load drivers with test signatures?',
  status: STATUS_INVALID_IMAGE_HASH,
  answer({ machine, standing }) {
    if (standing.root !== 'none') return null
    const data = { testSigning: onOff(machine.testSigning), secureBoot: onOff(machine.secureBoot) }
    if (!machine.testSigning) return refuse('Test signing is off.', data)
    return machine.secureBoot
      ? refuse('Test signing is on, but Secure Boot forbids it.', data)
      : pass('Test signing is on, and any certificate will do.', data)
  },
}

const purpose: Rule<AskedOfSignature> = {
  id: 'purpose',
  asks: 'May the signer sign drivers of this Windows?',
  status: STATUS_INVALID_IMAGE_HASH,
  answer({ machine, standing, inTestMode }) {
    if (inTestMode) return null
    const { leaf } = standing
    const usages = leaf?.eku.map(({ oid, name }) => name || oid) ?? []
    const data = { purposes: usages.join(', ') }
    if (standing.root === 'cross') {
      const isAny = usages.length === 0
      return isAny || leaf?.eku.some(({ oid }) => oid === CODE_SIGNING)
        ? pass('The certificate may sign code.', data)
        : refuse('The certificate is not for signing code.', data)
    }
    switch (standing.purpose) {
      case null:
        return refuse('The certificate of the platform is not for drivers.', data)
      case 'attestation':
        return isAtLeast(machine, '10-1507')
          ? pass('Attestation signatures count since Windows 10.', data)
          : refuse('Attestation signatures are for Windows 10 and later only.', data)
      default:
        return pass(
          standing.purpose === 'whcp'
            ? 'The signature was made after the tests of the hardware programme.'
            : "The signature is one of Windows' own components.",
          data,
        )
    }
  },
}

const validity: Rule<AskedOfSignature> = {
  id: 'validity',
  asks: "Was the signer's certificate valid when it signed?",
  status: STATUS_IMAGE_CERT_EXPIRED,
  answer({ machine, standing, inTestMode }) {
    const { leaf, stamp } = standing
    if (inTestMode || !leaf) return null
    const at = stamp?.time ?? machine.today
    const isWithin =
      Date.parse(leaf.from) <= Date.parse(at) && Date.parse(at) <= Date.parse(leaf.to)
    const isExpired = Date.parse(leaf.to) < Date.parse(machine.today)
    const span = `${day(leaf.from)} to ${day(leaf.to)}`
    const data = {
      ...{ from: leaf.from, to: leaf.to, today: machine.today },
      ...(stamp ? { stamp: stamp.time, stampRoot: stamp.rootName } : {}),
    }
    if (!stamp)
      return isWithin
        ? pass(`The certificate is valid today (${span}); there is no time stamp.`, data)
        : refuse(
            `The certificate is valid ${span}, not today, and no time stamp that fits says when it was signed.`,
            data,
          )
    if (!isWithin)
      return refuse(
        `The time stamp claims ${day(stamp.time)}, but the certificate is valid ${span}.`,
        data,
      )
    return isExpired
      ? pass(
          `The certificate expired ${day(leaf.to)}, but the time stamp claims ${day(stamp.time)}, when it was valid. That claim is taken as it is.`,
          data,
        )
      : pass(`The time stamp claims ${day(stamp.time)}, within ${span}.`, data)
  },
}

const stampRoot: Rule<AskedOfSignature> = {
  id: 'stamp-root',
  asks: 'Is the authority that made the time stamp known?',
  status: STATUS_IMAGE_CERT_EXPIRED,
  answer({ machine, standing: { leaf, stamp }, inTestMode }) {
    // A stamp that nobody needs is not asked where it is from.
    const isNeeded = leaf !== null && Date.parse(leaf.to) < Date.parse(machine.today)
    if (!machine.knownStampsOnly || !stamp || !isNeeded || inTestMode) return null
    const data = { stampRoot: stamp.rootName }
    return stamp.isKnown
      ? pass(`The time stamp ends at "${stamp.rootName}", which the machine knows.`, data)
      : refuse(
          `The certificate has expired, and the time stamp ends at "${stamp.rootName}", which the machine does not know.`,
          data,
        )
  },
}

const revocation: Rule<AskedOfSignature> = {
  id: 'revocation',
  asks: 'Did the authority take a certificate of the chain back?',
  status: STATUS_IMAGE_CERT_REVOKED,
  answer({ signature, knowledge }) {
    const found = signature.chain.find((certificate) =>
      revocationOf(certificate, knowledge.revocations),
    )
    if (!found) return pass('No revocation list of the machine names a certificate of the chain.')
    const data = { certificate: found.subjectName, serial: found.serial, issuer: found.issuerName }
    return refuse(`"${found.issuerName}" revoked the certificate of "${found.subjectName}".`, data)
  },
}

const portal: Rule<AskedOfSignature> = {
  id: 'portal',
  asks: 'Did the driver go through the portal of Microsoft, as 1607 and later want it?',
  status: STATUS_INVALID_IMAGE_HASH,
  answer({ machine, standing, inTestMode }) {
    if (!isAtLeast(machine, '10-1607') || inTestMode) return null
    const { leaf } = standing
    const data = {
      secureBoot: onOff(machine.secureBoot),
      upgraded: machine.upgraded ? 'yes' : 'no',
      issued: leaf?.from ?? '',
    }
    if (standing.root === 'platform') return pass('The driver is signed by the platform.', data)
    if (!machine.secureBoot)
      return pass('Cross-signed drivers still load where Secure Boot is off.', data)
    if (machine.upgraded)
      return pass('Cross-signed drivers still load on a machine that was upgraded.', data)
    return leaf && Date.parse(leaf.from) < Date.parse(PORTAL_FROM)
      ? pass(
          `The certificate was issued ${day(leaf.from)}, before 2015-07-29: the exception for old certificates.`,
          data,
        )
      : refuse(
          `The certificate was issued ${day(leaf?.from ?? '')}, and since 2015-07-29 only the portal signs new drivers.`,
          data,
        )
  },
}

/** In this order, for each signature. */
export const SIGNATURE_RULES: readonly Rule<AskedOfSignature>[] = [
  digest,
  sha2,
  root,
  testSigning,
  purpose,
  validity,
  stampRoot,
  revocation,
  portal,
]

const blockList: Rule<Asked> = {
  id: 'block-list',
  asks: 'Does the vulnerable driver block list name the image, its name and version, or its signer?',
  // What loaders of blocked drivers got since Windows 11 22H2, though no certificate was revoked.
  status: STATUS_IMAGE_CERT_REVOKED,
  answer({ machine, knowledge, image, signatures }) {
    if (!machine.blockList || !knowledge.blockList) return null
    const { authentihash, pageHash, version } = image
    const file = { authentihash, pageHash, version, signatures: [...signatures] }
    const [match] = matchPolicy(knowledge.blockList, file)
    const { name, version: listVersion } = knowledge.blockList
    if (!match) return pass(`No rule of ${name} meets the driver.`, { list: name })
    const data = { list: `${name} ${listVersion}`.trim(), rule: match.rule, by: match.matchedBy }
    return refuse(
      `Rule "${match.ruleName}" of ${name} blocks it by ${match.matchedBy}. ${match.text}`,
      data,
    )
  },
}

const memoryIntegrity: Rule<Asked> = {
  id: 'memory-integrity',
  asks: 'Can memory integrity keep its code from being changed?',
  // No public source names the status of such a refusal.
  status: STATUS_INVALID_IMAGE_HASH,
  answer({ machine, image }) {
    if (!machine.hvci) return null
    const both = image.sections.find(({ flags }) => flags.includes('W') && flags.includes('X'))
    if (both)
      return refuse(
        `Section ${both.name} is writable and executable at once, which memory integrity forbids.`,
        { section: both.name, flags: both.flags },
      )
    if (image.sectionAlignment % PAGE !== 0) {
      const alignment = `0x${image.sectionAlignment.toString(16)}`
      return refuse(`Its sections are aligned to ${alignment} bytes, not to pages.`, { alignment })
    }
    return pass('No section is writable and executable at once.')
  },
}

/** Asked about the image once a signature was accepted. */
export const IMAGE_RULES: readonly Rule<Asked>[] = [blockList, memoryIntegrity]

const onOff = (value: boolean): string => (value ? 'on' : 'off')
