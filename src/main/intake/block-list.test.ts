import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { matchPolicy, policyFileOf } from '../known/sipolicy/match'
import { parseSiPolicy } from '../known/sipolicy/parse'
import { decodeText } from '../known/text'
import { analyse } from '../pe/analyse'

const fixtures = resolve(__dirname, '../../../data/fixtures')
const policy = parseSiPolicy(
  decodeText(readFileSync(resolve(fixtures, 'sipolicy/sample-block-policy.xml'))),
  'sample-block-policy.xml',
)

describe('drivers as they are read, against the sample block policy', () => {
  test.each([
    ['lantern.sys', ['ID_DENY_LANTERN_SHA1', 'ID_DENY_LANTERN_SHA256']],
    ['lantern-signed.sys', ['ID_DENY_LANTERN_SHA1', 'ID_DENY_LANTERN_SHA256']],
    ['ferry-forged.sys', ['ID_SIGNER_OLDHARBOUR']],
    ['lantern-tampered.sys', []],
  ])('%s is blocked by %j', (name, rules) => {
    if (!policy.ok) throw new Error(policy.error.message)
    const facts = analyse(readFileSync(resolve(fixtures, 'pe', name)))
    const matches = matchPolicy(policy.value, policyFileOf(facts))
    expect(matches.map(({ rule }) => rule)).toEqual(rules)
  })
})
