/**
 * The condition of a detection: text to a tree.
 *
 *     selection and not (filter or 1 of known*)
 *     opened | count() by process > 10
 *     opened then terminated within 5s by process
 *
 * `not` binds before `and`, `and` before `or`. `1 of x*` and `all of x*` stand for the names that begin
 * so, `them` for all. A count and a sequence stand alone, on the outside.
 */

export type Expression =
  | { kind: 'name'; name: string }
  | { kind: 'and' | 'or'; of: Expression[] }
  | { kind: 'not'; of: Expression }
  /** `pattern` ends with `*`, is a name, or is `them`. */
  | { kind: 'some' | 'all'; pattern: string }

/**
 * A field that events are told apart by; one path for each step of a sequence, or one for all. `*` for
 * first and last steps that do not have it: any value goes with them.
 */
export type GroupField = string[]

export type Condition =
  | { kind: 'each'; of: Expression }
  | {
      kind: 'count'
      of: Expression
      /** Field whose different values are counted; null for the events themselves. */
      field: string | null
      by: GroupField[]
      /** The count that raises the alarm. */
      atLeast: number
    }
  | { kind: 'sequence'; steps: Expression[]; within: number | null; by: GroupField[] }

/** A condition that cannot be read: what, where in the text, and what to write. */
export class ConditionError extends Error {
  constructor(
    message: string,
    /** Counts from 0. */
    readonly offset: number,
    readonly hint: string,
  ) {
    super(message)
  }
}

const UNITS: Readonly<Record<string, number>> = {
  us: 10,
  ms: 10_000,
  s: 10_000_000,
  m: 600_000_000,
  h: 36_000_000_000,
}
const LENGTH_MAX = 2000
const COUNT_MAX = 100_000
/** Each event is held against every step, with what came before. */
const STEPS_MAX = 20
const WORDS = new Set(['and', 'or', 'not', 'of', 'then', 'within', 'by', 'all', 'them'])
const FORMS =
  'Forms: a and not (b or c), 1 of sel*, all of them, a | count() by field > 5, a then b within 5s by field.'

/** Simulated time, `200ms` or `5s`, in units of 100 ns; null for text that is none. */
export function readDuration(text: string): number | null {
  const match = /^(\d{1,9})(us|ms|s|m|h)$/.exec(text)
  return match ? Number(match[1]) * UNITS[match[2]!]! : null
}

interface Token {
  text: string
  at: number
}

/** Read a condition. @throws ConditionError */
export function parseCondition(text: string): Condition {
  if (text.length > LENGTH_MAX)
    throw new ConditionError('The condition is too long.', 0, `At most ${LENGTH_MAX} characters.`)
  const parser = new Parser(tokens(text), text.length)
  return parser.condition()
}

function tokens(text: string): Token[] {
  const found: Token[] = []
  const pattern = /\s*([A-Za-z_][\w.*-]*|\d+\w*|>=|[()|,=>*])/y
  while (pattern.lastIndex < text.trimEnd().length) {
    const from = pattern.lastIndex
    const match = pattern.exec(text)
    if (!match) {
      const at = from + (/^\s*/.exec(text.slice(from))?.[0].length ?? 0)
      throw new ConditionError(`'${text[at]}' cannot stand here.`, at, FORMS)
    }
    found.push({ text: match[1]!, at: pattern.lastIndex - match[1]!.length })
  }
  return found
}

class Parser {
  private next = 0

  constructor(
    private readonly tokens: readonly Token[],
    private readonly end: number,
  ) {}

  condition(): Condition {
    const first = this.or()
    const condition = this.isNext('then')
      ? this.sequence(first)
      : this.take('|')
        ? this.count(first)
        : ({ kind: 'each', of: first } as const)
    if (this.peek()) this.fail(`'${this.peek()}' is left over.`)
    return condition
  }

  private sequence(first: Expression): Condition {
    const steps = [first]
    while (this.take('then')) {
      if (steps.length === STEPS_MAX)
        this.fail('The sequence has too many steps.', `At most ${STEPS_MAX}.`)
      steps.push(this.or())
    }
    let within: number | null = null
    if (this.take('within')) {
      within = readDuration(this.peek() ?? '')
      if (within === null)
        this.fail('A time is missing after within.', 'Write 200ms, 5s, 2m or 1h.')
      this.next++
    }
    return { kind: 'sequence', steps, within, by: this.by(steps.length) }
  }

  private count(of: Expression): Condition {
    if (!this.take('count')) this.fail('Only count stands after |.', 'Write | count() > 5.')
    this.want('(')
    const field = this.isNext(')') ? null : this.name()
    this.want(')')
    const by = this.by(1)
    const isAbove = this.take('>')
    if (!isAbove && !this.take('>='))
      this.fail('A bound is missing after the count.', 'Write count() > 5 or count() >= 5.')
    const bound = /^\d{1,6}$/.test(this.peek() ?? '') ? Number(this.peek()) : NaN
    const atLeast = isAbove ? bound + 1 : bound
    if (!(atLeast >= 1 && atLeast <= COUNT_MAX))
      this.fail('The bound of a count is a whole number.', `From 1 to ${COUNT_MAX}.`)
    this.next++
    return { kind: 'count', of, field, by, atLeast }
  }

  private by(steps: number): GroupField[] {
    const fields: GroupField[] = []
    if (!this.take('by')) return fields
    do {
      const paths = [this.take('*') ? '*' : this.name()]
      while (this.take('=')) paths.push(this.take('*') ? '*' : this.name())
      if (!/^(\* )*([^* ]+ )+(\* )*$/.test(paths.join(' ') + ' '))
        this.fail("'*' is for first or last steps that lack the field; name one for the others.")
      if (paths.length > 1 && paths.length !== steps)
        this.fail(
          `'${paths.join('=')}' names ${paths.length} fields for ${steps} steps.`,
          'Write one field for all steps, or one for each: by id=process.',
        )
      fields.push(paths)
    } while (this.take(','))
    return fields
  }

  private or(): Expression {
    const of = [this.and()]
    while (this.take('or')) of.push(this.and())
    return of.length === 1 ? of[0]! : { kind: 'or', of }
  }

  private and(): Expression {
    const of = [this.not()]
    while (this.take('and')) of.push(this.not())
    return of.length === 1 ? of[0]! : { kind: 'and', of }
  }

  private not(): Expression {
    let negated = false
    while (this.take('not')) negated = !negated
    const of = this.primary()
    return negated ? { kind: 'not', of } : of
  }

  private primary(): Expression {
    if (this.take('(')) {
      const inner = this.or()
      this.want(')')
      return inner
    }
    const isAll = this.isNext('all')
    if (isAll || this.isNext('1') || this.isNext('any')) {
      if (this.tokens[this.next + 1]?.text === 'of') {
        this.next += 2
        const pattern = this.take('them') ? 'them' : this.name()
        return { kind: isAll ? 'all' : 'some', pattern }
      }
    }
    return { kind: 'name', name: this.name() }
  }

  private name(): string {
    const text = this.peek()
    if (text === undefined || WORDS.has(text) || !/^[A-Za-z_]/.test(text))
      this.fail(text === undefined ? 'The condition ends too early.' : `'${text}' is no name.`)
    this.next++
    return text
  }

  private peek(): string | undefined {
    return this.tokens[this.next]?.text
  }

  private isNext(text: string): boolean {
    return this.peek() === text
  }

  private take(text: string): boolean {
    if (!this.isNext(text)) return false
    this.next++
    return true
  }

  private want(text: string): void {
    if (!this.take(text)) this.fail(`'${text}' is missing.`)
  }

  private fail(message: string, hint = FORMS): never {
    throw new ConditionError(message, this.tokens[this.next]?.at ?? this.end, hint)
  }
}
