// Makes `require('better-sqlite3')` find the copy that was built for this Electron, whoever asks.

'use strict'

const Module = require('node:module')
const path = require('node:path')

const copy = path.join(process.resourcesPath, 'node_modules', 'better-sqlite3')
const resolve = Module._resolveFilename
Module._resolveFilename = function (request, ...rest) {
  return resolve.call(this, request === 'better-sqlite3' ? copy : request, ...rest)
}
