import { expect, test } from 'vitest'
import { parseArguments } from './arguments'

const typed = (line: string): unknown => parseArguments(line.split(' '))

test('detect takes a folder, or something to do with the rules alone', () => {
  const nothing = {
    command: 'detect',
    folder: null,
    seed: 1,
    json: false,
    rules: null,
    export: null,
    test: false,
  }
  expect(typed('detect toy --rules mine --seed 7 --json')).toEqual({
    ...nothing,
    folder: 'toy',
    rules: 'mine',
    seed: 7,
    json: true,
  })
  expect(typed('detect --rules mine')).toEqual({ ...nothing, rules: 'mine' })
  expect(typed('detect --test-rules')).toEqual({ ...nothing, test: true })
  expect(typed('detect --export rules.yaml')).toEqual({ ...nothing, export: 'rules.yaml' })
})

test.each([
  ['detect', 'the folder is missing, or --rules, --test-rules or --export FILE'],
  ['detect a b', "'b' is one argument too many"],
  ['detect a --seed x', "--seed wants a whole number, not 'x'"],
  ['detect a --dump b', 'detect does not take --dump'],
])('%s is refused', (line, problem) => {
  expect(typed(line)).toEqual({ problem })
})
