import { expect, test } from 'vitest'
import { Kernel } from '../kernel'
import { isVerifierName, VERIFIER_PRESETS } from './verifier'

test.each([...Object.keys(VERIFIER_PRESETS), 'VR-IRP-NOT-COMPLETED'])('%s is a name', (name) => {
  expect(isVerifierName(name)).toBe(true)
})

test.each(['', 'ALL', 'VR-', 'constructor', '__proto__', 'toString'])('%j is no name', (name) => {
  expect(isVerifierName(name)).toBe(false)
})

test('names that mean nothing turn on no more than every run has', () => {
  const active = (...verifier: string[]): boolean[] => {
    const k = new Kernel({ seed: 1, verifier })
    return ['VR-IRP-NOT-COMPLETED', 'VR-IRP-CANCEL-SET'].map((rule) => k.verifier.isActive(rule))
  }
  expect(active('constructor', '__proto__', 'nothing')).toEqual([false, false])
  expect(active('VR-IRP-CANCEL-SET')).toEqual([false, true])
  expect(active('io')).toEqual([true, true])
})
