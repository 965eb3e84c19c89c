// What failed, from the reports of all runners: names and first lines, short enough for the end of a log.

import { existsSync, readFileSync } from 'node:fs'
import { isAbsolute, relative } from 'node:path'
import { inProject, root } from './paths.mjs'

/** @typedef {{ title: string, text: string }} Failure */

const FAILURES_MAX = 9
const LINES_MAX = 4
const WIDTH_MAX = 160

const inRoot = (file) => (isAbsolute(file) ? relative(root, file) : file)

function* vitestFailures({ testResults }) {
  for (const { name, message, status, assertionResults } of testResults) {
    const failed = assertionResults.filter((test) => test.status === 'failed')
    for (const { fullName, failureMessages } of failed) {
      yield { title: `${inRoot(name)} > ${fullName}`, text: failureMessages.join('\n') }
    }
    if (status === 'failed' && failed.length === 0) yield { title: inRoot(name), text: message }
  }
}

function* suiteFailures({ suites = [], specs = [], title }, path) {
  const here = title ? [...path, title] : path
  for (const spec of specs.filter(({ ok }) => !ok)) {
    const errors = spec.tests.flatMap(({ results }) => results.flatMap(({ errors }) => errors))
    yield {
      title: [...here, spec.title].join(' > '),
      text: errors.map(({ message }) => message).join('\n'),
    }
  }
  for (const suite of suites) yield* suiteFailures(suite, here)
}

function* playwrightFailures(report) {
  for (const suite of report.suites) yield* suiteFailures(suite, [])
  for (const { message } of report.errors) yield { title: 'outside of any test', text: message }
}

/**
 * What failed according to a report.
 * @param {object} report vitest's or Playwright's
 * @returns {Failure[]}
 */
export function failuresIn(report) {
  return [...('testResults' in report ? vitestFailures(report) : playwrightFailures(report))]
}

const readJson = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined)

/**
 * What failed in a runner's last run.
 * @param {string} name of the runner; reports/NAME.json is its report
 * @returns {Failure[]}
 */
export function failuresOf(name) {
  const report = readJson(inProject('reports', `${name}.json`))
  const stray = readJson(inProject('reports', `${name}.errors.json`)) ?? []
  return [...(report ? failuresIn(report) : []), ...stray]
}

/** Colours of a terminal. */
// eslint-disable-next-line no-control-regex -- the escape character is what is looked for
const COLOURS = /\x1b\[[0-9;]*m/g

const cut = (text) => (text.length > WIDTH_MAX ? `${text.slice(0, WIDTH_MAX - 1)}…` : text)

/**
 * Failures as lines, the first few with the first lines of what they say.
 * @param {string} runner
 * @param {Failure[]} failures
 * @returns {string[]}
 */
export function failureLines(runner, failures) {
  const shown = failures.slice(0, FAILURES_MAX).flatMap(({ title, text }) => {
    const lines = (text ?? '')
      .replace(COLOURS, '')
      .split('\n')
      .map((line) => line.trimEnd())
    const said = lines.filter((line) => line.trim() !== '').slice(0, LINES_MAX)
    return [cut(`FAILED ${runner}: ${title}`), ...said.map((line) => cut(`    ${line.trim()}`))]
  })
  const more = failures.length - FAILURES_MAX
  return more > 0 ? [...shown, `and ${more} more of ${runner}`] : shown
}
