// `npm run docs`: writes the pages of docs/ that are made from tables in the sources.
//
//   node scripts/generate-docs.mjs           write the pages that differ
//   node scripts/generate-docs.mjs --check   write nothing, exit with 1 when a page is stale

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { main } from './lib/log.mjs'
import { ensureNodeModules } from './lib/node-modules.mjs'
import { inProject } from './lib/paths.mjs'

/** Page, module that renders it, name of the function that does. It gets a reader of files, and the page as it is. */
const PAGES = [
  ['docs/ddi.md', 'src/main/kernel/ddi/page.ts', 'ddiPage'],
  ['docs/frameworks.md', 'src/main/lab/frameworks-page.ts', 'frameworksPage'],
]

const read = (path) => readFileSync(inProject(path), { encoding: 'utf8', flag: 'a+' })

/** Bundle a module of the sources and load it. */
async function load(entry) {
  const { build } = await import('vite')
  const folder = mkdtempSync(inProject('node_modules', '.docs-'))
  try {
    await build({
      root: inProject(),
      configFile: false,
      publicDir: false,
      logLevel: 'error',
      ssr: { noExternal: true },
      build: {
        ssr: inProject(entry),
        outDir: folder,
        rolldownOptions: { output: { format: 'es', entryFileNames: 'page.mjs' } },
      },
    })
    return await import(pathToFileURL(join(folder, 'page.mjs')).href)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

await main(async () => {
  await ensureNodeModules()
  const stale = []
  for (const [page, entry, render] of PAGES) {
    const present = read(page)
    const text = (await load(entry))[render](read, present)
    if (present === text) continue
    stale.push(page)
    if (!process.argv.includes('--check')) writeFileSync(inProject(page), text)
  }
  const isCheck = process.argv.includes('--check')
  if (stale.length === 0) console.log('docs are up to date')
  else console.log(`${isCheck ? 'stale' : 'written'}: ${stale.join(', ')}`)
  return isCheck && stale.length > 0 ? 1 : 0
})
