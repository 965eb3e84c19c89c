import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'electron-vite'

// Everything is built for the oldest Electron the app must run on (33: Chromium 130, Node 20).
const target = { node: 'node20', chrome: 'chrome130' }

const root = import.meta.dirname
const present = (entries: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(entries)
      .map(([name, file]) => [name, resolve(root, file)] as const)
      .filter(([, file]) => existsSync(file)),
  )

export default defineConfig({
  main: {
    build: {
      target: target.node,
      outDir: 'out/main',
      sourcemap: true,
      rolldownOptions: {
        input: present({
          index: 'src/main/app/index.ts',
          // Utility processes: one file each, started by main with utilityProcess.fork.
          'lab-process': 'src/main/app/lab-process.ts',
          'import-process': 'src/main/app/import-process.ts',
          // Worker threads of that process.
          'analysis-worker': 'src/main/intake/analysis-worker.ts',
          'yara-worker': 'src/main/intake/yara-worker.ts',
        }),
        output: { format: 'cjs', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js' },
      },
    },
  },
  preload: {
    build: {
      target: target.node,
      outDir: 'out/preload',
      sourcemap: true,
      // A sandboxed preload can require electron only, so everything else is bundled into it.
      externalizeDeps: false,
      rolldownOptions: {
        input: { index: resolve(root, 'src/preload/index.ts') },
        output: { format: 'cjs', entryFileNames: '[name].js' },
      },
    },
  },
  renderer: {
    root: resolve(root, 'src/renderer'),
    plugins: [vue()],
    worker: { format: 'es' },
    build: {
      target: target.chrome,
      outDir: resolve(root, 'out/renderer'),
      sourcemap: false,
      minify: true,
      chunkSizeWarningLimit: 8000,
      rolldownOptions: { input: { index: resolve(root, 'src/renderer/index.html') } },
    },
  },
})
