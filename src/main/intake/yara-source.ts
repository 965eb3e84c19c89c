/**
 * Rule files read as text, before the compiler sees them: which rules they define with which tags,
 * what they include, and which line of which file each line came from.
 */

export interface RuleHead {
  name: string
  tags: string[]
  isPrivate: boolean
  isGlobal: boolean
}

export interface ScannedSource {
  rules: RuleHead[]
  /** `include "other.yar"`: where the statement lies, and what it names. */
  includes: { start: number; end: number; name: string }[]
}

/** Comments, strings, regular expressions and words. In YARA `/` is no operator; `\` divides. */
const TOKEN =
  /\/\*[^]*?(?:\*\/|$)|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"?|\/(?:\\.|[^/\\\n])+\/?|[A-Za-z_]\w*|[^\s]/g

/** Read the heads of rules and the includes. Never throws; what is wrong the compiler tells. */
export function scanSource(text: string): ScannedSource {
  const rules: RuleHead[] = []
  const includes: ScannedSource['includes'] = []
  const tokens = [...text.matchAll(TOKEN)]
    .filter(([token]) => !token.startsWith('//') && !token.startsWith('/*'))
    .map((match) => ({ text: match[0], at: match.index }))
  let depth = 0
  tokens.forEach((token, index) => {
    // Braces of hex strings are balanced as well, so depth counts both.
    if (token.text === '{') depth++
    else if (token.text === '}') depth = Math.max(0, depth - 1)
    if (depth > 0) return
    const next = tokens[index + 1]
    if (token.text === 'include' && next?.text.startsWith('"'))
      includes.push({
        start: token.at,
        end: next.at + next.text.length,
        name: next.text.replace(/^"|"$/g, ''),
      })
    if (token.text !== 'rule' || !next) return
    const tags: string[] = []
    if (tokens[index + 2]?.text === ':')
      for (let at = index + 3; /^\w+$/.test(tokens[at]?.text ?? ''); at++)
        tags.push(tokens[at]?.text ?? '')
    const before = [tokens[index - 1]?.text, tokens[index - 2]?.text]
    const modifiers = before[0] === 'private' || before[0] === 'global' ? before : []
    rules.push({
      name: next.text,
      tags,
      isPrivate: modifiers.includes('private'),
      isGlobal: modifiers.includes('global'),
    })
  })
  return { rules, includes }
}

/** Text put together of files, and where each line is from. */
export interface Unit {
  text: string
  /** For each line of `text`: file name below the rules' folder, and line in it, from 1. */
  lines: { file: string; line: number }[]
}

export const joinUnits = (units: Unit[]): Unit => ({
  text: units.map(({ text }) => text).join('\n'),
  lines: units.flatMap(({ lines }) => lines),
})

/** How deep includes go, and what they may grow to together. */
export const INCLUDE_DEPTH_MAX = 8
export const UNIT_CHARS_MAX = 16_000_000

/**
 * Put a rule file together with what it includes.
 * @param file name below the folder, with forward slashes
 * @param read text of another file of the folder; null when it is not in there
 * @throws Error with file and line for an include that cannot be resolved
 */
export function resolveIncludes(file: string, read: (file: string) => string | null): Unit {
  let size = 0
  function resolve(name: string, stack: string[]): Unit {
    const text = read(name) ?? ''
    size += text.length
    if (size > UNIT_CHARS_MAX) throw new Error(`${file}: with its includes it is too large`)
    const own = text.split('\n').map((_, index) => ({ file: name, line: index + 1 }))
    const { includes } = scanSource(text)
    const lineAt = (at: number): number => text.slice(0, at).split('\n').length
    let unit: Unit = { text: '', lines: [] }
    let at = 0
    const append = (piece: string, lines: Unit['lines']): void => {
      // A piece goes on where the line before it stopped.
      unit = {
        text: unit.text + piece,
        lines: unit.lines.concat(unit.lines.length ? lines.slice(1) : lines),
      }
    }
    for (const include of includes) {
      const line = lineAt(include.start)
      const target = belowFolder(name, include.name)
      const place = `${name}:${line}`
      if (target === null || read(target) === null)
        throw new Error(`${place}: "${include.name}" is not in the folder of the rules`)
      if (stack.includes(target)) throw new Error(`${place}: "${include.name}" includes itself`)
      if (stack.length >= INCLUDE_DEPTH_MAX)
        throw new Error(`${place}: includes are nested deeper than ${INCLUDE_DEPTH_MAX} levels`)
      append(text.slice(at, include.start), own.slice(lineAt(at) - 1, line))
      const inner = resolve(target, [...stack, target])
      append(inner.text, inner.lines)
      at = include.end
    }
    append(text.slice(at), own.slice(lineAt(at) - 1))
    return unit
  }
  return resolve(file, [file])
}

/** A name relative to the file that includes it, as a name below the folder; null when outside. */
function belowFolder(from: string, name: string): string | null {
  const parts = from.split('/').slice(0, -1)
  if (/^([\\/]|[A-Za-z]:)/.test(name)) return null
  for (const part of name.split(/[\\/]/)) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) return null
  }
  return parts.join('/')
}
