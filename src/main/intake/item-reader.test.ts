import { rmSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ItemReader } from './item-reader'
import { Folder } from './testing/desk'
import { zip } from './testing/zips'

const MB = 1024 * 1024

let folder: Folder
let reader: ItemReader
beforeEach(() => {
  folder = new Folder()
  reader = new ItemReader([])
})
afterEach(async () => {
  await reader.close()
  folder.remove()
})

test('what archives inside of one archive unpack to counts together', async () => {
  const zeros = await zip({ 'a.bin': new Uint8Array(3 * MB) })
  const inner = Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`${n}.zip`, zeros]))
  const path = folder.put('bomb.zip', await zip(inner))
  reader = new ItemReader([], 8 * MB)
  const read = async (entries: number[]): Promise<string> =>
    reader.bytes({ path, entries }, 100 * MB).then(
      (bytes) => `${bytes.length / MB} MB`,
      (error: Error) => error.message,
    )
  expect(await read([0, 0])).toBe('3 MB')
  expect(await read([1, 0])).toBe('3 MB')
  expect(await read([2, 0])).toMatch(/as a zip bomb does/)
  expect(await read([3, 0])).toMatch(/as a zip bomb does/)
})

test('an archive that was changed or taken away since it was listed is told', async () => {
  const path = folder.put('a.zip', await zip({ 'a.sys': 'MZ', 'b.sys': 'MZ' }))
  const item = { path, entries: [1], name: 'a.zip/b.sys' }
  expect((await reader.item(item)).length).toBe(2)
  await reader.close()
  folder.put('a.zip', await zip({ 'new.sys': 'MZ', 'a.sys': 'MZ' }))
  await expect(reader.item(item)).rejects.toThrow(/has changed since it was listed/)
  await reader.close()
  rmSync(path)
  await expect(reader.item(item)).rejects.toThrow('It is not there any more.')
})

test('a file larger than the limit is refused before it is read', async () => {
  const path = folder.put('a.sys', new Uint8Array(2 * MB))
  await expect(reader.bytes({ path, entries: [] }, MB)).rejects.toThrow('It is larger than 1 MB.')
  expect((await reader.head(path)).length).toBe(512)
})

test('archives deep inside are unpacked once while they are read from', async () => {
  const third = await zip({ 'c.sys': 'MZ c', 'd.sys': 'MZ d' }, { password: 'infected' })
  const second = await zip({ 'three.zip': third })
  const path = folder.put('one.zip', await zip({ 'x.txt': 'x', 'two.zip': second }))
  const first = await reader.archive({ path, entries: [1, 0] })
  expect(await reader.archive({ path, entries: [1, 0] })).toBe(first)
  expect(first.entries.map(({ name }) => name)).toEqual(['c.sys', 'd.sys'])
  const bytes = await reader.bytes({ path, entries: [1, 0, 1] }, MB)
  expect(Buffer.from(bytes).toString()).toBe('MZ d')
})
