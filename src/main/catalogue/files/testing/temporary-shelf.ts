/** A shelf in a folder of its own, and files to put on it. */
import type { FileFacts } from '../../../../shared/driver-file/facts'
import type { LandedFile } from '../../../../shared/driver-file/intake'
import type { KnownEntryData, KnownSampleData } from '../../../../shared/driver-file/known'
import { temporaryCatalogue, type TestCatalogue } from '../../testing/temporary-catalogue'
import type { FileShelf } from '../shelf'
import { digestsOf, factsOf, imageOf } from './synthetic'

export interface TestShelf extends TestCatalogue {
  shelf: FileShelf
  /** Put files on the shelf. @returns their ids, in order */
  put(...files: LandedFile[]): number[]
  /** Names of what a query finds, in alphabetical order. */
  names(query: string): string[]
}

export function temporaryShelf(options: Parameters<typeof temporaryCatalogue>[0] = {}): TestShelf {
  const catalogue = temporaryCatalogue(options)
  const shelf = catalogue.files
  return {
    ...catalogue,
    shelf,
    put: (...files) => {
      const { added, merged } = shelf.put(files, [], null, [])
      return [...added, ...merged].sort((a, b) => a - b)
    },
    names: (query) =>
      shelf
        .list({ query, sort: { key: 'name', descending: false }, offset: 0, limit: 1000 })
        .rows.map((row) => row.name),
  }
}

/** A file as an import brings it. */
export const landed = (
  name: string,
  over: Partial<FileFacts> = {},
  more: Partial<LandedFile> = {},
): LandedFile => ({
  name,
  from: `set/${name}`,
  facts: factsOf(name, over),
  quarantine: null,
  yara: null,
  packages: [],
  ...more,
})

/** An image with these imports of one module. */
export const importing = (...names: string[]): FileFacts['image'] =>
  imageOf({
    imports: [
      {
        dll: 'ntoskrnl.exe',
        delayed: false,
        descriptors: 1,
        functions: names.map((name, at) => ({ name, ordinal: null, slot: 0x2000 + at * 8 })),
      },
    ],
  })

/** A known sample that says nothing but what is given. */
export const sampleOf = (over: Partial<KnownSampleData> = {}): KnownSampleData => ({
  filename: null,
  originalFilename: null,
  md5: null,
  sha1: null,
  sha256: null,
  authMd5: null,
  authSha1: null,
  authSha256: null,
  imphash: null,
  rich: null,
  machine: null,
  company: null,
  product: null,
  fileVersion: null,
  publisher: null,
  date: null,
  compiled: null,
  loadsDespiteHvci: null,
  signers: [],
  issuers: [],
  signatureNames: [],
  importedModules: [],
  importedFunctions: [],
  exportedFunctions: [],
  rest: {},
  ...over,
})

/** Whole-file hashes of the file that `landed` makes under this name. */
export const hashesOfFile = (name: string): Pick<KnownSampleData, 'md5' | 'sha1' | 'sha256'> =>
  digestsOf(name)

export const entryOf = (id: string, over: Partial<KnownEntryData> = {}): KnownEntryData => ({
  id,
  names: [`${id}.sys`],
  category: 'vulnerable driver',
  cve: [],
  attack: [],
  created: null,
  verified: null,
  author: null,
  description: '',
  resources: [],
  samples: [],
  rest: {},
  ...over,
})

export const SOURCE = {
  name: 'LOLDrivers (test)',
  version: '1',
  licence: 'Apache-2.0',
  shipped: false,
}
