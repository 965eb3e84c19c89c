/** Names as they come from file systems and archives, made fit to be shown. They are never opened. */

const NAME_CHARS_MAX = 500

/**
 * One line without control characters and without the marks that turn the direction of writing
 * (with them `gpj.sys` is shown as `sys.jpg`); forward slashes; the end kept when it is too long.
 */
export function displayName(name: string): string {
  const plain = name.replace(/\\/g, '/').replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\ufffd')
  return plain.length <= NAME_CHARS_MAX ? plain : `…${plain.slice(1 - NAME_CHARS_MAX)}`
}

/** The last part: `set.zip/dir/a.sys` is `a.sys`. */
export function fileName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1)
}

/** All but the last part: `set.zip/dir/a.sys` is `set.zip/dir`; empty when there is none. */
export function folderName(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('/')))
}
