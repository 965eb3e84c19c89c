/**
 * Mistakes that the compiler finds. Every one of the language's own has an entry here: what it
 * says, what to write instead, and the chapter of docs/dsl.md that explains it.
 */
import type ts from 'typescript'
import type { Diagnostic } from '../../shared/contract/model'

interface Rule {
  /** `%` stands for the detail. */
  message: string
  hint: string
  /** Heading in docs/dsl.md, as its anchor. */
  chapter: string
}

/** The rules of the language by code. A code is never given to another rule. */
export const RULES = {
  DSL001: {
    message: 'Classes are not part of the language.',
    hint: "Describe data with struct('NAME', { ... }) and write functions that take a pointer to it.",
    chapter: 'out-of-the-language',
  },
  DSL002: {
    message: '% is not part of the language: a driver waits for events, never for promises.',
    hint: 'Wait with KeWaitForSingleObject, or go on in a work item, a DPC or a completion routine.',
    chapter: 'out-of-the-language',
  },
  DSL003: {
    message: 'Generator functions and yield are not part of the language.',
    hint: 'Write an ordinary function; the kernel suspends it wherever a routine waits.',
    chapter: 'out-of-the-language',
  },
  DSL004: {
    message: '`%` is not part of the language.',
    hint: 'Name what you need as a parameter; a routine gets its state from the device extension or its context.',
    chapter: 'out-of-the-language',
  },
  DSL005: {
    message: '`new` is not part of the language.',
    hint: 'local(TYPE) makes a structure on the stack, ExAllocatePool2 one in the pool.',
    chapter: 'memory',
  },
  DSL006: {
    message: '`%` is not part of the language.',
    hint: 'Types are known when the driver is compiled; compare pointers with null and values with ===.',
    chapter: 'out-of-the-language',
  },
  DSL007: {
    message: 'Regular expressions are not part of the language.',
    hint: 'Compare UNICODE_STRINGs with RtlEqualUnicodeString, or bytes one by one.',
    chapter: 'out-of-the-language',
  },
  DSL008: {
    message: '`%` is not part of the language: what a driver is made of is known before it runs.',
    hint: "Write import { ... } from 'wdm' or from './file' at the top of the file.",
    chapter: 'modules',
  },
  DSL009: {
    message: '`%` does not exist in a driver.',
    hint: 'Driver code has the routines of Windows and the language itself, nothing of JavaScript around it.',
    chapter: 'out-of-the-language',
  },
  DSL010: {
    message: 'The member `%` is not part of the language.',
    hint: 'Objects have the members that were written; there are no prototypes.',
    chapter: 'out-of-the-language',
  },
  DSL011: {
    message: 'Members cannot be chosen by a computed name.',
    hint: 'Write object.name; brackets are for array elements with an integer index.',
    chapter: 'arrays',
  },
  DSL012: {
    message: 'Getters and setters are not part of the language.',
    hint: 'Write a function.',
    chapter: 'out-of-the-language',
  },
  DSL013: {
    message: 'Drivers have no floating point: % is not an integer.',
    hint: 'Use integers; scale by 10, 100 or 1024 where a fraction is needed.',
    chapter: 'integers',
  },
  DSL014: {
    message: '`throw` is not part of the language.',
    hint: 'Raise a status with ExRaiseStatus(STATUS_...); again from a catch block with ExRaiseStatus(GetExceptionCode()).',
    chapter: 'exceptions',
  },
  DSL015: {
    message: '`%` is not part of the language.',
    hint: 'Leave it out.',
    chapter: 'out-of-the-language',
  },
  DSL016: {
    message: 'Namespaces and `declare` are not part of the language.',
    hint: 'Put the code into a file of its own and import from it.',
    chapter: 'modules',
  },
  DSL017: {
    message: 'This form of % is not part of the language.',
    hint: "Use import { A, B } from './file' and export in front of the declaration.",
    chapter: 'modules',
  },
  DSL018: {
    message: "There is no module '%' here.",
    hint: "Import from 'wdm' (drivers), 'win32' (client programs) or from a file of this folder: './name'.",
    chapter: 'modules',
  },
  DSL019: {
    message: '%',
    hint: "Drivers import from 'wdm', client programs from 'win32'. A file that both import may use the names that are in both.",
    chapter: 'modules',
  },
  DSL020: {
    message: '% is a Windows routine that the lab does not have yet.',
    hint: 'The reference lists what there is.',
    chapter: 'modules',
  },
  DSL021: {
    message: '% exports no function %.',
    hint: '',
    chapter: 'a-driver',
  },
  DSL022: {
    message: '%',
    hint: '',
    chapter: 'a-driver',
  },
  DSL023: {
    message: 'Only declarations stand outside of functions.',
    hint: 'Move this into a function: DriverEntry runs first.',
    chapter: 'a-driver',
  },
  DSL024: {
    message: '`%` cannot be called outside of a function.',
    hint: 'Call it in DriverEntry and keep the result in a variable of the file.',
    chapter: 'a-driver',
  },
  DSL025: {
    message: 'local() needs a function: outside there is no stack.',
    hint: 'Keep lasting data in the device extension or in pool memory.',
    chapter: 'memory',
  },
  DSL026: {
    message: 'GetExceptionCode is only valid inside a catch block.',
    hint: 'Write try { ... } catch { const status = GetExceptionCode() ... }.',
    chapter: 'exceptions',
  },
  DSL027: {
    message: 'addressof needs a field or an element; variables have no address.',
    hint: 'Use local(TYPE) for a variable whose address is taken, or out() for a result.',
    chapter: 'pointers',
  },
  DSL028: {
    message: '`%` can only be called.',
    hint: 'Call it where its result is needed.',
    chapter: 'functions',
  },
  DSL029: {
    message: '`%` is not part of the language.',
    hint: 'Compare with null: p !== null ? p.Field : 0.',
    chapter: 'pointers',
  },
  DSL030: {
    message: '%',
    hint: 'Read the fields one by one: const status = Irp.IoStatus.Status.',
    chapter: 'out-of-the-language',
  },
  DSL031: {
    message: 'The default value of a parameter must be a constant.',
    hint: 'Give the default inside of the function.',
    chapter: 'functions',
  },
  DSL032: {
    message: 'Names that begin with `$` are reserved.',
    hint: 'Choose another name.',
    chapter: 'out-of-the-language',
  },
  DSL033: {
    message: 'Pointers cannot be %.',
    hint: 'p.add(bytes) moves a pointer, cast(ULONG_PTR, p) gives its address as an integer, %p prints it.',
    chapter: 'pointers',
  },
  DSL034: {
    message: 'The operator `%` is not part of the language.',
    hint: 'Write it out with if, * or <<.',
    chapter: 'out-of-the-language',
  },
  DSL035: {
    message: '%',
    hint: 'Give every member a number and write Name.Member.',
    chapter: 'integers',
  },
  DSL036: {
    message: 'Tagged templates are not part of the language.',
    hint: 'Call a function.',
    chapter: 'out-of-the-language',
  },
  DSL037: {
    message: '%',
    hint: "Write const NAME = struct('NAME', { ... }) once, outside of functions, with the name as a string.",
    chapter: 'structures',
  },
  DSL038: {
    message: '%',
    hint: "Write the field as C does, with dots: 'Tail.Overlay.ListEntry'.",
    chapter: 'structures',
  },
  DSL039: {
    message: '`for ... in` is not part of the language.',
    hint: 'Count: for (let i = 0; i < n; i++), or use for ... of with an array.',
    chapter: 'out-of-the-language',
  },
  DSL040: {
    message: 'The code is nested too deeply.',
    hint: 'Split it into functions.',
    chapter: 'functions',
  },
  DSL041: {
    message: 'A pool tag is 1 to 4 characters.',
    hint: "Write it as C does, from the last character to the first: 'tseT' shows as Test.",
    chapter: 'memory',
  },
  DSL042: {
    message: 'Only a variable, a field or an element can be assigned.',
    hint: 'Leave out the parentheses and type assertions around it.',
    chapter: 'out-of-the-language',
  },
  DSL043: {
    message: '% needs more than the 53 bits that a number has.',
    hint: 'Write it with n at its end: 64-bit integers are bigints.',
    chapter: 'integers',
  },
  DSL044: {
    message: '`var` is not part of the language.',
    hint: 'Write let; its variables live as long as those of C, to the end of their block.',
    chapter: 'out-of-the-language',
  },
  DSL045: {
    message: '%',
    hint: 'Use what the framework (Wdf...) has for it, or leave "umdf" out of scenario.json: then the driver runs in the kernel.',
    chapter: 'drivers-in-user-mode',
  },
} as const satisfies Record<string, Rule>

export type RuleCode = keyof typeof RULES

/** Where something stands: a node, or a range of a file. */
export interface SourceRange {
  file: string
  line: number
  column: number
  endLine: number
  endColumn: number
}

/** Range of positions in a source file, lines and columns from 1. */
export function rangeOf(file: ts.SourceFile, start: number, end: number): SourceRange {
  const from = file.getLineAndCharacterOfPosition(Math.min(start, file.text.length))
  const to = file.getLineAndCharacterOfPosition(Math.min(Math.max(end, start), file.text.length))
  return {
    file: file.fileName.replace(/^\//, ''),
    line: from.line + 1,
    column: from.character + 1,
    endLine: to.line + 1,
    endColumn: to.character + 1,
  }
}

/**
 * An error of the language's own.
 * @param details  what replaces the `%` signs of the message, in order
 * @param hint     replaces the rule's own hint
 */
export function ruleDiagnostic(
  code: RuleCode,
  range: SourceRange,
  details: readonly string[] = [],
  hint?: string,
): Diagnostic {
  const rule = RULES[code]
  let next = 0
  return {
    code,
    severity: 'error',
    ...range,
    message: rule.message.replace(/%/g, () => details[next++] ?? '%'),
    hint: hint ?? rule.hint,
    docs: `docs/dsl.md#${rule.chapter}`,
  }
}

/** By code units: the same order on every host. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** In the order in which they stand in the text; the same mistake at the same place once. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>()
  return [...diagnostics]
    .sort(
      (a, b) =>
        compare(a.file, b.file) ||
        a.line - b.line ||
        a.column - b.column ||
        compare(a.code, b.code),
    )
    .filter((each) => {
      const key = `${each.file}:${each.line}:${each.column}:${each.code}:${each.message}`
      return !seen.has(key) && seen.add(key)
    })
}
