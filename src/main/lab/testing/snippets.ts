/** Pieces of driver and client code with the imports that they need, for tests that run them whole. */
import { moduleExports } from '../../dsl/types/declarations'

function withImports(module: 'wdm' | 'win32', code: string): string {
  const used = new Set(code.match(/(?<![.\w])[A-Za-z_]\w*/g))
  const declared = new Set(
    [...code.matchAll(/^(?:export )?(?:const|let|function|type)\s+(\w+)/gm)].map(
      (match) => match[1],
    ),
  )
  const names = [...used].filter((name) => moduleExports()[module].has(name) && !declared.has(name))
  return `import { ${names.join(', ')} } from '${module}'\n${code}`
}

/** A driver: what the code uses of `wdm` is imported in the first line. */
export const driver = (code: string): string => withImports('wdm', code)

/** A client program, with what it uses of `win32`. */
export const client = (code: string): string => withImports('win32', code)
