/** What reference data says of a driver, as lines that can be searched by: of many it is all there is. */
import type { FileDetail } from '../../../../shared/contract/files'
import type { KnownSampleData, KnownSigner } from '../../../../shared/driver-file/known'
import type { FileField } from '../../../../shared/file-query'
import type { Fact, FactPart } from './facts'
import { day, machineWords } from './words'

type Samples = readonly KnownSampleData[]

/** `According to LOLDrivers`. */
export const knownTitle = ({ known }: FileDetail): string =>
  `According to ${[...new Set(known.map(({ source }) => source))].join(' and ') || 'known data'}`

const distinct = (values: Iterable<string | null>): string[] =>
  [...new Set(values)].filter((value): value is string => value !== null && value !== '')

/** A line with each value that a sample gives; none when no sample gives one. */
function lineOf(
  name: string,
  values: Iterable<string | null>,
  partOf: (value: string) => FactPart,
  more: Partial<Fact> = {},
): Fact[] {
  const parts = distinct(values).map(partOf)
  return parts.length > 0 ? [{ name, parts, ...more }] : []
}

const asked =
  (field: FileField | null) =>
  (value: string): FactPart => ({ value, field })
const told = (value: string): FactPart => ({ value })

/** What the samples say, but for signers and functions. */
export function knownFacts(samples: Samples): Fact[] {
  const all = (of: (sample: KnownSampleData) => string | null): (string | null)[] => samples.map(of)
  const hvci = samples.map(({ loadsDespiteHvci: loads }) =>
    loads === null ? null : loads ? 'loads with HVCI on' : 'does not load with HVCI on',
  )
  return [
    ...lineOf(
      'Compiled',
      all((it) => it.compiled),
      (value) => ({ value: day(value), text: value, field: 'compiled' }),
      { note: 'local time of the source, a day of tolerance' },
    ),
    ...lineOf(
      'Machine',
      all((it) => it.machine),
      (value) => ({ value, text: machineWords(value), field: 'machine' }),
    ),
    ...lineOf(
      'Company',
      all((it) => it.company),
      asked('company'),
    ),
    ...lineOf(
      'Product',
      all((it) => it.product),
      asked('product'),
    ),
    ...lineOf(
      'Original name',
      all((it) => it.originalFilename),
      asked('original'),
    ),
    ...lineOf(
      'Version',
      all((it) => it.fileVersion),
      asked(null),
    ),
    ...lineOf(
      'Publisher',
      all((it) => it.publisher),
      asked(null),
    ),
    ...lineOf('HVCI', hvci, told),
    ...lineOf(
      'Issuer',
      samples.flatMap(({ issuers }) => issuers),
      asked('issuer'),
    ),
    ...lineOf(
      'Chain',
      samples.flatMap(({ signatureNames }) => signatureNames),
      told,
    ),
  ]
}

/** The signers of all samples, each once. */
export const signersOf = (samples: Samples): KnownSigner[] => [
  ...new Map(
    samples.flatMap(({ signers }) => signers.map((it) => [JSON.stringify(it), it])),
  ).values(),
]

export function signerFacts({ cn, serial, from, to, tbs }: KnownSigner): Fact[] {
  const valid = from || to ? `${from ?? 'not told'} to ${to ?? 'not told'}` : null
  return [
    ...lineOf('Signer', [cn], asked('signer')),
    ...lineOf('Valid', [valid], told),
    ...lineOf('Serial', [serial], asked('serial'), { mono: true }),
    ...lineOf('TBS SHA-256', [tbs], asked('certificate'), {
      mono: true,
      short: true,
      ...(tbs ? { copy: tbs } : {}),
    }),
  ]
}

/** Functions by what they are asked by; empty lists are left out. */
export const functionsOf = (
  samples: Samples,
): { title: string; field: FileField; names: string[] }[] =>
  (
    [
      ['Imported modules', 'import', 'importedModules'],
      ['Imported functions', 'import', 'importedFunctions'],
      ['Exported functions', 'export', 'exportedFunctions'],
    ] as const
  )
    .map(([title, field, list]) => ({
      title,
      field,
      names: distinct(samples.flatMap((sample) => sample[list])),
    }))
    .filter(({ names }) => names.length > 0)
