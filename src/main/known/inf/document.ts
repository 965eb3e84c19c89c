/**
 * Text of an INF file to sections and lines: comments, continuations, quotes and string tokens.
 *
 * @see https://learn.microsoft.com/windows-hardware/drivers/install/general-syntax-rules-for-inf-files
 */

const LINES_MAX = 100_000
const LOGICAL_LINE_MAX = 16_384
const EXPANDED_MAX = 4096
const PROBLEMS_MAX = 100
const DIRECTIVES_MAX = 200

const DIRECTIVES = /^(copyfiles|addreg|delreg)$/i

/** One entry: `key = value, value`. Values are without quotes, string tokens still in them. */
export interface InfLine {
  line: number
  /** Left of the first `=`; null when there is none. */
  key: string | null
  values: string[]
}

export interface InfSection {
  /** As written. */
  name: string
  line: number
  lines: InfLine[]
}

export class InfDocument {
  readonly #sections = new Map<string, InfSection>()
  readonly #strings = new Map<string, string>()
  readonly #unknown = new Set<string>()
  readonly #entries = new Map<string, Map<string, InfLine>>()
  readonly #directives = new Map<string, InfLine[]>()
  readonly #variants = new Map<string, string[]>()
  readonly problems: string[] = []

  constructor(text: string) {
    this.#read(text)
    // Windows takes the section of its language and then the one without. English comes first here.
    const languages = [...this.#sections.keys()].filter((name) =>
      /^strings(\.[0-9a-f]+)?$/.test(name),
    )
    const rank = (name: string): number => ['strings.0409', 'strings'].indexOf(name) >>> 0
    for (const name of languages.sort((a, b) => rank(a) - rank(b))) {
      for (const { key, values } of this.section(name)?.lines ?? []) {
        const token = key?.toLowerCase()
        if (token !== undefined && !this.#strings.has(token))
          this.#strings.set(token, values.join(','))
      }
    }
  }

  problem(line: number, text: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(`line ${line}: ${text}`)
    else if (this.problems.length === PROBLEMS_MAX) {
      this.problems.push(`line ${line}: more than ${PROBLEMS_MAX} problems; the rest is not told`)
    }
  }

  /** Sections of one name are one section; names are compared without case. */
  section(name: string): InfSection | undefined {
    return this.#sections.get(name.toLowerCase())
  }

  /** All of them, in the order of the file. */
  sections(): Iterable<InfSection> {
    return this.#sections.values()
  }

  /** The first entry with this key in a section. */
  entry(section: string, key: string): InfLine | undefined {
    const name = section.toLowerCase()
    let entries = this.#entries.get(name)
    if (!entries) {
      entries = new Map()
      for (const line of this.section(name)?.lines ?? []) {
        const own = line.key?.toLowerCase()
        if (own !== undefined && !entries.has(own)) entries.set(own, line)
      }
      this.#entries.set(name, entries)
    }
    return entries.get(key.toLowerCase())
  }

  /** Entries that send to other sections; asked for once for each service that uses the section. */
  directives(section: string): InfLine[] {
    const name = section.toLowerCase()
    let lines = this.#directives.get(name)
    if (!lines) {
      const all = this.section(name)?.lines ?? []
      lines = all.filter(({ key }) => key !== null && DIRECTIVES.test(key))
      const [extra] = lines.splice(DIRECTIVES_MAX)
      if (extra) this.problem(extra.line, `more than ${DIRECTIVES_MAX} directives in one section`)
      this.#directives.set(name, lines)
    }
    return lines
  }

  /** Names of the sections that are `base` or `base` with a decoration, in the order of the file. */
  variants(base: string): string[] {
    if (this.#variants.size === 0) {
      for (const { name } of this.#sections.values()) {
        const plain = name.toLowerCase().replace(DECORATION, '')
        const names = this.#variants.get(plain)
        if (names) names.push(name)
        else this.#variants.set(plain, [name])
      }
    }
    return this.#variants.get(base.toLowerCase()) ?? []
  }

  /** A value with its `%tokens%` replaced; those that nothing defines stay and are told once. */
  expand(value: string, line: number): string {
    if (!value.includes('%')) return value
    let room = EXPANDED_MAX
    const text = value.replace(/%([^%]*)%/g, (all, token: string) => {
      if (room <= 0) return ''
      const found = token === '' ? '%' : this.#token(token, line)
      room -= (found ?? all).length
      return found ?? all
    })
    return text.slice(0, EXPANDED_MAX)
  }

  #token(token: string, line: number): string | null {
    const found = this.#strings.get(token.toLowerCase()) ?? directory(token)
    if (found === null && !this.#unknown.has(token)) {
      this.#unknown.add(token)
      this.problem(line, `%${token.slice(0, 80)}% is not in [Strings]`)
    }
    return found
  }

  #read(text: string): void {
    const physical = text.split(/\r\n|\n|\r/, LINES_MAX + 1)
    if (physical.length > LINES_MAX) {
      this.problem(LINES_MAX, 'the file is longer; the rest is not read')
      physical.length = LINES_MAX
    }
    let section: InfSection | null = null
    for (let index = 0; index < physical.length; index += 1) {
      const line = index + 1
      let { content, isContinued, isOpen } = stripped(physical[index] ?? '')
      while (isContinued && index + 1 < physical.length && content.length < LOGICAL_LINE_MAX) {
        index += 1
        const next = stripped(physical[index] ?? '')
        content += next.content
        isContinued = next.isContinued
        isOpen ||= next.isOpen
      }
      if (isOpen) this.problem(line, 'a quote is not closed; it ends with the line')
      content = content.trim().slice(0, LOGICAL_LINE_MAX)
      if (content === '') continue
      if (content.startsWith('[')) section = this.#open(content, line)
      else if (section) section.lines.push({ line, ...entry(content) })
      else this.problem(line, 'stands before the first section')
    }
  }

  #open(content: string, line: number): InfSection {
    const end = content.indexOf(']')
    if (end < 0) this.problem(line, 'a section name is not closed by ]')
    const name = unquoted(content.slice(1, end < 0 ? undefined : end)).slice(0, 255)
    const known = this.section(name)
    if (known) return known
    const section = { name, line, lines: [] }
    this.#sections.set(name.toLowerCase(), section)
    return section
  }
}

/** `.NT`, `.NTamd64`, `.NTx86.6.1`, `.NTamd64...10.0.16299`: what an architecture or version adds. */
const DECORATION = /\.nt(x86|ia64|amd64|arm|arm64)?(\.[0-9x.]*)?$/

/** A line without its comment, and whether it goes on in the next one. */
function stripped(line: string): { content: string; isContinued: boolean; isOpen: boolean } {
  let isOpen = false
  let end = line.length
  for (let at = 0; at < line.length; at += 1) {
    const mark = line.charCodeAt(at)
    if (mark === 0x22) isOpen = !isOpen
    else if (mark === 0x3b && !isOpen) {
      end = at
      break
    }
  }
  const content = line.slice(0, end).trimEnd()
  const isContinued = content.endsWith('\\') && !isOpen
  return { content: isContinued ? content.slice(0, -1) : content, isContinued, isOpen }
}

function entry(content: string): Pick<InfLine, 'key' | 'values'> {
  // In `HKR,,Text,,a=b` the mark is part of a value.
  const [first, comma] = [indexOutside(content, '=', 0), indexOutside(content, ',', 0)]
  const equals = comma >= 0 && comma < first ? -1 : first
  const key = equals < 0 ? null : unquoted(content.slice(0, equals))
  const values: string[] = []
  let start = equals + 1
  for (;;) {
    const end = indexOutside(content, ',', start)
    values.push(unquoted(content.slice(start, end < 0 ? undefined : end)))
    if (end < 0) return { key, values }
    start = end + 1
  }
}

/** Position of a mark that is not between quotes. */
function indexOutside(text: string, mark: string, from: number): number {
  let isOpen = false
  for (let at = from; at < text.length; at += 1) {
    const character = text[at]
    if (character === '"') isOpen = !isOpen
    else if (character === mark && !isOpen) return at
  }
  return -1
}

/** `"a ""b"" c"` to `a "b" c`; quotes may also stand within: `%12%\"my driver".sys`. */
function unquoted(text: string): string {
  const trimmed = text.trim()
  if (!trimmed.includes('"')) return trimmed
  return trimmed.replace(/"((?:[^"]|"")*)"?/g, (_, inner: string) => inner.replaceAll('""', '"'))
}

/** What a directory id means: `%12%` is where drivers lie. */
const DIRECTORIES: Record<string, string> = {
  '01': '(source directory)',
  '1': '(source directory)',
  '10': '%SystemRoot%',
  '11': '%SystemRoot%\\System32',
  '12': '%SystemRoot%\\System32\\drivers',
  '13': '(driver store)',
  '17': '%SystemRoot%\\INF',
  '18': '%SystemRoot%\\Help',
  '20': '%SystemRoot%\\Fonts',
  '21': '%SystemRoot%\\System32\\viewers',
  '23': '%SystemRoot%\\System32\\spool\\drivers\\color',
  '24': '%SystemDrive%',
  '25': '%SystemRoot%',
  '30': '(boot disk)',
  '50': '%SystemRoot%\\System',
  '51': '%SystemRoot%\\System32\\spool',
  '52': '%SystemRoot%\\System32\\spool\\drivers',
  '53': '%UserProfile%',
  '54': '(directory of the boot loader)',
  '16419': '%ProgramData%',
  '16420': '%SystemRoot%',
  '16421': '%SystemRoot%\\System32',
  '16422': '%ProgramFiles%',
  '16425': '%SystemRoot%\\SysWOW64',
  '16426': '%ProgramFiles(x86)%',
  '16427': '%CommonProgramFiles%',
}

/** A directory by its id, or null when the text is no id. */
export function directory(id: string): string | null {
  if (!/^\d{1,5}$/.test(id)) return null
  return DIRECTORIES[id] ?? `(directory ${id})`
}
