/** Readers of INF files and catalogues that know just enough for tests of what is done with them. */
import type { PackageReaders } from '../packages'

/** `catalog=x.cat` and `file=a.sys` lines; a catalogue is a list of digests, one a line. */
export const plainPackages: PackageReaders = {
  readInf(bytes) {
    const text = Buffer.from(bytes).toString()
    const values = (key: string): string[] =>
      [...text.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value ?? '')
    const [catalogue] = values('catalog')
    return {
      version: Object.fromEntries(catalogue === undefined ? [] : [['CatalogFile', catalogue]]),
      models: [],
      services: [],
      registry: [],
      files: values('file').map((name) => ({ name, destination: '12' })),
      problems: [],
    }
  },
  readCatalogue: (bytes) => ({
    members: Buffer.from(bytes)
      .toString()
      .split('\n')
      .map((digest) => ({ digest, algorithm: 'SHA256', file: null, attributes: {} })),
    attributes: {},
    problems: [],
  }),
}
