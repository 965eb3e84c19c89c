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

/** How deep includes go, how many there may be, and what they may grow to together. */
export const INCLUDE_DEPTH_MAX = 8
export const INCLUDES_MAX = 2000
export const UNIT_CHARS_MAX = 16_000_000

/**
 * Put a rule file together with what it includes. The work is in proportion to the text that comes
 * out: lines are counted as they pass, and pieces are joined once.
 * @param file name below the folder, with forward slashes
 * @param read text of another file of the folder; null when it is not in there
 * @throws Error with file and line for an include that cannot be resolved
 */
export function resolveIncludes(file: string, read: (file: string) => string | null): Unit {
  const pieces: string[] = []
  const lines: Unit['lines'] = []
  let size = 0
  let included = 0

  /** Append a piece that begins in a line of a file. @returns the line in which it ends */
  function append(name: string, piece: string, line: number): number {
    size += piece.length
    if (size > UNIT_CHARS_MAX) throw new Error(`${file}: with its includes it is too large`)
    pieces.push(piece)
    // A piece goes on where the line before it stopped.
    if (lines.length === 0) lines.push({ file: name, line })
    let last = line
    for (let at = piece.indexOf('\n'); at >= 0; at = piece.indexOf('\n', at + 1))
      lines.push({ file: name, line: ++last })
    return last
  }

  function resolve(name: string, text: string, stack: string[]): void {
    let at = 0
    let line = 1
    for (const include of scanSource(text).includes) {
      line = append(name, text.slice(at, include.start), line)
      const place = `${name}:${line}`
      const target = belowFolder(name, include.name)
      const inner = target === null ? null : read(target)
      if (target === null || inner === null)
        throw new Error(`${place}: "${include.name}" is not in the folder of the rules`)
      if (stack.includes(target)) throw new Error(`${place}: "${include.name}" includes itself`)
      if (stack.length >= INCLUDE_DEPTH_MAX)
        throw new Error(`${place}: includes are nested deeper than ${INCLUDE_DEPTH_MAX} levels`)
      if (++included > INCLUDES_MAX)
        throw new Error(`${place}: more than ${INCLUDES_MAX} files are included`)
      resolve(target, inner, [...stack, target])
      // The include itself may stand over several lines.
      line += text.slice(include.start, include.end).split('\n').length - 1
      at = include.end
    }
    append(name, text.slice(at), line)
  }

  resolve(file, read(file) ?? '', [file])
  return { text: pieces.join(''), lines }
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
