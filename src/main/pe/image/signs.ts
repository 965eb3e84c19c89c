/** Which bytes are characters of texts, and what some of them tell about the text they are in. */

import type { FileString } from '../../../shared/driver-file/facts'

/** Characters that decide which patterns are worth a try; gathered while a text is scanned. */
export const SIGN = {
  printable: 1,
  backslash: 2,
  slash: 4,
  dot: 8,
  colon: 16,
  percent: 32,
  parenthesis: 64,
  hyphen: 128,
  /** Anything that no identifier has. */
  other: 256,
} as const

/** What each byte is: 0 for what ends a text. */
export const signsOf = new Uint16Array(256)
for (let byte = 0x20; byte < 0x7f; byte++) signsOf[byte] = SIGN.printable | signOf(byte)
signsOf[9] = SIGN.printable | SIGN.other

function signOf(byte: number): number {
  const character = String.fromCharCode(byte)
  if (/\w/.test(character)) return 0
  const signs: Record<string, number> = {
    '\\': SIGN.backslash,
    '/': SIGN.slash,
    '.': SIGN.dot,
    ':': SIGN.colon,
    '%': SIGN.percent,
    '(': SIGN.parenthesis,
    '-': SIGN.hyphen,
  }
  return signs[character] ?? SIGN.other
}

/** The signs of all characters of a text, joined. */
export function signsIn(text: string): number {
  let signs = 0
  for (let index = 0; index < text.length; index++) signs |= signsOf[text.charCodeAt(index)] ?? 0
  return signs
}

const known = new WeakMap<readonly FileString[], readonly number[]>()

/** The signs of each text of a list, which are known already when the list was read from a file. */
export function signsOfAll(texts: readonly FileString[]): readonly number[] {
  let signs = known.get(texts)
  if (!signs) known.set(texts, (signs = texts.map(({ text }) => signsIn(text))))
  return signs
}

/** Remember the signs of a list that does not change any more. */
export function keepSigns(texts: readonly FileString[], signs: readonly number[]): void {
  known.set(texts, signs)
}
