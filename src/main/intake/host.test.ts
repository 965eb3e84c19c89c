import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createIntakeHost, type IntakeHost } from './host'
import type { FromHost } from './messages'
import { Folder } from './testing/desk'
import { plainPackages } from './testing/packages'

// The helper when something in it fails that should not: each question is answered all the same.

let folder: Folder
beforeEach(() => {
  folder = new Folder()
})
afterEach(() => folder.remove())

/** A host whose first message of a kind cannot be sent. */
function failing(kind: FromHost['kind'] | null): {
  host: IntakeHost
  next(wanted: FromHost['kind']): Promise<FromHost>
} {
  let isBroken = kind !== null
  const waiting = new Map<string, (message: FromHost) => void>()
  const host = createIntakeHost({
    post(message) {
      if (isBroken && message.kind === kind) {
        isBroken = false
        throw new Error('could not be cloned')
      }
      waiting.get(message.kind)?.(message)
    },
    startAnalysis: () => {
      throw new Error('no worker is needed here')
    },
    startYara: () => {
      throw new Error('no worker is needed here')
    },
    packages: plainPackages,
  })
  return { host, next: (wanted) => new Promise((done) => waiting.set(wanted, done)) }
}

test('reference data that fails ends with the reason', async () => {
  const { host, next } = failing('known')
  const answer = next('known')
  host.take({ kind: 'known', id: 7, paths: [folder.path] })
  expect(await answer).toMatchObject({
    id: 7,
    batch: { isLast: true, problems: ['It failed: could not be cloned'] },
  })
})

test('a look at rules of YARA that fails is answered with the reason', async () => {
  const { host, next } = failing('yara')
  const answer = next('yara')
  host.take({ kind: 'yara', id: 8, folder: folder.path })
  expect(await answer).toMatchObject({ id: 8, rules: 0, problems: ['could not be cloned'] })
})

test('a job that cannot be opened is told, whatever is asked of it next', async () => {
  const { host, next } = failing(null)
  const answer = next('trouble')
  const settings = { importFrequencyFile: null, yaraFolder: null }
  host.take({
    kind: 'settings',
    settings: { ...settings, capabilitiesFolder: join(folder.path, 'missing') },
  })
  host.take({ kind: 'open', job: 9, paths: [], passwords: [], quarantine: null })
  expect(await answer).toMatchObject({ job: 9, reason: expect.stringContaining('ENOENT') })
  await host.close()
})
