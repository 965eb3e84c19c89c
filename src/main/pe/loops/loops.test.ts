import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { entropyMap } from '../image/entropy'
import { signsOf } from '../image/signs'
import { Deadline } from '../deadline'
import { assemble, i32, i64, loopWhile, Routine, when } from './assembler'
import { eachText, md5OfBoth, roomBehind, withFile } from './index'

/** Bytes that look random and are the same each time. */
function noise(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  let state = seed
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state >>> 16
  })
}

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex')

describe('the assembler', () => {
  function run(routine: Routine, ...values: number[]): unknown {
    const code = assemble([routine])
    const instance = new WebAssembly.Instance(new WebAssembly.Module(code), {
      env: { memory: new WebAssembly.Memory({ initial: 1 }) },
    })
    return (instance.exports[routine.name] as (...values: number[]) => unknown)(...values)
  }

  test.each([0, 63, 64, -64, -65, 127, 128, 8191, 8192, -8193, 0x7fff_ffff, -0x8000_0000])(
    'writes the number %i',
    (value) => {
      expect(run(new Routine('number', 0, 'i32').does(i32.const(value)))).toBe(value)
    },
  )

  test('writes numbers of 64 bits', () => {
    const value = 0x1234_5678_9abcn
    const routine = new Routine('number', 0, 'f64').does(i64.toF64(i64.const(value)))
    expect(run(routine)).toBe(Number(value))
  })

  test('loops while a condition holds, and chooses', () => {
    // The sum of the even numbers below a limit.
    const routine = new Routine('sum', 1, 'i32')
    const [limit] = routine.parameters
    const [at, sum] = [routine.variable(), routine.variable()]
    const isOdd = i32.and(at.get, i32.const(1))
    routine.does(
      loopWhile(i32.less(at.get, limit.get), [
        ...when(isOdd, at.step(1), [...sum.set(i32.add(sum.get, at.get)), ...at.step(1)]),
      ]),
      sum.get,
    )
    expect(run(routine, 0)).toBe(0)
    expect(run(routine, 100)).toBe(2450)
  })
})

describe('MD5 of two streams', () => {
  test.each([
    [0, 0],
    [1, 0],
    [55, 56],
    [56, 55],
    [63, 64],
    [64, 63],
    [119, 120],
    [4_096, 4_084],
    [4_096, 20_000],
    [70_000, 300],
  ])('of %i and %i bytes is that of each alone', (length, other) => {
    const [file, second] = [noise(length), noise(other, 2)]
    withFile(file, () => {
      roomBehind(file, other).set(second)
      expect(md5OfBoth(file, other)).toEqual([md5(file), md5(second)])
    })
  })

  test('is right for each of two files in turn, and after the memory grew', () => {
    for (const length of [1_000, 3_000_000, 500]) {
      const file = noise(length, length)
      withFile(file, () => {
        roomBehind(file, length).set(file)
        expect(md5OfBoth(file, length)).toEqual([md5(file), md5(file)])
      })
    }
  })
})

describe('the search for texts', () => {
  interface Text {
    start: number
    end: number
    isWide: boolean
    signs: number
  }

  function found(bytes: Uint8Array, stretch = 1 << 16): Text[] {
    const texts: Text[] = []
    eachText(
      bytes,
      stretch,
      () => true,
      (start, end, isWide, signs) => texts.push({ start, end, isWide, signs }),
    )
    return texts
  }

  /** The same byte by byte. */
  function expected(bytes: Uint8Array): Text[] {
    const texts: Text[] = []
    for (let at = 0; at < bytes.length;) {
      const pass = (width: number): Text => {
        let [end, signs] = [at, 0]
        while (end + width <= bytes.length && (width === 1 || bytes[end + 1] === 0)) {
          if (signsOf[bytes[end]] === 0) break
          signs |= signsOf[bytes[end]]
          end += width
        }
        return { start: at, end, isWide: width === 2, signs }
      }
      const text = [pass(1), pass(2)].find(
        ({ start, end, isWide }) => end - start >= (isWide ? 10 : 5),
      )
      if (text) texts.push(text)
      at = text ? text.end : at + 1
    }
    return texts
  }

  test.each([
    ['of four and of five characters', 'abcd\x01abcde\x01'],
    ['at the end of the file', 'xyz\x01C:\\drivers'],
    ['of two bytes per character', 'h\0e\0l\0l\0o\0\x01'],
    ['with the last byte cut off', 'h\0e\0l\0l\0o'],
    ['of one byte before one of two', 'hello\0w\0o\0r\0l\0d\0'],
    ['behind a single character', 'w\0o\0hello'],
    ['across the places that are looked at together', `${'\x01'.repeat(53)}hello%world`],
  ])('finds one %s', (_, content) => {
    const bytes = Uint8Array.from(Buffer.from(content, 'latin1'))
    expect(found(bytes)).toEqual(expected(bytes))
  })

  test('finds in bytes of few values what a search byte by byte finds', () => {
    const values = [0, 0, 0, 1, 0x41, 0x42, 0x5c, 0x25, 9, 0xff]
    for (let seed = 1; seed < 40; seed++) {
      const bytes = noise(3_000 + seed, seed).map((byte) => values[byte % values.length])
      expect(found(bytes, 256)).toEqual(expected(bytes))
      withFile(bytes, () => {
        expect(found(bytes)).toEqual(expected(bytes))
      })
    }
  })

  test.each(['x', 'x\0'])('follows a text of several stretches: %j', (character) => {
    const bytes = Uint8Array.from(Buffer.from(`\x01${character.repeat(30_000)}\x01hello`))
    expect(found(bytes, 256)).toEqual(expected(bytes))
    withFile(bytes, () => {
      expect(found(bytes, 256)).toEqual(expected(bytes))
    })
  })

  test('tells more texts than fit the list at once', () => {
    const bytes = Uint8Array.from(Buffer.from('hello\0'.repeat(5_000)))
    expect(found(bytes)).toHaveLength(5_000)
  })

  test('ends when it may not go on', () => {
    const bytes = Uint8Array.from(Buffer.from('hello\0'.repeat(5_000)))
    let [asked, told] = [0, 0]
    const mayGoOn = (): boolean => ++asked < 3
    expect(eachText(bytes, 600, mayGoOn, () => told++)).toBe(false)
    // What lies a little behind the end of a stretch may be found along with it.
    expect(told).toBeGreaterThanOrEqual(300)
    expect(told).toBeLessThan(310)
  })
})

test('a file that is changed between two uses is read anew', () => {
  const bytes = new Uint8Array(1_024)
  const deadline = new Deadline(10_000)
  expect(entropyMap(bytes, deadline).values).toEqual([0, 0, 0, 0])
  bytes.set(noise(256), 256)
  expect(entropyMap(bytes, deadline).values[1]).toBeGreaterThan(6)
})

test('blocks of powers of two have entropies without a rounding error', () => {
  const bytes = Uint8Array.from({ length: 1_024 }, (_, at) => at % 2 ** (1 + Math.floor(at / 256)))
  expect(entropyMap(bytes, new Deadline(10_000)).values).toEqual([1, 2, 3, 4])
})
