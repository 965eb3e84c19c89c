/** Places in JSON text: where it stops being JSON, and where a value stands in it. */

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

/** From the first to behind the last character of a part of a text, counted from 1. */
export interface JsonPlace {
  line: number
  column: number
  endLine: number
  endColumn: number
}

/**
 * Where the value at `path` stands in a text that `JSON.parse` takes. With `key`, where the name of
 * that member of it stands. What is not in the text has the place of the nearest value around it.
 */
export function jsonPlace(
  text: string,
  path: readonly PropertyKey[],
  key?: string,
): JsonPlace | null {
  const wanted = path.map(String)
  /** Steps from the root to the value that is being read; null where a member's name comes next. */
  const steps: (string | number | null)[] = []
  let best: { depth: number; start: number; end: number } | null = null
  /** Starts of the arrays and objects around, with whether each lies on the path. */
  const around: { start: number; onPath: boolean; array: boolean }[] = []
  const onPath = (): boolean => steps.every((step, i) => String(step) === wanted[i])
  const found = (depth: number, start: number, end: number): void => {
    if (!best || depth >= best.depth) best = { depth, start, end }
  }
  let at = 0
  for (;;) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    if (!match) break
    const end = TOKEN.lastIndex
    const start = at + match[0].search(/[^ \t\r\n]/)
    const mark = match[1]
    at = end
    if (mark === '{' || mark === '[') {
      around.push({ start, onPath: onPath(), array: mark === '[' })
      steps.push(mark === '[' ? 0 : null)
    } else if (mark === '}' || mark === ']') {
      const inner = around.pop()
      steps.pop()
      if (inner?.onPath) found(steps.length, inner.start, end)
    } else if (mark === ',') {
      const last = steps.pop()
      steps.push(around.at(-1)?.array ? Number(last) + 1 : null)
    } else if (mark === ':') continue
    else if (steps.at(-1) === null) {
      const name = String(JSON.parse(match[0]))
      steps[steps.length - 1] = name
      const isKey = name === key && steps.length === wanted.length + 1
      if (isKey && around.at(-1)?.onPath) found(Infinity, start, end)
    } else if (onPath()) found(steps.length, start, end)
  }
  if (!best) return null
  const { start, end } = best as { start: number; end: number }
  const first = placeOf(text, start)
  const behind = placeOf(text, end)
  return {
    line: first.line,
    column: first.column,
    endLine: behind.line,
    endColumn: behind.column,
  }
}
