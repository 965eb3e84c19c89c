import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AnyMatch, Match, compileAny, compileMatch, eventTypesOf, fieldAt, matchWords } from '.'

const call = {
  seq: 7,
  t: 'ddi.called',
  name: 'ZwOpenProcess',
  driver: 'Guard',
  args: { DesiredAccess: 0x1fffff, Address: '0xFFFF9A0101425060', Exclusive: false },
  parameters: ['0x0000000000000001', '0x00000000C0000005'],
  stack: [{ frame: 'a' }, { frame: 'b' }],
  about: null,
  altitude: '370030.5',
  status: '0xC0000022',
}

describe('a match', () => {
  test.each<[Match, boolean]>([
    [{ t: 'ddi.called' }, true],
    [{ t: 'ddi.called', name: 'ZwClose' }, false],
    [{ name: ['ZwClose', 'ZwOpenProcess'] }, true],
    [{ name: 'zwopenprocess' }, true],
    [{ 'name|cased': 'zwopenprocess' }, false],
    [{ 'name|contains': 'open' }, true],
    [{ 'name|contains|cased': 'open' }, false],
    [{ 'name|contains|all': ['open', 'process'] }, true],
    [{ 'name|contains|all': ['open', 'thread'] }, false],
    [{ 'name|startswith': ['Nt', 'Zw'] }, true],
    [{ 'name|endswith': 'Thread' }, false],
    [{ 'name|not': 'ZwClose' }, true],
    [{ 'name|not': ['ZwClose', 'ZwOpenProcess'] }, false],
    [{ 'name|startswith|not': 'Zw' }, false],
    // Bits of a number or of 0x text; another field.
    [{ 'args.DesiredAccess|bits': 0x1001 }, true],
    [{ 'args.DesiredAccess|bits': 0x200001 }, false],
    [{ 'args.Address|bits': '0x9A0000000000' }, true],
    [{ 'name|bits': 1 }, false],
    [{ 'status|fieldref': 'parameters.1' }, false],
    [{ 'parameters|fieldref': 'args.Address' }, false],
    [{ 'name|fieldref': 'name' }, true],
    [{ 'name|fieldref|not': 't' }, true],
    [{ 'name|fieldref': 'missing' }, false],
    // Decimal text is a number, as altitudes are.
    [{ altitude: 370030.5 }, true],
    [{ altitude: [1, 370030] }, false],
    [{ 'altitude|not': 370030.5 }, false],
    // Paths, lists on the way, single elements.
    [{ 'args.DesiredAccess': 0x1fffff }, true],
    [{ 'args.Missing': 1 }, false],
    [{ 'args.Missing|not': 1 }, true],
    [{ 'stack.frame': 'b' }, true],
    [{ 'stack.0.frame': 'b' }, false],
    [{ 'parameters.1': 'STATUS_ACCESS_VIOLATION' }, true],
    [{ parameters: 1 }, true],
    [{ 'parameters|not': 1 }, false],
    // Numbers and hexadecimal text.
    [{ seq: '0x7' }, true],
    [{ seq: '7' }, false],
    [{ 'args.DesiredAccess': '0x001FFFFF' }, true],
    [{ 'args.Address': '0xffff9a0101425060' }, true],
    [{ 'args.Address': 'ffff9a01`01425060' }, true],
    [{ status: 0xc0000022 }, true],
    [{ status: 'STATUS_ACCESS_DENIED' }, true],
    [{ status: 'STATUS_SUCCESS' }, false],
    [{ 'args.Exclusive': false }, true],
    [{ 'args.Exclusive': 'false' }, true],
    [{ 'args.DesiredAccess|gt': '0x1000', 'args.DesiredAccess|lte': 0x1fffff }, true],
    [{ 'args.Address|gte': '0xFFFF800000000000' }, true],
    [{ 'args.Address|lt': '0xFFFF800000000000' }, false],
    [{ 'altitude|lt': 370031 }, true],
    [{ 'name|gt': 0 }, false],
    // Fields that are not there.
    [{ about: null }, true],
    [{ missing: null }, true],
    [{ name: [null, 'ZwOpenProcess'] }, true],
    [{ name: null }, false],
    [{ 'about|exists': true }, false],
    [{ 'missing|exists': false }, true],
    [{ 'driver|exists': true }, true],
    // What objects have from their prototype is no field.
    [{ 'constructor|exists': true }, false],
    [{ 'args.toString|exists': true }, false],
  ])('%j: %s', (match, fits) => {
    expect(Match.safeParse(match).success).toBe(true)
    expect(compileMatch(match)(call)).toBe(fits)
  })

  test('of a list holds when any of it does', () => {
    expect(compileAny([{ name: 'ZwClose' }, { seq: 7 }])(call)).toBe(true)
    expect(compileAny([{ name: 'ZwClose' }, { seq: 8 }])(call)).toBe(false)
  })

  test.each([
    [{}, '', 'name at least one field'],
    [{ 'name|begins': 'a' }, 'name|begins', "'begins' is no modifier; known are contains"],
    [{ 'name|contains|gt': 'a' }, 'name|contains|gt', 'cannot stand together'],
    [{ 'a..b': 1 }, 'a..b', 'names no field'],
    [{ 'seq|gt': 'many' }, 'seq|gt', 'gt takes a number'],
    [{ 'seq|exists': 'yes' }, 'seq|exists', 'exists takes true or false'],
    [{ 'name|contains': '' }, 'name|contains', 'text that is not empty'],
    [{ name: { is: 'a' } }, 'name', 'a text, a number'],
    ['ddi.called', '', 'fields and the values'],
    [[{ t: 'a' }, { 't|x': 'b' }], '1.t|x', "'x' is no modifier"],
  ])('%j is refused at "%s"', (match, place, words) => {
    const issue = AnyMatch.safeParse(match).error?.issues[0]
    expect(issue?.path.join('.')).toBe(place)
    expect(issue?.message).toContain(words)
  })

  test('says which kinds of event can fit', () => {
    expect(eventTypesOf({ t: ['a', 'b'], x: 1 })).toEqual(['a', 'b'])
    expect(eventTypesOf([{ t: 'A' }, { t: 'b' }])).toEqual(['a', 'b'])
    expect(eventTypesOf([{ t: 'a' }, { x: 1 }])).toBeNull()
    expect(eventTypesOf({ 't|startswith': 'irp' })).toBeNull()
  })

  test('takes any subject', () => {
    const matchers = [
      compileMatch({ 'a.b|not': 1 }),
      compileMatch({ 'a|contains': 'x' }),
      compileMatch({ 'a.0|gt': 3 }),
    ]
    fc.assert(
      fc.property(fc.anything(), (subject) => {
        for (const matcher of matchers) expect(typeof matcher(subject)).toBe('boolean')
      }),
      { numRuns: 300 },
    )
  })
})

test('a number and its hexadecimal text are equal, whatever the number', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(8), (value, zeros) => {
      const text = `0x${'0'.repeat(zeros)}${value.toString(16).toUpperCase()}`
      expect(compileMatch({ v: value })({ v: text })).toBe(true)
      expect(compileMatch({ v: text })({ v: value })).toBe(true)
      expect(compileMatch({ 'v|gt': text })({ v: value + 1 })).toBe(true)
    }),
  )
})

test('a field for grouping is a text, the same for equal values', () => {
  expect(fieldAt(call, ['args', 'DesiredAccess'])).toBe(fieldAt({ x: '0x001fffff' }, ['x']))
  expect(fieldAt(call, ['args'])).toBeNull()
  expect(fieldAt(call, ['about'])).toBeNull()
  expect(fieldAt(call, ['missing', 'more'])).toBeNull()
})

test('a match in words', () => {
  expect(matchWords({ t: 'ddi.called', 'name|startswith': ['Zw', 'Nt'], 'n|gt': 3 })).toBe(
    't is ddi.called, name begins with Zw or Nt, n > 3',
  )
  expect(matchWords([{ 'a|not': 1 }, { 'b|exists': false }, { 'c|contains|not': 'x' }])).toBe(
    'a is not 1; or b is not there; or c not: contains x',
  )
})
