/** Upper case as the kernel sees it: one UTF-16 unit to one, by table, without locale or context. */

const table: string[] = []

function compute(code: number): string {
  const char = String.fromCharCode(code)
  // Surrogates have no case of their own in NT's table.
  if (code >= 0xd800 && code <= 0xdfff) return char
  const upper = char.toUpperCase()
  if (upper.length !== 1) return char
  // NT's table never maps a letter outside ASCII onto one inside (dotless i, long s).
  if (code > 0x7f && upper.charCodeAt(0) < 0x80) return char
  return upper
}

/** RtlUpcaseUnicodeChar for one unit. */
export function upcaseUnit(code: number): number {
  return (table[code] ??= compute(code)).charCodeAt(0)
}

/** Upper-case form of a name, for comparisons without case. */
export function upcase(text: string): string {
  let result = ''
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    result += table[code] ??= compute(code)
  }
  return result
}
