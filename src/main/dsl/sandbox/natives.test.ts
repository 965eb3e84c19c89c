/** The methods that lockdown.js writes anew do what the natives do. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { runDriver } from './testing/run'

const index = fc.option(fc.integer({ min: -8, max: 8 }), { nil: undefined })
const numbers = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 6 })
const text = fc.string({ maxLength: 6, unit: fc.constantFrom('a', 'b', ' ', 'Ä') })

const CALLS: fc.Arbitrary<[unknown, string, unknown[]]>[] = [
  fc.tuple(numbers, fc.constant('shift'), fc.constant([])),
  fc.tuple(numbers, fc.constant('pop'), fc.constant([])),
  fc.tuple(numbers, fc.constantFrom('push', 'unshift'), numbers),
  fc.tuple(numbers, fc.constant('slice'), fc.tuple(index, index)),
  fc.tuple(
    numbers,
    fc.constant('splice'),
    fc.tuple(fc.integer({ min: -8, max: 8 }), fc.nat(4), fc.nat(3)),
  ),
  fc.tuple(numbers, fc.constant('concat'), fc.array(numbers, { maxLength: 2 })),
  fc.tuple(numbers, fc.constant('indexOf'), fc.tuple(fc.nat(3), index)),
  fc.tuple(numbers, fc.constantFrom('lastIndexOf', 'includes'), fc.tuple(fc.nat(3))),
  fc.tuple(numbers, fc.constant('join'), fc.constantFrom([], ['-'])),
  fc.tuple(numbers, fc.constant('reverse'), fc.constant([])),
  fc.tuple(numbers, fc.constant('fill'), fc.tuple(fc.nat(3), index, index)),
  fc.tuple(
    text,
    fc.constantFrom('charAt', 'charCodeAt'),
    fc.tuple(fc.integer({ min: -2, max: 7 })),
  ),
  fc.tuple(text, fc.constantFrom('slice'), fc.tuple(index, index)),
  fc.tuple(text, fc.constant('substring'), fc.tuple(fc.integer({ min: -2, max: 7 }), index)),
  fc.tuple(text, fc.constantFrom('indexOf', 'includes'), fc.tuple(text, fc.nat(6))),
  fc.tuple(text, fc.constantFrom('lastIndexOf', 'startsWith', 'endsWith'), fc.tuple(text)),
  fc.tuple(text, fc.constantFrom('padStart', 'padEnd'), fc.tuple(fc.nat(9), text)),
  fc.tuple(text, fc.constantFrom('padStart', 'padEnd'), fc.tuple(fc.nat(9))),
  fc.tuple(text, fc.constantFrom('toLowerCase', 'toUpperCase', 'trim'), fc.constant([])),
]

const literal = (value: unknown): string =>
  value === undefined ? 'undefined' : JSON.stringify(value)

test('arrays and texts', async () => {
  const calls = CALLS.flatMap((each) => fc.sample(each, { numRuns: 40, seed: 7 }))
  const { printed, kernel } = await runDriver(`
    function show(x) {
      if (typeof x === 'string') return "'" + x + "'"
      if (x === undefined || typeof x !== 'object') return '' + x
      let s = '['
      for (const item of x) s += show(item) + ' '
      return s + ']'
    }
    ${calls
      .map(
        ([self, name, args]) =>
          `{ const self = ${literal(self)}; const r = self.${name}(${args.map(literal).join(', ')}); print(show(r) + show(self)) }`,
      )
      .join('\n')}`)
  expect(kernel.failures).toEqual([])
  const show = (x: unknown): string => {
    if (typeof x === 'string') return `'${x}'`
    if (!Array.isArray(x)) return String(x)
    return `[${x.map((item) => `${show(item)} `).join('')}]`
  }
  const expected = calls.map(([given, name, args]) => {
    const self = structuredClone(given) as Record<string, (...args: unknown[]) => unknown>
    const result = self[name]!(...args)
    return show(result) + show(self)
  })
  expect(printed).toEqual(expected)
})

test('indexOf from a negative place, for texts', async () => {
  const { printed } = await runDriver(
    `print('%', 'abc'.indexOf('a', -1), 'abc'.lastIndexOf('c'), 'abc'.indexOf(''))`,
  )
  expect(printed).toEqual(['% 0 2 0'])
})
