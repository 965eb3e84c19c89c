/**
 * Paths as they were meant. `npm run` changes into the project's folder first, and says in INIT_CWD
 * where the command was typed.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

/** A path to write to. */
export const asTyped = (path: string): string => resolve(process.env['INIT_CWD'] ?? '.', path)

/** A path to read: as seen from here, or else from where the command was typed. */
export function whereTyped(path: string): string {
  const typed = asTyped(path)
  return !existsSync(path) && existsSync(typed) ? typed : path
}
