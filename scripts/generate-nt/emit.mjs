// How values are spelled in the generated TypeScript.

/** A single-quoted string literal. */
export function quote(text) {
  const body = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `'${body}'`
}

/** An object key, quoted only when it has to be. */
export function key(name) {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quote(name)
}

/** Small numbers in decimal, the others in upper-case hexadecimal; a bigint keeps its suffix. */
export function number(value) {
  if (typeof value === 'bigint') return value < 10n ? `${value}n` : `0x${hex(value)}n`
  return value < 10 ? `${value}` : `0x${hex(value)}`
}

/** A 32-bit value as eight hexadecimal digits. */
export function hex32(value) {
  return `0x${hex(value).padStart(8, '0')}`
}

function hex(value) {
  return value.toString(16).toUpperCase()
}

/** A JSON-like value as a literal; members that say nothing (undefined, null, empty) are left out. */
export function literal(value) {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'object') {
    const members = Object.entries(value).filter(([, member]) => !isVoid(member))
    return `{ ${members.map(([name, member]) => `${key(name)}: ${literal(member)}`).join(', ')} }`
  }
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'boolean') return `${value}`
  return number(value)
}

function isVoid(value) {
  return (
    value === undefined ||
    value === null ||
    value === '' ||
    (Array.isArray(value) && value.length === 0)
  )
}

/** `export const NAME = VALUE` lines. */
export function exportedConstants(entries, spell = number) {
  return entries.map(([name, value]) => `export const ${name} = ${spell(value)}\n`).join('')
}

/** A table that repeats exported constants by shorthand, `export const TABLE = { A, B } as const`. */
export function shorthandTable(table, names, doc) {
  return `/** ${doc} */\nexport const ${table} = {\n${names.map((name) => `  ${name},\n`).join('')}} as const\n`
}

/** Ends the run with a message that names the offending entry. */
export function fail(message) {
  throw new Error(`generate-nt: ${message}`)
}
