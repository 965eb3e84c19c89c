/** What compiled code sees: the names of runtime-names.ts, for one page table. */
export function makeLanguage(kit, memory, types, functions, frames, stubs) {
  const { M, N, raise, isNt, wrong, addIndex, indexOf } = kit
  const { WORD } = N
  const { indexOfPointer, intern } = functions
  const { typeOf, convert, locate, makeUntyped } = types
  const { S, callAddress } = frames
  const { defineProperty, freeze } = Object
  const { trunc, imul } = Math
  const { isArray } = Array
  const { isInteger } = Number
  const toNumber = Number
  const STATUS_INTEGER_DIVIDE_BY_ZERO = 0xc0000094
  const STATUS_STACK_OVERFLOW = 0xc00000fd

  // --- calls ---------------------------------------------------------------------------------

  function* call(location, f, args) {
    if (typeof f === 'function') {
      if (f.$d !== undefined) {
        const result = f(location, ...args)
        return result === S ? yield undefined : result
      }
      if (f.$i === undefined) throw wrong('this value cannot be called')
      // It may have become a pointer into an image that is gone by now.
      if (f.$a !== undefined) memory.checkExecute(f.$a)
      return yield* frames.isForeign(f) ? frames.enter(f, args) : f(...args)
    }
    const index = f?.$a ?? indexOfPointer(f, false)
    memory.checkExecute(index)
    const result = callAddress(location, index, args)
    return result === S ? yield undefined : result
  }

  const methods = freeze({
    __proto__: null,
    string: new Set([
      'charAt',
      'charCodeAt',
      'indexOf',
      'lastIndexOf',
      'includes',
      'startsWith',
      'endsWith',
      'slice',
      'substring',
      'padStart',
      'padEnd',
      'toLowerCase',
      'toUpperCase',
      'trim',
    ]),
    array: new Set([
      'push',
      'pop',
      'shift',
      'unshift',
      'slice',
      'splice',
      'concat',
      'indexOf',
      'lastIndexOf',
      'includes',
      'join',
      'reverse',
      'fill',
    ]),
  })

  function* method(location, object, name, args) {
    if (
      typeof object === 'string'
        ? methods.string.has(name)
        : isArray(object) && methods.array.has(name)
    )
      return object[name](...args)
    if (name === 'toString' && (typeof object === 'number' || typeof object === 'bigint'))
      return object.toString(...args)
    if (name === 'add' && object !== null && object?.$a !== undefined) return object.add(...args)
    return yield* call(location, object[name], args)
  }

  // --- elements ------------------------------------------------------------------------------

  function integerIndex(i) {
    if (typeof i === 'bigint') i = toNumber(i)
    if (!isInteger(i)) throw wrong('an index is an integer')
    return i
  }

  function get(x, i) {
    i = integerIndex(i)
    if (typeof x === 'string' || isArray(x)) return x[i]
    if (x === null || x === undefined) throw wrong('NULL has no elements of a known size')
    if (x.$g === undefined) throw wrong('this has no elements')
    return x.$g(i)
  }

  function set(x, i, value) {
    i = integerIndex(i)
    if (isArray(x)) return (x[i] = value)
    if (x === null || x === undefined) throw wrong('NULL has no elements of a known size')
    if (x.$s === undefined) throw wrong('this has no elements')
    return x.$s(i, value)
  }

  function equal(a, b) {
    if (a === b) return true
    if (a === null || a === undefined) return b === null || b === undefined
    if (b === null || b === undefined) return false
    const ta = typeof a
    const tb = typeof b
    if (ta === 'object' || ta === 'function') {
      if (tb !== 'object' && tb !== 'function') return false
      const index = a.$a ?? pointerOf(a)
      return index !== undefined && index === (b.$a ?? pointerOf(b))
    }
    // eslint-disable-next-line eqeqeq -- numbers, bigints and booleans compare by value
    return tb !== 'object' && tb !== 'function' && ta !== 'string' && tb !== 'string' && a == b
  }

  /** Address of a routine of the table; functions without an address equal only themselves. */
  const pointerOf = (f) =>
    typeof f === 'function' && f.$d !== undefined ? indexOfPointer(f, false) : undefined

  function address(x, place) {
    if (typeof place === 'string') {
      const type = x?.$t
      if (type === undefined) throw wrong('the address of this field is not known')
      const { offset, type: inner } = locate(type, place)
      return inside(x.$a + offset, inner)
    }
    const element = x?.$e
    if (element === undefined) throw wrong('the address of this element is not known')
    return inside(addIndex(x.$a, integerIndex(place) * element.size), element)
  }

  const inside = (a, type) =>
    type !== null && (type.k === 'struct' || type.k === 'array') ? type.mk(a) : makeUntyped(a)

  // --- stack ---------------------------------------------------------------------------------

  function local(type, previous) {
    const size = type.size
    if (!(size > 0)) throw wrong('local needs a type of known size')
    let a
    if (previous !== null && previous !== undefined && previous.$z >= size) a = previous.$a
    else {
      a = (M[WORD.stack] - size) & -16
      if (a < M[WORD.stackLimit]) {
        if (kit.now.user) raise(STATUS_STACK_OVERFLOW)
        frames.failed('stack', `${size} more bytes do not fit on the kernel stack`)
      }
      M[WORD.stack] = a
    }
    memory.clear(a, size)
    const view =
      type.k === 'struct' || type.k === 'array' ? type.mk(a) : types.makeArray(type)(a, 1)
    view.$z = size
    return view
  }

  // --- exceptions ----------------------------------------------------------------------------

  function caught(error) {
    if (isNt(error)) return
    // What ends the run must not be handled, nor cleaned up after.
    if (frames.asException(error) === 0) kit.now.alive = false
    throw error
  }

  // --- arithmetic ----------------------------------------------------------------------------

  function divide(a, b) {
    if (typeof b === 'bigint') {
      if (b === 0n) raise(STATUS_INTEGER_DIVIDE_BY_ZERO)
      return a / b
    }
    if (b === 0) raise(STATUS_INTEGER_DIVIDE_BY_ZERO)
    // `|| 0`: there is no negative zero among integers.
    return trunc(a / b) || 0
  }

  function remainder(a, b) {
    // eslint-disable-next-line eqeqeq -- 0 or 0n
    if (b == 0) raise(STATUS_INTEGER_DIVIDE_BY_ZERO)
    const result = a % b
    return result === 0 ? 0 : result
  }

  function shiftRight(a, b) {
    if (typeof a === 'bigint') return a >> BigInt(b)
    return a >= 0x8000_0000 ? a >>> toNumber(b) : a >> toNumber(b)
  }

  function bits(op, a, b) {
    if (typeof a === 'bigint' || typeof b === 'bigint') {
      const x = big(a)
      if (op === '~') return ~x
      const y = big(b)
      switch (op) {
        case '&':
          return x & y
        case '|':
          return x | y
        case '^':
          return x ^ y
        default:
          // Wider than any integer type: nothing of the value would be left.
          return y > 127n || y < 0n ? 0n : x << y
      }
    }
    switch (op) {
      case '&':
        return (a & b) >>> 0
      case '|':
        return (a | b) >>> 0
      case '^':
        return (a ^ b) >>> 0
      case '~':
        return ~a >>> 0
      default:
        return (a << b) >>> 0
    }
  }

  function number(x) {
    if (typeof x === 'number') return x
    if (typeof x === 'bigint') return toNumber(x)
    if (typeof x === 'boolean') return x ? 1 : 0
    throw wrong('a number is needed here')
  }

  function big(x) {
    if (typeof x === 'bigint') return x
    if (typeof x === 'number') return BigInt(trunc(x))
    if (typeof x === 'boolean') return x ? 1n : 0n
    throw wrong('an integer is needed here')
  }

  // --- helpers of the language ---------------------------------------------------------------

  function pointerValue(value) {
    if (typeof value === 'bigint') return indexOf(value)
    if (typeof value === 'number') return indexOf(BigInt(trunc(value)))
    return value?.$a ?? indexOfPointer(value, false)
  }

  function cast(type, value) {
    if (type.k === 'scalar') return convert(type.access, value)
    const a = pointerValue(value)
    if (a === 0) return null
    return type.k === 'function' ? functions.functionAt(a) : type.mk(a)
  }

  function sizeOf(x) {
    if (x === null || x === undefined) throw wrong('NULL has no size')
    if (x.k !== undefined && x.size !== undefined) return x.size
    if (x.$t !== undefined) return x.$t.size
    if (x.$e !== undefined && x.$n !== undefined) return x.$e.size * x.$n
    throw wrong('the size of what this points at is not known')
  }

  const lang = freeze({
    __proto__: null,
    array: (type, count) => types.arrayType(type, count),
    pointer: (type) => types.pointerType(type),
    sizeof: sizeOf,
    offsetof: (type, path) => locate(type, `${path}`).offset,
    cast,
    CONTAINING_RECORD(p, type, path) {
      const a = addIndex(p?.$a ?? indexOfPointer(p, false), -locate(type, `${path}`).offset)
      return a === 0 ? null : type.mk(a)
    },
    RTL_CONSTANT_STRING: (text) => types.struct('UNICODE_STRING').mk(intern(`${text}`, 2)),
    CTL_CODE: (type, f, m, access) => ((type << 16) | (access << 14) | (f << 2) | m) >>> 0,
  })

  // --- routines ------------------------------------------------------------------------------

  const made = { __proto__: null }
  function ddi(name) {
    let stub = made[name]
    if (stub === undefined) {
      const make = stubs[name]
      if (make === undefined) throw wrong(`there is no routine ${name}`)
      stub = made[name] = make()
    }
    return stub
  }

  /** The runtime of one load of a module set; `owner` says whose functions it makes. */
  return function runtime(owner) {
    /** Views of address 0 of the structures that this code declared. */
    const nulls = { __proto__: null }
    function struct(name, fields) {
      const type = types.declare(`${name}`, fields)
      nulls[name] = type.mk(0)
      return type
    }
    return freeze({
      __proto__: null,
      $ddi: ddi,
      $type: typeOf,
      $lang: freeze({ __proto__: null, ...lang, struct }),
      $live: (exports, name, get) => defineProperty(exports, name, { get, enumerable: true }),
      $S: S,
      $Q: N.LOOP_QUANTUM,
      $P: kit.points,
      $call: call,
      $method: method,
      $f(id, f) {
        f.$i = owner.functionBase + id
        return f
      },
      $null: (name) => nulls[name] ?? types.nullView(name),
      $get: get,
      $set: set,
      $eq: equal,
      $addr: address,
      $local: local,
      $enter: () => M[WORD.stack],
      $leave(position) {
        M[WORD.stack] = position
      },
      $out: (value) => ({ __proto__: frames.outs, value }),
      $catch: caught,
      $code: (error) => error.code,
      $alive: () => kit.now.alive,
      $div: divide,
      $mod: remainder,
      $shr: shiftRight,
      $bit: bits,
      $imul: imul,
      $i64: kit.toInt64,
      $u64: kit.toUint64,
      $num: number,
      $big: big,
    })
  }
}
