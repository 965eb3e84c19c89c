import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  must,
  temporaryCatalogue,
  temporaryFolder,
} from '../../catalogue/testing/temporary-catalogue'
import { openShelf } from './open'

test('looking into a catalogue touches neither its imports nor the quarantine beside it', async () => {
  const folder = temporaryFolder()
  const app = temporaryCatalogue({ folder })
  // Not even one that belongs to nobody: that is for who imports.
  const { jobs } = app.files
  const job = jobs.create({ title: 'theirs', paths: [], keepBytes: true, tags: [] })
  mkdirSync(join(folder, 'quarantine'))
  const shelf = must(await openShelf(folder))
  expect(shelf.catalogue.files.jobs.get(job).state).toBe('running')
  shelf.close()
  expect(jobs.get(job)).toMatchObject({ state: 'running', interruption: null })
})
