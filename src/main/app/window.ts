/** The one window: how it is made, where it stood, and how it goes. */
import { join } from 'node:path'
import { BrowserWindow, screen } from 'electron'
import { contractArgument, emit } from './ipc'
import { placeOnScreens, type LocalSettingsFile } from './local-settings'
import { APP_ORIGIN } from './addresses'
import { backgroundOf } from './theme'

/** How long a closing window may take to save what was typed last. */
const CLOSING_PATIENCE_MS = 1000

export const WEB_PREFERENCES = {
  sandbox: true,
  contextIsolation: true,
  nodeIntegration: false,
  webviewTag: false,
  spellcheck: false,
  // Timelines and runs go on while another window is in front.
  backgroundThrottling: false,
} as const

/** Make the window, not shown yet; it shows itself with its first picture. */
export function createWindow(settings: LocalSettingsFile): BrowserWindow {
  const areas = screen.getAllDisplays().map((display) => display.workArea)
  const place = placeOnScreens(settings.current.window, areas)
  const window = new BrowserWindow({
    width: 1440,
    height: 900,
    ...place,
    minWidth: 640,
    minHeight: 420,
    show: false,
    title: 'Ring0 Lab',
    backgroundColor: backgroundOf(settings.current.theme),
    webPreferences: {
      ...WEB_PREFERENCES,
      preload: join(__dirname, '../preload/index.js'),
      additionalArguments: [contractArgument()],
    },
  })
  if (settings.current.window?.isMaximized) window.maximize()
  window.once('ready-to-show', () => window.show())
  keepPlace(window, settings)
  revive(window)
  return window
}

/** Load the page: from the development server when there is one. */
export const loadWindow = (
  window: BrowserWindow,
  developmentServer: string | undefined,
): Promise<void> => window.loadURL(developmentServer ?? `${APP_ORIGIN}/index.html`)

function keepPlace(window: BrowserWindow, settings: LocalSettingsFile): void {
  let pause: ReturnType<typeof setTimeout> | undefined
  const keep = (): void => {
    clearTimeout(pause)
    if (window.isDestroyed() || window.isMinimized()) return
    const state = { ...window.getNormalBounds(), isMaximized: window.isMaximized() }
    if (JSON.stringify(state) !== JSON.stringify(settings.current.window))
      settings.change({ window: state })
  }
  const soon = (): void => {
    clearTimeout(pause)
    pause = setTimeout(keep, 400)
  }
  window.on('resize', soon)
  window.on('move', soon)
  window.on('maximize', soon)
  window.on('unmaximize', soon)
  window.on('close', keep)
}

/** A page whose process died is loaded again; drafts bring back what was there. */
function revive(window: BrowserWindow): void {
  let last = 0
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    if (reason === 'clean-exit' || window.isDestroyed()) return
    console.error(`The window's process ended: ${reason}`)
    const now = Date.now()
    // Twice at once would be for ever.
    if (now - last < 5000) return
    last = now
    window.webContents.reload()
  })
}

/**
 * Closing waits a moment for the page to save its last words, and asks nothing.
 * @returns to be called when the page has answered
 */
export function closeGently(window: BrowserWindow): () => void {
  let isReady = false
  const goNow = (): void => {
    if (isReady || window.isDestroyed()) return
    isReady = true
    window.close()
  }
  window.on('close', (event) => {
    if (isReady || window.webContents.isCrashed() || window.webContents.isLoading()) return
    event.preventDefault()
    emit('app.closing', {})
    setTimeout(goNow, CLOSING_PATIENCE_MS)
  })
  return goNow
}
