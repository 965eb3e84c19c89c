// Stands in front of a utility process's own entry, whose path is the first argument: makes
// `better-sqlite3` fit, then hands over as if it had never been there. (`--require` in execArgv
// does not reach a utility process.)

'use strict'

require('./sqlite-hook.cjs')

const [entry] = process.argv.splice(2, 1)
process.argv[1] = entry
require(entry)
