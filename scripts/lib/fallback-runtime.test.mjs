import { expect, test } from 'vitest'
import { placeOf } from './fallback-runtime.mjs'

const modules = 'Cypress/resources/app/node_modules'

test.each([
  ['Cypress/Cypress', 'electron'],
  ['Cypress/locales/de.pak', 'locales/de.pak'],
  ['Cypress/LICENSE.electron.txt', 'LICENSE.electron.txt'],
  ['Cypress/LICENSES.chromium.html', 'LICENSES.chromium.html'],
  ['Cypress/v8_context_snapshot.bin', 'v8_context_snapshot.bin'],
  [`${modules}/bindings/bindings.js`, 'resources/node_modules/bindings/bindings.js'],
  [`${modules}/better-sqlite3/LICENSE`, 'resources/node_modules/better-sqlite3/LICENSE'],
  [
    `${modules}/better-sqlite3/build/Release/better_sqlite3.node`,
    'resources/node_modules/better-sqlite3/build/Release/better_sqlite3.node',
  ],
])('%s is kept as %s', (name, place) => expect(placeOf(name)).toBe(place))

test.each([
  'Cypress/',
  'Cypress/browser_v8_context_snapshot.bin',
  'Cypress/resources/app-update.yml',
  'Cypress/resources/app/index.js',
  'Elsewhere/Cypress/electron',
  `${modules}/better-sqlite3/node_modules/node-abi/index.js`,
  `${modules}/better-sqlite3/deps/sqlite3/sqlite3.c`,
  `${modules}/lodash/index.js`,
])('%s is left out', (name) => expect(placeOf(name)).toBeUndefined())

test.each(['Cypress/../escape', `${modules}/bindings/../../../../escape`, 'Cypress//etc/passwd'])(
  '%s does not leave the folder',
  (name) => expect(placeOf(name)).toBeUndefined(),
)
