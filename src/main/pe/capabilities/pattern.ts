/**
 * Texts to look for: a whole text without case, or a regular expression between slashes, as capa
 * writes them. Rules may come from the user and texts from hostile files, so expressions that can
 * take long are refused, and long texts are looked at only in part.
 */

export type TextPattern = { text: string } | { expression: RegExp }

/** Longer than any path or routine name; limits what an expression can cost. */
export const TEXT_LENGTH_MAX = 300
const EXPRESSION_LENGTH_MAX = 200
const OPEN_ENDED_MAX = 2

/** @returns the pattern, or what is wrong with it */
export function readPattern(source: string): TextPattern | string {
  const [, body, flags] = /^\/(.+)\/(i?)$/s.exec(source) ?? []
  if (body === undefined) return source === '' ? 'is empty' : { text: source.toLowerCase() }
  const objection = costly(body)
  if (objection !== null) return objection
  try {
    return { expression: new RegExp(body, flags) }
  } catch {
    return 'is not a regular expression'
  }
}

/** Why an expression may take long on some text; null for none. */
function costly(body: string): string | null {
  if (body.length > EXPRESSION_LENGTH_MAX)
    return `is longer than ${EXPRESSION_LENGTH_MAX} characters`
  // Escaped characters and classes hold no operators.
  const operators = body.replace(/\\[^1-9k]/g, 'x').replace(/\[(?:\\.|[^\]])*\]/g, 'x')
  if (/\\[1-9k]/.test(operators)) return 'refers back to a group'
  if (/\(\?[=!<]/.test(operators)) return 'looks around'
  if (/\)[*+{]/.test(operators)) return 'repeats a group'
  const openEnded = operators.match(/[*+]|\{\d+,\}/g)?.length ?? 0
  if (openEnded > OPEN_ENDED_MAX) return `has more than ${OPEN_ENDED_MAX} of * and +`
  const counts = [...operators.matchAll(/\{(?:\d+,)?(\d+)\}/g)]
  return counts.some(([, count]) => Number(count) > 100) ? 'counts beyond 100' : null
}

/** Does a short text (a name, an instruction) fit? */
export function fits(pattern: TextPattern, text: string): boolean {
  if ('text' in pattern) return text.toLowerCase() === pattern.text
  return pattern.expression.test(text.slice(0, TEXT_LENGTH_MAX))
}
