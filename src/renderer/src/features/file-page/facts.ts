/** The facts of a file as lines of name and value, each with what it can be searched by. */
import type { FileDetail } from '../../../../shared/contract/files'
import type { Image } from '../../../../shared/driver-file/facts'
import type { FileField } from '../../../../shared/file-query'
import { grouped, plural } from '../../../../shared/trace/words'
import { bytes, hex, machineWords, utc } from './words'

export interface FactPart {
  value: string
  /** What is shown, when that is not the value itself. */
  text?: string
  /** Field of the query line, null for words; absent when it cannot be searched for. */
  field?: FileField | null
}

export interface Fact {
  name: string
  parts: FactPart[]
  mono?: boolean
  /** One line, cut at its end. */
  short?: boolean
  copy?: string
  note?: string
  title?: string
  tone?: 'ok' | 'danger' | 'warn'
}

/** A line of one value, or none when there is no value. */
function line(
  name: string,
  value: string | null | undefined,
  more: Partial<Fact> & { field?: FileField | null | undefined; text?: string } = {},
): Fact[] {
  if (value === null || value === undefined || value === '') return []
  const { field, text, ...rest } = more
  const part: FactPart = { value }
  if (field !== undefined) part.field = field
  if (text !== undefined) part.text = text
  return [{ name, parts: [part], ...rest }]
}

const compiledLine = (image: Image): Fact[] =>
  image.compiled
    ? line('Compiled', image.compiled, {
        text: `${utc(image.compiled)} UTC`,
        title: 'Time stamp of the COFF header; whoever builds the file can set it',
      })
    : line(
        'Compiled',
        image.timeIsHash
          ? 'not told: a reproducible build has a hash there'
          : 'not told: the time stamp is 0',
      )

/** What the file is: the first column of the overview. */
export function identityFacts({ facts, row }: FileDetail): Fact[] {
  const image = facts?.image ?? null
  const strings = image?.version?.strings ?? {}
  const machine = image?.machine ?? row.machine
  const types = facts?.driver?.types ?? []
  return [
    ...(types.length > 0
      ? [
          {
            name: 'Driver',
            parts: types.map(({ type }) => ({ value: type, field: 'type' as const })),
            title: types.map(({ type, evidence }) => `${type}: ${evidence}`).join('\n'),
          },
        ]
      : []),
    ...(machine ? line('Machine', machine, { field: 'machine', text: machineWords(machine) }) : []),
    ...(row.size === null
      ? []
      : line('Size', `${grouped(row.size)} bytes`, { title: bytes(row.size) })),
    ...(image ? compiledLine(image) : []),
    ...line('Description', strings['FileDescription']),
    ...line('Company', strings['CompanyName'], { field: 'company' }),
    ...line('Product', strings['ProductName'], { field: 'product' }),
    ...line('Version', image?.version?.fileVersion ?? strings['FileVersion']),
    ...line('Original name', strings['OriginalFilename'], { field: 'original' }),
    ...line('PDB', image?.debug.find(({ pdb }) => pdb !== null)?.pdb, { field: 'pdb', mono: true }),
  ]
}

/**
 * Hashes of the file and of what is in it, each one searchable and to be copied. What was read comes
 * first; of a file that was never read, known data may have some (`FileDetail.hashes`).
 */
export function hashFacts({ facts, hashes, row }: FileDetail): Fact[] {
  const image = facts?.image ?? null
  const hash = (name: string, value: string | null | undefined, field?: FileField): Fact[] => {
    const shown = value ?? hashes[name]
    return line(name, shown, { field, mono: true, short: true, ...(shown ? { copy: shown } : {}) })
  }
  const authentihash = hash('Authentihash SHA-256', image?.authentihash?.sha256, 'authentihash')
  return [
    ...hash('SHA-256', facts?.hashes.sha256 ?? row.sha256, 'sha256'),
    ...hash('SHA-1', facts?.hashes.sha1, 'sha1'),
    ...hash('MD5', facts?.hashes.md5, 'md5'),
    ...(authentihash.length > 0
      ? authentihash
      : hash('Authentihash SHA-1', undefined, 'authentihash')
    ).map((fact) => ({ ...fact, name: 'Authentihash' })),
    ...hash('Imphash', image?.imphash, 'imphash'),
    ...hash('Rich hash MD5', image?.rich?.hash.md5, 'rich').map((fact) => ({
      ...fact,
      name: 'Rich hash',
    })),
    ...hash('TLSH', facts?.tlsh),
  ]
}

/** Headers, in the order of the format. */
export function headerFacts(image: Image): Fact[] {
  const { checksum } = image
  return [
    ...line('Machine', image.machine, { field: 'machine' }),
    ...line(
      'Subsystem',
      image.subsystem === 1 ? '1, NATIVE' : `${image.subsystem}, not NATIVE`,
      image.subsystem === 1 ? {} : { tone: 'warn' },
    ),
    ...compiledLine(image),
    ...line('Time stamp', hex(image.timestamp, 8), { mono: true }),
    ...line('Characteristics', image.characteristics.join(', ')),
    ...line('DLL characteristics', image.dllCharacteristics.join(', ') || 'none'),
    ...line('Image base', image.imageBase, { mono: true }),
    ...line('Entry point', image.entryPoint === 0 ? 'none' : hex(image.entryPoint), { mono: true }),
    ...line('Size of image', hex(image.sizeOfImage), { mono: true }),
    ...line('Size of headers', hex(image.sizeOfHeaders), { mono: true }),
    ...line(
      'Alignment',
      `sections ${hex(image.sectionAlignment)}, file ${hex(image.fileAlignment)}`,
    ),
    ...line('Linker', image.linkerVersion),
    ...line('For Windows', `${image.osVersion}, subsystem ${image.subsystemVersion}`),
    ...line(
      'Checksum',
      checksum.matches
        ? `${hex(checksum.reported, 8)}, as computed`
        : `${hex(checksum.reported, 8)} in the header, ${hex(checksum.computed, 8)} computed`,
      { mono: true, tone: checksum.matches ? 'ok' : 'warn' },
    ),
    ...line(
      'Relocations',
      image.relocations
        ? `${plural(image.relocations.entries, 'entry', 'entries')} in ${plural(image.relocations.blocks, 'block')}`
        : 'none',
    ),
    ...line('Page hash', image.pageHash?.sha256, {
      mono: true,
      ...(image.pageHash ? { copy: image.pageHash.sha256 } : {}),
    }),
  ]
}
