/** JSON files of a driver folder: read by a schema, with mistakes told like mistakes in code. */
import type { core, z } from 'zod'
import type { Diagnostic } from '../../shared/contract/model'
import { jsonErrorPlace, jsonPlace, type JsonPlace } from '../../shared/json-place'

/** Errors of one file that are told; each is looked for in the text. */
const ERRORS_MAX = 50

/**
 * Read a file.
 * @param holds  where one reads what the file can hold
 */
export function readJson<S extends z.ZodType>(
  schema: S,
  file: string,
  source: string,
  holds: string,
): { value: z.output<S>; text: string } | { diagnostics: Diagnostic[] } {
  // Editors of Windows put a mark in front.
  const text = source.replace(/^\uFEFF/, ' ')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    const at = jsonErrorPlace(text)
    return {
      diagnostics: [
        projectError(
          file,
          at && { ...at, endLine: at.line, endColumn: at.column + 1 },
          `This is no JSON: ${at?.found ?? 'something'} cannot stand here.`,
          `${file} has to be JSON: double quotes, no comments, no comma at the end.`,
        ),
      ],
    }
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return { value: parsed.data, text }
  return {
    diagnostics: parsed.error.issues
      .slice(0, ERRORS_MAX)
      .flatMap((issue) => issueErrors(file, text, issue, holds)),
  }
}

function issueErrors(
  file: string,
  text: string,
  issue: core.$ZodIssue,
  holds: string,
): Diagnostic[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) =>
      projectError(
        file,
        jsonPlace(text, issue.path, key),
        `${wordsFor(file, [...issue.path, key])} is not known.`,
        holds,
      ),
    )
  // Of a name that cannot stand there, what is wrong with it is told inside.
  const { message } = (issue.code === 'invalid_key' && issue.issues[0]) || issue
  const words = `${wordsFor(file, issue.path)}: ${message}.`
  return [projectError(file, jsonPlace(text, issue.path), words, holds)]
}

function wordsFor(file: string, path: readonly PropertyKey[]): string {
  if (path.length > 0) return path.map((part) => shortened(String(part))).join('.')
  return file === 'scenario.json' ? 'The scenario' : file
}

/** Names in a message: no longer than a reader needs. */
function shortened(name: string): string {
  return name.length > 64 ? `${name.slice(0, 63)}\u2026` : name
}

/** A mistake in a file of the folder; without a place it is told at its beginning. */
export function projectError(
  file: string,
  place: JsonPlace | null,
  message: string,
  hint: string,
): Diagnostic {
  const { line, column, endLine, endColumn } = place ?? {
    line: 1,
    column: 1,
    endLine: 1,
    endColumn: 1,
  }
  return {
    code: 'LAB001',
    severity: 'error',
    file,
    line,
    column,
    endLine,
    endColumn,
    message,
    hint,
  }
}
