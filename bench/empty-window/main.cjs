// The yardstick: an Electron app that is one window with Monaco in it and nothing else. Asked for a
// report, it writes when the editor stood there, in ms since the process was made, and quits.

const { writeFileSync } = require('node:fs')
const { join } = require('node:path')
const process = require('node:process')
const { BrowserWindow, app, ipcMain } = require('electron')

const { RING0_USER_DATA: userData, RING0_STARTUP_REPORT: report } = process.env
if (userData) app.setPath('userData', userData)
void app.whenReady().then(() => {
  const window = new BrowserWindow({
    width: 1440,
    height: 900,
    show: false,
    webPreferences: { sandbox: true, preload: join(__dirname, 'preload.cjs') },
  })
  window.once('ready-to-show', () => window.show())
  ipcMain.once('editor', (_event, time) => {
    if (!report) return
    const ms = { editor: Math.round(time - process.getCreationTime()) }
    writeFileSync(report, JSON.stringify({ ms }))
    app.quit()
  })
  return window.loadFile(join(__dirname, '..', '..', 'out', 'bench', 'empty-window', 'index.html'))
})
