import { describe, expect, test } from 'vitest'
import { parseTlsh, tlshDistance } from '../../../shared/driver-file/tlsh-distance'
import { Deadline } from '../deadline'
import { fixture } from '../testing/build-image'
import { tlsh } from './tlsh'

// Digests and distances here were printed by the `tlsh` program of Debian's tlsh-tools.

/** The same bytes everywhere: a linear congruential generator. */
function noise(size: number, seed: number, range: number): Uint8Array {
  let state = seed
  return Uint8Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state >>> 24) % range
  })
}

const later = (): Deadline => new Deadline(60_000)

describe('TLSH', () => {
  test.each([
    [512, 1, 256, '34F020176734A079A462F8E0D9E28826B2208D157848812112132FCF73D1664C5020B8'],
    [656, 2, 256, 'B9F0235EC4537FFF9ABD7518A15B28802630FBF0146A386BDE4B5A71A963803F581A14'],
    [657, 3, 256, '3601441E5F840E95D351B298F6C178FA746E3226A61163029B69D52775801D51680062'],
    [3200, 4, 200, '54616DA4904F38DCE33DA605FCE0849714ACB452B4D1F661A355F8735D8A4536481F6C'],
    [190335, 5, 256, 'C204127AEED8B0976ECFC387AEB8A07570399007C6153185C9614B6F69DCA6CE08B147'],
    [190336, 6, 64, '401412E18176692FDB2550DCC5CB5CB25F9FBCCA28E40B05FAD72A9540236D5081CFE9'],
    [1549388, 7, 32, 'C565127BB0AF70539A47F593DA2098BBDA2BD095974B202433C85E9CD45EE38CF84761'],
  ])('of %i bytes is what the original prints', (size, seed, range, digest) => {
    expect(tlsh(noise(size, seed, range), later())).toBe(`T1${digest}`)
  })

  test.each([
    ['lantern.sys', '0FD1132177F1559EF0BB8BB85AF74721697C7C218A76920D0AD002192C31F60BE28F61'],
    [
      'lantern-signed.sys',
      '6342EB1637385459F691CF7975BBE6337E35BF81DAF0C10A126AC0642C26780392AA6E',
    ],
    ['ferry-forged.sys', '3542192A77B874D5FA82DEB465EEB2336D7ABE908FF0812D121982416C613D03529D17'],
  ])('of %s is what the original prints', (name, digest) => {
    expect(tlsh(fixture(name), later())).toBe(`T1${digest}`)
  })

  test('is none for little, uniform or no content, and when the time is over', () => {
    expect(tlsh(new Uint8Array(0), later())).toBeNull()
    expect(tlsh(noise(49, 1, 256), later())).toBeNull()
    expect(tlsh(noise(50, 1, 256), later())).toMatch(/^T1[0-9A-F]{70}$/)
    expect(tlsh(new Uint8Array(10_000), later())).toBeNull()
    expect(tlsh(noise(10_000, 1, 256), new Deadline(-1))).toBeNull()
  })
})

describe('the distance of two digests', () => {
  const of = (bytes: Uint8Array): string => tlsh(bytes, later()) ?? ''
  const lantern = of(fixture('lantern.sys'))
  const signed = of(fixture('lantern-signed.sys'))

  test.each([
    ['a signed file and its unsigned twin', signed, lantern, 312],
    ['a file and one with a byte changed', signed, of(fixture('lantern-tampered.sys')), 1],
    ['two drivers', lantern, of(fixture('ferry-forged.sys')), 261],
    ['noise and a driver', of(noise(512, 1, 256)), lantern, 401],
    ['two kinds of noise', of(noise(190336, 6, 64)), of(noise(1549388, 7, 32)), 461],
    ['a file and itself', lantern, lantern, 0],
  ])('of %s is what the original prints', (_, left, right, distance) => {
    expect(tlshDistance(left, right)).toBe(distance)
    expect(tlshDistance(right, left)).toBe(distance)
  })

  test('is none for what is no digest', () => {
    expect(tlshDistance(lantern, '')).toBeNull()
    expect(tlshDistance(lantern.slice(2), lantern)).toBeNull()
    expect(parseTlsh(`T1${'G'.repeat(70)}`)).toBeNull()
  })
})
