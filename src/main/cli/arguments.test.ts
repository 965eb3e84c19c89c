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
  processors: null,
  scenario: null,
  dump: null,
  defences: [],
}

const EXPLORE = {
  command: 'explore',
  folder: 'F',
  seeds: 100,
  json: false,
  verifier: [],
  driver: null,
  processors: null,
  scenario: null,
}

const SEARCH = {
  command: 'search',
  query: 'x',
  sort: 'added',
  ascending: false,
  limit: 50,
  catalogue: null,
  json: false,
}

describe('what was typed', () => {
  test.each([
    ['run F', RUN],
    [
      'run F --defence hvci --defence patchguard --defence hvci',
      { ...RUN, defences: ['hvci', 'patchguard'] },
    ],
    ['run F --seed 7 --json', { ...RUN, seed: 7, json: true }],
    ['run F --seed=-3', { ...RUN, seed: -3 }],
    ['run F --verifier io,VR-IRP-CANCEL-SET', { ...RUN, verifier: ['io', 'VR-IRP-CANCEL-SET'] }],
    ['run F --verifier none', RUN],
    ['run F --driver fixed.ts --trace T', { ...RUN, driver: 'fixed.ts', trace: 'T' }],
    ['run F --processors 4 --scenario S', { ...RUN, processors: 4, scenario: 'S' }],
    ['run F --dump D', { ...RUN, dump: 'D' }],
    ['replay D --json', { command: 'replay', file: 'D', json: true }],
    ['explore F', EXPLORE],
    [
      'explore F --seeds 9 --processors 8 --json',
      { ...EXPLORE, seeds: 9, processors: 8, json: true },
    ],
    ['check F --json', { command: 'check', folder: 'F', lesson: null, json: true }],
    ['check F --lesson 07-x', { command: 'check', folder: 'F', lesson: '07-x', json: false }],
    ['lesson check F', { command: 'lesson', folder: 'F', json: false }],
    ['ddi IoCallDriver', { command: 'ddi', name: 'IoCallDriver' }],
    [
      'scan a.sys b.zip --json',
      { command: 'scan', paths: ['a.sys', 'b.zip'], json: true, passwords: [] },
    ],
    [
      'import set --tag byovd --tag new --password x --catalogue C',
      {
        command: 'import',
        paths: ['set'],
        tags: ['byovd', 'new'],
        passwords: ['x'],
        catalogue: 'C',
        json: false,
      },
    ],
    ['search import:Mm* -signed', { ...SEARCH, query: 'import:Mm* -signed' }],
    [
      'search x --sort size --ascending --limit 3',
      { ...SEARCH, sort: 'size', ascending: true, limit: 3 },
    ],
    [
      'export x --format csv --out F',
      { command: 'export', query: 'x', format: 'csv', out: 'F', catalogue: null, json: false },
    ],
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
    ['ddi X --json', 'ddi does not take --json'],
    ['scan', 'a file, folder or archive is missing'],
    ['search x --sort colour', /^--sort is one of added, /],
    ['search x --limit 0', "--limit wants a whole number above 0, not '0'"],
    ['export x', /^--format is one of csv, /],
    ['constructor x', "there is no command 'constructor'"],
    ['run F --seed x', "--seed wants a whole number, not 'x'"],
    ['run F --seed 1.5', "--seed wants a whole number, not '1.5'"],
    ['run F --seed 12345678901', "--seed wants a whole number, not '12345678901'"],
    ['run F --processors 9', "--processors wants a number from 1 to 8, not '9'"],
    ['explore F --seeds 0', "--seeds wants a whole number above 0, not '0'"],
    ['explore F --trace T', 'explore does not take --trace'],
    ['run F --verifier constructor', "--verifier does not know 'constructor'"],
    ['run F --verifier io,nothing', "--verifier does not know 'nothing'"],
  ])('ring0 %s is refused', (line, problem) => {
    expect(parseArguments(line.split(' ').filter(Boolean))).toEqual({
      problem: typeof problem === 'string' ? problem : expect.stringMatching(problem),
    })
  })

  test('an unknown option is refused by name', () => {
    expect(parseArguments(['run', 'F', '--fast'])).toEqual({
      problem: expect.stringContaining("'--fast'"),
    })
  })
})
