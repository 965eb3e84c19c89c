import { describe, expect, test } from 'vitest'
import { parseArguments } from './arguments'

const RUN = {
  command: 'run',
  folder: 'F',
  seed: 1,
  json: false,
  verifier: [],
  trace: null,
  driver: null,
}

describe('what was typed', () => {
  test.each([
    ['run F', RUN],
    ['run F --seed 7 --json', { ...RUN, seed: 7, json: true }],
    ['run F --seed=-3', { ...RUN, seed: -3 }],
    ['run F --verifier io,VR-IRP-CANCEL-SET', { ...RUN, verifier: ['io', 'VR-IRP-CANCEL-SET'] }],
    ['run F --verifier none', RUN],
    ['run F --driver fixed.ts --trace T', { ...RUN, driver: 'fixed.ts', trace: 'T' }],
    ['check F --json', { command: 'check', folder: 'F', json: true }],
    ['ddi IoCallDriver', { command: 'ddi', name: 'IoCallDriver' }],
    ['--help', { command: 'help' }],
    ['run -h', { command: 'help' }],
  ])('ring0 %s', (line, expected) => {
    expect(parseArguments(line.split(' '))).toEqual(expected)
  })

  test.each([
    ['', 'a command is missing'],
    ['fly F', "there is no command 'fly'"],
    ['run', 'the folder is missing'],
    ['ddi', 'the name of a routine is missing'],
    ['run F G', "'G' is one argument too many"],
    ['run F --seed x', "--seed wants a whole number, not 'x'"],
    ['run F --seed 1.5', "--seed wants a whole number, not '1.5'"],
    ['run F --seed 12345678901', "--seed wants a whole number, not '12345678901'"],
    ['run F --verifier constructor', "--verifier does not know 'constructor'"],
    ['run F --verifier io,nothing', "--verifier does not know 'nothing'"],
  ])('ring0 %s is refused', (line, problem) => {
    expect(parseArguments(line.split(' ').filter(Boolean))).toEqual({ problem })
  })

  test('an unknown option is refused by name', () => {
    expect(parseArguments(['run', 'F', '--fast'])).toEqual({
      problem: expect.stringContaining("'--fast'"),
    })
  })
})
