/**
 * Entries in the form of the LOLDrivers project, ready to be proposed there.
 *
 * Files of one name become one entry with several samples; entries are documents of one YAML
 * stream. Only what somebody found vulnerable or malicious is proposed. What nobody has found out
 * yet (use case, technique, detection) is an empty text, as in their own template, because their
 * schema wants the fields to be there.
 *
 * @see https://github.com/magicsword-io/LOLDrivers/blob/main/bin/spec/drivers.spec.json
 */
import { stringify } from 'yaml'
import type { FileDetail } from '../../shared/contract/files'
import type { Certificate } from '../../shared/driver-file/facts'
import { RING0_NAMESPACE, uuid5 } from './uuid'

/** @param left  gets a sentence for each file that nobody found anything of */
export function* lolDriversYaml(
  details: Iterable<FileDetail>,
  now: Date,
  left: string[],
): Generator<string> {
  let first = true
  for (const group of byName(proposed(details, left))) {
    if (!first) yield '---\n'
    first = false
    yield stringify(entryOf(group, now), { lineWidth: 0 })
  }
}

function* proposed(details: Iterable<FileDetail>, left: string[]): Generator<FileDetail> {
  for (const detail of details)
    if (categoryOf(detail) !== null) yield detail
    else left.push(`${detail.row.name}: neither judged vulnerable or malicious, nor known as such`)
}

/** In their words: the analyst's verdict, else what reference data says. */
function categoryOf({ row }: FileDetail): string | null {
  if (row.verdict === 'malicious') return 'malicious'
  if (row.verdict === 'vulnerable') return 'vulnerable driver'
  return row.verdict === 'benign' ? null : row.known
}

/** Groups in the order in which their first file came. */
function byName(details: Iterable<FileDetail>): FileDetail[][] {
  const groups = new Map<string, FileDetail[]>()
  for (const detail of details) {
    const key = nameOf(detail).toLowerCase()
    const group = groups.get(key)
    if (group) group.push(detail)
    else groups.set(key, [detail])
  }
  return [...groups.values()]
}

/** `a.zip/b/c.sys` came out of an archive: the last part is the file's name. */
const nameOf = ({ row }: FileDetail): string => row.name.split(/[\\/]/).at(-1) ?? row.name

function entryOf(group: FileDetail[], now: Date): Record<string, unknown> {
  const names = [...new Set(group.flatMap((detail) => [nameOf(detail), ...aliases(detail)]))]
  const known = group.flatMap(({ known: entries }) => entries)
  const attack = group.flatMap(({ facts }) =>
    (facts?.capabilities ?? []).flatMap((capability) => capability.attack.map(({ id }) => id)),
  )
  const cve = [...new Set(known.flatMap((entry) => entry.cve))]
  // The line is there to be pasted into a shell: no name from a file gets to say more than a name.
  const file = names.find((name) => /^[\w.-]{1,100}$/.test(name)) ?? 'driver.sys'
  const service = file.replace(/\.sys$/i, '')
  const reasons = group.map(({ verdictReason }) => verdictReason).filter((text) => text !== '')
  return {
    Id: uuid5(RING0_NAMESPACE, group.map(({ row }) => row.sha256 ?? row.name).join('\n')),
    Tags: names,
    Verified: 'FALSE',
    Author: '',
    Created: now.toISOString().slice(0, 10),
    MitreID: known[0]?.attack[0] ?? attack[0] ?? '',
    Category: group.map(categoryOf).find((it) => it === 'malicious') ?? categoryOf(group[0]!),
    ...(cve.length > 0 ? { CVE: cve } : {}),
    Commands: {
      Command: `sc.exe create ${service} binPath=C:\\windows\\temp\\${file} type=kernel && sc.exe start ${service}`,
      Description: reasons[0] ?? known[0]?.description ?? '',
      Usecase: '',
      Privileges: 'kernel',
      OperatingSystem: 'Windows',
    },
    Resources: [...new Set(known.flatMap((entry) => entry.resources))],
    Detection: [],
    Acknowledgement: { Person: '', Handle: '' },
    KnownVulnerableSamples: group.map(sampleOf),
  }
}

const aliases = (detail: FileDetail): string[] =>
  detail.names.map(({ name }) => name.split(/[\\/]/).at(-1) ?? name)

function sampleOf(detail: FileDetail): Record<string, unknown> {
  const { facts, hashes } = detail
  const image = facts?.image ?? null
  const strings = image?.version?.strings ?? {}
  const sample: Record<string, unknown> = {
    Filename: nameOf(detail),
    MD5: hashes['MD5'] ?? '',
    SHA1: hashes['SHA-1'] ?? '',
    SHA256: hashes['SHA-256'] ?? '',
    Signature: (facts?.signatures ?? []).flatMap(({ chain }) => chain.map((it) => it.subjectName)),
    Date: '',
    Publisher: facts?.signatures[0]?.chain[0]?.subjectName ?? '',
    Company: strings['CompanyName'] ?? '',
    Description: strings['FileDescription'] ?? '',
    Product: strings['ProductName'] ?? '',
    ProductVersion: strings['ProductVersion'] ?? '',
    FileVersion: strings['FileVersion'] ?? '',
    MachineType: image?.machine ?? detail.row.machine ?? '',
    OriginalFilename: strings['OriginalFilename'] ?? '',
    InternalName: strings['InternalName'] ?? '',
    Copyright: strings['LegalCopyright'] ?? '',
    LoadsDespiteHVCI: detail.known.some((entry) => entry.loadsDespiteHvci === true)
      ? 'TRUE'
      : 'FALSE',
  }
  if (image === null) return sample
  if (image.authentihash)
    sample['Authentihash'] = {
      MD5: image.authentihash.md5,
      SHA1: image.authentihash.sha1,
      SHA256: image.authentihash.sha256,
    }
  if (image.rich)
    sample['RichPEHeaderHash'] = {
      MD5: image.rich.hash.md5,
      SHA1: image.rich.hash.sha1,
      SHA256: image.rich.hash.sha256,
    }
  if (image.imphash !== null) sample['Imphash'] = image.imphash
  if (image.compiled !== null)
    sample['CreationTimestamp'] = image.compiled.replace('T', ' ').replace('Z', '')
  const pdb = image.debug.find((entry) => entry.pdb !== null)?.pdb
  if (pdb) sample['PDBPath'] = pdb
  sample['Imports'] = image.imports.map(({ dll }) => dll)
  sample['ImportedFunctions'] = image.imports.flatMap(({ functions }) =>
    functions.map(({ name, ordinal }) => name ?? `ordinal ${ordinal ?? '?'}`),
  )
  sample['ExportedFunctions'] = (image.exports?.functions ?? [])
    .flatMap(({ name }) => (name === null ? [] : [name]))
    .join(', ')
  sample['Sections'] = Object.fromEntries(
    image.sections.map((section) => [
      section.name,
      { Entropy: section.entropy, 'Virtual Size': `0x${section.virtualSize.toString(16)}` },
    ]),
  )
  sample['Signatures'] = (facts?.signatures ?? []).map((signature) => ({
    CertificatesInfo: '',
    SignerInfo: '',
    Certificates: [...signature.chain, ...signature.others].map(certificateOf),
    Signer: signature.chain
      .slice(0, 1)
      .map((leaf) => ({ SerialNumber: leaf.serial, Issuer: leaf.issuer, Version: 1 })),
  }))
  return sample
}

const certificateOf = (certificate: Certificate): Record<string, unknown> => ({
  Subject: certificate.subject,
  ValidFrom: certificate.from.replace('T', ' ').replace('Z', ''),
  ValidTo: certificate.to.replace('T', ' ').replace('Z', ''),
  IsCertificateAuthority: certificate.isCa,
  SerialNumber: certificate.serial,
  TBS: {
    MD5: certificate.tbs.md5,
    SHA1: certificate.tbs.sha1,
    SHA256: certificate.tbs.sha256,
    SHA384: certificate.tbs.sha384,
  },
})
