/** One sample of an entry, in the nested spelling of the source or the flat one, or both. */
import type { KnownSampleData } from '../../../shared/driver-file/known'
import { Fields, type SourceRecord } from './fields'
import { signersOf } from './signers'

/** Digests of an empty Rich header: the source writes them where there is none. */
const NO_RICH_HEADER = new Set([
  'ffdf660eb1ebf020a1d0a55a90712dfb',
  '3e905e3d061d0d59de61fcf39c994fcb0ec1bab3',
  '2b3f99a94b7a7132854be769e27b331419c53989ef42f686d6f5ba09ddefefd6',
])

const DIGITS = { md5: 32, sha1: 40, sha256: 64 } as const
type Algorithm = keyof typeof DIGITS

/**
 * @param place of the sample, for problems: `file.yaml, sample 2`
 * @param problems filled with what could not be understood
 */
export function readSample(
  source: SourceRecord,
  place: string,
  problems: string[],
): KnownSampleData {
  const fields = new Fields(source)
  const nestedAuth = new Fields(fields.record('Authentihash'))
  const nestedRich = new Fields(fields.record('RichPEHeaderHash'))

  function digest(algorithm: Algorithm, from: Fields, name: string): string | null {
    const text = from.text(name)
    if (text === null) return null
    const hex = text.toLowerCase()
    if (hex.length === DIGITS[algorithm] && /^[0-9a-f]+$/.test(hex)) return hex
    from.keep(name)
    problems.push(
      `${place}: ${name} is not a hash of ${DIGITS[algorithm]} digits: ${text.slice(0, 80)}`,
    )
    return null
  }
  /** Nested first; a flat twin that says the same needs no second place. */
  function twin(algorithm: Algorithm, nested: Fields, key: string, flat: string): string | null {
    const inner = digest(algorithm, nested, key)
    const outer = digest(algorithm, fields, flat)
    if (inner !== null && outer !== null && inner !== outer) fields.keep(flat)
    return inner ?? outer
  }

  const authMd5 = twin('md5', nestedAuth, 'MD5', 'AuthentihashMD5')
  const authSha1 = twin('sha1', nestedAuth, 'SHA1', 'AuthentihashSHA1')
  const authSha256 = twin('sha256', nestedAuth, 'SHA256', 'AuthentihashSHA256')
  const rich = twin('md5', nestedRich, 'MD5', 'RichPEHeaderMD5')
  leaveRich(fields, nestedRich)
  const { signers, issuers } = signersOf(source['Signatures'])

  const sample: KnownSampleData = {
    filename: fields.text('Filename'),
    originalFilename: fields.text('OriginalFilename'),
    md5: digest('md5', fields, 'MD5'),
    sha1: digest('sha1', fields, 'SHA1'),
    sha256: digest('sha256', fields, 'SHA256'),
    authMd5,
    authSha1,
    authSha256,
    imphash: digest('md5', fields, 'Imphash'),
    rich: rich !== null && NO_RICH_HEADER.has(rich) ? null : rich,
    machine: fields.text('MachineType', 'Machine'),
    company: fields.text('Company', 'CompanyName'),
    product: fields.text('Product', 'ProductName'),
    fileVersion: fields.text('FileVersion'),
    publisher: fields.text('Publisher'),
    date: fields.text('Date'),
    compiled: fields.text('CreationTimestamp'),
    loadsDespiteHvci: fields.flag('LoadsDespiteHVCI'),
    signers,
    issuers,
    signatureNames: fields.texts('Signature'),
    importedModules: fields.texts('Imports', 'Libraries'),
    importedFunctions: names(fields.texts('ImportedFunctions')),
    exportedFunctions: names(fields.texts('ExportedFunctions')),
    rest: {},
  }
  fields.leave('Authentihash', nestedAuth.rest())
  return { ...sample, rest: fields.rest() }
}

/** A list of functions, or one text with all of them. */
const names = (texts: string[]): string[] => texts.flatMap((text) => text.split(/\s*[,;\n]\s*/))

/** SHA-1 and SHA-256 of the Rich header have no place of their own and stay, unless they say "none". */
function leaveRich(fields: Fields, nested: Fields): void {
  const rest = nested.rest()
  const said = Object.entries(rest).filter(([, hash]) => !NO_RICH_HEADER.has(String(hash)))
  fields.leave('RichPEHeaderHash', Object.fromEntries(said))
  for (const [flat, key] of [
    ['RichPEHeaderSHA1', 'SHA1'],
    ['RichPEHeaderSHA256', 'SHA256'],
  ] as const) {
    const hash = fields.source[flat]
    if (NO_RICH_HEADER.has(String(hash)) || (hash !== '' && hash === rest[key])) fields.carry(flat)
  }
}
