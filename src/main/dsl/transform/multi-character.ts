/** C's multi-character constants, which pool tags are written as: 'abcd' is 0x61626364. */
import type ts from 'typescript'

/** The number of 1 to 4 ASCII characters; undefined for other texts. */
export function multiCharacterValue(text: string): number | undefined {
  if (text.length === 0 || text.length > 4 || /[^ -~]/.test(text)) return undefined
  let value = 0
  for (const character of text) value = (value * 256 + character.charCodeAt(0)) >>> 0
  return value
}

/** The number that a string type with one value stands for where C has an integer. */
export function multiCharacter(type: ts.Type): number | undefined {
  return type.isStringLiteral() ? multiCharacterValue(type.value) : undefined
}
