/** Detections behind the contract, in main: what lies on the disk. Reading and running is the helper's. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { detectionsContract } from '../../shared/contract/detections'
import type { Handlers } from '../../shared/contract/table'
import { fail, ok } from '../../shared/errors'
import { readSample } from './sample-folder'

export type DetectionHandlers = Handlers<typeof detectionsContract>

/**
 * @param samples  the folder that ships: `detections` and the folders of drivers are in it
 */
export function createDetectionHandlers(samples: string): DetectionHandlers {
  return {
    'detections.list'() {
      const folder = join(samples, 'detections')
      const names = namesIn(folder).filter((name) => name.endsWith('.yaml'))
      return ok({
        files: names.map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') })),
        benign: namesIn(join(samples, 'drivers'))
          .filter((name) => statSync(join(samples, 'drivers', name)).isDirectory())
          .map((name) => `drivers/${name}`),
      })
    },

    'detections.sample'({ name }) {
      const files = readSample(samples, name)
      return files
        ? ok({ files })
        : fail(
            'not-found',
            `There is no sample ${name}.`,
            'Write drivers/hello, techniques/ssdt-hook.',
          )
    },
  }
}

const namesIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).sort() : [])
