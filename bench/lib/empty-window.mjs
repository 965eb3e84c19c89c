// Building the page of bench/empty-window, as the app's own page is built.

import { inProject } from '../../scripts/lib/paths.mjs'

/** Folder to give to Electron. */
export const emptyWindow = inProject('bench', 'empty-window')

export async function buildEmptyWindow() {
  const { build } = await import('vite')
  await build({
    root: emptyWindow,
    configFile: false,
    base: './',
    logLevel: 'error',
    worker: { format: 'es' },
    build: {
      target: 'chrome130',
      outDir: inProject('out', 'bench', 'empty-window'),
      emptyOutDir: true,
      chunkSizeWarningLimit: 8000,
    },
  })
}
