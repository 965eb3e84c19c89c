/** Scan codes of set 1 on an American keyboard, there and back. */

/** Key of each character; those with Shift stand in the second text. */
const ROWS: readonly (readonly [first: number, plain: string, shifted: string])[] = [
  [0x02, '1234567890-=', '!@#$%^&*()_+'],
  [0x10, 'qwertyuiop[]', 'QWERTYUIOP{}'],
  [0x1e, "asdfghjkl;'`", 'ASDFGHJKL:"~'],
  [0x2b, '\\zxcvbnm,./', '|ZXCVBNM<>?'],
]
export const LEFT_SHIFT = 0x2a
export const LEFT_CTRL = 0x1d
/** Keys that are no characters of a row. */
const OTHERS: Readonly<Record<string, number>> = {
  '\x1b': 0x01,
  '\b': 0x0e,
  '\t': 0x0f,
  '\n': 0x1c,
  ' ': 0x39,
}

export interface Key {
  code: number
  shift: boolean
  ctrl: boolean
}

const keys = new Map<string, Key>()
for (const [first, plain, shifted] of ROWS)
  for (let i = 0; i < plain.length; i++) {
    keys.set(plain[i]!, { code: first + i, shift: false, ctrl: false })
    keys.set(shifted[i]!, { code: first + i, shift: true, ctrl: false })
  }
for (const [char, code] of Object.entries(OTHERS))
  keys.set(char, { code, shift: false, ctrl: false })
// Ctrl+Z ends what a program reads.
keys.set('\x1a', { ...keys.get('z')!, ctrl: true })

const characters = new Map<number, readonly [plain: string, shifted: string]>()
for (const [char, { code, shift, ctrl }] of keys) {
  if (ctrl) continue
  const known = characters.get(code) ?? ['', '']
  characters.set(code, shift ? [known[0], char] : [char, known[1]])
}

/** The key that makes a character; undefined for one that the keyboard has not. */
export function keyOf(char: string): Key | undefined {
  return keys.get(char)
}

/** The character of a key; empty for one without. */
export function characterOf(code: number, shift: boolean, ctrl: boolean): string {
  const found = characters.get(code)
  if (!found) return ''
  const char = shift ? found[1] || found[0] : found[0]
  return ctrl ? String.fromCharCode(char.toUpperCase().charCodeAt(0) & 0x1f) : char
}
