/**
 * Runs compiled driver code in plain Node, without a sandbox and without a kernel: enough of
 * runtime-names.ts to see that the transformation keeps the order and the meaning of things.
 * Memory is one small buffer; routines are functions that the test gives.
 */
import { runInThisContext } from 'node:vm'
import { LAYOUTS, type StructName } from '../../../shared/nt/layout'
import type { CompiledProgram } from '../compiled'
import { fieldAccess, scalarSize, TYPE_VALUES, type ScalarAccess } from '../types/c-types'

/** An NT exception as driver code sees it. */
export class NtError {
  constructor(readonly code: number) {}
}

/** The access that a NULL pointer made. */
export class Fault {
  constructor(readonly address: number) {}
}

type Value = unknown
type Body = Generator<number | undefined, Value, Value>
/** A routine: `answer` is its result; `suspend` lets it come through a resume. */
export interface Answer {
  value?: Value
  suspend?: boolean
  raise?: number
}
export type Routine = (...args: Value[]) => Answer | Value

const SUSPENDED = Symbol('suspended')
const BASE = 0x1000

type Type =
  | { k: 'scalar'; access: ScalarAccess; size: number }
  | { k: 'struct'; size: number; align: number; name: string; fields: Field[] }
  | { k: 'pointer'; size: 8; to: Type | null }
  | { k: 'array'; size: number; of: Type; count: number }
  | { k: 'function'; size: 8 }

interface Field {
  path: string
  offset: number
  type: Type
}

const alignOf = (type: Type): number =>
  type.k === 'struct' ? type.align : type.k === 'array' ? alignOf(type.of) : type.size

interface View {
  $a: number
  $t?: Type
  $g?: (i: number) => Value
  $s?: (i: number, value: Value) => Value
  [field: string]: Value
}

export class FakeRuntime {
  readonly memory = new DataView(new ArrayBuffer(0x10000))
  /** Location ids at which loops gave way. */
  readonly loops: number[] = []
  /** Location id of each routine call, in order. */
  readonly calls: { name: string; location: number; args: Value[] }[] = []
  readonly functions = new Map<unknown, number>()
  quantum = 2000
  private alive = true
  private stack = 0x8000
  private pending: Answer = {}
  private readonly objects: unknown[] = [null]
  private readonly types = new Map<string, Type>()

  constructor(private readonly routines: Readonly<Record<string, Routine>> = {}) {}

  // --- types and views ---------------------------------------------------------------------------

  private typeNamed(name: string): Type {
    let type = this.types.get(name)
    if (type) return type
    const value = TYPE_VALUES.get(name)
    switch (value?.k) {
      case 'scalar':
        type = { k: 'scalar', access: value.access, size: scalarSize(value.access) }
        break
      case 'struct':
        type = this.structOf(value.name)
        break
      case 'function':
        type = { k: 'function', size: 8 }
        break
      default:
        type = { k: 'pointer', size: 8, to: null }
        this.types.set(name, type)
        if (value?.k === 'pointer' && value.to !== null) type.to = this.typeNamed(value.to)
    }
    this.types.set(name, type)
    return type
  }

  private structOf(name: StructName): Type {
    const { size, align, fields } = LAYOUTS[name]
    const type: Type = { k: 'struct', size, align, name, fields: [] }
    this.types.set(name, type)
    for (const field of fields) {
      if (field.bitWidth !== undefined) continue
      const access = fieldAccess(field)
      const one: Type =
        access.k === 'scalar'
          ? { k: 'scalar', access: access.access, size: scalarSize(access.access) }
          : access.k === 'struct'
            ? this.typeNamed(access.name)
            : access.k === 'function'
              ? { k: 'function', size: 8 }
              : { k: 'pointer', size: 8, to: access.to === null ? null : this.typeNamed(access.to) }
      const count = field.count
      const whole: Type =
        count === undefined ? one : { k: 'array', size: one.size * count, of: one, count }
      type.fields.push({ path: field.path, offset: field.offset, type: whole })
    }
    return type
  }

  private check(address: number): void {
    if (address < BASE) throw new Fault(address)
  }

  private read(address: number, type: Type): Value {
    if (type.k === 'struct') return this.view(address, type)
    if (type.k === 'array') return this.arrayView(address, type.of, type.count)
    this.check(address)
    const m = this.memory
    if (type.k === 'function') return this.objects[m.getInt32(address, true)]
    if (type.k === 'pointer') {
      const target = m.getInt32(address, true)
      return target === 0 ? null : this.pointer(target, type.to)
    }
    switch (type.access) {
      case 'u8':
      case 'bool':
        return m.getUint8(address)
      case 'i8':
        return m.getInt8(address)
      case 'u16':
        return m.getUint16(address, true)
      case 'i16':
        return m.getInt16(address, true)
      case 'u32':
        return m.getUint32(address, true)
      case 'i32':
        return m.getInt32(address, true)
      case 'u64':
        return m.getBigUint64(address, true)
      case 'i64':
        return m.getBigInt64(address, true)
      case 'handle':
        return Number(m.getBigInt64(address, true))
    }
  }

  private write(address: number, type: Type, value: Value): void {
    if (type.k === 'struct' || type.k === 'array') throw new TypeError('not assignable')
    this.check(address)
    const m = this.memory
    if (type.k === 'function') {
      let index = this.objects.indexOf(value)
      if (index < 0) index = this.objects.push(value) - 1
      m.setInt32(address, index, true)
    } else if (type.k === 'pointer')
      m.setInt32(address, value === null ? 0 : (value as View).$a, true)
    else if (type.size === 8) m.setBigInt64(address, BigInt(value as number | bigint), true)
    else if (type.size === 1) m.setUint8(address, Number(value))
    else if (type.size === 2) m.setUint16(address, Number(value), true)
    else m.setUint32(address, Number(value), true)
  }

  private pointer(address: number, to: Type | null): View {
    if (to?.k === 'struct') return this.view(address, to)
    return to === null ? this.basic(address) : this.arrayView(address, to, undefined)
  }

  private basic(address: number): View {
    const view: View = {
      $a: address,
      add: (bytes: number) => this.basic(address + Number(bytes)),
      [Symbol.toPrimitive]: () => {
        throw new TypeError('a pointer is no primitive value')
      },
    }
    for (const [name, access] of Object.entries({
      u8: 'u8',
      u16: 'u16',
      u32: 'u32',
      u64: 'u64',
    } as const))
      Object.defineProperty(view, name, {
        get: () =>
          this.arrayView(address, { k: 'scalar', access, size: scalarSize(access) }, undefined),
      })
    return view
  }

  private arrayView(address: number, of: Type, count: number | undefined): View {
    const view = this.basic(address)
    view.$g = (i) => this.read(address + i * of.size, of)
    view.$s = (i, value) => {
      this.write(address + i * of.size, of, value)
      return value
    }
    if (count !== undefined) view['length'] = count
    return view
  }

  private view(address: number, type: Type & { k: 'struct' }): View {
    const view = this.basic(address)
    view.$t = type
    const define = (path: string, offset: number, inner: Type): void => {
      Object.defineProperty(view, path.replaceAll('.', '$'), {
        configurable: true,
        get: () => this.read(address + offset, inner),
        set: (value: Value) => this.write(address + offset, inner, value),
      })
      if (inner.k === 'struct')
        for (const each of inner.fields)
          define(`${path}.${each.path}`, offset + each.offset, each.type)
    }
    for (const { path, offset, type: inner } of type.fields) {
      define(path, offset, inner)
      this.group(view, path, address + offset, inner)
    }
    return view
  }

  /** `Tail.Overlay.Thread` by nested objects. */
  private group(view: View, path: string, address: number, type: Type): void {
    const parts = path.split('.')
    let level = view as Record<string, Value>
    for (const part of parts.slice(0, -1)) level = (level[part] ??= {}) as Record<string, Value>
    if (parts.length > 1)
      Object.defineProperty(level, parts.at(-1) ?? '', {
        configurable: true,
        get: () => this.read(address, type),
        set: (value: Value) => this.write(address, type, value),
      })
  }

  private locate(type: Type | undefined, path: string): { offset: number; type: Type } {
    if (type?.k !== 'struct') throw new TypeError(`no field ${path}`)
    for (const field of type.fields) {
      if (field.path === path) return field
      if (!path.startsWith(`${field.path}.`)) continue
      const inner = this.locate(field.type, path.slice(field.path.length + 1))
      return { offset: field.offset + inner.offset, type: inner.type }
    }
    throw new TypeError(`no field ${path}`)
  }

  /** Zeroed memory of a type, as an argument for a routine of the driver. */
  make(name: string): View {
    return this.local(this.typeNamed(name), undefined)
  }

  private local(type: Type, previous: View | undefined): View {
    if (!previous) this.stack = (this.stack - type.size) & -16
    const address = previous?.$a ?? this.stack
    new Uint8Array(this.memory.buffer, address, type.size).fill(0)
    const view =
      type.k === 'struct'
        ? this.view(address, type)
        : this.arrayView(address, type.k === 'array' ? type.of : type, 1)
    return view
  }

  // --- what compiled code sees ---------------------------------------------------------------------

  private stub(name: string): (location: number, ...args: Value[]) => Value {
    return (location, ...args) => {
      this.calls.push({ name, location, args })
      const given = this.routines[name]?.(...args)
      const answer: Answer =
        typeof given === 'object' && given !== null && ('value' in given || 'raise' in given)
          ? (given as Answer)
          : { value: given }
      if (answer.suspend) {
        this.pending = answer
        return SUSPENDED
      }
      if (answer.raise !== undefined) throw new NtError(answer.raise)
      return answer.value
    }
  }

  /** The `$rt` of a module. */
  names(): Record<string, Value> {
    const { functions } = this
    const stubs = new Map<string, Value>()
    return {
      $S: SUSPENDED,
      $Q: this.quantum,
      $P: new Int32Array(1),
      $ddi: (name: string) => {
        if (!stubs.has(name)) stubs.set(name, this.stub(name))
        return stubs.get(name)
      },
      $type: (name: string) => this.typeNamed(name),
      $live: (target: object, name: string, get: () => Value) =>
        Object.defineProperty(target, name, { get }),
      *$call(location: number, f: Value, args: Value[]): Body {
        if (f === null) throw new Fault(0)
        if (typeof f !== 'function') throw new TypeError('not a function')
        if (functions.has(f)) return yield* (f as (...args: Value[]) => Body)(...args)
        const result = (f as (...args: Value[]) => Value)(location, ...args)
        return result === SUSPENDED ? yield undefined : result
      },
      *$method(_location: number, object: Value, name: string, args: Value[]): Body {
        const f = (object as Record<string, Value>)[name]
        if (functions.has(f)) return yield* (f as (...args: Value[]) => Body)(...args)
        return (f as (...args: Value[]) => Value).apply(object, args)
      },
      $f: (id: number, f: Value) => {
        this.functions.set(f, id)
        return f
      },
      $null: (name: string) => {
        if (name.startsWith('*'))
          return this.arrayView(
            0,
            { k: 'scalar', access: 'u8', size: Number(name.slice(1)) as 1 },
            undefined,
          )
        const type =
          this.types.get(name) ?? (TYPE_VALUES.has(name) ? this.typeNamed(name) : undefined)
        return type?.k === 'struct' ? this.view(0, type) : this.basic(0)
      },
      $get: (x: View | Value[], i: number) => (Array.isArray(x) ? x[i] : x.$g?.(i)),
      $set: (x: View | Value[], i: number, value: Value) =>
        Array.isArray(x) ? (x[i] = value) : x.$s?.(i, value),
      $eq(a: Value, b: Value) {
        const address = (value: Value): Value =>
          typeof value === 'object' && value !== null ? (value as View).$a : value
        const [left, right] = [address(a ?? null), address(b ?? null)]
        // eslint-disable-next-line eqeqeq -- numbers, bigints and booleans compare by value
        return left === right || (left !== null && right !== null && left == right)
      },
      $addr: (x: View, place: string | number) => {
        if (typeof place === 'number') return this.basic(x.$a + place)
        return this.basic(x.$a + this.locate(x.$t, place).offset)
      },
      $local: (type: Type, previous: View | undefined) => this.local(type, previous),
      $enter: () => this.stack,
      $leave: (position: number) => {
        this.stack = position
      },
      $out: (value: Value) => ({ value }),
      $catch: (error: Value) => {
        if (error instanceof NtError) return
        this.alive = false
        throw error
      },
      $code: (error: NtError) => error.code,
      $alive: () => this.alive,
      $div: (a: number | bigint, b: number | bigint) => {
        if (typeof a === 'bigint' && typeof b === 'bigint') {
          if (b === 0n) throw new NtError(0xc0000094)
          return a / b
        }
        if (b === 0) throw new NtError(0xc0000094)
        return Math.trunc(Number(a) / Number(b)) || 0
      },
      $mod: (a: number | bigint, b: number | bigint) => {
        if (!b) throw new NtError(0xc0000094)
        if (typeof a === 'bigint' && typeof b === 'bigint') return a % b
        return Number(a) % Number(b) || 0
      },
      $shr: (a: number, b: number) =>
        typeof a === 'bigint' ? a >> BigInt(b) : a >= 0x8000_0000 ? a >>> b : a >> b,
      $bit: (op: string, a: number, b: number) => {
        if (typeof a === 'bigint' && typeof b === 'bigint')
          return op === '&' ? a & b : op === '|' ? a | b : op === '^' ? a ^ b : a << b
        if (op === '~') return typeof a === 'bigint' ? ~a : ~a >>> 0
        return (op === '&' ? a & b : op === '|' ? a | b : op === '^' ? a ^ b : a << b) >>> 0
      },
      $imul: Math.imul,
      $i64: (x: bigint) => BigInt.asIntN(64, x),
      $u64: (x: bigint) => BigInt.asUintN(64, x),
      $num: Number,
      $big: (x: number | bigint) => BigInt(x),
      $lang: this.helpers(),
    }
  }

  private helpers(): Record<string, Value> {
    const addressOf = (value: View | null): number => value?.$a ?? 0
    return {
      struct: (name: string, fields: Record<string, Type>) => {
        const type: Type = { k: 'struct', size: 0, align: 1, name, fields: [] }
        for (const [path, inner] of Object.entries(fields)) {
          const align = alignOf(inner)
          const offset = Math.ceil(type.size / align) * align
          type.fields.push({ path, offset, type: inner })
          type.size = offset + inner.size
          type.align = Math.max(type.align, align)
        }
        type.size = Math.ceil(type.size / type.align) * type.align
        this.types.set(name, type)
        return type
      },
      array: (of: Type, count: number): Type => ({ k: 'array', size: of.size * count, of, count }),
      pointer: (to: Type): Type => ({ k: 'pointer', size: 8, to }),
      sizeof: (x: Type | View) => ('$a' in x ? (x.$t as Type).size : x.size),
      offsetof: (type: Type, path: string) => this.locate(type, path).offset,
      cast: (type: Type, value: View | bigint | number | null) => {
        if (type.k === 'scalar') {
          const wide = typeof value === 'object' ? BigInt(addressOf(value)) : BigInt(value)
          if (type.size === 8)
            return type.access === 'i64' ? BigInt.asIntN(64, wide) : BigInt.asUintN(64, wide)
          const bits = type.size * 8
          return Number(
            type.access.startsWith('i') ? BigInt.asIntN(bits, wide) : BigInt.asUintN(bits, wide),
          )
        }
        const address = typeof value === 'object' ? addressOf(value) : Number(value)
        if (address === 0) return null
        return type.k === 'pointer' ? this.pointer(address, type.to) : this.read(address, type)
      },
      CONTAINING_RECORD: (p: View | null, type: Type, path: string) =>
        this.read(addressOf(p) - this.locate(type, path).offset, type),
      RTL_CONSTANT_STRING: (text: string) => text,
      CTL_CODE: (type: number, code: number, method: number, access: number) =>
        ((type << 16) | (access << 14) | (code << 2) | method) >>> 0,
    }
  }

  // --- running -------------------------------------------------------------------------------------

  /** Evaluate the modules of an entry; gives the exports of the entry file. */
  load(program: CompiledProgram, entry = 0): Record<string, (...args: Value[]) => Value> {
    const modules = program.entries[entry]?.modules ?? []
    const exports = new Map<string, Record<string, Value>>(modules.map(({ file }) => [file, {}]))
    const names = this.names()
    for (const { file, code, imports } of modules) {
      const module = runInThisContext(code, { filename: file }) as (...args: Value[]) => void
      module(
        names,
        imports.map((each) => exports.get(each)),
        exports.get(file),
      )
    }
    return exports.get(modules.at(-1)?.file ?? '') as Record<string, (...args: Value[]) => Value>
  }

  /** Run a compiled function to its end, answering what it asks. */
  run(f: ((...args: Value[]) => Value) | undefined, ...args: Value[]): Value {
    const body = f?.(...args)
    if (typeof body !== 'object' || body === null || !('next' in body)) return body
    const generator = body as Body
    let step = generator.next()
    while (!step.done) {
      if (typeof step.value === 'number') {
        this.loops.push(step.value)
        step = generator.next()
      } else if (this.pending.raise !== undefined)
        step = generator.throw(new NtError(this.pending.raise))
      else step = generator.next(this.pending.value)
    }
    return step.value
  }
}
