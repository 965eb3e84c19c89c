/**
 * What speaks against the times a signature claims. Each item is one observation with the values it
 * rests on and what else could explain it; none is a verdict. This is how forged signing times show
 * (HookSignTool, FuckCertVerifyTimeValidity): an expired certificate of before 2015-07-29, a young
 * image, and a stamp of a root that nobody ships.
 *
 * @see https://blog.talosintelligence.com/old-certificate-new-signature/
 */
import type { Evidence, Image, Signature, TimeStamp } from '../../../shared/driver-file/facts'
import type { Indicator } from './indicators'
import { findIndicator } from './indicators'

/** Clocks differ, and COFF stamps were written in local time by some linkers. */
const DAY = 86_400_000

/**
 * Windows 10 1607 and later load cross-signed drivers only when the signer's certificate was issued
 * before this day (or Secure Boot is off, or the system was upgraded).
 */
const EXEMPTION_END = Date.UTC(2015, 6, 29)

/** From this day on Windows no longer took SHA-1 for code that a time stamp dates later. */
const SHA1_END = Date.UTC(2016, 0, 1)

const COMPILED_CAVEAT =
  'The compile time is a field of the file that anyone can set; a wrong clock or a build that writes a fixed or made-up value explains it too.'

type Item = Omit<Evidence, 'signature'>

/** All observations about one signature, in the order of EVIDENCE_IDS. */
export function evidenceOf(
  signatures: readonly Signature[],
  index: number,
  image: Pick<Image, 'compiled' | 'timeIsHash'>,
  indicators: readonly Indicator[],
): Evidence[] {
  const signature = signatures[index]
  const compiled = image.compiled === null || image.timeIsHash ? null : image.compiled
  const items = [
    ...(compiled === null ? [] : compiledLate(signature, compiled)),
    ...(signature.timeStamp ? stampItems(signature, signature.timeStamp, indicators) : []),
    ...(compiled === null ? [] : weakDigest(signatures, signature, compiled)),
    ...mismatches(signature),
  ]
  return items.map((item) => ({ ...item, signature: index }))
}

function compiledLate(signature: Signature, compiled: string): Item[] {
  const items: Item[] = []
  const at = Date.parse(compiled)
  const leaf = signature.chain.at(0)
  const stamp = signature.timeStamp
  if (leaf && at > Date.parse(leaf.to) + DAY) {
    items.push({
      id: 'compiled-after-signer-expired',
      text: `Compiled ${day(compiled)}, but the certificate of "${leaf.subjectName}" expired ${day(leaf.to)}.`,
      caveat: COMPILED_CAVEAT,
      data: { compiled, signer: leaf.subjectName, signerFrom: leaf.from, signerTo: leaf.to },
    })
  }
  if (stamp && at > Date.parse(stamp.time) + DAY) {
    items.push({
      id: 'compiled-after-claimed-signing-time',
      text: `Compiled ${day(compiled)}, but the time stamp says it was signed ${day(stamp.time)}.`,
      caveat: COMPILED_CAVEAT,
      data: { compiled, claimed: stamp.time, stamp: stamp.kind },
    })
  }
  const isMicrosofts = ['whcp', 'attestation', 'windows'].includes(signature.kind)
  if (leaf && !isMicrosofts && Date.parse(leaf.from) < EXEMPTION_END && at > EXEMPTION_END + DAY) {
    items.push({
      id: 'pre-2015-07-29-exemption-claimed',
      text: `The signer's certificate was issued ${day(leaf.from)}, before 2015-07-29: ${exemption(signature)}; the image was compiled later, ${day(compiled)}.`,
      caveat: `A certificate issued before that day could be used for as long as it was valid (here until ${day(leaf.to)}). ${COMPILED_CAVEAT}`,
      data: { compiled, signer: leaf.subjectName, signerFrom: leaf.from, signerTo: leaf.to },
    })
  }
  return items
}

/** The rule asks for two things, and a date alone is one of them: Windows wants the chain as well. */
const exemption = ({ kind }: Signature): string =>
  kind === 'cross-signed'
    ? 'the rule of that date exempts a driver so signed from a signature of Microsoft'
    : 'the rule of that date would exempt the driver from a signature of Microsoft, if its chain ended at a cross-certified authority'

function stampItems(
  signature: Signature,
  stamp: TimeStamp,
  indicators: readonly Indicator[],
): Item[] {
  const items: Item[] = []
  const leaf = stamp.chain.at(0)
  const root = stamp.rootName
  if (!stamp.rootIsKnown && !isSignersRoot(signature, stamp)) {
    items.push({
      id: 'untrusted-timestamp-root',
      text: leaf
        ? `The time stamp ends at "${root}", which is none of the roots that Windows ships with.`
        : 'The certificate that made the time stamp is not in the signature.',
      caveat:
        'The list of roots is that of this version of the program; a company may run a time-stamp service of its own. What the stamp says is only as good as that root.',
      data: { root, claimed: stamp.time, stamp: stamp.kind, stampSigner: leaf?.subjectName ?? '' },
    })
  }
  const listed = findIndicator(stamp.chain, 'time-stamp', indicators)
  if (listed) {
    const { indicator, by, value } = listed
    items.push({
      id: 'timestamp-root-on-indicator-list',
      text: `A certificate of the time stamp is on the indicator list: "${indicator.name}". ${indicator.what}`,
      caveat:
        by === 'name'
          ? 'Recognised by its name only, and anyone can use a name.'
          : 'The list tells what was reported, not who used it here.',
      data: { indicator: indicator.id, by, value, references: indicator.references.join(' ') },
    })
  }
  const at = Date.parse(stamp.time)
  if (leaf && (at < Date.parse(leaf.from) - DAY || at > Date.parse(leaf.to) + DAY)) {
    items.push({
      id: 'timestamp-certificate-not-valid-at-claimed-time',
      text: `The time stamp claims ${day(stamp.time)}, but its certificate "${leaf.subjectName}" is valid from ${day(leaf.from)} to ${day(leaf.to)}.`,
      caveat: 'A wrong clock at the time-stamp service explains it too.',
      data: { claimed: stamp.time, stampSigner: leaf.subjectName, from: leaf.from, to: leaf.to },
    })
  }
  return items
}

/**
 * A private authority that stamps what it signs makes nobody believe more: who trusts its root
 * trusts it for both, and who does not trusts neither.
 */
function isSignersRoot(signature: Signature, stamp: TimeStamp): boolean {
  const [ours, theirs] = [signature.chain.at(-1), stamp.chain.at(-1)]
  if (!ours || !theirs) return false
  return ours.thumbprint.sha256 === theirs.thumbprint.sha256
}

function weakDigest(
  signatures: readonly Signature[],
  signature: Signature,
  compiled: string,
): Item[] {
  const { digestAlgorithm } = signature
  if (digestAlgorithm !== 'sha1' && digestAlgorithm !== 'md5') return []
  if (Date.parse(compiled) < SHA1_END + DAY) return []
  const hasBetter = signatures.some(
    (other) => /^sha(256|384|512)$/.test(other.digestAlgorithm) && other.digestMatches,
  )
  const name = digestAlgorithm === 'md5' ? 'MD5' : 'SHA-1'
  return [
    {
      id: 'sha1-digest',
      text: `The image is from ${day(compiled)}, but this signature rests on ${name}, which Windows no longer took for new code from 2016 on.`,
      caveat: hasBetter
        ? 'The file has a SHA-2 signature too: many files were signed twice, for older versions of Windows.'
        : `Some were signed so for older versions of Windows. ${COMPILED_CAVEAT}`,
      data: { compiled, digestAlgorithm },
    },
  ]
}

function mismatches(signature: Signature): Item[] {
  const items: Item[] = []
  const { digest, digestAlgorithm, digestMatches, timeStamp } = signature
  if (!digestMatches) {
    items.push({
      id: 'digest-mismatch',
      text: `The file is not what was signed: its ${digestAlgorithm} digest is another than the signature says.`,
      caveat:
        'Damage in storage or transfer, a patch, or a signature taken from another file look alike.',
      data: { signed: digest, digestAlgorithm },
    })
  }
  if (!signature.verifies) {
    items.push({
      id: 'signature-does-not-verify',
      text: "The signer's signature does not fit its certificate, or the certificate is not given.",
      caveat: 'A kind of key or an algorithm that is unknown here looks alike.',
      data: { part: 'signer', signer: signature.chain.at(0)?.subjectName ?? '' },
    })
  }
  if (timeStamp && !timeStamp.verifies) {
    items.push({
      id: 'signature-does-not-verify',
      text: `The time stamp of ${day(timeStamp.time)} does not verify, or stamps another signature.`,
      caveat: 'A kind of key or an algorithm that is unknown here looks alike.',
      data: { part: 'time stamp', claimed: timeStamp.time, stamp: timeStamp.kind },
    })
  }
  return items
}

function day(time: string): string {
  return time.slice(0, 10)
}
