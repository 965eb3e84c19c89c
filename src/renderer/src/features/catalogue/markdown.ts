/**
 * The part of Markdown that notes use, as data: headings, paragraphs, lists, quotes, code, bold,
 * italic, code words, tables and links. There is no HTML in it and none comes out of it; what is not
 * understood is text.
 */

export type Inline =
  | { kind: 'text' | 'code'; text: string }
  | { kind: 'strong' | 'em'; children: Inline[] }
  | { kind: 'link'; children: Inline[]; href: string }

export type Block =
  | { kind: 'heading'; level: number; children: Inline[] }
  | { kind: 'paragraph'; children: Inline[] }
  | { kind: 'code'; info: string; text: string }
  | { kind: 'rule' }
  | { kind: 'quote'; children: Block[] }
  | { kind: 'table'; head: Inline[][]; rows: Inline[][][] }
  | {
      kind: 'list'
      ordered: boolean
      start: number
      items: { done: boolean | null; children: Inline[] }[]
    }

const DEPTH_MAX = 8
const BULLET = /^ {0,3}[-*+]\s+(.*)$/
const NUMBER = /^ {0,3}(\d{1,9})[.)]\s+(.*)$/
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/
const RULE = /^ {0,3}(?:(?:-\s*){3,}|(?:\*\s*){3,}|(?:_\s*){3,})$/
const TABLE_ROW = /^ {0,3}\|(.*)\|\s*$/
const TABLE_RULE = /^ {0,3}\|(?:\s*:?-+:?\s*\|)+\s*$/
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*(.*)$/

/** Read a text. Never throws, and every visible character of the text is in the result. */
export function parseMarkdown(text: string, depth = 0): Block[] {
  const lines = text.replace(/\r\n?/g, '\n').split('\n')
  const blocks: Block[] = []
  let at = 0
  const here = (): string => lines[at] ?? ''
  const startsBlock = (line: string): boolean =>
    line.trim() === '' ||
    HEADING.test(line) ||
    RULE.test(line) ||
    FENCE.test(line) ||
    BULLET.test(line) ||
    NUMBER.test(line) ||
    /^ {0,3}>/.test(line)

  while (at < lines.length) {
    const line = here()
    if (line.trim() === '') {
      at++
      continue
    }
    const [, fence, info = ''] = FENCE.exec(line) ?? []
    if (fence !== undefined) {
      const body: string[] = []
      const isEnd = (text: string): boolean => /^[`~]+$/.test(text) && text.startsWith(fence)
      for (at++; at < lines.length && !isEnd(here().trim()); at++) body.push(here())
      at++
      blocks.push({ kind: 'code', info, text: body.join('\n') })
      continue
    }
    const heading = HEADING.exec(line)
    if (heading) {
      blocks.push({
        kind: 'heading',
        level: heading[1]!.length,
        children: parseInline(heading[2]!),
      })
      at++
      continue
    }
    if (RULE.test(line)) {
      blocks.push({ kind: 'rule' })
      at++
      continue
    }
    if (/^ {0,3}>/.test(line) && depth < DEPTH_MAX) {
      const body: string[] = []
      for (; at < lines.length && /^ {0,3}>/.test(here()); at++)
        body.push(here().replace(/^ {0,3}> ?/, ''))
      blocks.push({ kind: 'quote', children: parseMarkdown(body.join('\n'), depth + 1) })
      continue
    }
    if (BULLET.test(line) || NUMBER.test(line)) {
      const ordered = !BULLET.test(line)
      const pattern = ordered ? NUMBER : BULLET
      const start = ordered ? Number(NUMBER.exec(line)![1]) : 1
      const items: { done: boolean | null; children: Inline[] }[] = []
      while (at < lines.length && pattern.test(here()) && !RULE.test(here())) {
        const match = pattern.exec(here())!
        let body = match[ordered ? 2 : 1]!
        // Indented lines belong to the item; deeper lists are flattened into their text.
        for (at++; at < lines.length && /^\s{2,}\S/.test(here()); at++) body += ` ${here().trim()}`
        const box = /^\[([ xX])\]\s+(.*)$/.exec(body)
        items.push({
          done: box ? box[1] !== ' ' : null,
          children: parseInline(box ? box[2]! : body),
        })
      }
      blocks.push({ kind: 'list', ordered, start, items })
      continue
    }
    if (TABLE_ROW.test(line) && TABLE_RULE.test(lines[at + 1] ?? '')) {
      const head = cellsOf(line)
      const rows: Inline[][][] = []
      for (at += 2; at < lines.length && TABLE_ROW.test(here()); at++) rows.push(cellsOf(here()))
      blocks.push({ kind: 'table', head, rows })
      continue
    }
    const body = [line]
    for (at++; at < lines.length && !startsBlock(here()); at++) body.push(here())
    blocks.push({ kind: 'paragraph', children: parseInline(body.join('\n')) })
  }
  return blocks
}

/** Cells of a row; a bar with a backslash in front is text. */
function cellsOf(line: string): Inline[][] {
  const [, inside = ''] = TABLE_ROW.exec(line) ?? []
  return inside.split(/(?<!\\)\|/).map((cell) => parseInline(cell.trim().replaceAll('\\|', '|')))
}

/** Code first, since nothing inside it has a meaning; then links, then emphasis. */
const INLINE =
  /(`+)(.+?)\1(?!`)|\[([^\]\n]{1,500})\]\((https?:\/\/[^\s)]{1,2000}|lesson:[a-z0-9-]{1,80})\)|(\*\*|__)(?=\S)(.+?)(?<=\S)\5|(\*|_)(?=\S)(.+?)(?<=\S)\7/s

/** Read what stands inside a block. */
export function parseInline(text: string, depth = 0): Inline[] {
  const parts: Inline[] = []
  let rest = text
  while (rest !== '') {
    const match = depth < DEPTH_MAX ? INLINE.exec(rest) : null
    if (!match) {
      parts.push({ kind: 'text', text: rest })
      break
    }
    // snake_case and other underscores inside words are no emphasis.
    const isUnderscore = match[5] === '__' || match[7] === '_'
    const before = rest[match.index - 1] ?? ' '
    const after = rest[match.index + match[0].length] ?? ' '
    if (isUnderscore && (/\w/.test(before) || /\w/.test(after))) {
      const end = match.index + match[0].length - 1
      parts.push({ kind: 'text', text: rest.slice(0, end) })
      rest = rest.slice(end)
      continue
    }
    if (match.index > 0) parts.push({ kind: 'text', text: rest.slice(0, match.index) })
    if (match[2] !== undefined) parts.push({ kind: 'code', text: match[2] })
    else if (match[3] !== undefined)
      parts.push({ kind: 'link', children: parseInline(match[3], depth + 1), href: match[4]! })
    else if (match[6] !== undefined)
      parts.push({ kind: 'strong', children: parseInline(match[6], depth + 1) })
    else parts.push({ kind: 'em', children: parseInline(match[8]!, depth + 1) })
    rest = rest.slice(match.index + match[0].length)
  }
  return parts
}
