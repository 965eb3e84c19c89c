/**
 * The prelude: the script that runs inside QuickJS before any driver code. Its parts lie as plain
 * JavaScript in prelude/ and are joined here into one function, `(host call, control, physical,
 * tables) => { run, unit, module, stuck }`.
 */
import frames from './prelude/frames.js?raw'
import functions from './prelude/functions.js?raw'
import kit from './prelude/kit.js?raw'
import language from './prelude/language.js?raw'
import lockdown from './prelude/lockdown.js?raw'
import marshal from './prelude/marshal.js?raw'
import memory from './prelude/memory.js?raw'
import start from './prelude/start.js?raw'
import types from './prelude/types.js?raw'

/** Held in the prelude's own scope, because `lockdown.js` empties the global one. */
const NATIVES = [
  'Object, Function, Array, String, Number, BigInt, Boolean, Symbol, Math, JSON, Reflect, Map, Set',
  'Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, InternalError',
  'AggregateError, Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array',
  'Uint32Array, BigInt64Array, BigUint64Array, Float16Array, Float32Array, Float64Array',
  'ArrayBuffer, SharedArrayBuffer, DataView, WeakMap, WeakSet, Iterator',
].join(', ')

const PARTS = [kit, memory, types, functions, frames, marshal, language, lockdown, start]

/** Text of the prelude, an expression. */
export const PRELUDE =
  `(function () {\n'use strict'\nconst { ${NATIVES} } = globalThis\n` +
  PARTS.map((part) => part.replace(/^export /gm, '')).join('\n') +
  '\nreturn start\n})()'

/** Files of the sandbox's own in stack traces begin so. */
export const OWN_FILES = 'ring0:'
