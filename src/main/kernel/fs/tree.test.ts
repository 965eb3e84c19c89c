/** The tree of a volume without a machine around it: bounds of depth, order, what is removed. */
import { describe, expect, test } from 'vitest'
import { FILE_ATTRIBUTE_DIRECTORY } from '../../../shared/nt/generated/constants'
import {
  STATUS_FILE_DELETED,
  STATUS_NAME_TOO_LONG,
  STATUS_OBJECT_NAME_INVALID,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { Listing } from './listing'
import { DEPTH_MAX, FileTree } from './tree'

const tree = (): FileTree => new FileTree(() => 0n)
const deep = (names: number): string => '\\a'.repeat(names)

describe('depth', () => {
  test('a path has at most DEPTH_MAX names, whoever makes it', () => {
    const t = tree()
    expect(t.make(deep(DEPTH_MAX), true)?.path).toBe(deep(DEPTH_MAX))
    expect(t.make(deep(DEPTH_MAX + 1), true)).toBeNull()
    expect(t.find(deep(DEPTH_MAX + 1)).status).toBe(STATUS_NAME_TOO_LONG)
    expect([...t.all()]).toHaveLength(DEPTH_MAX)
  })

  test('a folder is not moved to where what it holds would lie too deep', () => {
    const t = tree()
    const top = t.make('\\top', true)!
    t.make('\\top\\x\\y', true)
    const low = t.make(deep(DEPTH_MAX - 2), true)!
    expect(t.move(top, low, 'top', false)).toBe(STATUS_NAME_TOO_LONG)
    t.remove(t.find('\\top\\x\\y').node!)
    expect(t.move(top, low, 'top', false)).toBe(STATUS_SUCCESS)
    expect(t.root.height).toBe(DEPTH_MAX)
    expect(t.move(top, t.root, 'top', false)).toBe(STATUS_SUCCESS)
    expect(t.root.height).toBe(DEPTH_MAX - 2)
  })

  test('a folder is not moved below itself', () => {
    const t = tree()
    const folder = t.make('\\a\\b', true)!
    expect(t.move(t.find('\\a').node!, folder, 'c', false)).toBe(STATUS_OBJECT_NAME_INVALID)
  })
})

describe('a removed file', () => {
  test('does not come back, nor does its removal take another of its name', () => {
    const t = tree()
    const old = t.make('\\a.txt')!
    expect(t.remove(old)).toBe(STATUS_SUCCESS)
    const young = t.make('\\a.txt')!
    expect(t.remove(old)).toBe(STATUS_FILE_DELETED)
    expect(t.move(old, t.root, 'b.txt', false)).toBe(STATUS_FILE_DELETED)
    expect(t.resize(old, 10)).toBe(STATUS_FILE_DELETED)
    expect([...t.all()]).toEqual([young])
  })
})

describe('the data of a file', () => {
  test('grows by appending, and what was cut off does not come back', () => {
    const t = tree()
    const file = t.make('\\log.txt')!
    for (let i = 0; i < 100; i++) t.write(file, i, Uint8Array.of(i))
    expect([...file.data]).toEqual(Array.from({ length: 100 }, (_, i) => i))
    for (const shorter of [60, 1]) {
      t.resize(file, shorter)
      t.resize(file, 100)
      expect(file.data.slice(shorter).every((byte) => byte === 0)).toBe(true)
    }
    expect(file.data[0]).toBe(0)
    expect(file.data).toHaveLength(100)
  })

  test('a short file does not hold the memory of a long one', () => {
    const t = tree()
    const file = t.make('\\big.bin')!
    t.resize(file, 1 << 20)
    t.resize(file, 1)
    expect(file.data.buffer.byteLength).toBe(1)
  })
})

describe('a listing', () => {
  const names = (listing: Listing): string[] => {
    const found: string[] = []
    for (let entry = listing.peek(); entry; entry = listing.peek()) {
      found.push(entry.name)
      listing.advance(entry)
    }
    return found
  }

  test('goes by upper-case name and takes what a pattern takes', () => {
    const t = tree()
    for (const name of ['b.txt', 'A.txt', 'c.sys', 'ba']) t.make(`\\d\\${name}`)
    const folder = t.find('\\d').node!
    expect(names(new Listing(folder, '*'))).toEqual(['.', '..', 'A.txt', 'b.txt', 'ba', 'c.sys'])
    expect(names(new Listing(folder, 'B*'))).toEqual(['b.txt', 'ba'])
    expect(names(new Listing(folder, '*.txt'))).toEqual(['A.txt', 'b.txt'])
    expect(names(new Listing(folder, 'ba'))).toEqual(['ba'])
    expect(names(new Listing(folder, 'none'))).toEqual([])
  })

  test('walks on when what it stands at is removed', () => {
    const t = tree()
    const [a] = ['a', 'b', 'c'].map((name) => t.make(`\\${name}`)!)
    const listing = new Listing(t.root, '*')
    listing.advance(listing.peek()!)
    t.remove(a!)
    t.remove(t.find('\\b').node!)
    expect(names(listing)).toEqual(['c'])
    expect(t.add(t.root, 'f', FILE_ATTRIBUTE_DIRECTORY)?.path).toBe('\\f')
  })
})
