import { expect, test } from 'vitest'
import { parseArguments } from './arguments'

const parse = (line: string) => parseArguments(line.split(' '))

test('package and policy are understood', () => {
  expect(parse('package F --out O --driver Toy --signing s.json')).toEqual({
    command: 'package',
    folder: 'F',
    out: 'O',
    driver: 'Toy',
    signing: 's.json',
    json: false,
  })
  expect(parse('policy a.sys b.sys --windows 7 --machine hvci=on,today=2025-01-31 --json')).toEqual(
    {
      command: 'policy',
      files: ['a.sys', 'b.sys'],
      windows: '7',
      machine: { hvci: true, today: '2025-01-31' },
      json: true,
    },
  )
})

test.each([
  ['package F', /--out/],
  ['policy F --windows 12', /--windows is one of 7, 8\.1/],
  ['policy F --machine hvci', /--machine wants .*hvci/],
  ['policy F --machine constructor=on', /--machine wants/],
  ['policy F --machine today=2024-02-31', /--machine: .*day/],
])('ring0 %s is refused', (line, problem) => {
  expect(parse(line)).toEqual({ problem: expect.stringMatching(problem) as string })
})
