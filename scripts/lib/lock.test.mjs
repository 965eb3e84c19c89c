import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { withLock } from './lock.mjs'

const folder = mkdtempSync(join(tmpdir(), 'ring0-lock-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const lockModule = pathToFileURL(fileURLToPath(new URL('./lock.mjs', import.meta.url))).href

function script(code, ...args) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return { child, ended: new Promise((done) => child.once('close', done)) }
}

test('gives what the work gives, and is free afterwards', async () => {
  const file = join(folder, 'plain.lock')
  expect(await withLock(file, 'a test', () => 42)).toBe(42)
  expect(existsSync(file)).toBe(false)
  await expect(withLock(file, 'a test', () => Promise.reject(new Error('no')))).rejects.toThrow(
    'no',
  )
  expect(existsSync(file)).toBe(false)
})

test('processes never hold it together', async () => {
  const file = join(folder, 'shared.lock')
  const diary = join(folder, 'diary')
  const code = `
    import { appendFileSync } from 'node:fs'
    import { setTimeout as sleep } from 'node:timers/promises'
    import { withLock } from ${JSON.stringify(lockModule)}
    for (let i = 0; i < 5; i++) await withLock(process.argv[1], 'a test', async () => {
      appendFileSync(process.argv[2], 'in\\n')
      await sleep(5)
      appendFileSync(process.argv[2], 'out\\n')
    })`
  // A dead holder's lock lies there at first, so that all of them try to take it over at once.
  writeFileSync(file, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }))
  await Promise.all([1, 2, 3].map(() => script(code, file, diary).ended))
  expect(readFileSync(diary, 'utf8')).toBe('in\nout\n'.repeat(15))
})

test('is taken over from a process that was killed', async () => {
  const file = join(folder, 'killed.lock')
  const code = `
    import { withLock } from ${JSON.stringify(lockModule)}
    await withLock(process.argv[1], 'a test', async () => {
      console.log('held')
      await new Promise((done) => setTimeout(done, 60_000))
    })`
  const { child, ended } = script(code, file)
  await new Promise((done) => child.stdout.once('data', done))
  child.kill('SIGKILL')
  await ended
  expect(existsSync(file)).toBe(true)
  expect(await withLock(file, 'a test', () => 'mine')).toBe('mine')
})

test('is taken over from another machine only after a long silence', async () => {
  const file = join(folder, 'remote.lock')
  writeFileSync(file, JSON.stringify({ pid: process.pid, host: 'another-machine' }))
  let isMine = false
  const waiting = withLock(file, 'a test', () => (isMine = true))
  await new Promise((done) => setTimeout(done, 500))
  expect(isMine).toBe(false)
  const longAgo = new Date(Date.now() - 60_000)
  utimesSync(file, longAgo, longAgo)
  await waiting
  expect(isMine).toBe(true)
})
