// What a report of the tests says about the assertions of data/kernel/conformance.json.

import { relative, sep } from 'node:path'

/**
 * Assertions that docs/conformance.md says do not apply: rows of the table in its last chapter.
 * @param {string} docs text of the page
 */
export function notApplicable(docs) {
  const chapter = docs.split('## What does not apply')[1] ?? ''
  return new Set([...chapter.matchAll(/^\| (K\d{3}) /gm)].map(([, id]) => id))
}

/**
 * One case for each assertion: passed when every test that carries its number passed, failed when
 * one did not, or when there is none and no reason is written down.
 * @param {{ id: string }[]} assertions
 * @param {{ testResults: { name: string, assertionResults: { fullName: string, title: string,
 *   status: string, failureMessages?: string[] }[] }[] }} report  of vitest's JSON reporter
 * @param {string} docs text of docs/conformance.md
 * @param {string} root folder that file names are relative to
 */
export function collectCases(assertions, report, docs, root) {
  const excused = notApplicable(docs)
  const seen = new Map()
  for (const { name, assertionResults } of report.testResults) {
    const path = relative(root, name).split(sep).join('/')
    for (const { fullName, title, status, failureMessages = [] } of assertionResults) {
      if (status !== 'passed' && status !== 'failed') continue
      // The test of a driver begins with number and driver; the text behind them may name others.
      const driver = /^(K0\d\d) (conformance\/\S+\.ts):/.exec(title)
      const file = driver?.[2] ?? path
      const numbers = driver ? [driver[1]] : (fullName.match(/\bK0\d\d\b/g) ?? [])
      for (const id of new Set(numbers)) {
        const known = seen.get(id) ?? { file, messages: [], failed: false }
        seen.set(id, known)
        if (status === 'failed') known.failed = true
        known.messages.push(...failureMessages.map((message) => message.split('\n    at ')[0]))
      }
    }
  }
  return assertions.map(({ id }) => {
    const found = seen.get(id)
    if (found) {
      const { file, failed, messages } = found
      return { id, result: failed ? 'failed' : 'passed', file, messages }
    }
    const result = excused.has(id) ? 'notApplicable' : 'failed'
    const messages = excused.has(id) ? [] : ['no test carries this number']
    return { id, result, file: 'docs/conformance.md', messages }
  })
}

/** How many cases ended how. */
export function countCases(cases) {
  const count = (result) => cases.filter((item) => item.result === result).length
  return {
    passed: count('passed'),
    failed: count('failed'),
    notApplicable: count('notApplicable'),
  }
}
