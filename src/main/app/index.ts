import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BrowserWindow, app } from 'electron'

/**
 * Contract with `npm start` on a machine without a display: when RING0_SCREENSHOT names a file, the
 * app writes a PNG of its window there once the default sample has run, and quits.
 */
const screenshotFile = process.env['RING0_SCREENSHOT']

async function openWindow(): Promise<void> {
  const window = new BrowserWindow({
    width: 1440,
    height: 900,
    show: false,
    webPreferences: {
      preload: join(__dirname, '../preload/index.js'),
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
    },
  })
  window.once('ready-to-show', () => window.show())
  const devServer = process.env['ELECTRON_RENDERER_URL']
  if (devServer && !app.isPackaged) await window.loadURL(devServer)
  else await window.loadFile(join(__dirname, '../renderer/index.html'))
  if (screenshotFile) {
    const picture = await window.webContents.capturePage()
    writeFileSync(screenshotFile, picture.toPNG())
    app.quit()
  }
}

app.on('window-all-closed', () => app.quit())
void app.whenReady().then(openWindow)
