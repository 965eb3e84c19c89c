/** Mistakes of a rule as compilers tell theirs, so that they are shown as those of a driver are. */
import type { Diagnostic } from '../contract/model'

interface Mistake {
  file: string
  line: number
  column: number
  message: string
  hint: string
}

export const asDiagnostic = ({ file, line, column, message, hint }: Mistake): Diagnostic => ({
  code: 'rule',
  severity: 'error',
  file,
  line,
  column,
  endLine: line,
  endColumn: column + 1,
  message,
  hint,
})

/** Of a file that holds nothing yet. */
export const noRule = (file: string): Mistake => ({
  file,
  line: 1,
  column: 1,
  message: 'There is no rule in this file.',
  hint: 'docs/detections.md shows one.',
})
