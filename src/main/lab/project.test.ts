import { describe, expect, test } from 'vitest'
import { planOf } from './project'

const driver = 'export function DriverEntry() { return 0 }'

function problems(scenario: string, more: Record<string, string> = {}): string[] {
  const read = planOf({ 'driver.ts': driver, 'scenario.json': scenario, ...more }, undefined)
  if (!('diagnostics' in read)) return []
  return read.diagnostics.map(
    ({ file, line, column, endLine, endColumn, message }) =>
      `${file}:${line}:${column}-${endLine}:${endColumn} ${message}`,
  )
}

describe('a mistake in scenario.json is reported with its place', () => {
  test.each([
    ['{ "steps": [ { "do": "open", } ] }', '1:30-1:31', /no JSON: “} \] }” cannot stand here/],
    ['{', '1:2-1:3', /the end of the file/],
    ['{\n  "seed": "x"\n}', '2:11-2:14', /^seed: Invalid input/],
    ['{\n  "stesp": []\n}', '2:3-2:10', /^stesp is not known/],
    ['{ "steps": [\n  { "do": "fly" }\n] }', '2:11-2:16', /^steps\.0\.do: Invalid/],
    ['{ "steps": [\n  { "do": "open" }\n] }', '2:3-2:19', /^steps\.0\.path: Invalid/],
    [
      '{ "steps": [\n  { "do": "open", "path": "x", "flags": 1 }\n] }',
      '2:32-2:39',
      /^steps\.0\.flags is not/,
    ],
    [
      '{ "steps": [{ "do": "ioctl", "code": "IOCTL_X" }] }',
      '1:38-1:47',
      /"IOCTL_X" is no control code/,
    ],
    [
      '{ "processes": [{ "name": "a", "steps": [{ "do": "ioctl", "code": "0x2g" }] }] }',
      '1:67-1:73',
      /"0x2g" is no control code/,
    ],
    [
      '{ "drivers": [{ "name": "A", "entry": "driver.ts" },\n { "name": "B", "entry": "b.ts" }] }',
      '2:26-2:32',
      /The folder has no b\.ts/,
    ],
    ['[]', '1:1-1:3', /^The scenario: Invalid input/],
  ])('%j', (text, place, message) => {
    const [first = '', ...rest] = problems(text)
    expect(rest).toEqual([])
    expect(first.split(' ')[0]).toBe(`scenario.json:${place}`)
    expect(first.replace(/^\S+ /, '')).toMatch(message)
  })

  const long = 'x'.repeat(70_000)
  test.each([
    [{ name: long }, /^name: longer than 200 characters\.$/],
    [{ drivers: [{ name: 'A', entry: long }] }, /^drivers\.0\.entry: longer than 260 characters/],
    [{ parameters: { Text: long } }, /^parameters\.Text: longer than 32767 characters/],
    [{ parameters: { [long]: 1 } }, /^parameters\.x+…: longer than 255 characters/],
    [
      { parameters: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`p${i}`, i])) },
      /^parameters: more than 256 of them/,
    ],
    [{ steps: [{ do: 'open', path: long }] }, /^steps\.0\.path: longer than 32767 characters/],
    [{ steps: [{ do: 'close', handle: long }] }, /^steps\.0\.handle: longer than 64 characters/],
    [{ steps: [{ do: 'ioctl', code: long }] }, /^steps\.0\.code: longer than 200 characters/],
    [
      { steps: [{ do: 'write', data: { text: long.repeat(20) } }] },
      /^steps\.0\.data\.text: longer than 1048576 characters/,
    ],
    [{ steps: [{ do: 'unplug', device: long }] }, /^steps\.0\.device: longer than 1024/],
    [{ processes: [{ name: long, steps: [] }] }, /^processes\.0\.name: longer than 260/],
    [
      { devices: [{ id: 'TOY\\Lamp', upperFilters: Array(65).fill('A') }] },
      /^devices\.0\.upperFilters: more than 64 of them/,
    ],
  ])('what is too long or too many: %#', (scenario, message) => {
    const [first = '', ...rest] = problems(JSON.stringify(scenario))
    expect(rest).toEqual([])
    expect(first.replace(/^\S+ /, '')).toMatch(message)
  })

  test('all mistakes at once', () => {
    const text = '{ "seed": 1.5, "bogus": 1, "unload": 3 }'
    expect(problems(text)).toHaveLength(3)
  })

  test('a byte order mark is no mistake', () => {
    expect(problems('\uFEFF{ "seed": 4 }')).toEqual([])
  })
})

test('a folder without driver.ts', () => {
  const read = planOf({ 'client.ts': '' }, undefined)
  expect(read).toMatchObject({
    diagnostics: [{ code: 'LAB001', file: 'driver.ts', message: 'The folder has no driver.ts.' }],
  })
})
