import { describe, expect, test } from 'vitest'
import { COMMANDS, commandById, isCommandId, parseKeys, type Command } from './commands'

const commands: readonly Command[] = COMMANDS

describe('the command table', () => {
  test('has each id and title once', () => {
    expect(new Set(commands.map((command) => command.id)).size).toBe(commands.length)
    expect(new Set(commands.map((command) => command.title)).size).toBe(commands.length)
  })

  test('gives a key to one command of an area, and an app-wide key to one command of all', () => {
    const taken = new Map<string, string>()
    for (const command of commands)
      for (const key of command.keys) {
        for (const place of [`${command.area} ${key}`, `app ${key}`])
          expect(taken.get(place), `${command.id} takes ${key}`).toBeUndefined()
        taken.set(`${command.area} ${key}`, command.id)
      }
    const appKeys = commands.filter((item) => item.area === 'app').flatMap((item) => item.keys)
    for (const command of commands.filter((item) => item.area !== 'app'))
      for (const key of command.keys) expect(appKeys, command.id).not.toContain(key)
  })

  test('writes every key in the form that parseKeys reads', () => {
    for (const command of commands)
      for (const key of command.keys) expect(parseKeys(key).key).not.toBe('')
  })

  test('keeps F10 and F11 for stepping', () => {
    for (const command of commands)
      if (command.keys.some((key) => /F1[01]$/.test(key))) expect(command.id).toMatch(/^step\./)
  })
})

test('ids are found and foreign words are not', () => {
  expect(isCommandId('lab.run')).toBe(true)
  expect(isCommandId('constructor')).toBe(false)
  expect(commandById('lab.run').keys).toEqual(['F5'])
})

test.each([
  ['F5', { ctrl: false, alt: false, shift: false, key: 'F5' }],
  ['Ctrl+Shift+P', { ctrl: true, alt: false, shift: true, key: 'P' }],
  ['+', { ctrl: false, alt: false, shift: false, key: '+' }],
  ['Ctrl++', { ctrl: true, alt: false, shift: false, key: '+' }],
  ['Ctrl+-', { ctrl: true, alt: false, shift: false, key: '-' }],
])('%s is read', (keys, press) => expect(parseKeys(keys)).toEqual(press))

test.each(['', 'Shift+Ctrl+P', 'Ctrl + P', 'Hyper+P'])('"%s" is no key combination', (keys) =>
  expect(() => parseKeys(keys)).toThrow(RangeError),
)
