// A lock between processes: a file that names its holder and whose time is refreshed while it is
// held. A holder that is gone (same machine) or silent for half a minute has lost it.

import { randomUUID } from 'node:crypto'
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import { mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { say } from './log.mjs'

const refreshMs = 5_000
const silentMs = 30_000

function read(file) {
  try {
    return { text: readFileSync(file, 'utf8'), age: Date.now() - statSync(file).mtimeMs }
  } catch {
    return undefined
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function isAbandoned({ text, age }) {
  if (age > silentMs) return true
  try {
    const holder = JSON.parse(text)
    return holder.host === hostname() && !isAlive(holder.pid)
  } catch {
    // Half-written: the holder is just starting, or died while writing. The age decides.
    return false
  }
}

function removeAbandoned(file, seen) {
  // Two processes may find the same dead lock. Moving it aside is atomic; if what was moved is not
  // what was seen, another process was faster and its lock is put back.
  const aside = `${file}.${randomUUID()}`
  try {
    renameSync(file, aside)
  } catch {
    return
  }
  try {
    if (readFileSync(aside, 'utf8') !== seen.text) linkSync(aside, file)
  } catch {
    // Somebody took the lock in the meantime; they keep it.
  } finally {
    rmSync(aside, { force: true })
  }
}

/**
 * Run `work` while holding the lock.
 * @template T
 * @param {string} file the lock file
 * @param {string} what what is protected, for the message while waiting
 * @param {() => Promise<T> | T} work
 * @returns {Promise<T>}
 */
export async function withLock(file, what, work) {
  mkdirSync(dirname(file), { recursive: true })
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), id: randomUUID() })
  let told = false
  for (;;) {
    try {
      writeFileSync(file, mine, { flag: 'wx' })
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    const seen = read(file)
    if (seen && isAbandoned(seen)) {
      removeAbandoned(file, seen)
      continue
    }
    if (!told) say(`Waiting: another process is busy with ${what}.`)
    told = true
    await sleep(200)
  }
  const refresh = setInterval(() => {
    try {
      utimesSync(file, new Date(), new Date())
    } catch {
      // Taken over after a long sleep of this machine; the work is safe to do twice.
    }
  }, refreshMs)
  refresh.unref()
  try {
    return await work()
  } finally {
    clearInterval(refresh)
    if (read(file)?.text === mine) rmSync(file, { force: true })
  }
}
