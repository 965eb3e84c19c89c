import { expect, test } from 'vitest'
import { DEFENCES } from '../../shared/defences'
import { parseArguments } from './arguments'

const typed = (line: string): unknown => parseArguments(line.split(' '))

test('detect takes a folder, or something to do with the rules alone', () => {
  const nothing = {
    command: 'detect',
    folder: null,
    driver: null,
    seed: 1,
    json: false,
    rules: null,
    export: null,
    test: false,
    defences: [],
  }
  expect(typed('detect toy --rules mine --seed 7 --json')).toEqual({
    ...nothing,
    folder: 'toy',
    rules: 'mine',
    seed: 7,
    json: true,
  })
  expect(typed('detect toy --defence hvci')).toEqual({
    ...nothing,
    folder: 'toy',
    defences: ['hvci'],
  })
  expect(typed('detect toy --driver twin.ts')).toEqual({
    ...nothing,
    folder: 'toy',
    driver: 'twin.ts',
  })
  expect(typed('detect --rules mine')).toEqual({ ...nothing, rules: 'mine' })
  expect(typed('detect --test-rules')).toEqual({ ...nothing, test: true })
  expect(typed('detect --export rules.yaml')).toEqual({ ...nothing, export: 'rules.yaml' })
})

test('matrix takes techniques, and a seed or several', () => {
  const all = { command: 'matrix', only: null, seed: 1, seeds: 1, json: false }
  const rest = { processors: null, write: false }
  expect(typed('matrix')).toEqual({ ...all, ...rest })
  expect(typed('matrix --only a,b --seed 3 --json --processors 2')).toEqual({
    ...all,
    ...rest,
    processors: 2,
    only: ['a', 'b'],
    seed: 3,
    json: true,
  })
  expect(typed('matrix --seeds 100')).toEqual({ ...all, ...rest, seeds: 100 })
})

test.each([
  ['detect a --defence wall', `there is no defence 'wall'; there are ${DEFENCES.join(', ')}`],
  ['matrix x', "'x' is one argument too many"],
  ['matrix --write --seeds 2', '--write wants all techniques and one seed'],
  ['matrix --seeds 0', "--seeds wants a whole number above 0, not '0'"],
  ['detect', 'the folder is missing, or --rules, --test-rules or --export FILE'],
  ['detect --test-rules --driver a', '--driver wants a folder'],
  ['detect a b', "'b' is one argument too many"],
  ['detect a --seed x', "--seed wants a whole number, not 'x'"],
  ['detect a --dump b', 'detect does not take --dump'],
])('%s is refused', (line, problem) => {
  expect(typed(line)).toEqual({ problem })
})
