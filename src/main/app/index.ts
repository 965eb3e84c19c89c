/** The app: one window, one catalogue, one helper process for the lab. */
import { join } from 'node:path'
import { app } from 'electron'
import { openCatalogue, type Catalogue } from '../catalogue/catalogue'
import type { Desk } from '../desk/desk'
import { createDetectionHandlers } from '../detections/handlers'
import { createAppHandlers } from './app-handlers'
import { findCatalogue } from './catalogue-place'
import { askExportPath, askImportPath, askToOpen } from './dialogs'
import { readEnvironment } from './environment'
import { answerWindow, emit } from './ipc'
import { createLabClient, type LabClient } from './lab-client'
import { forkLabProcess } from './lab-fork'
import { openLessons } from './open-lessons'
import { openTechniques } from './open-techniques'
import { openLocalSettings } from './local-settings'
import { setMenu } from './menu'
import { openAppDesk } from './open-desk'
import { createPackageHandlers, tidyPackages } from './packages'
import { askAboutProblem } from './problem-window'
import { declareScheme, serveWindow } from './protocol'
import { StartupClock, writePicture } from './report'
import { guardSession, guardWebContents } from './security'
import { applyTheme, backgroundOf, onSystemThemeChanged } from './theme'
import { closeGently, createWindow, loadWindow } from './window'

/** A helper that holds more is ended; a run of a million events needs about half of it. */
const LAB_MEMORY_BYTES_MAX = 1536 * 1024 * 1024

const SAVE_PACKAGE = { title: 'Folder for the files of the package', what: 'folder' } as const

/** Where packages lie that are on their way into the catalogue. */
const packagesFolder = (): string => join(app.getPath('userData'), 'packages')

const clock = new StartupClock()
clock.mark('main')
const environment = readEnvironment(process.env, app.isPackaged)
if (environment.userData !== null) app.setPath('userData', environment.userData)

// GTK would load Mesa into this process to look for visuals for OpenGL, which nothing here draws with.
process.env['GDK_GL'] ??= 'disable'
// V8 lets a small heap grow to several times of what lives before it collects, and what the page took
// out of its document waits for that too: 60 MB during an import, in a window whose script holds 25.
// What is young gets 4 MB, not 16: an import's pages of rows are soon gone.
if (!app.commandLine.hasSwitch('js-flags'))
  app.commandLine.appendSwitch('js-flags', '--heap-growing-percent=40 --max-semi-space-size=4')

declareScheme()
guardWebContents()
if (app.requestSingleInstanceLock()) void app.whenReady().then(start, giveUp)
else app.quit()

function giveUp(error: unknown): void {
  console.error(error)
  app.exit(1)
}

async function start(): Promise<void> {
  clock.mark('ready')
  let isRunning = false
  // While a problem is shown and answered, no window is no reason to leave.
  app.on('window-all-closed', () => {
    if (isRunning) app.quit()
  })
  const userData = app.getPath('userData')
  const settings = openLocalSettings(userData)
  applyTheme(settings.current.theme)
  guardSession()
  serveWindow(join(__dirname, '../renderer'))

  // Filled when there is a window; dialogs need it for their place on the screen.
  const shown: { window?: ReturnType<typeof createWindow> } = {}
  const open = (file: string): ReturnType<typeof openCatalogue> =>
    openCatalogue({
      file,
      appVersion: app.getVersion(),
      bundledFolder: join(app.getAppPath(), 'samples', 'drivers'),
      askExportPath: async (title) => (shown.window ? askExportPath(shown.window, title) : null),
      askImportPath: async () => (shown.window ? askImportPath(shown.window) : null),
      onChanged: (change) => emit('samples.changed', change),
      onFilesChanged: (change) => emit('files.changed', change),
      onProblem: (text) => console.error(`Shipped sample: ${text}`),
    })
  const found = await findCatalogue({
    userData,
    settings,
    open,
    ask: askAboutProblem,
    now: () => new Date(),
  })
  if (!found) return app.quit()
  clock.mark('catalogue')

  const window = createWindow(settings)
  shown.window = window
  isRunning = true
  const lab = createLabClient({
    start: forkLabProcess,
    onProgress: (progress) => emit('lab.progress', progress),
    onLost: (lost) => emit('lab.lost', lost),
    memoryBytesMax: LAB_MEMORY_BYTES_MAX,
  })
  // An import takes memory, and the lab's helper comes back with the next call.
  const desk = await openAppDesk(window, found.catalogue, settings, lab.spare)
  run(window, found.catalogue, desk, lab, settings)
  setMenu(window)
  clock.mark('window')
  await loadWindow(window, environment.developmentServer)
}

function run(
  window: ReturnType<typeof createWindow>,
  catalogue: Catalogue,
  desk: Desk,
  lab: LabClient,
  settings: ReturnType<typeof openLocalSettings>,
): void {
  const goNow = closeGently(window)
  const appHandlers = createAppHandlers({
    window,
    theme: () => settings.current.theme,
    setTheme(theme) {
      settings.change({ theme })
      applyTheme(theme)
      window.setBackgroundColor(backgroundOf(theme))
    },
    onReady({ firstRunShown, editorAt }) {
      if (editorAt !== undefined) clock.mark('editor', editorAt)
      void proveStart(window, firstRunShown)
      // Reference data of a first start takes a second: not before the window can be used.
      void desk.prepare().then(() => desk.tidy())
      void tidyPackages(packagesFolder()).catch((error: unknown) => console.error(error))
    },
    onClosed: goNow,
  })
  answerWindow(
    window,
    {
      ...appHandlers,
      ...catalogue.handlers,
      ...desk.handlers,
      ...lab.handlers,
      ...openLessons(window, catalogue, lab.handlers, settings),
      ...openTechniques(lab.handlers),
      ...createDetectionHandlers(join(app.getAppPath(), 'samples')),
      ...createPackageHandlers({
        lab: lab.handlers,
        intake: desk.handlers,
        folder: packagesFolder(),
        askFolder: async () => (await askToOpen(window, SAVE_PACKAGE))[0] ?? null,
      }),
    },
    environment.developmentServer,
  )
  lab.warmUp()

  window.once('ready-to-show', () => clock.mark('painted'))
  onSystemThemeChanged((theme) => {
    emit('app.systemTheme', theme)
    window.setBackgroundColor(backgroundOf(settings.current.theme))
  })
  app.on('second-instance', () => {
    if (window.isMinimized()) window.restore()
    window.focus()
  })
  app.on('will-quit', () => {
    lab.close()
    desk.close()
    catalogue.close()
  })
}

async function proveStart(
  window: ReturnType<typeof createWindow>,
  firstRunShown: boolean,
): Promise<void> {
  clock.mark('usable')
  if (firstRunShown) clock.mark('firstRun')
  const { screenshot, startupReport } = environment
  // With both asked for, the picture is the later of the two.
  if (screenshot !== null && !firstRunShown) return
  if (screenshot === null && startupReport === null) return
  try {
    if (screenshot !== null) await writePicture(window, screenshot)
    if (startupReport !== null) clock.write(startupReport)
    app.quit()
  } catch (error) {
    giveUp(error)
  }
}
