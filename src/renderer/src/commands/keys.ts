/** Key presses of the browser in the words of the command table. */
import { COMMANDS, parseKeys, type Command } from '../../../shared/commands'

const NAMED: Record<string, string> = {
  ArrowLeft: 'Left',
  ArrowRight: 'Right',
  ArrowUp: 'Up',
  ArrowDown: 'Down',
  ' ': 'Space',
}

/**
 * The combinations a press can stand for, as `Ctrl+Shift+P`. Letters and digits follow the physical
 * key, so that other layouts keep the position; signs follow what they print, with or without Shift.
 */
export function pressesOf(event: KeyboardEvent): string[] {
  const modifiers = (shift: boolean): string =>
    `${event.ctrlKey || event.metaKey ? 'Ctrl+' : ''}${event.altKey ? 'Alt+' : ''}${shift ? 'Shift+' : ''}`
  const physical = /^(?:Key|Digit)([A-Z0-9])$/.exec(event.code)?.[1]
  const keys: string[] = []
  if (physical !== undefined) keys.push(modifiers(event.shiftKey) + physical)
  if (event.key.length === 1 && !/[a-z0-9]/i.test(event.key)) {
    const sign = NAMED[event.key] ?? event.key
    keys.push(modifiers(event.shiftKey) + sign, modifiers(false) + sign)
  } else if (physical === undefined) {
    keys.push(modifiers(event.shiftKey) + (NAMED[event.key] ?? event.key))
  }
  return [...new Set(keys)]
}

const byKeys = new Map<string, Command[]>()
for (const command of COMMANDS as readonly Command[])
  for (const keys of command.keys) byKeys.set(keys, [...(byKeys.get(keys) ?? []), command])

/** Commands that a press stands for, whatever has the focus. */
export function commandsFor(event: KeyboardEvent): Command[] {
  return pressesOf(event).flatMap((keys) => byKeys.get(keys) ?? [])
}

const SHOWN: Record<string, string> = { Left: '←', Right: '→', Up: '↑', Down: '↓' }
const mac = typeof navigator !== 'undefined' && navigator.platform.startsWith('Mac')

/** A combination as people read it on this system. */
export function keysLabel(keys: string): string {
  const { ctrl, alt, shift, key } = parseKeys(keys)
  const name = SHOWN[key] ?? key
  if (mac) return `${ctrl ? '⌘' : ''}${alt ? '⌥' : ''}${shift ? '⇧' : ''}${name}`
  return `${ctrl ? 'Ctrl+' : ''}${alt ? 'Alt+' : ''}${shift ? 'Shift+' : ''}${name}`
}
