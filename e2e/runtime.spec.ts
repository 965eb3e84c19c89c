import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type BetterSqlite3 from 'better-sqlite3'
import { expect, test } from './fixtures/launch'
import { inMain } from './fixtures/main-process'

// What the product takes for granted from Electron and its surroundings.

test('the app starts under its own name and keeps its data in the given profile', async ({
  launch,
}) => {
  const { app, page, userData } = await launch()
  const facts = await inMain(app, ({ app }) => ({
    name: app.getName(),
    version: app.getVersion(),
    userData: app.getPath('userData'),
    isPackaged: app.isPackaged,
    chrome: Number(process.versions.chrome?.split('.')[0]),
  }))
  expect(facts).toMatchObject({ name: 'Ring0 Lab', userData, isPackaged: false })
  expect(facts.version).toMatch(/^\d+\.\d+\.\d+$/)
  expect(facts.chrome).toBeGreaterThanOrEqual(130)
  await expect(page).toHaveTitle(/Ring0 Lab/)
})

test('SQLite with full-text search runs in the main process', async ({ launch }) => {
  const { app } = await launch()
  const found = await inMain(app, () => {
    const Database = process.mainModule?.require('better-sqlite3') as typeof BetterSqlite3
    const db = new Database(':memory:')
    db.exec("create virtual table t using fts5(text); insert into t values ('a kernel driver')")
    return db.prepare("select text from t where t match 'driver'").pluck().get()
  })
  expect(found).toBe('a kernel driver')
})

test('SQLite runs in a utility process', async ({ launch, profile }) => {
  const script = join(profile, 'utility.cjs')
  writeFileSync(
    script,
    `const { createRequire } = require('node:module')
     const Database = createRequire(process.argv[2])('better-sqlite3')
     const db = new Database(':memory:')
     process.parentPort.postMessage(db.prepare('select 6 * 7').pluck().get())`,
  )
  const { app } = await launch()
  const answer = await inMain(
    app,
    ({ app, utilityProcess }, file) =>
      new Promise((resolve, reject) => {
        const child = utilityProcess.fork(file, [`${app.getAppPath()}/package.json`])
        child.once('message', resolve)
        child.once('exit', (code) => reject(new Error(`exit ${code}`)))
      }),
    script,
  )
  expect(answer).toBe(42)
})
