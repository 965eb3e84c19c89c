import { describe, expect, it } from 'vitest'
import { readTable } from '../../../scripts/generate-nt.mjs'
import { bugcheckName } from './bugchecks'
import { VERIFIER_OPTIONS, VERIFIER_RULES, verifierRule } from './verifier-facts'

interface RuleRow {
  id: string
  title: string
  condition: string
  fix: string
  option: string
  severity: string
  bugCheck: { code: number | null; name?: string; parameters: string[]; report?: string }
}

const table = readTable('verifier-rules') as {
  _meta: { options: Record<string, string> }
  rules: RuleRow[]
}

describe('verifier rules', () => {
  it('agrees with the table', () => {
    expect(VERIFIER_RULES).toHaveLength(table.rules.length)
    for (const { id, title, condition, fix, option, severity, bugCheck } of table.rules) {
      const rule = verifierRule(id)
      expect(rule, id).toMatchObject({ id, title, condition, fix, option, severity })
      expect(rule?.report, id).toBe(bugCheck.report)
      if (bugCheck.code === null) expect(rule?.bugCheck, id).toBeUndefined()
      else {
        const { code, parameters } = bugCheck
        expect(rule?.bugCheck, id).toEqual({ code, parameters, name: bugcheckName(code) })
      }
    }
  })

  it('lists the options', () => {
    expect(VERIFIER_OPTIONS).toEqual(table._meta.options)
  })

  it('finds nothing for an unknown id', () => {
    expect(verifierRule('VR-NONE')).toBeUndefined()
  })
})
