/**
 * A STIX 2.1 bundle: each file as an observable with its PE facts and certificates, an indicator for
 * what was judged harmful, the vulnerabilities and techniques that reference data and capabilities
 * name, the analyst's notes, and the relationships between them.
 *
 * @see https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html
 */
import type { FileDetail } from '../../shared/contract/files'
import type { Certificate } from '../../shared/driver-file/facts'
import { RING0_NAMESPACE, STIX_NAMESPACE, canonicalJson, uuid5 } from './uuid'

type StixObject = { type: string; id: string } & Record<string, unknown>

const MACHINE_HEX: Record<string, string> = {
  I386: '14c',
  AMD64: '8664',
  ARM64: 'aa64',
  ARMNT: '1c4',
  IA64: '200',
}

/** Seconds are enough, and the format wants a point for fractions or none. */
const timeOf = (date: Date): string => date.toISOString().replace(/\.\d+Z$/, '.000Z')

export function* stix(details: Iterable<FileDetail>, now: Date): Generator<string> {
  const seen = new Set<string>()
  const identity = identityOf(now)
  yield `{\n"type": "bundle",\n"id": "bundle--${uuid5(RING0_NAMESPACE, `bundle ${now.toISOString()}`)}",\n"objects": [\n`
  yield JSON.stringify(identity)
  for (const detail of details)
    for (const object of objectsOf(detail, identity.id, now)) {
      if (seen.has(object.id)) continue
      seen.add(object.id)
      yield `,\n${JSON.stringify(object)}`
    }
  yield '\n]\n}\n'
}

function identityOf(now: Date): StixObject {
  return {
    type: 'identity',
    spec_version: '2.1',
    id: `identity--${uuid5(RING0_NAMESPACE, 'identity')}`,
    created: timeOf(now),
    modified: timeOf(now),
    name: 'Ring0 Lab',
    identity_class: 'system',
  }
}

function* objectsOf(detail: FileDetail, author: string, now: Date): Generator<StixObject> {
  const file = fileOf(detail)
  yield file
  const name = detail.row.sha256 ?? file.id
  const domain = (type: string, key: string, fields: Record<string, unknown>): StixObject => ({
    type,
    spec_version: '2.1',
    id: `${type}--${uuid5(RING0_NAMESPACE, `${type} ${key}`)}`,
    created_by_ref: author,
    created: timeOf(now),
    modified: timeOf(now),
    ...fields,
  })
  const relate = (from: StixObject, kind: string, to: StixObject): StixObject =>
    domain('relationship', `${from.id} ${kind} ${to.id}`, {
      relationship_type: kind,
      source_ref: from.id,
      target_ref: to.id,
    })

  for (const signature of detail.facts?.signatures ?? [])
    for (const certificate of signature.chain) {
      const object = certificateOf(certificate)
      yield object
      yield relate(file, 'related-to', object)
    }

  const isHarmful =
    detail.known.length > 0 ||
    ['malicious', 'vulnerable', 'suspicious'].includes(detail.row.verdict)
  const pattern = patternOf(detail)
  const subject =
    isHarmful && pattern !== null
      ? domain('indicator', name, {
          name: `${detail.row.name} by its hash`,
          indicator_types: [
            detail.row.verdict === 'malicious' || detail.row.known === 'malicious'
              ? 'malicious-activity'
              : 'anomalous-activity',
          ],
          pattern,
          pattern_type: 'stix',
          valid_from: timeOf(now),
          ...(detail.verdictReason === '' ? {} : { description: detail.verdictReason }),
        })
      : null
  if (subject) {
    const observation = observationOf(domain, file, detail, now)
    yield subject
    yield observation
    yield relate(subject, 'based-on', observation)
  }

  for (const cve of new Set(detail.known.flatMap((entry) => entry.cve))) {
    const vulnerability = domain('vulnerability', cve, {
      name: cve,
      external_references: [{ source_name: 'cve', external_id: cve }],
    })
    yield vulnerability
    yield relate(file, 'related-to', vulnerability)
  }
  for (const { id, name: technique } of attackOf(detail)) {
    const pattern = domain('attack-pattern', id, {
      name: technique,
      external_references: [
        {
          source_name: 'mitre-attack',
          external_id: id,
          url: `https://attack.mitre.org/techniques/${id.replace('.', '/')}/`,
        },
      ],
    })
    yield pattern
    yield relate(subject ?? file, subject ? 'indicates' : 'related-to', pattern)
  }
  if (detail.notes !== '')
    yield domain('note', name, { content: detail.notes, object_refs: [file.id] })
}

type Domain = (type: string, key: string, fields: Record<string, unknown>) => StixObject

/** The file as seen once: what an indicator may be based on. */
function observationOf(
  domain: Domain,
  file: StixObject,
  detail: FileDetail,
  now: Date,
): StixObject {
  const added = new Date(detail.row.addedAt)
  const seen = timeOf(Number.isNaN(added.getTime()) ? now : added)
  return domain('observed-data', file.id, {
    first_observed: seen,
    last_observed: seen,
    number_observed: 1,
    object_refs: [file.id],
  })
}

function attackOf(detail: FileDetail): { id: string; name: string }[] {
  const all = new Map<string, string>()
  for (const entry of detail.known) for (const id of entry.attack) all.set(id, id)
  for (const capability of detail.facts?.capabilities ?? [])
    for (const { id, name } of capability.attack) all.set(id, name)
  return [...all].map(([id, name]) => ({ id, name }))
}

/** The hashes that the format has a name for; they are called the same on the shelf. */
function hashesOf({ hashes, facts }: FileDetail): Record<string, string> {
  const own = ['MD5', 'SHA-1', 'SHA-256'].flatMap((name) => {
    const value = hashes[name]
    return value ? [[name, value]] : []
  })
  return Object.fromEntries(facts?.tlsh ? [...own, ['TLSH', facts.tlsh]] : own)
}

function patternOf(detail: FileDetail): string | null {
  const hashes = hashesOf(detail)
  const name = ['SHA-256', 'SHA-1', 'MD5'].find((each) => hashes[each])
  return name ? `[file:hashes.'${name}' = '${hashes[name]}']` : null
}

function fileOf(detail: FileDetail): StixObject {
  const hashes = hashesOf(detail)
  const name = detail.row.name.split(/[\\/]/).at(-1) ?? detail.row.name
  const image = detail.facts?.image
  const machine = image ? MACHINE_HEX[image.machine] : undefined
  const extension = image && {
    pe_type: 'sys',
    ...(image.imphash === null ? {} : { imphash: image.imphash }),
    ...(machine === undefined ? {} : { machine_hex: machine }),
    number_of_sections: image.sections.length,
    ...(image.compiled === null ? {} : { time_date_stamp: image.compiled }),
    sections: image.sections.map((section) => ({
      // An empty name is not allowed in the format.
      name: section.name === '' ? '(none)' : section.name,
      size: section.rawSize,
      entropy: section.entropy,
    })),
  }
  // One hash, in the order of preference that the format gives, makes the id.
  const idHash = ['MD5', 'SHA-1', 'SHA-256'].find((each) => hashes[each])
  const id = uuid5(
    STIX_NAMESPACE,
    canonicalJson({
      ...(idHash ? { hashes: { [idHash]: hashes[idHash] } } : {}),
      name,
      ...(extension ? { extensions: { 'windows-pebinary-ext': extension } } : {}),
    }),
  )
  return {
    type: 'file',
    spec_version: '2.1',
    id: `file--${id}`,
    ...(Object.keys(hashes).length > 0 ? { hashes } : {}),
    name,
    ...(detail.row.size === null ? {} : { size: detail.row.size }),
    ...(extension ? { extensions: { 'windows-pebinary-ext': extension } } : {}),
  }
}

function certificateOf(certificate: Certificate): StixObject {
  const hashes = { 'SHA-1': certificate.thumbprint.sha1, 'SHA-256': certificate.thumbprint.sha256 }
  const id = uuid5(
    STIX_NAMESPACE,
    canonicalJson({ hashes: { 'SHA-1': hashes['SHA-1'] }, serial_number: certificate.serial }),
  )
  return {
    type: 'x509-certificate',
    spec_version: '2.1',
    id: `x509-certificate--${id}`,
    is_self_signed: certificate.isSelfSigned,
    hashes,
    serial_number: certificate.serial,
    signature_algorithm: certificate.signatureAlgorithm,
    issuer: certificate.issuer,
    subject: certificate.subject,
    ...(certificate.from === '' ? {} : { validity_not_before: certificate.from }),
    ...(certificate.to === '' ? {} : { validity_not_after: certificate.to }),
  }
}
