// Makes `require('better-sqlite3')` find the copy that fits this Electron, when
// RING0_BETTER_SQLITE3 names one; scripts/ sets it when that is not the one in node_modules.

'use strict'

const Module = require('node:module')

const copy = process.env.RING0_BETTER_SQLITE3
if (copy) {
  const resolve = Module._resolveFilename
  Module._resolveFilename = function (request, ...rest) {
    return resolve.call(this, request === 'better-sqlite3' ? copy : request, ...rest)
  }
}
