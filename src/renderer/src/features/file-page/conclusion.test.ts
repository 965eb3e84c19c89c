import { expect, test } from 'vitest'
import type { Comparison } from '../../../../shared/contract/files'
import { conclusion } from './conclusion'
import { ferryDetail, lanternDetail } from './testing/details'

type Row = Comparison['sections'][number]['rows'][number]

const line = (label: string, left: string, right: string): Row => ({
  label,
  left,
  right,
  state: left === right ? 'same' : left === '' ? 'added' : right === '' ? 'removed' : 'changed',
})
const of = (identity: Row[], signature: Row[] = []): string =>
  conclusion({
    left: ferryDetail().row,
    right: lanternDetail().row,
    sections: [
      { title: 'Identity', rows: identity },
      { title: 'Signature', rows: signature },
    ],
  })
const AUTHENTIHASH = 'Authentihash SHA-256'

test('one image under two signatures', () => {
  const identity = [line('SHA-256', 'a', 'b'), line(AUTHENTIHASH, 'c', 'c')]
  expect(of(identity, [line('embedded', 'test', '')])).toMatch(/^Same image.*is the signature\.$/)
  expect(of(identity)).toMatch(/^Same image.*nothing that it covers\.$/)
})

test('one file under two names', () => {
  expect(of([line('SHA-256', 'a', 'a'), line(AUTHENTIHASH, 'c', 'c')])).toMatch(/^The same file/)
})

test('different images, with the same imports or without', () => {
  const images = line(AUTHENTIHASH, 'c', 'd')
  expect(of([images, line('Imphash', 'e', 'e')])).toMatch(/^Different images with the same imports/)
  expect(of([images, line('Imphash', 'e', 'f')])).toBe(
    'Different images: the authentihash differs.',
  )
})

test('a hash that only one of them has tells nothing', () => {
  expect(of([line(AUTHENTIHASH, 'c', ''), line('Authentihash SHA-1', '9', '9')])).toMatch(
    /^Same image/,
  )
  expect(of([line(AUTHENTIHASH, 'c', '')])).toMatch(/^Not known/)
  expect(of([line(AUTHENTIHASH, 'c', ''), line('Imphash', 'e', 'e')])).toMatch(/^Same imports/)
})
