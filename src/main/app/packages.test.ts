import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fail, ok } from '../../shared/errors'
import { createPackageHandlers, tidyPackages, type PackageHost } from './packages'

const base = mkdtempSync(join(tmpdir(), 'ring0-packages-'))
const imported: string[] = []
const host = (over: Partial<PackageHost> = {}): PackageHost => ({
  lab: {
    'lab.packageFiles': () =>
      ok({ files: [{ name: '../hello.sys', bytes: Buffer.from('MZ').toString('base64') }] }),
  },
  intake: {
    'intake.dropped': ({ paths }) => {
      imported.push(...paths)
      return ok({ job: 7 })
    },
  },
  folder: join(base, 'packages'),
  askFolder: () => Promise.resolve(base),
  ...over,
})
const request = { files: {}, driver: null }

test('a package is written below the folder that was given, and imported from there', async () => {
  const answer = await createPackageHandlers(host())['package.import'](request)
  expect(answer).toEqual(ok({ job: 7 }))
  const [folder] = imported
  // A name never leads out of the folder.
  expect(readdirSync(folder!)).toEqual(['hello.sys'])
  expect(readFileSync(join(folder!, 'hello.sys'), 'latin1')).toBe('MZ')
  await tidyPackages(join(base, 'packages'))
  expect(readdirSync(base)).toEqual([])
})

test('a package is saved where the user says, and nowhere without an answer', async () => {
  const save = (over: Partial<PackageHost>) =>
    createPackageHandlers(host(over))['package.save'](request)
  expect(await save({ askFolder: () => Promise.resolve(null) })).toEqual(ok({ folder: null }))
  expect(await save({})).toEqual(ok({ folder: base }))
  expect(readdirSync(base)).toEqual(['hello.sys'])
  const gone = join(base, 'nowhere')
  expect(await save({ askFolder: () => Promise.resolve(gone) })).toMatchObject({
    ok: false,
    error: { code: 'file-unreadable' },
  })
})

test('what the lab says is wrong with the folder is handed on', async () => {
  const wrong = fail('bad-request', 'no driver', 'add one')
  const lab = { 'lab.packageFiles': () => wrong }
  expect(await createPackageHandlers(host({ lab }))['package.import'](request)).toEqual(wrong)
})
