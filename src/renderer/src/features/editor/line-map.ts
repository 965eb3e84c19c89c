/**
 * Where a line of the text that ran is in the text that is edited now. Lines before the first and
 * after the last difference are found again; what lies between has changed and is nowhere.
 */
export function mapLine(from: string, to: string, line: number): number | null {
  if (from === to) return line
  const before = from.split('\n')
  const after = to.split('\n')
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start++
  if (line <= start) return line
  let end = 0
  while (
    end < before.length - start &&
    end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  )
    end++
  return line > before.length - end ? line + after.length - before.length : null
}
