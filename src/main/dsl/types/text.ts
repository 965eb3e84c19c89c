/** Small pieces of declaration text. */

/** A documentation comment; nothing for no lines. */
export function docComment(lines: readonly (string | undefined)[], indent: string): string {
  const text = lines
    .filter((line) => line !== undefined)
    .flatMap((line) => line.split('\n'))
    .map((line) => line.replaceAll('*/', '* /'))
  if (text.length === 0) return ''
  if (text.length === 1) return `${indent}/** ${text[0]} */\n`
  return `${indent}/**\n${text.map((line) => `${indent} * ${line}`.trimEnd() + '\n').join('')}${indent} */\n`
}

/** A number as C writes it: small ones decimal, others in hexadecimal; bigints with their `n`. */
export function literal(value: number | bigint): string {
  const suffix = typeof value === 'bigint' ? 'n' : ''
  const magnitude = value < 0 ? -value : value
  const digits = magnitude < 10 ? String(magnitude) : `0x${magnitude.toString(16).toUpperCase()}`
  return `${value < 0 ? '-' : ''}${digits}${suffix}`
}
