/** Turns what TypeScript's own checker says into diagnostics with a hint for people who know C. */
import ts from 'typescript'
import type { Diagnostic } from '../../../shared/contract/model'
import type { EntryKind } from '../compiled'
import { rangeOf, ruleDiagnostic } from '../diagnostics'
import { SCALARS } from '../types/c-types'
import { moduleExports } from '../types/declarations'
import { DDIS } from '../../kernel/ddi/index'
import { prototype } from '../types/routines'
import { isAssignment } from '../references'
import { isBigint, isNumeric, isWide } from '../shapes'
import type { Typing } from '../typing'
import { isMissingRoutine, missingRoutineHint, MODULE_OF } from './imports'
import { HOST_NAMES } from './names'
import { nearest } from './nearest'

/** The smallest node that covers a diagnostic. */
function nodeAt(file: ts.SourceFile, start: number, end: number): ts.Node {
  let found: ts.Node = file
  const visit = (node: ts.Node): void => {
    if (node.getStart(file) > start || node.end < end) return
    found = node
    ts.forEachChild(node, visit)
  }
  ts.forEachChild(file, visit)
  return found
}

interface Question {
  file: ts.SourceFile
  node: ts.Node
  message: string
  kinds: ReadonlySet<EntryKind>
  typing: Typing
}

/** Names in quotation marks of TypeScript's message. */
function quoted(message: string): string[] {
  return [...message.matchAll(/'([^']*)'/g)].map((match) => match[1] ?? '')
}

/**
 * A number is as good as a bigint where a 64-bit place in memory is written. The types of structures
 * of one's own cannot say that; and after such a store TypeScript takes the place for a number when
 * a compound assignment follows.
 */
function isWideStore({ node, typing }: Question): boolean {
  let store: ts.Node = node
  while (!ts.isBinaryExpression(store) || !isAssignment(store.operatorToken.kind)) {
    if (!ts.isExpression(store) || !store.parent) return false
    store = store.parent
  }
  const { left, right, operatorToken } = store
  if (!ts.isPropertyAccessExpression(left) && !ts.isElementAccessExpression(left)) return false
  const target = typing.ofType(typing.checker.getTypeAtLocation(left))
  if (target.k !== 'int' || !isWide(target.access)) return false
  const value = typing.of(right)
  if (operatorToken.kind !== ts.SyntaxKind.EqualsToken) return isBigint(value)
  // A script object keeps what it is given, so it has to be a bigint there.
  return typing.of(left.expression).k === 'pointer' && isNumeric(value)
}

/**
 * Memory and variables change while other code runs; the checker, which believes the last value that
 * it saw assigned, calls a comparison with another one pointless.
 */
function isChangingComparison({ node, typing }: Question): boolean {
  const clause = ts.isCaseClause(node.parent) ? node.parent : undefined
  const operands = ts.isBinaryExpression(node)
    ? [node.left, node.right]
    : clause
      ? [clause.expression, clause.parent.parent.expression]
      : []
  const sides = operands.map((operand) => typing.of(operand))
  if (sides.length === 0) return false
  return sides.every((side) => isNumeric(side) || side.k === 'boolean')
}

function unknownName(question: Question, name: string): { code?: Diagnostic; hint: string } {
  const { kinds, node, file } = question
  const range = rangeOf(file, node.getStart(file), node.end)
  const modules = [...kinds].map((kind) => MODULE_OF[kind])
  const has = modules.filter((module) => moduleExports()[module].has(name))
  if (has.length > 0) return { hint: `Add ${name} to the import from '${has[0]}'.` }
  if (isMissingRoutine(name))
    return {
      code: ruleDiagnostic('DSL020', range, [name], missingRoutineHint(name, modules[0] ?? 'wdm')),
      hint: '',
    }
  if (HOST_NAMES.has(name))
    return { code: ruleDiagnostic('DSL009', range, [name], HOST_NAMES.get(name)), hint: '' }
  for (const module of ['wdm', 'win32'] as const)
    if (moduleExports()[module].has(name))
      return {
        hint: `${name} is in '${module}', which is for ${module === 'wdm' ? 'drivers' : 'client programs'}.`,
      }
  const like = nearest(name, moduleExports()[modules[0] ?? 'wdm'])
  return {
    hint: like === undefined ? 'Declare it, or correct its spelling.' : `Did you mean ${like}?`,
  }
}

const CALLBACK_MEMBERS = new Set([
  'map',
  'forEach',
  'filter',
  'find',
  'findIndex',
  'some',
  'every',
  'reduce',
  'sort',
  'flatMap',
])

function memberHint({ message }: Question): string {
  const [member = '', type = ''] = quoted(message)
  if (CALLBACK_MEMBERS.has(member)) return 'Write a loop: for (const each of list) { ... }.'
  if (type === 'PVOID') return 'A PVOID has no fields: name the structure with cast(TYPE, pointer).'
  if (type.startsWith('POINTER<') || type.startsWith('ARRAY<')) return 'Choose an element with [i].'
  if (type.startsWith('OUT<')) return 'The result of an out parameter is in its member value.'
  const suggestion = /Did you mean '([^']+)'/.exec(message)?.[1]
  return suggestion === undefined
    ? `The documentation of ${type.replace(/<.*/, '')} lists its fields.`
    : `Write ${suggestion}.`
}

/** 64 for bigints, 32 for numbers, by the name that TypeScript prints. */
function widthOf(type: string): number | undefined {
  const access = SCALARS.get(type)
  if (access !== undefined) return isWide(access) ? 64 : access === 'bool' ? undefined : 32
  if (type === 'bigint' || /^-?\d+n$/.test(type)) return 64
  return type === 'number' || /^-?\d+$/.test(type) ? 32 : undefined
}

function assignmentHint({ message, node, typing }: Question): string {
  const [source = '', target = ''] = quoted(message)
  if (widthOf(target) === 64 && widthOf(source) === 32)
    return `${target} is 64 bits wide: write 5n instead of 5, or BigInt(value).`
  if (widthOf(target) === 32 && widthOf(source) === 64)
    return `${source} is 64 bits wide: write Number(value), or cast(ULONG, value) as C would.`
  if (source === 'PVOID' || source === 'PVOID & {}')
    return `Name the structure: cast(${target}, pointer).`
  if (/^\(.*\) => /.test(source) || /^\(.*\) => /.test(target))
    return 'The function needs the parameters and the result that are asked for here; a context is a PVOID, see cast.'
  if (target === 'BOOLEAN') return 'Write TRUE or FALSE, or a comparison.'
  if (source === 'boolean') return 'Write condition ? 1 : 0.'
  if (source.startsWith('OUT<')) return 'Write .value to use the result itself.'
  if (target === 'UNICODE_STRING') return "Write RTL_CONSTANT_STRING('...') for constant text."
  if (/missing the following properties|is missing in type/.test(message) && source === 'PVOID')
    return `Name the structure: cast(${target}, pointer).`
  const shape = ts.isExpression(node) ? typing.of(node) : undefined
  if (shape?.k === 'pointer' && target !== '')
    return `Pointers to different structures are different types; cast(${target.replace(/ .*/, '')}, pointer) where that is meant.`
  return 'The types have to agree; cast(TYPE, value) where C would need a cast.'
}

function calledRoutine(node: ts.Node): string | undefined {
  for (let at: ts.Node | undefined = node; at; at = at.parent)
    if (ts.isCallExpression(at)) {
      const name = ts.isIdentifier(at.expression) ? at.expression.text : ''
      const entry = Object.hasOwn(DDIS, name) ? DDIS[name] : undefined
      return entry ? prototype(name, entry) : undefined
    }
  return undefined
}

function operatorHint({ node, typing }: Question): string {
  const operation = ts.findAncestor(node, ts.isBinaryExpression)
  if (operation) {
    const shapes = [typing.of(operation.left), typing.of(operation.right)]
    if (shapes.some(isBigint) && shapes.some(isNumeric))
      return 'One side is 64 bits wide: write 4n instead of 4 or BigInt(value), or Number(value) for the other side.'
    if (shapes.some(({ k }) => k === 'pointer'))
      return 'p.add(bytes) moves a pointer; cast(ULONG_PTR, p) gives its address as an integer.'
    if (shapes.some(({ k }) => k === 'boolean')) return 'Write condition ? 1 : 0.'
  }
  return 'Arithmetic needs integers on both sides.'
}

/** Hints by TypeScript's error number. */
const HINTS: Record<number, (question: Question) => string> = {
  2322: assignmentHint,
  2345: assignmentHint,
  2352: assignmentHint,
  2739: assignmentHint,
  2740: assignmentHint,
  2741: assignmentHint,
  2559: assignmentHint,
  2339: memberHint,
  2551: memberHint,
  2362: operatorHint,
  2363: operatorHint,
  2365: operatorHint,
  2447: () => 'Use && and || with conditions, & and | with integers.',
  2367: operatorHint,
  2349: () => 'Only functions can be called.',
  2305: ({ message }) => {
    const name = quoted(message)[1] ?? ''
    const like = nearest(name, moduleExports().wdm)
    return like === undefined ? 'The reference lists what there is.' : `Did you mean ${like}?`
  },
  2540: () =>
    'A structure or array inside of another is copied with RtlCopyMemory, or field by field.',
  2554: ({ node }) => {
    const known = calledRoutine(node)
    return known === undefined
      ? 'Give as many arguments as there are parameters.'
      : `The routine is ${known}.`
  },
  2555: ({ node }) => {
    const known = calledRoutine(node)
    return known === undefined
      ? 'Give as many arguments as there are parameters.'
      : `The routine is ${known}.`
  },
  2588: () => 'Declare it with let.',
  2630: () => 'A function keeps its body; keep a function in a variable with let.',
  2532: () => 'It may be nothing here.',
  2451: () => 'Choose another name.',
  2300: () => 'Choose another name.',
  2440: () => 'Choose another name, or import it as another: import { A as B }.',
  2488: () =>
    'for ... of goes through script arrays; count through memory: for (let i = 0; i < n; i++).',
  2495: () =>
    'for ... of goes through script arrays; count through memory: for (let i = 0; i < n; i++).',
  2355: () => 'End every path with return.',
  2366: () => 'End every path with return.',
  7030: () => 'End every path with return and a value.',
  7027: () => 'This is never reached.',
  1361: ({ message }) => `Import ${quoted(message)[0] ?? 'it'} without type.`,
  1362: ({ message }) => `Import ${quoted(message)[0] ?? 'it'} without type.`,
  1378: () => 'A driver waits with KeWaitForSingleObject.',
  2448: () => 'Declare it further up.',
  2454: () => 'Give it a value first.',
  2769: assignmentHint,
  2872: () => 'This condition always has the same result.',
  2873: () => 'This condition always has the same result.',
  2774: () => 'Call the function, or compare it with null.',
}

/** "Cannot find name", in its variants. */
const UNKNOWN_NAMES = [
  2304, 2503, 2552, 2580, 2581, 2582, 2583, 2584, 2591, 2592, 2593, 2693, 18004,
]

/** TypeScript's codes that say what a rule of the language says better. */
const RULES_SAY_IT = new Set([
  1206, // decorators
  1308, // await outside of async
  1163, // yield outside of a generator
  2311,
  2585, // 'Promise' only refers to a type
  2683, // this
  2697, // async function without Promise
  2705, // async function without Promise
  2318, // cannot find global type
  2468, // cannot find global value
  1054,
  1375, // top-level await
  1343, // import.meta
  2792,
  2307, // module not found: checkImports says it
  2528,
  1192,
])

/** Does a rule of the language say better what TypeScript's error says? */
export function isSaidByRule(error: ts.Diagnostic): boolean {
  if (RULES_SAY_IT.has(error.code)) return true
  if (error.code !== 2305 && error.code !== 2724) return false
  return isMissingRoutine(quoted(ts.flattenDiagnosticMessageText(error.messageText, '\n'))[1] ?? '')
}

/** A syntax error or type error as a diagnostic; undefined when it is none in this language. */
export function typeError(
  error: ts.Diagnostic,
  kinds: ReadonlySet<EntryKind>,
  typing: Typing,
): Diagnostic | undefined {
  const { file, start } = error
  if (!file || start === undefined) return undefined
  const end = start + (error.length ?? 1)
  const message = ts.flattenDiagnosticMessageText(error.messageText, '\n')
  const node = nodeAt(file, start, end)
  const question: Question = { file, node, message, kinds, typing }
  if (error.code === 2322 && isWideStore(question)) return undefined
  if ((error.code === 2367 || error.code === 2678) && isChangingComparison(question))
    return undefined
  let hint: string | undefined
  if (UNKNOWN_NAMES.includes(error.code)) {
    const name = quoted(message)[0] ?? ''
    const answer = unknownName(question, name)
    if (answer.code) return answer.code
    hint = answer.hint
  } else if (error.code === 2305 || error.code === 2724) {
    hint = (HINTS[2305] as (question: Question) => string)(question)
  }
  hint ??= HINTS[error.code]?.(question)
  const syntax = error.code >= 1000 && error.code < 2000
  return {
    code: `TS${error.code}`,
    severity: 'error',
    ...rangeOf(file, start, end),
    message: message.split('\n')[0] ?? message,
    hint:
      hint ?? (syntax ? 'Mend the syntax here or just before.' : 'The types do not agree here.'),
    docs: 'docs/dsl.md',
  }
}
