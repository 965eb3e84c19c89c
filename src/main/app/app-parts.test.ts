import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { COMMANDS, type Command } from '../../shared/commands'
import { fail, ok, type AppError } from '../../shared/errors'
import type { Catalogue } from '../catalogue/catalogue'
import { fileOf, isOwnUrl } from './addresses'
import { findCatalogue, putAside } from './catalogue-place'
import { docsAddress } from './docs'
import { readEnvironment } from './environment'
import { LICENCES } from './licences'
import { openLocalSettings, placeOnScreens } from './local-settings'
import { acceleratorOf, itemsOf } from './menu-items'
import { actionOf, actionsFor, problemPage, PROBLEM_ACTIONS } from './problem-page'
import type { ProblemAnswer } from './problem-window'

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ring0-app-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

describe('addresses', () => {
  const folder = resolve('/app/out/renderer')
  test.each([
    ['ring0://app/', 'index.html'],
    ['ring0://app/index.html?x#y', 'index.html'],
    ['ring0://app/assets/a%20b.js', 'assets/a b.js'],
  ])('%s is a file', (url, file) => expect(fileOf(url, folder)).toBe(join(folder, file)))

  test.each([
    'ring0://other/index.html',
    'file:///etc/passwd',
    'ring0://app/%2e%2e/main/index.js',
    'ring0://app/..%2fmain/index.js',
    'ring0://app/..%5c..%5cmain',
    'ring0://app/%2e%2e%2f%2e%2e%2fetc/passwd',
    'ring0://app/a%00.js',
    'ring0://app/%',
    'nonsense',
  ])('%s is none, or stays inside', (url) => {
    const file = fileOf(url, folder)
    if (file !== null) expect(file.startsWith(join(folder, '/'))).toBe(true)
    else expect(file).toBeNull()
  })

  test.each<[string, string | undefined, boolean]>([
    ['ring0://app/index.html', undefined, true],
    ['ring0://app.evil/index.html', undefined, false],
    ['ring0x://app/', undefined, false],
    ['http://127.0.0.1:5173/index.html', 'http://127.0.0.1:5173/', true],
    ['http://127.0.0.1:5173/', undefined, false],
    ['http://127.0.0.1:51730/', 'http://127.0.0.1:5173/', false],
    ['about:blank', 'http://127.0.0.1:5173/', false],
    ['', undefined, false],
  ])('%s (server %s) ours: %s', (url, server, own) => expect(isOwnUrl(url, server)).toBe(own))

  test.each([
    ['wdm/nf-wdm-iocompleterequest', 'ddi/wdm/nf-wdm-iocompleterequest'],
    ['IoCompleteRequest', 'search/?terms=IoCompleteRequest'],
    ['0x44', 'terms=bug%20check%200x44'],
    [
      'https://learn.microsoft.com/windows-hardware/drivers/ddi/wdm/nf-wdm-iocompleterequest',
      'https://learn.microsoft.com/windows-hardware/drivers/ddi/wdm/nf-wdm-iocompleterequest',
    ],
  ])('documentation of %s', (name, part) => expect(docsAddress(name)).toContain(part))
  test.each([
    'https://learn.microsoft.com.evil.example/x',
    'https://learn.microsoft.com@evil.example/',
    'https://evil.example',
    '../x',
    'a b',
    '',
    'javascript:alert(1)',
  ])('%j has no documentation', (name) => expect(docsAddress(name)).toBeNull())
})

describe('the menu', () => {
  const commands: readonly Command[] = COMMANDS

  test('shows every command of its menus once, and takes no key itself', () => {
    const run: string[] = []
    const items = (['file', 'run', 'view', 'catalogue', 'help'] as const).flatMap((menu) =>
      itemsOf(menu, (id) => run.push(id)),
    )
    const ids = items.flatMap((item) => (item.id === undefined ? [] : [item.id]))
    expect(ids.toSorted()).toEqual(
      commands
        .filter((item) => item.menu)
        .map((item) => item.id)
        .toSorted(),
    )
    for (const item of items)
      if (item.accelerator !== undefined) expect(item.registerAccelerator).toBe(false)
    expect(items.some((item) => item.type === 'separator')).toBe(true)
    items.find((item) => item.id === 'lab.run')!.click!(
      undefined as never,
      undefined,
      undefined as never,
    )
    expect(run).toEqual(['lab.run'])
  })

  test.each([
    ['Ctrl+Shift+P', 'CmdOrCtrl+Shift+P'],
    ['Ctrl++', 'CmdOrCtrl+Plus'],
    ['F10', 'F10'],
  ])('%s is %s', (keys, accelerator) => expect(acceleratorOf(keys)).toBe(accelerator))
})

describe('local settings', () => {
  test('are kept, and a damaged file is as good as none', () => {
    const folder = temporaryFolder()
    const settings = openLocalSettings(folder)
    expect(settings.current).toEqual({
      theme: 'system',
      window: null,
      catalogueFolder: null,
      lessonFolder: null,
      yaraFolder: null,
    })
    settings.change({ theme: 'dark' })
    expect(openLocalSettings(folder).current.theme).toBe('dark')
    writeFileSync(join(folder, 'local-settings.json'), '{"theme":"dark","window":{"x":"far"}}')
    expect(openLocalSettings(folder).current).toEqual({
      theme: 'dark',
      window: null,
      catalogueFolder: null,
      lessonFolder: null,
      yaraFolder: null,
    })
    for (const text of ['{', '[]', 'null', '7', '{"theme":"pink"}']) {
      writeFileSync(join(folder, 'local-settings.json'), text)
      expect(openLocalSettings(folder).current.theme).toBe('system')
    }
  })

  test('a window that no screen shows any more opens at its usual place', () => {
    const kept = { x: 3000, y: 100, width: 1200, height: 800, isMaximized: false }
    const laptop = { x: 0, y: 0, width: 1920, height: 1080 }
    const beamer = { x: 1920, y: 0, width: 1920, height: 1080 }
    expect(placeOnScreens(kept, [laptop])).toBeNull()
    expect(placeOnScreens(kept, [laptop, beamer])).toEqual({
      x: 3000,
      y: 100,
      width: 1200,
      height: 800,
    })
    expect(placeOnScreens(null, [laptop])).toBeNull()
  })
})

test('the environment is read, and a packaged app has no development server', () => {
  const variables = {
    RING0_USER_DATA: '/x',
    RING0_SCREENSHOT: '',
    ELECTRON_RENDERER_URL: 'http://x',
  }
  expect(readEnvironment(variables, false)).toEqual({
    userData: '/x',
    screenshot: null,
    startupReport: null,
    developmentServer: 'http://x',
  })
  expect(readEnvironment(variables, true).developmentServer).toBeUndefined()
})

describe('the problem page', () => {
  const error: AppError = {
    code: 'database-damaged',
    message: 'Broken <script>alert(1)</script>',
    hint: 'Do "this" & that',
    detail: '</pre><img src=x onerror=alert(1)>',
  }

  test('escapes what came from outside and has no script', () => {
    const page = problemPage(error, `/data/<b>'x'`)
    expect(page).not.toMatch(/<script|<img|<b>/)
    expect(page).toContain('Broken &#60;script&#62;')
    expect(page).toContain(`default-src 'none'`)
    expect(page).toContain('href="ring0://problem/aside" autofocus')
  })

  test('offers only what helps, and reads back only its own links', () => {
    expect(actionsFor('database-newer')).not.toContain('aside')
    expect(actionsFor('database-locked')[0]).toBe('retry')
    for (const action of PROBLEM_ACTIONS) expect(actionOf(`ring0://problem/${action}`)).toBe(action)
    expect(actionOf('ring0://problem/format-disk')).toBeNull()
    expect(actionOf('https://example.org')).toBeNull()
  })
})

describe('finding the catalogue', () => {
  const catalogue = {} as Catalogue
  function find(answers: ProblemAnswer[], opensAt: (file: string, attempt: number) => boolean) {
    const userData = temporaryFolder()
    const settings = openLocalSettings(userData)
    const asked: string[] = []
    let attempt = 0
    const found = findCatalogue({
      userData,
      settings,
      open: (file) =>
        opensAt(file, ++attempt)
          ? ok(catalogue)
          : fail('database-damaged', 'It is damaged.', 'Help it.'),
      ask: (_error, file) => {
        asked.push(file)
        return Promise.resolve(answers.shift()!)
      },
      now: () => new Date('2026-11-22T10:00:00Z'),
    })
    return { userData, settings, asked, found }
  }

  test('opens at once when it can', async () => {
    const { found, userData, asked } = find([], () => true)
    expect(await found).toEqual({ catalogue, file: join(userData, 'catalogue.sqlite') })
    expect(asked).toEqual([])
  })

  test('tries again, and leaves when told to', async () => {
    expect(await find([{ do: 'retry' }], (_file, attempt) => attempt === 2).found).not.toBeNull()
    expect(await find([{ do: 'quit' }], () => false).found).toBeNull()
  })

  test('another folder is remembered', async () => {
    const other = temporaryFolder()
    const { found, settings } = find([{ do: 'folder', folder: other }], (file) =>
      file.startsWith(other),
    )
    expect((await found)?.file).toBe(join(other, 'catalogue.sqlite'))
    expect(settings.current.catalogueFolder).toBe(other)
  })

  test('keeping a file aside overwrites nothing', () => {
    const folder = temporaryFolder()
    const file = join(folder, 'catalogue.sqlite')
    const now = new Date('2026-11-22T10:00:00Z')
    for (const text of ['first', 'second']) {
      writeFileSync(file, text)
      writeFileSync(`${file}-wal`, `${text} log`)
      putAside(file, now)
    }
    expect(existsSync(file)).toBe(false)
    expect(readdirSync(folder).sort()).toEqual([
      'catalogue.damaged-2026-11-22-2.sqlite',
      'catalogue.damaged-2026-11-22-2.sqlite-wal',
      'catalogue.damaged-2026-11-22.sqlite',
      'catalogue.damaged-2026-11-22.sqlite-wal',
    ])
    expect(readFileSync(join(folder, 'catalogue.damaged-2026-11-22.sqlite'), 'utf8')).toBe('first')
  })
})

test('the list of licences says what the packages say, and leaves none out', () => {
  const load = createRequire(import.meta.url)
  const project = load('../../../package.json') as {
    dependencies: Record<string, string>
    devDependencies: Record<string, string>
  }
  const folder = resolve('node_modules')
  for (const { name, licence } of LICENCES) {
    const text = readFileSync(join(folder, name, 'package.json'), 'utf8')
    expect((JSON.parse(text) as { license?: string }).license, name).toBe(licence)
  }
  for (const name of Object.keys(project.dependencies))
    expect(LICENCES.map((item) => item.name)).toContain(name)
})
