import { expect, test } from 'vitest'
import { printDiagnostic } from './report'

test('a control sequence of a driver is shown, not obeyed', () => {
  let text = ''
  printDiagnostic(
    {
      code: 'DSL001',
      severity: 'error',
      file: 'driver.ts',
      line: 1,
      column: 1,
      endLine: 1,
      endColumn: 2,
      message: 'a \u001b]0;owned\u0007 title\u009b2J',
      hint: '',
    },
    (part) => (text += part),
  )
  expect(text).toContain('a \\x1b]0;owned\\x07 title\\x9b2J')
})
