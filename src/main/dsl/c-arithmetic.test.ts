import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compiled } from './testing/compile-driver'
import { FakeRuntime, NtError } from './testing/fake-runtime'

// Arithmetic of driver code against C's rules, computed here with integers of any size. The one
// rule of the language's own: & | ^ ~ << of up to 32 bits give an unsigned result.

interface CType {
  bits: 8 | 16 | 32 | 64
  signed: boolean
}
interface CValue {
  type: CType
  value: bigint
}

const TYPES = {
  ULONG: { bits: 32, signed: false },
  LONG: { bits: 32, signed: true },
  USHORT: { bits: 16, signed: false },
  SHORT: { bits: 16, signed: true },
  UCHAR: { bits: 8, signed: false },
  CHAR: { bits: 8, signed: true },
  ULONGLONG: { bits: 64, signed: false },
  LONGLONG: { bits: 64, signed: true },
} as const satisfies Record<string, CType>
type TypeName = keyof typeof TYPES

const convert = (value: bigint, { bits, signed }: CType): bigint =>
  signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)

const promote = (type: CType): CType => (type.bits < 32 ? TYPES.LONG : type)

/** C's usual arithmetic conversions. */
function common(a: CType, b: CType): CType {
  const [x, y] = [promote(a), promote(b)]
  if (x.bits !== y.bits) return x.bits > y.bits ? x : y
  return { bits: x.bits, signed: x.signed && y.signed }
}

class DivideByZero {}

function compute(operator: string, a: CValue, b: CValue): CValue {
  const type = common(a.type, b.type)
  const [x, y] = [convert(a.value, type), convert(b.value, type)]
  const unsigned: CType = { bits: type.bits, signed: type.bits === 64 && type.signed }
  switch (operator) {
    case '+':
      return { type, value: convert(x + y, type) }
    case '-':
      return { type, value: convert(x - y, type) }
    case '*':
      return { type, value: convert(x * y, type) }
    case '/':
      if (y === 0n) throw new DivideByZero()
      return { type, value: convert(x / y, type) }
    case '%':
      if (y === 0n) throw new DivideByZero()
      return { type, value: convert(x % y, type) }
    case '&':
      return { type: unsigned, value: convert(x & y, unsigned) }
    case '|':
      return { type: unsigned, value: convert(x | y, unsigned) }
    case '^':
      return { type: unsigned, value: convert(x ^ y, unsigned) }
    case '<<': {
      const left = promote(a.type)
      const result: CType = { bits: left.bits, signed: left.bits === 64 && left.signed }
      return { type: result, value: convert(convert(a.value, left) << b.value, result) }
    }
    case '>>': {
      const left = promote(a.type)
      return { type: left, value: convert(a.value, left) >> b.value }
    }
    case '<':
      return { type: TYPES.LONG, value: x < y ? 1n : 0n }
    case '>=':
      return { type: TYPES.LONG, value: x >= y ? 1n : 0n }
    case '===':
      return { type: TYPES.LONG, value: x === y ? 1n : 0n }
    default:
      throw new Error(operator)
  }
}

/** An expression as text and as a function of the variables. */
interface Node {
  text: string
  run(variables: ReadonlyMap<string, CValue>): CValue
}

const NARROW = ['ULONG', 'LONG', 'USHORT', 'SHORT', 'UCHAR', 'CHAR'] as const
const WIDE = ['ULONGLONG', 'LONGLONG'] as const

const literalOf = (value: bigint, isWide: boolean): Node => ({
  text: isWide ? `${value}n` : `${value}`,
  run: () => ({
    type: isWide ? TYPES.LONGLONG : value > 0x7fffffffn ? TYPES.ULONG : TYPES.LONG,
    value,
  }),
})

function expressions(names: readonly TypeName[], isWide: boolean): fc.Arbitrary<Node> {
  const variable = fc.constantFrom(...names).map((name): Node => ({
    text: `v${name}`,
    run: (variables) => variables.get(name) ?? { type: TYPES.LONG, value: 0n },
  }))
  const literal = fc
    .oneof(fc.bigInt(0n, 20n), fc.bigInt(0n, isWide ? 0x7fff_ffff_ffff_ffffn : 0xffff_ffffn))
    .map((value) => literalOf(value, isWide))
  const { tree } = fc.letrec<{ tree: Node; operand: Node }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      variable,
      fc
        .tuple(tie('tree'), fc.constantFrom('+', '-', '*', '/', '%', '&', '|', '^'), tie('operand'))
        .map(([left, operator, right]): Node => ({
          text: `(${left.text} ${operator} ${right.text})`,
          run: (variables) => compute(operator, left.run(variables), right.run(variables)),
        })),
      fc
        .tuple(tie('tree'), fc.constantFrom('<<', '>>'), fc.bigInt(0n, isWide ? 63n : 31n))
        .map(([left, operator, count]): Node => ({
          text: `(${left.text} ${operator} ${isWide ? `${count}n` : count})`,
          run: (variables) =>
            compute(operator, left.run(variables), { type: TYPES.LONG, value: count }),
        })),
      fc.tuple(fc.constantFrom('-', '~'), tie('tree')).map(([operator, inner]): Node => ({
        text: `(${operator}${inner.text})`,
        run: (variables) => {
          const operand = inner.run(variables)
          if (operator === '-') return compute('-', { type: TYPES.LONG, value: 0n }, operand)
          return compute('^', operand, { type: promote(operand.type), value: -1n })
        },
      })),
    ),
    operand: fc.oneof({ maxDepth: 5 }, literal, tie('tree')),
  }))
  return tree
}

const values = fc.record({
  ...Object.fromEntries(
    Object.entries(TYPES).map(([name, type]) => [
      name,
      fc
        .oneof(fc.bigInt(-3n, 3n), fc.bigInt(-(2n ** 63n), 2n ** 64n))
        .map((value) => convert(value, type)),
    ]),
  ),
}) as fc.Arbitrary<Record<TypeName, bigint>>

const shown = (value: bigint, { bits }: CType): string => `${value}${bits === 64 ? 'n' : ''}`

/** Run code whose function `run` gives an integer; the text of it, or `divide`. */
function result(code: string): string {
  const runtime = new FakeRuntime()
  try {
    return String(runtime.run(runtime.load(compiled(code))['run']))
  } catch (error) {
    if (error instanceof NtError && error.code === 0xc0000094) return 'divide'
    throw error
  }
}

function expected(run: () => bigint): string {
  try {
    return String(run())
  } catch (error) {
    if (error instanceof DivideByZero) return 'divide'
    throw error
  }
}

function declarations(given: Record<TypeName, bigint>): { text: string; map: Map<string, CValue> } {
  const map = new Map<string, CValue>()
  let text = ''
  for (const [name, type] of Object.entries(TYPES)) {
    const value = given[name as TypeName]
    map.set(name, { type, value })
    text += `let v${name}: ${name} = ${shown(value, type)}\n`
  }
  return { text, map }
}

describe.each([
  ['up to 32 bits', NARROW, false],
  ['64 bits', WIDE, true],
] as const)('integers of %s', (_, names, isWide) => {
  test('expressions have C’s value', () => {
    fc.assert(
      fc.property(expressions(names, isWide), values, (tree, given) => {
        const { text, map } = declarations(given)
        const code = `export function run() {\n${text}return ${tree.text}\n}`
        expect(result(code)).toBe(expected(() => tree.run(map).value))
      }),
      { numRuns: 60 },
    )
  })

  test('comparisons convert as C does', () => {
    const pair = fc.tuple(
      expressions(names, isWide),
      fc.constantFrom('<', '>=', '==='),
      expressions(names, isWide),
    )
    fc.assert(
      fc.property(pair, values, ([left, operator, right], given) => {
        const { text, map } = declarations(given)
        const code = `export function run() {\n${text}return ${left.text} ${operator} ${right.text} ? 1 : 0\n}`
        expect(result(code)).toBe(
          expected(() => compute(operator, left.run(map), right.run(map)).value),
        )
      }),
      { numRuns: 40 },
    )
  })

  test('assignments, compound ones and steps bring values into the range of their place', () => {
    const places = ['variable', 'field', 'element', 'object'] as const
    const steps = fc.array(
      fc.tuple(
        fc.constantFrom(...names),
        fc.constantFrom(...places),
        fc.constantFrom(
          '=',
          '+=',
          '-=',
          '*=',
          '/=',
          '%=',
          '&=',
          '|=',
          '^=',
          '++',
          '--',
          'pre++',
          'used',
        ),
        expressions(names, isWide),
      ),
      { minLength: 1, maxLength: 4 },
    )
    fc.assert(
      fc.property(steps, values, (list, given) => {
        const { text, map } = declarations(given)
        const store = new Map<string, CValue>()
        const one: CValue = { type: TYPES.LONG, value: 1n }
        const sum: bigint[] = []
        let code = `const ALL = struct('ALL', { ${names.map((n) => `F${n}: ${n}, A${n}: array(${n}, 2)`).join(', ')} })\n`
        code += `export function run() {\n${text}const all = local(ALL)\nlet index = 0\nconst seen: string[] = []\n`
        code += `const object = { ${names.map((n) => `O${n}: 0 as any as ${n}`).join(', ')} }\n`
        if (isWide) code += names.map((n) => `object.O${n} = 0n\n`).join('')
        for (const [name, place] of list)
          if (!store.has(place + name)) store.set(place + name, { type: TYPES[name], value: 0n })
        for (const [name, , ,] of list) store.set(`variable${name}`, map.get(name) ?? one)
        for (const [name, place, operator, tree] of list) {
          const target = {
            variable: `v${name}`,
            field: `all.F${name}`,
            element: `all.A${name}[index++ & 0 | 1]`,
            object: `object.O${name}`,
          }[place]
          if (operator === '++' || operator === '--') code += `${target}${operator}\n`
          else if (operator === 'pre++') code += `seen.push(\`\${++${target}}\`)\n`
          else if (operator === 'used') code += `seen.push(\`\${${target}--}\`)\n`
          else code += `${target} ${operator} ${tree.text}\n`
        }
        code += `return seen.join() + '|' + [${list.map(([name, place]) => ({ variable: `v${name}`, field: `all.F${name}`, element: `all.A${name}[1]`, object: `object.O${name}` })[place]).join(', ')}].join()\n}`
        const simulate = (): string => {
          for (const [name, place, operator, tree] of list) {
            const key = place + name
            const type: CType = TYPES[name]
            const old = store.get(key) ?? one
            let value: CValue
            if (operator === '++' || operator === 'pre++') value = compute('+', old, one)
            else if (operator === '--' || operator === 'used') value = compute('-', old, one)
            else if (operator === '=') value = tree.run(map)
            else value = compute(operator.slice(0, -1), old, tree.run(map))
            const next = { type, value: convert(value.value, type) }
            store.set(key, next)
            if (place === 'variable') map.set(name, next)
            if (operator === 'pre++') sum.push(next.value)
            if (operator === 'used') sum.push(old.value)
          }
          return `${sum.join()}|${list.map(([name, place]) => store.get(place + name)?.value).join()}`
        }
        let wanted: string
        try {
          wanted = simulate()
        } catch (error) {
          if (!(error instanceof DivideByZero)) throw error
          wanted = 'divide'
        }
        expect(result(code), code).toBe(wanted)
      }),
      { numRuns: 40 },
    )
  })
})

test('a status compares as the signed number that it is in C', () => {
  expect(
    result(`export function run() {
      const bad: NTSTATUS = STATUS_ACCESS_DENIED
      return [bad < 0, STATUS_SUCCESS >= 0, bad === 0xC0000022, bad > 0, NT_SUCCESS(bad), NT_ERROR(bad),
        NT_WARNING(STATUS_BUFFER_OVERFLOW), NT_INFORMATION(0x40000000)].join()
    }`),
  ).toBe('true,true,true,false,false,true,true,true')
})

test('casts and assertions wrap', () => {
  expect(
    result(`export function run() {
      const n = 0x12345 as number
      const wide = 0x1_0000_0005n as bigint
      return [n as USHORT, (n as UCHAR) + 1, cast(UCHAR, n), cast(ULONG, wide), cast(LONG, 0xFFFFFFFF), cast(ULONGLONG, -1)].join()
    }`),
  ).toBe('9029,70,69,5,-1,18446744073709551615')
})

test('numbers without a C type do not wrap', () => {
  expect(result('export function run() { let n = 0xFFFFFFFF; n += 1; return n * 4 }')).toBe(
    String(2 ** 34),
  )
})
