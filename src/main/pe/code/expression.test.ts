import { describe, expect, test } from 'vitest'

import { extend, solve, type Expression, type Operator } from './expression'

const chain = (...steps: [Operator, number][]): Expression =>
  steps.reduce<Expression>((expression, [operator, operand]) => {
    const next = extend(expression, operator, operand)
    if (!next) throw new Error('too long')
    return next
  }, [])

describe('expressions over a control code', () => {
  test.each<[string, Expression, number, number[] | null]>([
    ['the code itself', [], 0x222003, [0x222003]],
    ['a subtraction', chain(['add', -0x222000]), 4, [0x222004]],
    ['subtractions join', chain(['add', -0x222000], ['add', -4]), 0, [0x222004]],
    ['exclusive or', chain(['xor', 0x80002000]), 0, [0x80002000]],
    ['a rotated difference', chain(['add', -0x222000], ['ror', 2]), 3, [0x22200c]],
    ['one bit masked out', chain(['and', 0xffff_fffb]), 0x222000, [0x222000, 0x222004]],
    ['a mask that the result contradicts', chain(['and', 0xffff_fffb]), 0x222004, []],
    ['a field of the code', chain(['and', 3]), 3, null],
    ['the device type', chain(['shr', 16]), 0x22, null],
    ['a negation', chain(['neg', 0]), 0xffff_fffe, [2]],
  ])('%s', (_name, expression, result, codes) => {
    expect(solve(expression, result)?.sort() ?? null).toEqual(codes)
  })

  test('operations that undo each other vanish', () => {
    expect(chain(['add', 5], ['add', -5])).toEqual([])
    expect(chain(['xor', 5], ['xor', 5])).toEqual([])
  })

  test('a chain that grows without end is given up', () => {
    let expression: Expression | undefined = []
    for (let step = 0; step < 50 && expression; step++) {
      expression = extend(expression, step % 2 ? 'neg' : 'add', 1)
    }
    expect(expression).toBeUndefined()
  })
})
