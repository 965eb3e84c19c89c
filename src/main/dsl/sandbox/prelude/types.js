/**
 * Types as values and views of memory.
 *
 * A type is `{ k, name, size, align, get, set, field, mk }`: `get(index)` and `set(index, value)`
 * read and write a value of it, `field(offset)` is a property of a view, `mk(index)` makes the view
 * that a pointer to it is. A view is an object with `$a` (memory index) and a prototype per type.
 * Structures are made when first looked at: most runs need a dozen of them.
 */
export function makeTypes(kit, memory, functions, tables) {
  const { wrong, addIndex, addressOf, split, join, toInt64, toUint64 } = kit
  const { scalars, readPointer, writePointer, pointerField, copy } = memory
  const { defineProperty, freeze } = Object
  const { structs, values } = tables
  const parse = JSON.parse
  const { asIntN } = BigInt
  const toNumber = Number

  const define = (target, name, property) => {
    property.configurable = true
    defineProperty(target, name, property)
  }
  const hidden = (target, name, value) => defineProperty(target, name, { value })

  // --- what every view has -------------------------------------------------------------------

  function primitive() {
    throw wrong('a pointer is no number or text here; cast(ULONG_PTR, p) gives its address')
  }

  const view = { __proto__: null }
  hidden(view, 'valueOf', primitive)
  hidden(view, 'toString', primitive)
  hidden(view, Symbol.toPrimitive, primitive)
  hidden(view, 'add', function (bytes) {
    const a = addIndex(this.$a, bytes)
    return a === 0 ? null : { __proto__: untyped, $a: a }
  })

  /** PVOID. */
  const untyped = { __proto__: view }
  const makeUntyped = (a) => ({ __proto__: untyped, $a: a })

  // --- scalars and arrays --------------------------------------------------------------------

  const scalarTypes = { __proto__: null }
  for (const access in scalars) {
    const { size, get, set, field, element } = scalars[access]
    scalarTypes[access] = freeze({
      k: 'scalar',
      name: access,
      access,
      size,
      align: size,
      get,
      set,
      field,
      element,
    })
  }

  const arrayProtos = new Map()

  /** Prototype of views of any number of `type`s in a row. */
  function arrayProto(type) {
    let proto = arrayProtos.get(type)
    if (proto) return proto
    proto = { __proto__: view }
    const { size, get, set, element } = type
    hidden(proto, '$e', type)
    hidden(
      proto,
      '$g',
      element
        ? element.get
        : function (i) {
            return get(addIndex(this.$a, i * size))
          },
    )
    hidden(
      proto,
      '$s',
      element
        ? element.set
        : function (i, value) {
            set(addIndex(this.$a, i * size), value)
            return value
          },
    )
    define(proto, 'length', {
      get() {
        return this.$n
      },
    })
    arrayProtos.set(type, freeze(proto))
    return proto
  }

  /** View of a pointer to values of a type, or of an array when `n` is given. */
  const makeArray = (type) => {
    const proto = arrayProto(type)
    return (a, n) => ({ __proto__: proto, $a: a, $n: n })
  }

  for (const [name, cache, access] of [
    ['u8', '$1', 'u8'],
    ['u16', '$2', 'u16'],
    ['u32', '$4', 'u32'],
    ['u64', '$8', 'u64'],
  ]) {
    const mk = makeArray(scalarTypes[access])
    define(view, name, {
      get() {
        // Kept, because bytes are mostly read in loops.
        return this[cache] ?? (this[cache] = mk(this.$a, undefined))
      },
    })
  }
  freeze(view)
  freeze(untyped)

  function arrayType(element, count) {
    const n = count >>> 0
    if (n === 0 || n !== count || !(n * element.size <= 0x1000_0000))
      throw wrong('the length of an array is a positive number of reasonable size')
    const make = makeArray(element)
    const mk = (a) => make(a, n)
    return freeze({
      k: 'array',
      name: `${element.name}[${n}]`,
      size: element.size * n,
      align: element.align,
      element,
      count: n,
      mk,
      get: mk,
      set: noWhole,
      field: embedded(mk),
    })
  }

  function noWhole() {
    throw wrong('an array or structure cannot be assigned as a whole; copy it with RtlCopyMemory')
  }

  /** Property for something that lies inside the structure: reading gives a view of it. */
  function embedded(mk, assign = noWhole) {
    return (offset) => ({
      get() {
        return mk(this.$a + offset)
      },
      set(value) {
        assign(this.$a + offset, value)
      },
    })
  }

  // --- pointers ------------------------------------------------------------------------------

  /** Pointer type; `protoOf()` is the prototype of views of its target. `wide`: a string becomes UTF-16. */
  function pointerTo(name, protoOf, wide) {
    const { indexOfPointer } = functions
    const indexOf = (value) => indexOfPointer(value, wide)
    const mk = (a) => ({ __proto__: protoOf(), $a: a })
    const get = (o) => {
      const a = readPointer(o)
      return a === 0 ? null : mk(a)
    }
    const set = (o, value) => writePointer(o, value?.$a ?? indexOf(value))
    const field = pointerField(protoOf, indexOf)
    return freeze({ k: 'pointer', name, size: 8, align: 8, protoOf, mk, get, set, field })
  }

  function functionType(name) {
    const { functionAt, indexOfPointer } = functions
    const get = (o) => {
      const a = readPointer(o)
      return a === 0 ? null : functionAt(a)
    }
    const set = (o, value) => writePointer(o, value?.$a ?? indexOfPointer(value, false))
    return freeze({
      k: 'function',
      name,
      size: 8,
      align: 8,
      get,
      set,
      field: (offset) => ({
        get() {
          return get(this.$a + offset)
        },
        set(value) {
          set(this.$a + offset, value)
        },
      }),
    })
  }

  const untypedPointer = pointerTo('PVOID', () => untyped, false)

  // --- structures ----------------------------------------------------------------------------

  /**
   * A structure from its fields `[path, offset, type, bitOffset?, bitWidth?]`. Fields of embedded
   * structures get a property of their own as well, `IoStatus$Status`, which saves a view.
   */
  function structType(name, size, align, fields, isUser) {
    const flat = new Map()
    const groups = new Map()
    for (const [path, offset, type, bit, width] of fields) {
      const joined = join(split(path, '.'), '$')
      if (!flat.has(joined)) flat.set(joined, [offset, type, bit, width])
      for (let dot = path.indexOf('.'); dot > 0; dot = path.indexOf('.', dot + 1)) {
        const group = path.slice(0, dot)
        groups.set(
          group,
          groups.has(group) && groups.get(group) < offset ? groups.get(group) : offset,
        )
      }
    }
    let proto = null
    const build = () => {
      proto = { __proto__: view }
      hidden(proto, '$t', type)
      for (const [joined, [offset, leaf, bit, width]] of isUser ? flat : deep(flat))
        define(proto, joined, property(leaf, offset, bit, width))
      for (const [path, start] of groups)
        if (!path.includes('.')) define(proto, path, group(path, start))
      freeze(proto)
      return proto
    }
    /** `Irp.Tail`: the anonymous structure as a view of its own. */
    const group = (path, start, outer = 0) => {
      let groupProto = null
      const prefix = `${path}.`
      const make = (a) => {
        if (groupProto === null) {
          groupProto = { __proto__: view }
          for (const [field, offset, leaf, bit, width] of fields) {
            if (!field.startsWith(prefix)) continue
            const rest = field.slice(prefix.length)
            if (!rest.includes('.'))
              define(groupProto, rest, property(leaf, offset - start, bit, width))
          }
          for (const [inner, innerStart] of groups) {
            const rest = inner.slice(prefix.length)
            if (inner.startsWith(prefix) && !rest.includes('.'))
              define(groupProto, rest, group(inner, innerStart, start))
          }
          freeze(groupProto)
        }
        return { __proto__: groupProto, $a: a }
      }
      return embedded(make)(start - outer)
    }
    const protoOf = () => proto ?? build()
    const mk = (a) => ({ __proto__: proto ?? build(), $a: a })
    const assign =
      name === 'LARGE_INTEGER'
        ? (o, value) => {
            if (typeof value === 'bigint' || typeof value === 'number') scalars.i64.set(o, value)
            else copy(o, sourceOf(value), 8)
          }
        : (o, value) => copy(o, sourceOf(value), size)
    const type = freeze({
      k: 'struct',
      name,
      size,
      align,
      protoOf,
      mk,
      get: mk,
      set: assign,
      field: embedded(mk, assign),
      flat: () => flat,
      groups,
    })
    return type
  }

  /** Fields with those of embedded structures, under joined names. */
  function deep(flat) {
    const all = []
    for (const entry of flat) {
      all.push(entry)
      const [joined, [offset, type]] = entry
      if (type.k !== 'struct') continue
      for (const [path, [at, leaf, bit, width]] of deep(type.flat()))
        all.push([`${joined}$${path}`, [offset + at, leaf, bit, width]])
    }
    return all
  }

  function sourceOf(value) {
    const a = value?.$a
    if (a === undefined) throw wrong('only a structure can be assigned to a structure')
    return a
  }

  function property(type, offset, bit, width) {
    return bit === undefined || bit === null
      ? type.field(offset)
      : bitField(type, offset, bit, width)
  }

  function bitField(unit, offset, bit, width) {
    if (unit.size < 8) {
      const mask = width === 32 ? -1 : (1 << width) - 1
      return {
        get() {
          return ((unit.get(this.$a + offset) >>> bit) & mask) >>> 0
        },
        set(value) {
          const o = this.$a + offset
          unit.set(o, (unit.get(o) & ~(mask << bit)) | ((value & mask) << bit))
        },
      }
    }
    const signed = unit.access === 'i64'
    const shift = BigInt(bit)
    const mask = (1n << BigInt(width)) - 1n
    return {
      get() {
        const raw = (toUint64(unit.get(this.$a + offset)) >> shift) & mask
        return signed ? asIntN(width, raw) : raw
      },
      set(value) {
        const o = this.$a + offset
        const rest = toUint64(unit.get(o)) & ~(mask << shift)
        unit.set(o, rest | ((BigInt(value) & mask) << shift))
      },
    }
  }

  // --- by name -------------------------------------------------------------------------------

  const structTypes = { __proto__: null }

  /** Structure of shared/nt. */
  function struct(name) {
    let type = structTypes[name]
    if (type === undefined) {
      const text = structs[name]
      if (text === undefined) throw wrong(`there is no structure ${name}`)
      const [size, align, fields] = parse(text)
      const list = []
      for (const [path, offset, spec, count, bit, width] of fields) {
        const element = bySpec(spec)
        list.push([path, offset, count ? arrayType(element, count) : element, bit, width])
      }
      type = structTypes[name] = structType(name, size, align, list, false)
    }
    return type
  }

  const specs = new Map()

  /** Type by a spec of the tables: `s:u32`, `S:IRP`, `P:IRP`, `P:WCHAR`, `P:`, `F:DRIVER_DISPATCH`, `O:EPROCESS`. */
  function bySpec(spec) {
    let type = specs.get(spec)
    if (type === undefined) specs.set(spec, (type = fromSpec(spec[0], spec.slice(2))))
    return type
  }

  function fromSpec(kind, name) {
    switch (kind) {
      case 's':
        return scalarTypes[name]
      case 'S':
        return struct(name)
      case 'F':
        return functionType(name)
      case 'O':
        return freeze({
          k: 'struct',
          name,
          size: 0,
          align: 1,
          protoOf: () => untyped,
          mk: makeUntyped,
          get: makeUntyped,
          set: noWhole,
          field: embedded(makeUntyped),
          flat: () => new Map(),
          groups: new Map(),
        })
      default: {
        if (name === '') return untypedPointer
        const target = values[name]
        if (target !== undefined && target[0] === 's')
          return pointerTo(`P${name}`, () => arrayProto(bySpec(target)), name === 'WCHAR')
        return target !== undefined && target[0] === 'S'
          ? pointerTo(`P${name}`, () => struct(target.slice(2)).protoOf(), false)
          : untypedPointer
      }
    }
  }

  /** Type by the name that it has in driver code. */
  function typeOf(name) {
    const spec = values[name]
    if (typeof spec !== 'string') throw wrong(`there is no type ${name}`)
    return bySpec(spec)
  }

  // --- own structures ------------------------------------------------------------------------

  const up = (offset, align) => Math.ceil(offset / align) * align

  function declare(name, declared) {
    const fields = []
    let offset = 0
    let align = 1
    for (const field in declared) {
      const type = declared[field]
      if (type === null || typeof type !== 'object' || !(type.size > 0))
        throw wrong(`${name}.${field}: a field needs a type of known size`)
      offset = up(offset, type.align)
      fields.push([field, offset, type])
      offset += type.size
      if (type.align > align) align = type.align
    }
    return structType(name, up(offset, align) || 1, align, fields, true)
  }

  function pointerType(type) {
    if (type.k === 'struct') return pointerTo(`P${type.name}`, type.protoOf, false)
    return pointerTo(`P${type.name}`, () => arrayProto(type), type.access === 'u16')
  }

  /** Offset and type of `Field.Inner[2]`; throws when there is none. */
  function locate(type, path) {
    let offset = 0
    let at = type
    let rest = path
    while (rest !== '') {
      const found = step(at, rest)
      if (found === null) throw wrong(`${type.name} has no field ${path}`)
      offset += found.offset
      at = found.type
      rest = found.rest
    }
    return { offset, type: at }
  }

  function step(type, path) {
    if (type === null || type.k !== 'struct') return null
    const parts = split(path, '.')
    for (let n = parts.length; n > 0; n--) {
      const head = parts.slice(0, n)
      let last = head[n - 1]
      let index = -1
      const bracket = last.indexOf('[')
      if (bracket > 0 && last.endsWith(']')) {
        index = toNumber(last.slice(bracket + 1, -1))
        last = last.slice(0, bracket)
        head[n - 1] = last
      }
      const rest = parts.slice(n).join('.')
      const entry = type.flat().get(head.join('$'))
      if (entry !== undefined) {
        let [offset, inner] = entry
        if (index >= 0) {
          if (inner.k !== 'array') return null
          inner = inner.element
          offset += index * inner.size
        }
        return { offset, type: inner, rest }
      }
      if (rest === '' && type.groups.has(head.join('.')))
        return { offset: type.groups.get(head.join('.')), type: null, rest }
    }
    return null
  }

  /** The null view of a name as `$null` takes it. */
  const nulls = { __proto__: null }
  function nullView(name) {
    let result = nulls[name]
    if (result === undefined) {
      if (name === '') result = makeUntyped(0)
      else if (name[0] === '*')
        result = makeArray(
          scalarTypes[{ __proto__: null, 1: 'u8', 2: 'u16', 4: 'u32', 8: 'u64' }[name[1]]],
        )(0, undefined)
      else {
        const type = typeOf(name)
        result = (type.mk ?? makeUntyped)(0)
      }
      nulls[name] = result
    }
    return result
  }

  /** Integer of an access, of a number, bigint, boolean or the address of a pointer. */
  function convert(access, value) {
    let wide
    if (typeof value === 'number') {
      switch (access) {
        case 'u32':
          return value >>> 0
        case 'i32':
          return value | 0
        case 'u8':
          return value & 0xff
        case 'u16':
          return value & 0xffff
        case 'i8':
          return (value << 24) >> 24
        case 'i16':
          return (value << 16) >> 16
        case 'bool':
          return value === 0 ? 0 : 1
        case 'handle':
          return value
      }
      wide = BigInt(Math.trunc(value))
    } else if (typeof value === 'bigint') wide = value
    else if (value === true) wide = 1n
    else if (value === false || value === null || value === undefined) wide = 0n
    else wide = addressOf(value.$a ?? functions.indexOfPointer(value, false))
    switch (access) {
      case 'u64':
        return toUint64(wide)
      case 'i64':
        return toInt64(wide)
      case 'handle':
        return toNumber(toInt64(wide))
      case 'bool':
        return wide === 0n ? 0 : 1
      default:
        return convert(access, toNumber(asIntN(32, wide)))
    }
  }

  return {
    view,
    untyped,
    makeUntyped,
    makeArray,
    scalarTypes,
    struct,
    typeOf,
    bySpec,
    arrayType,
    pointerType,
    declare,
    locate,
    nullView,
    convert,
  }
}
