// `npm start`: open the app. Without a display it runs on a virtual one until the app has written a
// picture of itself.
//
// The app's side of that: when RING0_SCREENSHOT names a file, it writes a PNG of its window there
// once the default sample has run, and quits.

import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { withVirtualDisplay } from './lib/display.mjs'
import { electronEnvironment, ensureElectron, machineSwitches } from './lib/electron.mjs'
import { SetupError, main, say } from './lib/log.mjs'
import { inProject, root } from './lib/paths.mjs'
import { run } from './lib/run.mjs'
import { hasDisplay } from './lib/system.mjs'

const screenshot = inProject('reports', 'ring0-lab.png')
const patienceMs = 120_000

// What Chromium prints on a machine without D-Bus or a graphics card, where nothing is wrong.
const noise = /:ERROR:(bus|object_proxy|viz_main_impl|gpu_process_host|command_buffer_proxy_impl)/

/** stderr of the app without the lines that would only worry people. */
async function runQuietly(executable, args, env) {
  let rest = ''
  const filter = (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    for (const line of lines) if (!noise.test(line)) process.stderr.write(`${line}\n`)
  }
  const options = { env, stdio: ['inherit', 'inherit', 'pipe'], timeout: patienceMs }
  const status = await run(executable, args, { ...options, onOutput: filter })
  if (rest && !noise.test(rest)) process.stderr.write(rest)
  return status
}

await main(async () => {
  const electron = await ensureElectron()
  const args = [...machineSwitches, root, ...process.argv.slice(2)]
  const env = electronEnvironment(electron)
  if (hasDisplay) return run(electron.executable, args, { env })

  say('There is no display: the app runs on a virtual one (Xvfb) and takes a picture of itself.')
  mkdirSync(dirname(screenshot), { recursive: true })
  rmSync(screenshot, { force: true })
  const started = Date.now()
  const status = await withVirtualDisplay((display) =>
    runQuietly(electron.executable, args, { ...env, ...display, RING0_SCREENSHOT: screenshot }),
  )
  if (!existsSync(screenshot)) {
    const seconds = Math.round((Date.now() - started) / 1000)
    throw new SetupError(
      `The app ended after ${seconds} s with status ${status}, without a picture.`,
      'Its messages are above. `npm run ring0 -- help` shows what works in a terminal.',
    )
  }
  say(`The default sample has run. Screenshot: ${screenshot}`)
  say('In a terminal: npm run ring0 -- run samples/drivers/hello')
  return 0
})
