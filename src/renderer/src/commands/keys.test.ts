import { describe, expect, it } from 'vitest'
import { commandsFor, pressesOf } from './keys'

const press = (key: string, code: string, more: KeyboardEventInit = {}): KeyboardEvent =>
  new KeyboardEvent('keydown', { key, code, ...more })

describe('keys', () => {
  it.each([
    ['e', 'KeyE', {}, 'problem.next'],
    ['E', 'KeyE', { shiftKey: true }, 'problem.previous'],
    // Dvorak types a full stop with that key; its place is what counts.
    ['.', 'KeyE', {}, 'problem.next'],
    ['+', 'BracketRight', {}, 'picture.zoomIn'],
    ['+', 'Equal', { shiftKey: true }, 'picture.zoomIn'],
    ['p', 'KeyP', { ctrlKey: true, shiftKey: true }, 'palette.open'],
    ['ArrowLeft', 'ArrowLeft', {}, 'step.previous'],
    ['F11', 'F11', { ctrlKey: true }, 'step.backInto'],
    ['&', 'Digit1', { ctrlKey: true }, 'view.lab'],
  ])('%s on %s', (key, code, more, id) => {
    expect(commandsFor(press(key, code, more)).map((command) => command.id)).toContain(id)
  })

  it('does not take a combination for the plain key', () => {
    expect(pressesOf(press('w', 'KeyW', { ctrlKey: true }))).toEqual(['Ctrl+W'])
    expect(commandsFor(press('w', 'KeyW', { ctrlKey: true }))).toEqual([])
  })
})
