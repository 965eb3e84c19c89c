import { describe, expect, test } from 'vitest'

import { readDriver } from '.'
import { fixtureBytes, readParts } from './testing/read-fixture'

/** A small generator of pseudo-random numbers: the same bytes for the same seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

const files = [
  'code/kmdf-x64-O2.sys',
  'code/gs-entry-x86-O2.sys',
  'code/msvc-style-x64-O2.sys',
  'code/large-switch-x86-Os.sys',
  'pe/ferry-forged.sys',
]

describe('hostile code', () => {
  test.each(files)('%s with bytes changed at random still gives facts', (file) => {
    const original = fixtureBytes(file)
    const { image, strings } = readParts(original)
    const code = image.sections.find(({ flags }) => flags.includes('X'))
    for (let seed = 1; seed <= 60; seed++) {
      const random = randomOf(seed)
      const bytes = Uint8Array.from(original)
      const changes = 1 + random(64)
      for (let change = 0; change < changes; change++) {
        const inCode = code !== undefined && random(4) > 0
        const at = inCode ? code.offset + random(code.rawSize) : random(bytes.length)
        bytes[at] = random(256)
      }
      const { driver } = readDriver(bytes, image, strings)
      expect(driver.code.instructions).toBeGreaterThanOrEqual(0)
    }
  })

  test.each(files)('%s cut off anywhere still gives facts', (file) => {
    const original = fixtureBytes(file)
    const { image, strings } = readParts(original)
    for (let size = 0; size < original.length; size += 61) {
      const { driver } = readDriver(original.subarray(0, size), image, strings)
      expect(driver.types.length).toBeGreaterThan(0)
    }
  })

  test('headers that lie about every address do no harm', () => {
    const bytes = fixtureBytes('code/if-chain-x64-O2.sys')
    const { image, strings } = readParts(bytes)
    const wild = [0, 1, 0xfff, 0x7fff_ffff, 0xffff_fff0, 0xffff_ffff]
    for (const number of wild) {
      const { driver } = readDriver(
        bytes,
        {
          ...image,
          entryPoint: number,
          sizeOfImage: number,
          imageBase: `0xffff${number.toString(16).padStart(12, 'f')}`,
          directories: image.directories.map(({ name }) => ({ name, rva: number, size: number })),
          sections: [
            ...image.sections,
            { ...image.sections[0], rva: number, virtualSize: number, rawSize: number },
          ],
        },
        strings,
      )
      expect(driver.code.functions).toBeGreaterThanOrEqual(0)
    }
  })

  test('code that jumps in circles comes to an end', () => {
    const bytes = Uint8Array.from(fixtureBytes('code/if-chain-x64-O2.sys'))
    const { image, strings } = readParts(bytes)
    const [text] = image.sections
    // call $+0; call rel to itself; conditional branches to everywhere: each byte pair is `jne -N`.
    for (let at = text.offset; at + 1 < text.offset + text.rawSize; at += 2) {
      bytes[at] = 0x75
      bytes[at + 1] = at % 3 === 0 ? 0x80 : 0x10
    }
    const start = performance.now()
    const { driver } = readDriver(bytes, image, strings)
    expect(driver.code.instructions).toBeGreaterThan(0)
    expect(performance.now() - start).toBeLessThan(60_000)
  })

  test('a passed deadline stops the reading and is told', () => {
    const bytes = fixtureBytes('code/large-switch-x64-O2.sys')
    const { image, strings } = readParts(bytes)
    let asked = 0
    const { driver, anomalies } = readDriver(bytes, image, strings, {
      deadline: () => ++asked > 0,
    })
    expect(asked).toBeGreaterThan(0)
    expect(driver.code.isComplete).toBe(false)
    expect(driver.code.note).toMatch(/too long|limit/)
    expect(anomalies.map(({ id }) => id)).toEqual(['code-limit'])
  })

  test('other machines get what needs no disassembly, and a note', () => {
    const bytes = fixtureBytes('code/secure-device-x64-O2.sys')
    const { image, strings } = readParts(bytes)
    for (const machine of ['ARM64', 'IA64', 'ARMNT', '0x1234']) {
      const { driver, anomalies } = readDriver(bytes, { ...image, machine }, strings)
      expect(driver.code.note).toContain(machine)
      expect(driver.deviceNames.map(({ text }) => text)).toEqual(['\\Device\\FixSecure'])
      expect(driver.sddl).toHaveLength(1)
      expect(driver.ioctls).toEqual([])
      expect(anomalies).toEqual([])
    }
  })
})
