// A run of a million events in the real app: does the window go on answering, and what memory does
// the app take? Both are looked at twice: while nothing runs, and while the run goes on.
//
// Answering is measured by Chromium itself: the Event Timing interface gives the time from an input
// to the next picture, and the gaps between animation frames say how long nothing could be drawn.
// Memory is the sum over the processes that `app.getAppMetrics()` lists. Their working sets count
// shared pages (Electron's own file, mostly) once in each process; on Linux the proportional and
// the private sizes are given as well, from /proc.

/* global window, document, requestAnimationFrame, PerformanceObserver -- inside of page.evaluate */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { _electron } from '@playwright/test'
import { electronEnvironment, ensureElectron, machineSwitches } from '../scripts/lib/electron.mjs'
import { root } from '../scripts/lib/paths.mjs'
import { echoProject } from './lib/echo-project.mjs'
import { buildEmptyWindow, emptyWindow } from './lib/empty-window.mjs'
import { inMb, inMs, inSeconds, keepRows, row } from './lib/table.mjs'

/** A request makes 18 events. */
const REQUESTS = 56_000
const EVENTS = 1_000_000
/** How long the window is watched while nothing runs. */
const IDLE_MS = 8000
const PATIENCE_MS = 600_000

const electron = await ensureElectron()
await buildEmptyWindow()
const folder = mkdtempSync(join(tmpdir(), 'ring0-million-'))
const launch = (path) =>
  _electron.launch({
    executablePath: electron.executable,
    args: [...machineSwitches, `--user-data-dir=${join(folder, basename(path))}`, path],
    env: electronEnvironment(electron),
    colorScheme: null,
  })

const yardstick = await launch(emptyWindow)
await (await yardstick.firstWindow()).waitForSelector('.view-line')
await pause(3000)
show('of an empty window with Monaco', await memory(yardstick))
await yardstick.close()

const app = await launch(root)
try {
  const page = await app.firstWindow()
  page.setDefaultTimeout(60_000)
  const button = page.getByTestId('run')
  const isDone = async () => (await button.innerText()).trim() === 'Run again'
  while (!(await isDone())) await pause(200)
  await openProject(page, 'Million', echoProject(REQUESTS))

  const idle = await watch(page, async (act) => {
    const end = Date.now() + IDLE_MS
    while (Date.now() < end) await act()
  })
  const before = await memory(app)

  await page.getByRole('button', { name: 'Lab', exact: true }).click()
  const started = Date.now()
  await button.click()
  const peak = { sum: { working: 0 } }
  const busy = await watch(page, async (act) => {
    await pause(300)
    while (!(await isDone())) {
      await act()
      const now = await memory(app)
      if (now.sum.working > peak.sum.working) Object.assign(peak, now)
      if (Date.now() - started > PATIENCE_MS) throw new Error('The run did not end.')
    }
  })
  const elapsed = Date.now() - started
  await page.getByRole('button', { name: 'Lab', exact: true }).click()
  const status = await page.getByRole('contentinfo', { name: 'Status' }).innerText()
  const events = Number(/([\d,]+) events in/.exec(status)?.[1]?.replaceAll(',', ''))
  if (!(events >= EVENTS)) throw new Error(`The run has no million events: ${status}`)
  const jump = await timeOfJump(page, events)
  await pause(2000)
  const after = await memory(app)

  row('run of a million events in the window', inSeconds(elapsed))
  row('  events', events.toLocaleString('en-US'))
  row('longest gap between frames, idle : running', `${inMs(idle.gap)} : ${inMs(busy.gap)}`)
  row('slowest input to next picture, idle : running', `${inMs(idle.input)} : ${inMs(busy.input)}`)
  row('  inputs', `${idle.inputs} : ${busy.inputs}`)
  row('jump to the last step, until it is shown', inMs(jump))
  show('before the run', before)
  show('highest during the run', peak)
  show('after the run', after)
  keepRows('million')
} finally {
  await app.close().catch(() => undefined)
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

async function openProject(page, title, files) {
  const made = await page.evaluate(
    ([title, files]) => window.lab['samples.create']({ title, files }),
    [title, files],
  )
  if (!made.ok) throw new Error(made.error.message)
  await page.keyboard.press('Control+P')
  await page.getByRole('combobox').first().fill(title)
  await page.getByRole('option', { name: title }).first().click()
  await page.waitForFunction((title) => document.title.startsWith(title), title)
}

/** Press things as a person does and let the window say how it kept up. */
async function watch(page, work) {
  await page.evaluate(() => {
    const seen = { gap: 0, input: 0, inputs: 0, running: true }
    let last = performance.now()
    const frame = (now) => {
      seen.gap = Math.max(seen.gap, now - last)
      last = now
      if (seen.running) requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
    seen.observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        if (entry.interactionId) seen.input = Math.max(seen.input, entry.duration)
      }
    })
    seen.observer.observe({ type: 'event', durationThreshold: 16 })
    globalThis.seen = seen
  })
  let inputs = 0
  const areas = page.getByRole('navigation', { name: 'Areas' })
  await work(async () => {
    for (const name of ['Explorer', 'Lab']) {
      await areas.getByRole('button', { name }).click()
      inputs++
      await pause(150)
    }
    await page.keyboard.press('F6')
    inputs++
    await pause(150)
  })
  const { gap, input } = await page.evaluate(() => {
    const { seen } = globalThis
    seen.running = false
    seen.observer.disconnect()
    return { gap: seen.gap, input: seen.input }
  })
  return { gap, input, inputs }
}

/** From the Enter key until the window tells about the last event. */
async function timeOfJump(page, events) {
  const box = page.getByRole('toolbar', { name: 'Steps' }).getByRole('textbox', { name: 'Step' })
  await box.fill(String(events))
  const start = performance.now()
  await box.press('Enter')
  const words = `Step ${events.toLocaleString('en-US')} of`
  await page.getByTestId('announcer').filter({ hasText: words }).waitFor({ state: 'attached' })
  return performance.now() - start
}

async function memory(app) {
  const metrics = await app.evaluate(({ app }) =>
    app.getAppMetrics().map(({ pid, type, name, memory }) => ({
      pid,
      name: name ?? type,
      working: memory.workingSetSize * 1024,
    })),
  )
  const processes = metrics.map((metric) => ({ ...metric, ...linuxSizes(metric.pid) }))
  const sum = { working: 0, proportional: 0, private: 0 }
  for (const process of processes)
    for (const key of Object.keys(sum)) sum[key] += process[key] ?? NaN
  return { sum, processes }
}

function linuxSizes(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    const kb = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? NaN)
    return {
      proportional: kb('Pss') * 1024,
      private: (kb('Private_Clean') + kb('Private_Dirty')) * 1024,
    }
  } catch {
    return {}
  }
}

function show(when, { sum, processes }) {
  const sizes = ({ working, proportional, private: own }) =>
    [working, proportional, own].map((bytes) => inMb(bytes ?? NaN)).join(' / ')
  row(`memory ${when}: working / proportional / private`, sizes(sum))
  for (const process of processes) row(`  ${process.name}`, sizes(process))
}
