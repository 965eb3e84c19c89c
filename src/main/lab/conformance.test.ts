/**
 * The assertions of data/kernel/conformance.json, as drivers in conformance/ that go through compiler,
 * sandbox and kernel. With UPDATE_GOLDENS=1 the counts in conformance/expected.json are written.
 * Those that are no driver are unit tests with their number in the name; `npm run conformance`
 * collects both.
 */
import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  EXPECTED_FILE,
  conformanceDrivers,
  objections,
  readAssertions,
  readExpected,
  runConformance,
  type Expected,
} from './testing/conformance'

const UPDATE = process.env['UPDATE_GOLDENS'] === '1'

const expected = readExpected()
const assertions = readAssertions()

for (const { id, text } of assertions.filter((item) => item.id in expected)) {
  const drivers = Object.entries(expected[id] ?? {})
  test(`${id} conformance/${drivers[0]?.[0]}: ${text}`, async () => {
    for (const [driver, count] of drivers) {
      const run = await runConformance(driver)
      expect(objections(run, id)).toEqual([])
      // A check that nothing reached holds nothing.
      if (!UPDATE) expect(run.lines.get(id) ?? []).toHaveLength(count)
    }
  })
}

test('every line that a driver prints is expected', async () => {
  const found: Expected = {}
  for (const driver of conformanceDrivers())
    for (const [id, lines] of (await runConformance(driver)).lines)
      (found[id] ??= {})[driver] = lines.length
  const sorted = Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)))
  if (UPDATE) writeFileSync(EXPECTED_FILE, JSON.stringify(sorted, null, 2) + '\n')
  expect(sorted).toEqual(readExpected())
})

test('every expected assertion is one of the table', () => {
  const known = new Set(assertions.map(({ id }) => id))
  expect(known.size).toBe(90)
  expect(Object.keys(expected).filter((id) => !known.has(id))).toEqual([])
})
