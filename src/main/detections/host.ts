/** Rules behind the contract, in the lab's helper process: read, tried on what they bring, exported. */
import type { rulesContract } from '../../shared/contract/detections'
import type { Handlers } from '../../shared/contract/table'
import { compileRule, tryInline } from '../../shared/detections'
import { ok } from '../../shared/errors'
import type { z } from 'zod'
import { exportRules } from './export'
import { COLUMNS, EVENT_KINDS } from './known-names'
import { readRules, type ReadRule } from './read'

export type RulesHost = Handlers<typeof rulesContract>
type Tested = z.input<(typeof rulesContract)['rules.read']['output']>['tests'][number]

export const createRulesHost = (): RulesHost => ({
  'rules.read'({ files }) {
    const read = files.map(({ file, text }) => readRules(file, text))
    const rules = read.flatMap((each) => each.rules)
    return ok({
      rules,
      mistakes: read.flatMap((each) => each.problems),
      tests: rules.flatMap(testsOf),
    })
  },

  'rules.export'({ texts }) {
    const rules = texts.flatMap((text) => readRules('rule.yaml', text).rules)
    return ok({ text: exportRules(rules), rules: rules.length })
  },

  'rules.names': () =>
    ok({
      kinds: [...EVENT_KINDS],
      columns: Object.fromEntries(Object.entries(COLUMNS).map(([name, of]) => [name, [...of]])),
    }),
})

/** The tests of a rule; those over events and rows are tried at once. */
function testsOf({ rule }: ReadRule): Tested[] {
  const compiled = compileRule(rule)
  return rule.tests.map((test) => ({
    rule: rule.id,
    name: test.name,
    raises: test.raises,
    sample: test.sample ?? null,
    failed: test.sample === undefined ? (tryInline(compiled, test)?.because ?? null) : null,
  }))
}
