/** Where a text stops being JSON. `JSON.parse` tells the place in some of its messages only. */

const TOKEN =
  // eslint-disable-next-line no-control-regex -- JSON forbids them in strings
  /[ \t\r\n]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.]))/y

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end' | 'nothing'

/**
 * The first place that no JSON text could continue from, counted from 1; null for valid JSON.
 * `found` is what stands there, or the end of the text.
 */
export function jsonErrorPlace(
  text: string,
): { line: number; column: number; found: string } | null {
  const open: ('{' | '[')[] = []
  let expected: Expected = 'value'
  let at = 0
  const afterValue = (): Expected => (open.length === 0 ? 'nothing' : ', or end')

  for (;;) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    if (!match) {
      const rest = /[ \t\r\n]*/y
      rest.lastIndex = at
      at += rest.exec(text)?.[0].length ?? 0
      return at >= text.length && expected === 'nothing' ? null : placeOf(text, at)
    }
    const mark = match[1]
    const isText = match[2] !== undefined
    const start = at + match[0].search(/[^ \t\r\n]/)
    const wantsValue = expected === 'value' || expected === 'value or ]'
    if (mark === '{' && wantsValue) {
      open.push('{')
      expected = 'key or }'
    } else if (mark === '[' && wantsValue) {
      open.push('[')
      expected = 'value or ]'
    } else if (mark === '}' && open.at(-1) === '{' && /end|}/.test(expected)) {
      open.pop()
      expected = afterValue()
    } else if (mark === ']' && open.at(-1) === '[' && /end|]/.test(expected)) {
      open.pop()
      expected = afterValue()
    } else if (mark === ',' && expected === ', or end') {
      expected = open.at(-1) === '{' ? 'key' : 'value'
    } else if (mark === ':' && expected === ':') {
      expected = 'value'
    } else if (isText && (expected === 'key' || expected === 'key or }')) {
      expected = ':'
    } else if (mark === undefined && wantsValue) {
      expected = afterValue()
    } else return placeOf(text, start)
    at = TOKEN.lastIndex
  }
}

function placeOf(text: string, at: number): { line: number; column: number; found: string } {
  const before = text.slice(0, at).split('\n')
  return {
    line: before.length,
    column: (before.at(-1) ?? '').length + 1,
    found:
      at >= text.length ? 'the end of the file' : `“${text.slice(at, at + 12).split('\n')[0]}”`,
  }
}
