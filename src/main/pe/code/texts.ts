/**
 * Searches among the texts of a file by the signs of their characters. Signs lie side by side, texts
 * all over the heap: most of some thousand are never looked at.
 */
import type { FileString } from '../../../shared/driver-file/facts'
import { signsIn, signsOfAll } from '../image/signs'

/** The first of the texts that is this one. */
export function findText(strings: readonly FileString[], wanted: string): FileString | undefined {
  const [signs, own] = [signsOfAll(strings), signsIn(wanted)]
  for (let index = 0; index < signs.length; index++) {
    if (signs[index] === own && strings[index].text === wanted) return strings[index]
  }
  return undefined
}

/**
 * The texts that have a character at a place.
 * @param sign of the character
 */
export function textsWith(
  strings: readonly FileString[],
  sign: number,
  character: string,
  place: number,
): FileString[] {
  const [signs, code] = [signsOfAll(strings), character.charCodeAt(0)]
  const found: FileString[] = []
  for (let index = 0; index < signs.length; index++) {
    if ((signs[index] & sign) === 0) continue
    if (strings[index].text.charCodeAt(place) === code) found.push(strings[index])
  }
  return found
}
