import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from './fixtures/launch'
import { inMain } from './fixtures/main-process'

// The border between the window and the rest: what gets through and what does not.

test('the page is locked in: no Node, no remote content, no eval, no way elsewhere', async ({
  launch,
}) => {
  const { app, page } = await launch()
  expect(page.url()).toBe('ring0://app/index.html')
  const seen = await page.evaluate(async () => {
    const globals = ['require', 'process', 'module', 'Buffer', 'ipcRenderer'].filter(
      (name) => name in globalThis,
    )
    const tryEval = (): string => {
      try {
        return String(new Function('return 1')())
      } catch (error) {
        return error instanceof EvalError ? 'refused' : String(error)
      }
    }
    const remote = await fetch('https://example.org/').then(
      () => 'fetched',
      () => 'refused',
    )
    const local = await fetch('file:///etc/hostname').then(
      () => 'fetched',
      () => 'refused',
    )
    const outside = await fetch('ring0://app/..%2fmain%2findex.js').then((answer) => answer.status)
    const permission = await navigator.permissions
      .query({ name: 'geolocation' })
      .then((status) => status.state)
    return {
      globals,
      eval: tryEval(),
      remote,
      local,
      outside,
      permission,
      opened: window.open('/'),
    }
  })
  expect(seen).toEqual({
    globals: [],
    eval: 'refused',
    remote: 'refused',
    local: 'refused',
    outside: 404,
    permission: 'denied',
    opened: null,
  })
  await page.evaluate(() => {
    location.href = 'https://example.org/'
  })
  await page.evaluate(() => {
    location.href = 'file:///etc/hostname'
  })
  await page.waitForTimeout(200)
  expect(page.url()).toBe('ring0://app/index.html')
  const preferences = await inMain(app, ({ BrowserWindow }) =>
    BrowserWindow.getAllWindows().map((window) => {
      const contents = window.webContents as unknown as {
        getLastWebPreferences(): Record<string, unknown>
      }
      const { sandbox, contextIsolation, nodeIntegration } = contents.getLastWebPreferences()
      return { sandbox, contextIsolation, nodeIntegration }
    }),
  )
  expect(preferences).toEqual([{ sandbox: true, contextIsolation: true, nodeIntegration: false }])
})

test('the contract is what crosses: inputs are parsed, failures are data', async ({ launch }) => {
  const { page } = await launch()
  const answers = await page.evaluate(async () => ({
    info: await window.lab['app.info']({}),
    wrong: await window.lab['samples.get']({ id: 'x' as unknown as number }),
    missing: await window.lab['samples.get']({ id: 4711 }),
    hostile: await window.lab['samples.list']({ query: `"; DROP TABLE samples; --` }),
    stream: (() => {
      try {
        return window.lab.on('samples.nothing' as 'samples.changed', () => undefined)
      } catch (error) {
        return String(error)
      }
    })(),
  }))
  expect(answers.info).toMatchObject({ ok: true, value: { theme: 'system' } })
  expect(answers.wrong).toMatchObject({ ok: false, error: { code: 'bad-request' } })
  expect(answers.missing).toMatchObject({ ok: false, error: { code: 'not-found' } })
  expect(answers.hostile).toMatchObject({ ok: true, value: { total: 0 } })
  expect(answers.stream).toContain('no stream')
})

test('calls from anything but the window are refused', async ({ launch }) => {
  const { app } = await launch()
  const answer = await inMain(app, async ({ app, BrowserWindow }) => {
    const other = new BrowserWindow({
      show: false,
      webPreferences: {
        sandbox: true,
        preload: `${app.getAppPath()}/out/preload/index.js`,
        additionalArguments: ['--ring0-contract={"calls":["settings.get"],"streams":[]}'],
      },
    })
    await other.loadURL('ring0://app/assets/none')
    const text = (await other.webContents.executeJavaScript(
      `window.lab['settings.get']({}).then(JSON.stringify)`,
    )) as string
    other.destroy()
    return text
  })
  expect(answer).toContain('not this app’s window')
})

test('F10 and F11 reach the page, and the menu runs commands of the table', async ({ launch }) => {
  const { app, page } = await launch()
  await page.evaluate(() => {
    const seen = { keys: [] as string[], commands: [] as string[] }
    Object.assign(window, { seen })
    window.addEventListener('keydown', (event) => seen.keys.push(event.key), { capture: true })
    window.lab.on('app.command', ({ command }) => seen.commands.push(command))
  })
  await page.keyboard.press('F10')
  await page.keyboard.press('F11')
  await page.keyboard.press('Control+F10')
  await page.keyboard.press('F5')
  await inMain(app, ({ Menu }) => Menu.getApplicationMenu()!.getMenuItemById('lab.run')!.click())
  const read = () =>
    page.evaluate(
      () => (window as unknown as { seen: { keys: string[]; commands: string[] } }).seen,
    )
  await expect.poll(async () => (await read()).commands).toEqual(['lab.run'])
  expect((await read()).keys.filter((key) => key.startsWith('F'))).toEqual([
    'F10',
    'F11',
    'F10',
    'F5',
  ])
  const isFullScreen = await inMain(app, ({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()[0]!.isFullScreen(),
  )
  expect(isFullScreen).toBe(false)
})

test('place, size and theme are there again', async ({ launch }) => {
  const first = await launch()
  await inMain(first.app, ({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()[0]!.setBounds({ x: 60, y: 40, width: 1000, height: 640 }),
  )
  await first.page.evaluate(() => window.lab['app.theme']({ theme: 'dark' }))
  await first.page.waitForTimeout(600)
  await first.app.close()
  const second = await launch()
  const { bounds, background, dark } = await inMain(
    second.app,
    ({ BrowserWindow, nativeTheme }) => {
      const [window] = BrowserWindow.getAllWindows()
      return {
        bounds: window!.getBounds(),
        background: window!.getBackgroundColor(),
        dark: nativeTheme.shouldUseDarkColors,
      }
    },
  )
  expect(bounds).toMatchObject({ width: 1000, height: 640 })
  expect(background).toBe('#101318')
  expect(dark).toBe(true)
})

test('a second start brings the first window to the front and ends', async ({
  launch,
  profile,
}) => {
  const { app } = await launch()
  const { spawn } = await import('node:child_process')
  const root = await inMain(app, ({ app }) => app.getAppPath())
  const switches = (process.env['RING0_SWITCHES'] ?? '').split(' ').filter(Boolean)
  const code = await new Promise((done) =>
    spawn(process.env['RING0_ELECTRON']!, [...switches, `--user-data-dir=${profile}`, root], {
      stdio: 'ignore',
    }).once('exit', done),
  )
  expect(code).toBe(0)
  expect(await inMain(app, ({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1)
})

test('the start is measured on request', async ({ launch, profile }) => {
  const file = join(profile, 'startup.json')
  const { app } = await launch({ env: { RING0_STARTUP_REPORT: file } })
  await app.waitForEvent('close')
  expect(existsSync(file)).toBe(true)
  const report = JSON.parse(readFileSync(file, 'utf8')) as { ms: Record<string, number> }
  const order = ['main', 'ready', 'catalogue', 'window', 'usable'].map((name) => report.ms[name])
  expect(order.every((ms) => typeof ms === 'number')).toBe(true)
  expect(order).toEqual(order.toSorted((a, b) => a! - b!))
})
