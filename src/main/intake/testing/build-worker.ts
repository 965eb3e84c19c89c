/**
 * A worker's TypeScript made into one file that `new Worker()` takes, as the app's build does it.
 * It lies inside the project, so that packages which are not bundled are found from there.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, resolve } from 'node:path'
import { build } from 'vite'

const root = resolve(__dirname, '../../../..')

export interface BuiltWorker {
  file: string
  remove(): void
}

/** @param entry path from the project's root */
export async function buildWorker(entry: string): Promise<BuiltWorker> {
  const cache = join(root, 'node_modules', '.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'ring0-worker-'))
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
        input: { worker: join(root, entry) },
        external: [...builtinModules, /^node:/, ...external],
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
    ssr: { noExternal: true, external, target: 'node' },
  })
  return {
    file: join(folder, 'worker.cjs'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
