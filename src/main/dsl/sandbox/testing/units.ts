/** Driver code for tests, written as the compiler writes it. */
import type { CodeUnit } from '../engine'

/**
 * A unit of one file. `body` is module code that may use `$rt`; it says which functions it has by
 * `$f(1, ...)`, `$f(2, ...)` in the order of `names`, and fills `$x`.
 */
export function unitOf(
  body: string,
  names: readonly string[] = ['DriverEntry'],
  kind: 'driver' | 'client' = 'driver',
): CodeUnit {
  const file = kind === 'driver' ? 'driver.ts' : 'client.ts'
  return {
    program: {
      functions: [null, ...names.map((name) => ({ name, file, location: 1 }))],
    },
    entry: {
      entry: file,
      kind,
      main: kind === 'driver' ? 'DriverEntry' : 'main',
      modules: [{ file, imports: [], code: `(function($rt,$m,$x){'use strict';${body}\n})` }],
    },
  }
}

/** Names of `$rt` that most test code uses. */
export const NAMES =
  'const {$ddi,$type,$lang,$S,$Q,$P,$call,$method,$f,$null,$get,$set,$eq,$addr,$local,$enter,$leave,$out,$catch,$code,$alive,$div,$mod,$shr,$bit,$imul,$i64,$u64,$num,$big} = $rt;'
