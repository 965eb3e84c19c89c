/**
 * A worker's or a helper's TypeScript made into one file, as the app's build does it.
 * It lies inside the project, so that packages which are not bundled are found from there.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, resolve } from 'node:path'
import { build } from 'vite'

const root = resolve(__dirname, '../../../..')

export interface BuiltEntry {
  file: string
  remove(): void
}

/** @param entry path from the project's root */
export async function buildEntry(entry: string): Promise<BuiltEntry> {
  const cache = join(root, 'node_modules', '.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'ring0-entry-'))
  const external = ['iced-x86', 'libyara-wasm']
  await build({
    configFile: false,
    logLevel: 'error',
    root,
    publicDir: false,
    build: {
      ssr: true,
      target: 'node20',
      outDir: folder,
      reportCompressedSize: false,
      rolldownOptions: {
        input: { entry: join(root, entry) },
        external: [...builtinModules, /^node:/, ...external],
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
    ssr: { noExternal: true, external, target: 'node' },
  })
  return {
    file: join(folder, 'entry.cjs'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
