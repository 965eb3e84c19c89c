/** INF files and catalogues as they are really read. */
import type { CatalogueFacts } from '../../shared/driver-file/package-facts'
import { parseInf } from '../known/inf'
import { readCatalogue } from '../pe/authenticode'
import type { PackageReaders } from './packages'

export const packageReaders: PackageReaders = {
  readInf: (bytes) => parseInf(bytes),
  readCatalogue(bytes): CatalogueFacts {
    const { members, attributes, problems } = readCatalogue(bytes)
    return { members, attributes, problems }
  },
}
