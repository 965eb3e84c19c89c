import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { cataloguePlace, dataFolder, version } from './places'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ring0-places-'))
  vi.stubEnv('RING0_USER_DATA', folder)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})
const settings = (text: string): void => writeFileSync(join(folder, 'local-settings.json'), text)

describe('the catalogue', () => {
  test('lies in the app’s own folder, with its quarantine', () => {
    expect(cataloguePlace(null)).toEqual({ file: join(folder, 'catalogue.sqlite'), folder })
  })

  test('lies where the user moved it in the app; the quarantine stays', () => {
    const moved = join(folder, 'moved')
    settings(JSON.stringify({ catalogueFolder: moved }))
    expect(cataloguePlace(null)).toEqual({ file: join(moved, 'catalogue.sqlite'), folder })
  })

  test.each([['{'], ['null'], ['{"catalogueFolder": 7}'], ['{"catalogueFolder": ""}']])(
    'is the app’s own when its settings say nothing that can be used: %s',
    (text) => {
      settings(text)
      expect(cataloguePlace(null).file).toBe(join(folder, 'catalogue.sqlite'))
    },
  )

  test('is what was named: a folder, or a file that may not be there yet', () => {
    expect(cataloguePlace(folder)).toEqual({ file: join(folder, 'catalogue.sqlite'), folder })
    const file = join(folder, 'other.sqlite')
    expect(cataloguePlace(file)).toEqual({ file, folder })
    const odd = join(folder, 'no-ending')
    expect(cataloguePlace(odd)).toEqual({ file: join(odd, 'catalogue.sqlite'), folder: odd })
    writeFileSync(odd, '')
    expect(cataloguePlace(odd)).toEqual({ file: odd, folder: resolve(folder) })
  })
})

test('what ships is found, and says which version it is', () => {
  expect(existsSync(join(dataFolder(), 'loldrivers'))).toBe(true)
  expect(version()).toMatch(/^\d+\.\d+\.\d+/)
})
