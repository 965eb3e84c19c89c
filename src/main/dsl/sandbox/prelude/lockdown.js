/**
 * Takes away what driver code has no use for. The compiler lets none of it through; this is for the
 * day that it does: no constructor of functions, no prototype that can be changed, no native that
 * works for hours on a forged length.
 *
 * What stays is what types/lib.ts declares. Array methods that loop are written out here, because a
 * loop of the script can be interrupted and one of the engine cannot.
 */
/* global InternalError -- QuickJS has it */
export function lockDown(kit) {
  const { wrong, uncurry } = kit
  const { defineProperty, deleteProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } =
    Reflect
  const { freeze } = Object
  const toNumber = Number
  const toBigInt = BigInt
  const { min, max, abs, floor } = Math
  const iterator = Symbol.iterator

  const GeneratorFunction = getPrototypeOf(function* () {})
  const Generator = GeneratorFunction.prototype
  const IteratorProto = getPrototypeOf(Generator)
  const ArrayIterator = getPrototypeOf([][iterator]())
  const StringIterator = getPrototypeOf(''[iterator]())
  const MapIterator = getPrototypeOf(new Map()[iterator]())
  const TypedArray = getPrototypeOf(Uint8Array.prototype)

  // --- replacements --------------------------------------------------------------------------

  /** Longest text that natives work on at once; no string of the kernel is longer. */
  const TEXT_MAX = 1 << 16

  function position(value, length, otherwise) {
    if (value === undefined) return otherwise
    const n = value < 0 ? length + value : value
    return n < 0 ? 0 : n > length ? length : n
  }

  const arrayMethods = {
    __proto__: null,
    shift() {
      const { length } = this
      if (length === 0) return undefined
      const first = this[0]
      for (let i = 1; i < length; i++) this[i - 1] = this[i]
      this.length = length - 1
      return first
    },
    unshift(...items) {
      const added = items.length
      for (let i = this.length - 1; i >= 0; i--) this[i + added] = this[i]
      for (let i = 0; i < added; i++) this[i] = items[i]
      return this.length
    },
    slice(start, end) {
      const stop = position(end, this.length, this.length)
      const part = []
      for (let i = position(start, this.length, 0); i < stop; i++) part.push(this[i])
      return part
    },
    splice(start, count, ...items) {
      const { length } = this
      const from = position(start, length, 0)
      const removed = []
      const tail = []
      const n = count === undefined ? length - from : count < 0 ? 0 : count
      for (let i = from; i < length; i++) (i < from + n ? removed : tail).push(this[i])
      this.length = from
      for (let i = 0; i < items.length; i++) this.push(items[i])
      for (let i = 0; i < tail.length; i++) this.push(tail[i])
      return removed
    },
    concat(...lists) {
      const all = []
      for (let i = 0; i < this.length; i++) all.push(this[i])
      for (let n = 0; n < lists.length; n++)
        for (let i = 0; i < lists[n].length; i++) all.push(lists[n][i])
      return all
    },
    indexOf(item, from) {
      for (let i = position(from, this.length, 0); i < this.length; i++)
        if (this[i] === item) return i
      return -1
    },
    lastIndexOf(item) {
      for (let i = this.length - 1; i >= 0; i--) if (this[i] === item) return i
      return -1
    },
    includes(item) {
      for (let i = 0; i < this.length; i++) if (this[i] === item) return true
      return false
    },
    join(separator = ',') {
      let text = ''
      for (let i = 0; i < this.length; i++) {
        if (i > 0) text += separator
        const item = this[i]
        if (item !== null && item !== undefined) text += item
        if (text.length > TEXT_MAX) throw wrong('the text is too long')
      }
      return text
    },
    reverse() {
      for (let i = 0, j = this.length - 1; i < j; i++, j--) {
        const item = this[i]
        this[i] = this[j]
        this[j] = item
      }
      return this
    },
    fill(value, start, end) {
      const stop = position(end, this.length, this.length)
      for (let i = position(start, this.length, 0); i < stop; i++) this[i] = value
      return this
    },
  }

  const stringMethods = { __proto__: null }
  for (const name of ['charAt', 'slice', 'substring', 'toLowerCase', 'toUpperCase', 'trim']) {
    const native = uncurry(String.prototype[name])
    stringMethods[name] = function (a, b) {
      return native(short(this), a, b)
    }
  }
  for (const name of ['indexOf', 'lastIndexOf', 'includes', 'startsWith', 'endsWith']) {
    const native = uncurry(String.prototype[name])
    stringMethods[name] = function (text, from) {
      // Searching takes time by the product of the lengths.
      if (short(this).length * short(text).length > 1 << 24) throw wrong('the text is too long')
      return from === undefined ? native(this, text) : native(this, text, from)
    }
  }
  for (const name of ['padStart', 'padEnd']) {
    const native = uncurry(String.prototype[name])
    stringMethods[name] = function (length, fill) {
      if (!(length <= TEXT_MAX)) throw wrong('the text is too long')
      return native(short(this), length, fill)
    }
  }

  function short(text) {
    if (typeof text !== 'string') throw wrong('a text is needed here')
    if (text.length > TEXT_MAX) throw wrong('the text is too long')
    return text
  }

  /** Without `this`-less functions' `prototype` and without becoming constructors. */
  function replace(proto, name, method) {
    defineProperty(proto, name, {
      value: method,
      writable: false,
      enumerable: false,
      configurable: false,
    })
  }

  // --- what stays ----------------------------------------------------------------------------

  const kept = new Map([
    [Object.prototype, ['toString', 'valueOf']],
    [Function.prototype, []],
    [GeneratorFunction, ['prototype']],
    [Generator, ['next', 'return', 'throw']],
    [IteratorProto, [iterator]],
    [ArrayIterator, ['next']],
    [StringIterator, ['next']],
    [Array.prototype, ['length', 'push', 'pop', iterator]],
    // Template literals are compiled to calls of `concat`.
    [String.prototype, ['length', 'concat', 'charCodeAt', 'toString', 'valueOf', iterator]],
    [Number.prototype, ['toString', 'valueOf']],
    [BigInt.prototype, ['toString', 'valueOf']],
    [Boolean.prototype, ['toString', 'valueOf']],
    [Symbol.prototype, []],
    [Error.prototype, ['name', 'message', 'toString']],
    // Reached only by the prelude itself.
    [Map.prototype, ['get', 'set', 'delete', 'has', 'size', iterator]],
    [MapIterator, ['next']],
    [Set.prototype, ['add', 'has']],
    [TypedArray, ['length', 'fill']],
  ])
  for (const Kind of [
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
    InternalError,
    AggregateError,
  ])
    kept.set(Kind.prototype, ['name', 'message'])
  for (const Kind of [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    BigInt64Array,
    BigUint64Array,
    Float16Array,
    Float32Array,
    Float64Array,
    ArrayBuffer,
    SharedArrayBuffer,
    DataView,
    WeakMap,
    WeakSet,
    Iterator,
  ])
    if (!kept.has(Kind.prototype)) kept.set(Kind.prototype, [])

  for (const [proto, names] of kept) {
    const stays = new Set(names)
    for (const key of ownKeys(proto)) if (!stays.has(key)) deleteProperty(proto, key)
  }
  for (const name of ownKeys(arrayMethods)) replace(Array.prototype, name, arrayMethods[name])
  for (const name of ownKeys(stringMethods)) replace(String.prototype, name, stringMethods[name])
  for (const [proto] of kept) {
    for (const key of ownKeys(proto)) {
      const { value } = getOwnPropertyDescriptor(proto, key)
      if (typeof value === 'function') freeze(value)
    }
    freeze(proto)
  }

  // --- globals -------------------------------------------------------------------------------

  const integerMath = freeze({ __proto__: null, min, max, abs, floor })
  for (const native of [min, max, abs, floor]) freeze(native)
  const left = {
    __proto__: null,
    Math: integerMath,
    Number: freeze((value) => toNumber(value)),
    BigInt: freeze((value) => toBigInt(value)),
  }
  const globals = globalThis
  const stuck = []
  for (const key of ownKeys(globals)) {
    if (key === 'undefined' || key === 'NaN' || key === 'Infinity') continue
    if (!deleteProperty(globals, key)) stuck.push(key)
  }
  for (const key of ownKeys(left))
    defineProperty(globals, key, {
      value: left[key],
      writable: false,
      enumerable: false,
      configurable: false,
    })
  freeze(globals)
  return stuck.length
}
