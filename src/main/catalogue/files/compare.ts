/** Two files side by side: what is the same, what changed, what only one of them has. */
import type { z } from 'zod'
import type { Comparison } from '../../../shared/contract/files'
import type { FileFacts, Signature } from '../../../shared/driver-file/facts'
import { HASH_LABELS, hashEntries, type Hashes } from './hashes'
import type { Row } from './rows'

type Answer = z.input<typeof Comparison>
type Section = Answer['sections'][number]
type Line = Section['rows'][number]

/** Lines of one section; files of thousands of imports are compared, not printed. */
const LINES_MAX = 600

export interface Compared {
  row: Row
  hashes: Hashes
  facts: FileFacts | null
}

export function compareFiles(left: Compared, right: Compared): Answer {
  const both = <T>(of: (facts: FileFacts) => T): [T | null, T | null] => [
    left.facts ? of(left.facts) : null,
    right.facts ? of(right.facts) : null,
  ]
  const images = both((facts) => facts.image)
  const sections: Section[] = [
    { title: 'Identity', rows: identity(left, right) },
    { title: 'Headers', rows: fields(...(images.map(headers) as [Fields, Fields])) },
    {
      title: 'Sections',
      rows: fields(
        ...(images.map((image) =>
          numbered(
            image?.sections ?? [],
            ({ name }) => name,
            (it) =>
              `${it.flags}, ${it.rawSize} bytes at 0x${it.offset.toString(16)}, entropy ${it.entropy}`,
          ),
        ) as [Fields, Fields]),
      ),
    },
    {
      title: 'Imports',
      rows: list(
        ...pair(images, (image) =>
          (image?.imports ?? []).flatMap(({ dll, functions }) =>
            functions.map(({ name, ordinal }) => `${dll}!${name ?? `#${ordinal}`}`),
          ),
        ),
      ),
    },
    {
      title: 'Exports',
      rows: list(
        ...pair(images, (image) =>
          (image?.exports?.functions ?? []).map(({ name, ordinal }) => name ?? `#${ordinal}`),
        ),
      ),
    },
    {
      title: 'Version',
      rows: fields(
        ...pair(images, (image) => ({
          ...image?.version?.strings,
          'File version': image?.version?.fileVersion ?? '',
        })),
      ),
    },
    {
      title: 'Signature',
      rows: fields(
        ...pair(
          both((facts) => facts.signatures),
          (it) => signatures(it ?? []),
        ),
      ),
    },
    {
      title: 'Driver',
      rows: list(
        ...pair(
          both((facts) => facts.driver),
          (driver) => [
            ...(driver?.types ?? []).map(({ type }) => `Type ${type}`),
            ...(driver?.deviceNames ?? []).map(({ text }) => `Device ${text}`),
            ...(driver?.symbolicLinks ?? []).map(({ text }) => `Link ${text}`),
            ...(driver?.sddl ?? []).map(({ text }) => `SDDL ${text}`),
            ...(driver?.majorFunctions ?? []).map(({ name }) => `Handles ${name}`),
            ...new Set((driver?.privileged ?? []).map(({ instruction }) => `Uses ${instruction}`)),
          ],
        ),
      ),
    },
    {
      title: 'IOCTL codes',
      rows: list(
        ...pair(
          both((facts) => facts.driver),
          (driver) =>
            (driver?.ioctls ?? []).map(({ code, method, access }) => `${code} ${method} ${access}`),
        ),
      ),
    },
    {
      title: 'Capabilities',
      rows: list(
        ...pair(
          both((facts) => facts.capabilities),
          (it) => (it ?? []).map(({ name }) => name),
        ),
      ),
    },
    {
      title: 'Strings with a meaning',
      rows: list(
        ...pair(
          both((facts) => facts.strings),
          (strings) =>
            (strings ?? [])
              .filter(({ classes }) => classes.length > 0)
              .map(({ text, classes }) => `${classes.join(', ')}: ${text}`),
        ),
      ),
    },
  ]
  return {
    left: left.row,
    right: right.row,
    sections: sections.filter(({ rows }) => rows.length > 0),
  }
}

type Fields = Record<string, string>

const pair = <T, R>([left, right]: [T, T], of: (it: T) => R): [R, R] => [of(left), of(right)]

function identity(left: Compared, right: Compared): Line[] {
  const of = ({ row, hashes, facts }: Compared): Fields => ({
    Name: row.name,
    Size: row.size === null ? '' : `${row.size} bytes`,
    Machine: row.machine ?? '',
    Compiled: row.compiled ?? '',
    Known: row.known ?? '',
    ...Object.fromEntries(hashEntries(hashes).map(([kind, hash]) => [HASH_LABELS[kind], hash])),
    TLSH: facts?.tlsh ?? '',
  })
  return fields(of(left), of(right))
}

function headers(image: FileFacts['image']): Fields {
  if (!image) return {}
  return {
    Subsystem: String(image.subsystem),
    Characteristics: image.characteristics.join(', '),
    'DLL characteristics': image.dllCharacteristics.join(', '),
    'Image base': image.imageBase,
    'Entry point': `0x${image.entryPoint.toString(16)}`,
    'Size of image': String(image.sizeOfImage),
    Linker: image.linkerVersion,
    'System version': image.osVersion,
    'Subsystem version': image.subsystemVersion,
    Checksum: `0x${image.checksum.reported.toString(16)}${image.checksum.matches ? '' : ' (does not fit)'}`,
    PDB: image.debug.find(({ pdb }) => pdb !== null)?.pdb ?? '',
    'Rich header': image.rich?.hash.md5 ?? '',
    'Control Flow Guard': image.loadConfig?.cfg ? 'yes' : 'no',
    Overlay: image.overlay ? `${image.overlay.size} bytes` : '',
  }
}

function signatures(all: readonly Signature[]): Fields {
  return numbered(
    all,
    ({ source }) => source,
    (it) =>
      [
        `${it.kind} by ${it.chain[0]?.subjectName ?? 'nobody'}`,
        `issued by ${it.chain[0]?.issuerName ?? 'nobody'}`,
        it.digestAlgorithm,
        it.digestMatches ? 'digest fits' : 'digest does not fit',
        it.timeStamp ? `stamped ${it.timeStamp.time}` : 'no time stamp',
      ].join(', '),
  )
}

/** Items by name; the second of a name is `name (2)`. */
function numbered<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  textOf: (item: T) => string,
): Fields {
  const found: Fields = {}
  for (const item of items) {
    const name = nameOf(item)
    let key = name
    for (let number = 2; key in found; number++) key = `${name} (${number})`
    found[key] = textOf(item)
  }
  return found
}

function fields(left: Fields, right: Fields): Line[] {
  const labels = [...new Set([...Object.keys(left), ...Object.keys(right)])]
  return labels
    .map((label) => line(label, left[label] ?? '', right[label] ?? ''))
    .filter((it) => it.left !== '' || it.right !== '')
    .slice(0, LINES_MAX)
}

function list(left: readonly string[], right: readonly string[]): Line[] {
  const [ours, theirs] = [new Set(left), new Set(right)]
  const lines = [...new Set([...left, ...right])].map((text) =>
    line(text, ours.has(text) ? text : '', theirs.has(text) ? text : ''),
  )
  // What differs is looked for, so it is what stays when there is too much.
  const order = (it: Line): number => (it.state === 'same' ? 1 : 0)
  return lines.sort((a, b) => order(a) - order(b)).slice(0, LINES_MAX)
}

function line(label: string, left: string, right: string): Line {
  const state =
    left === right ? 'same' : left === '' ? 'added' : right === '' ? 'removed' : 'changed'
  return { label, left, right, state }
}
