/**
 * A MISP event: each file as a `file` object with its `pe` and `x509` objects, as MISP's own object
 * templates name them, tags for verdict and techniques, notes as comments.
 *
 * @see https://www.misp-standard.org/rfc/misp-standard-core.html
 * @see https://github.com/MISP/misp-objects
 */
import type { FileDetail } from '../../shared/contract/files'
import type { Certificate } from '../../shared/driver-file/facts'
import { RING0_NAMESPACE, uuid5 } from './uuid'

interface Attribute {
  uuid: string
  object_relation: string
  type: string
  category: string
  value: string
  to_ids: boolean
  disable_correlation: boolean
  comment?: string
}
interface MispObject {
  uuid: string
  name: string
  'meta-category': string
  template_uuid: string
  template_version: string
  comment: string
  Attribute: Attribute[]
  ObjectReference: { referenced_uuid: string; relationship_type: string; comment: string }[]
}

const TEMPLATES = {
  file: { uuid: '688c46fb-5edb-40a3-8273-1af7923e2215', version: '23', category: 'file' },
  pe: { uuid: 'cf7adecc-d4f0-4e88-9d90-f978ee151a07', version: '6', category: 'file' },
  x509: { uuid: 'd1ab756a-26b5-4349-9f43-765630f0911c', version: '4', category: 'network' },
} as const

export function* misp(details: Iterable<FileDetail>, now: Date): Generator<string> {
  const seconds = String(Math.floor(now.getTime() / 1000))
  const event = {
    uuid: uuid5(RING0_NAMESPACE, `misp ${now.toISOString()}`),
    info: `Driver files from Ring0 Lab, ${now.toISOString().slice(0, 10)}`,
    date: now.toISOString().slice(0, 10),
    timestamp: seconds,
    // Undefined level, initial analysis, this organisation only: the sender decides, not the tool.
    threat_level_id: '4',
    analysis: '0',
    distribution: '0',
    published: false,
  }
  const head = JSON.stringify({ Event: event })
  yield `${head.slice(0, -2)},"Object":[`
  const tags = new Set<string>()
  let separator = '\n'
  for (const detail of details) {
    for (const object of objectsOf(detail)) {
      yield separator + JSON.stringify(object)
      separator = ',\n'
    }
    for (const tag of tagsOf(detail)) tags.add(tag)
  }
  yield `\n],"Tag":${JSON.stringify([...tags].map((name) => ({ name })))}}}\n`
}

function* tagsOf(detail: FileDetail): Generator<string> {
  for (const entry of detail.known) for (const id of entry.attack) yield attackTag(id)
  for (const { attack } of detail.facts?.capabilities ?? [])
    for (const { id } of attack) yield attackTag(id)
  for (const tag of detail.row.tags) yield `ring0:tag="${tag.replaceAll('"', "'")}"`
}
const attackTag = (id: string): string => `misp-galaxy:mitre-attack-pattern="${id}"`

function* objectsOf(detail: FileDetail): Generator<MispObject> {
  const key = detail.row.sha256 ?? detail.row.name
  const file = objectOf('file', key, detail.notes.slice(0, 10_000))
  const image = detail.facts?.image
  const isHarmful =
    detail.known.length > 0 ||
    detail.row.verdict === 'malicious' ||
    detail.row.verdict === 'vulnerable'
  for (const { name } of detail.names.length > 0 ? detail.names : [{ name: detail.row.name }])
    file.add('filename', 'filename', name.split(/[\\/]/).at(-1) ?? name)
  for (const [type, name] of [
    ['md5', 'MD5'],
    ['sha1', 'SHA-1'],
    ['sha256', 'SHA-256'],
  ] as const)
    file.add(type, type, detail.hashes[name], isHarmful)
  // Many harmless files share these: they correlate, and indicate nothing.
  file.add('tlsh', 'tlsh', detail.facts?.tlsh ?? undefined)
  file.add('imphash', 'imphash', detail.hashes['Imphash'])
  file.add('authentihash', 'authentihash', detail.hashes['Authentihash SHA-256'], isHarmful)
  if (detail.row.size !== null) file.add('size-in-bytes', 'size-in-bytes', String(detail.row.size))
  if (detail.row.signature !== null && detail.row.signature !== 'none')
    file.add('state', 'text', 'Signed')
  if (detail.row.verdict === 'malicious') file.add('state', 'text', 'Malicious')
  if (detail.verdictReason !== '') file.add('text', 'text', detail.verdictReason)

  const parts: MispObject[] = []
  if (image) {
    const pe = objectOf('pe', key, '')
    const strings = image.version?.strings ?? {}
    pe.add('type', 'text', 'driver')
    pe.add('compilation-timestamp', 'datetime', image.compiled ?? undefined)
    pe.add('entrypoint-address', 'text', String(image.entryPoint))
    pe.add('imphash', 'imphash', image.imphash ?? undefined)
    pe.add('richpe', 'md5', image.rich?.hash.md5)
    pe.add('number-sections', 'counter', String(image.sections.length))
    pe.add('company-name', 'text', strings['CompanyName'])
    pe.add('file-description', 'text', strings['FileDescription'])
    pe.add('file-version', 'text', strings['FileVersion'])
    pe.add('internal-filename', 'filename', strings['InternalName'])
    pe.add('legal-copyright', 'text', strings['LegalCopyright'])
    pe.add('original-filename', 'filename', strings['OriginalFilename'])
    pe.add('product-name', 'text', strings['ProductName'])
    pe.add('product-version', 'text', strings['ProductVersion'])
    parts.push(pe.object)
    file.refer(pe.object, 'includes')
  }
  for (const signature of detail.facts?.signatures ?? [])
    for (const certificate of signature.chain.slice(0, 1)) {
      const object = certificateOf(certificate, key)
      if (parts.some(({ uuid }) => uuid === object.uuid)) continue
      parts.push(object)
      file.refer(object, 'signed-by')
    }
  yield file.object
  yield* parts
}

function certificateOf(certificate: Certificate, key: string): MispObject {
  const x509 = objectOf('x509', `${key} ${certificate.thumbprint.sha256}`, '')
  x509.add('subject', 'text', certificate.subject)
  x509.add('issuer', 'text', certificate.issuer)
  x509.add('serial-number', 'text', certificate.serial)
  x509.add('validity-not-before', 'datetime', certificate.from)
  x509.add('validity-not-after', 'datetime', certificate.to)
  x509.add('x509-fingerprint-sha1', 'x509-fingerprint-sha1', certificate.thumbprint.sha1)
  x509.add('x509-fingerprint-sha256', 'x509-fingerprint-sha256', certificate.thumbprint.sha256)
  return x509.object
}

function objectOf(name: keyof typeof TEMPLATES, key: string, comment: string) {
  const template = TEMPLATES[name]
  const object: MispObject = {
    uuid: uuid5(RING0_NAMESPACE, `misp ${name} ${key}`),
    name,
    'meta-category': template.category,
    template_uuid: template.uuid,
    template_version: template.version,
    comment,
    Attribute: [],
    ObjectReference: [],
  }
  return {
    object,
    /** Texts that are absent or empty add nothing. */
    add(relation: string, type: string, value: string | undefined, isIndicator = false): void {
      if (value === undefined || value === '') return
      object.Attribute.push({
        uuid: uuid5(RING0_NAMESPACE, `${object.uuid} ${relation} ${value}`),
        object_relation: relation,
        type,
        category: CATEGORIES[type] ?? 'Other',
        value,
        to_ids: isIndicator,
        disable_correlation: type === 'text' || type === 'size-in-bytes' || type === 'counter',
      })
    },
    refer(to: MispObject, kind: string): void {
      object.ObjectReference.push({
        referenced_uuid: to.uuid,
        relationship_type: kind,
        comment: '',
      })
    },
  }
}

const CATEGORIES: Record<string, string> = {
  ...Object.fromEntries(
    ['md5', 'sha1', 'sha256', 'tlsh', 'imphash', 'authentihash', 'filename'].map((type) => [
      type,
      'Payload delivery',
    ]),
  ),
  'x509-fingerprint-sha1': 'Network activity',
  'x509-fingerprint-sha256': 'Network activity',
}
