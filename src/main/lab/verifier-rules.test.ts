import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { VERIFIER_RULES, verifierRule } from '../../shared/nt/verifier-facts'
import { remedyOf } from '../../shared/nt/verifier-remedies'
import { BUILT_IN_RULES, CHECKED_RULES } from '../kernel/verifier/implemented'
import { isVerifierName } from '../kernel/verifier/verifier'

const KERNEL = join(__dirname, '..', 'kernel')

/** Rules that product code of the kernel names. */
function askedFor(): string[] {
  const asked = new Set<string>()
  for (const file of readdirSync(KERNEL, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts') || file.endsWith('implemented.ts'))
      continue
    const text = readFileSync(join(KERNEL, file), 'utf8')
    for (const [, rule] of text.matchAll(/'(VR-[A-Z0-9-]+)'/g)) asked.add(rule!)
  }
  return [...asked].sort()
}

test('the rules that are said to be checked are those that kernel code asks for', () => {
  expect([...CHECKED_RULES].sort()).toEqual(askedFor())
})

test('every one of them is a rule of the reference', () => {
  for (const rule of [...CHECKED_RULES, ...BUILT_IN_RULES])
    expect(verifierRule(rule)?.id).toBe(rule)
})

test('every rule of the reference says what to change, in sentences', () => {
  const without = VERIFIER_RULES.filter(({ id }) => !/^[A-Z].{20,}\.$/.test(remedyOf(id) ?? ''))
  expect(without.map(({ id }) => id)).toEqual([])
})

test('a rule that the machine does not check is refused by name', () => {
  expect(isVerifierName('VR-IRP-NOT-COMPLETED')).toBe(true)
  expect(isVerifierName('VR-NO-SUCH-RULE')).toBe(false)
})
