import { builtinModules } from 'node:module'
import { resolve } from 'node:path'
import { defineConfig } from 'vite'

/** Packages with WebAssembly beside their code, and SQLite: they stay where they are installed. */
const external = ['better-sqlite3', 'iced-x86', 'libyara-wasm']

const root = import.meta.dirname

// The terminal face: CommonJS that plain Node 20 runs, without Electron; its worker threads beside it.
export default defineConfig({
  root,
  publicDir: false,
  build: {
    ssr: true,
    target: 'node20',
    outDir: 'out/cli',
    emptyOutDir: true,
    sourcemap: true,
    reportCompressedSize: false,
    rolldownOptions: {
      input: {
        index: resolve(root, 'src/main/cli/index.ts'),
        'analysis-worker': resolve(root, 'src/main/intake/analysis-worker.ts'),
        'yara-worker': resolve(root, 'src/main/intake/yara-worker.ts'),
      },
      external: [...builtinModules, /^node:/, 'electron', ...external],
      output: { format: 'cjs', entryFileNames: '[name].cjs', chunkFileNames: 'chunks/[name].cjs' },
    },
  },
  ssr: { noExternal: true, external, target: 'node' },
})
