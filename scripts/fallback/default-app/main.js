// The application that the fallback Electron runs when it is started as `electron [switches] FOLDER`:
// what Electron's own default application does, as far as this project and Playwright need it.
// It also makes `better-sqlite3` mean the copy that was built for this Electron.

'use strict'

const fs = require('node:fs')
const Module = require('node:module')
const path = require('node:path')
const electron = require('electron')

const { app } = electron
const sqliteHook = path.join(process.resourcesPath, 'sqlite-hook.cjs')
const utilityEntry = path.join(process.resourcesPath, 'utility-entry.cjs')

/** Split the command line into `-r` modules and the application's folder. */
function readArguments(args) {
  const preload = []
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]
    if (arg === '-r' || arg === '--require') preload.push(args[++i])
    else if (arg.startsWith('--require=')) preload.push(arg.slice('--require='.length))
    else if (!arg.startsWith('-')) return { preload, folder: path.resolve(arg) }
  }
  return { preload, folder: undefined }
}

/** Utility processes are plain Node: they get the same better-sqlite3 by way of another entry. */
function hookUtilityProcesses() {
  const { utilityProcess } = electron
  const fork = utilityProcess.fork.bind(utilityProcess)
  utilityProcess.fork = (modulePath, args, options) =>
    Array.isArray(args)
      ? fork(utilityEntry, [modulePath, ...args], options)
      : fork(utilityEntry, [modulePath], args)
}

function adopt(folder) {
  const { name, productName, version } = JSON.parse(
    fs.readFileSync(path.join(folder, 'package.json'), 'utf8'),
  )
  if (version) app.setVersion(version)
  const title = productName ?? name
  if (title) {
    app.setName(title)
    app.setDesktopName(`${title}.desktop`)
    if (!app.commandLine.hasSwitch('user-data-dir')) {
      app.setPath('userData', path.join(app.getPath('appData'), title))
    }
  }
  app.setAppPath(folder)
}

function start() {
  const { preload, folder } = readArguments(process.argv.slice(1))
  // The same sign that Electron's own default application sets.
  Object.defineProperty(process, 'defaultApp', { enumerable: true, value: true })
  if (preload.length > 0) Module._preloadModules(preload)
  if (!folder) {
    console.error('Usage: electron [switches] FOLDER')
    app.exit(1)
    return
  }
  try {
    require(sqliteHook)
    hookUtilityProcesses()
    adopt(folder)
    require(require.resolve(folder))
  } catch (error) {
    console.error(`The application in ${folder} could not be started.`)
    console.error(error)
    app.exit(1)
  }
}

start()
