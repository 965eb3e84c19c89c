import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addAll,
  CHUNK,
  clearBit,
  countBits,
  countCommon,
  emptyBits,
  hasBit,
  idsOf,
  keepCommon,
  setBit,
  takeOut,
  type Bits,
} from './bitset'
import { changeChunk, readChunk } from './chunk'
import { appendToIdList, eachId, encodeIdList } from './id-list'

const places = fc.array(fc.nat(CHUNK - 1), { maxLength: 600 })

const bitsOf = (ids: Iterable<number>, chunks = 2): Bits => {
  const bits = emptyBits(chunks)
  for (const id of ids) setBit(bits, id)
  return bits
}
const rising = (ids: Iterable<number>): number[] => [...new Set(ids)].sort((a, b) => a - b)

describe('a chunk', () => {
  test('holds what was put in, less what was taken out, in at most 512 bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(places, places), { maxLength: 5 }), (changes) => {
        let bytes: Uint8Array | null = null
        const model = new Set<number>()
        for (const [add, remove] of changes) {
          const before = model.size
          for (const place of remove) model.delete(place)
          for (const place of add) model.add(place)
          const change = changeChunk(bytes, add, remove)
          expect(change.grown).toBe(model.size - before)
          bytes = change.bytes
        }
        expect(bytes === null).toBe(model.size === 0)
        expect(bytes?.length ?? 0).toBeLessThanOrEqual(512)
        const into = emptyBits(3)
        if (bytes) readChunk(bytes, 1, into)
        expect([...idsOf(into)]).toEqual(rising(model).map((place) => place + CHUNK))
      }),
    )
  })

  test('is read from bytes at any address', () => {
    const all = Array.from({ length: 300 }, (_, at) => at * 13)
    const { bytes } = changeChunk(null, all, [])
    const shifted = new Uint8Array(600).subarray(3, 3 + bytes!.length)
    shifted.set(bytes!)
    const into = emptyBits(1)
    readChunk(shifted, 0, into)
    expect([...idsOf(into)]).toEqual(all)
  })
})

test('a list of ids is read back, whole or appended', () => {
  const anyId = fc.oneof(fc.nat(300), fc.nat(2 ** 31 - 1))
  fc.assert(
    fc.property(fc.array(anyId), fc.nat(), (some, cut) => {
      const ids = rising(some)
      const first = ids.slice(0, cut % (ids.length + 1))
      const rest = ids.slice(first.length)
      const list = appendToIdList(encodeIdList(first), first.at(-1) ?? 0, rest)
      const read: number[] = []
      eachId(list, (id) => read.push(id))
      expect(read).toEqual(ids)
      expect(list).toEqual(encodeIdList(ids))
    }),
  )
})

describe('sets of bits', () => {
  const ids = fc.array(fc.nat(2 * CHUNK - 1), { maxLength: 300 })

  test('are the sets of their ids, whatever their lengths', () => {
    fc.assert(
      fc.property(ids, fc.array(fc.nat(CHUNK - 1), { maxLength: 300 }), (left, right) => {
        const [a, b] = [new Set(left), new Set(right)]
        const [long, short] = [bitsOf(a), bitsOf(b, 1)]
        expect(countBits(long)).toBe(a.size)
        expect(countCommon(long, short)).toBe([...a].filter((id) => b.has(id)).length)
        const both = long.slice()
        keepCommon(both, short)
        expect([...idsOf(both)]).toEqual(rising([...a].filter((id) => b.has(id))))
        const less = long.slice()
        takeOut(less, short)
        expect([...idsOf(less)]).toEqual(rising([...a].filter((id) => !b.has(id))))
        const more = long.slice()
        addAll(more, short)
        expect([...idsOf(more)]).toEqual(rising([...a, ...b]))
      }),
    )
  })

  test('have and lose single ids', () => {
    const bits = bitsOf([0, 31, 32, 4095])
    clearBit(bits, 32)
    expect([0, 1, 31, 32, 4095, 99_999].map((id) => hasBit(bits, id))).toEqual([
      true,
      false,
      true,
      false,
      true,
      false,
    ])
  })
})
