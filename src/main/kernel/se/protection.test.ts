import { expect, test } from 'vitest'
import { protectionName } from '../../../shared/nt/protection'
import { dominates } from './protection'

const [LSA, ANTIMALWARE, TCB, SYSTEM] = [0x41, 0x31, 0x61, 0x72]

test.each([
  ['nobody over lsass', 0, LSA, false],
  ['lsass over itself', LSA, LSA, true],
  ['antimalware over lsass', ANTIMALWARE, LSA, false],
  ['csrss over lsass', TCB, LSA, true],
  ['lsass over csrss', LSA, TCB, false],
  ['a light one over a full one', TCB, SYSTEM, false],
  ['System over csrss', SYSTEM, TCB, true],
  ['anybody over nobody', 0, 0, true],
])('%s', (_, caller, target, answer) => expect(dominates(caller, target)).toBe(answer))

test('a protection has a name', () => {
  expect([0, LSA, SYSTEM].map(protectionName)).toEqual([
    null,
    'PsProtectedSignerLsa-Light',
    'PsProtectedSignerWinSystem',
  ])
})
