import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type BetterSqlite3 from 'better-sqlite3'
import { expect, test } from './fixtures/launch'
import { inMain } from './fixtures/main-process'

const packaged = process.env['RING0_PACKAGED']

test('the packaged app starts, has SQLite, and shows its window', async ({ launch }) => {
  if (!packaged) throw new Error('RING0_PACKAGED is not set: run these tests with `npm run e2e`.')
  const { app, page, userData } = await launch({ packaged })
  const facts = await inMain(app, ({ app }) => {
    const Database = process.mainModule?.require('better-sqlite3') as typeof BetterSqlite3
    return {
      isPackaged: app.isPackaged,
      name: app.getName(),
      path: app.getAppPath(),
      userData: app.getPath('userData'),
      answer: new Database(':memory:').prepare('select 6 * 7').pluck().get(),
    }
  })
  expect(facts).toMatchObject({ isPackaged: true, name: 'Ring0 Lab', userData, answer: 42 })
  expect(facts.path).toMatch(/app\.asar$/)
  await expect(page).toHaveTitle(/Ring0 Lab/)
  await expect(page.getByRole('main').first()).toBeVisible()
})

test('asked for a screenshot, the packaged app runs its default sample, draws and quits', async ({
  launch,
  profile,
}) => {
  const file = join(profile, 'screenshot.png')
  const { app } = await launch({ packaged, env: { RING0_SCREENSHOT: file } })
  await app.waitForEvent('close')
  expect(existsSync(file)).toBe(true)
  expect(readFileSync(file).subarray(1, 4).toString('latin1')).toBe('PNG')
})
