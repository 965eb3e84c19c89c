import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contract, type RingHandlers } from '../../shared/contract'
import { ok } from '../../shared/errors'
import { answerCall } from './calls'

/** Every call answers with what it was given. */
function echo(seen: [string, unknown][] = []): RingHandlers {
  const handlers = Object.entries(contract)
    .filter(([, row]) => row.kind === 'call')
    .map(([name]) => [name, (input: unknown) => (seen.push([name, input]), ok(input))])
  return Object.fromEntries(handlers) as unknown as RingHandlers
}

describe('a call from the window', () => {
  test('reaches its handler with the parsed input, defaults filled in', async () => {
    const seen: [string, unknown][] = []
    await answerCall(echo(seen), 'samples.list', { query: 'x', foreign: 1 })
    expect(seen).toEqual([['samples.list', { query: 'x', sort: 'shelf', limit: 200, offset: 0 }]])
  })

  test.each<[unknown, unknown, RegExp]>([
    ['samples.nothing', {}, /no call "samples.nothing"/],
    ['constructor', {}, /no call "constructor"/],
    ['__proto__', {}, /no call/],
    [7, {}, /no call number/],
    ['lab.progress', {}, /is a stream/],
    ['samples.get', {}, /wrong input at id/],
    ['samples.get', { id: 'x' }, /wrong input at id/],
    ['samples.get', null, /wrong input/],
    ['lab.run', { runId: 'x', files: { 'driver.ts': 7 } }, /wrong input at files.driver.ts/],
  ])('%j with %j is refused', async (name, input, message) => {
    const seen: [string, unknown][] = []
    const result = await answerCall(echo(seen), name, input)
    expect(result).toMatchObject({ ok: false, error: { code: 'bad-request' } })
    if (!result.ok) expect(result.error.message).toMatch(message)
    expect(seen).toEqual([])
  })

  test('whatever a handler throws comes back as an internal error', async () => {
    for (const thrown of [new TypeError('boom'), 'a text', null]) {
      const handlers: RingHandlers = {
        ...echo(),
        'app.info': () => {
          throw thrown
        },
        'settings.get': () => Promise.reject(thrown as Error),
      }
      for (const name of ['app.info', 'settings.get'])
        expect(await answerCall(handlers, name, {})).toMatchObject({
          ok: false,
          error: { code: 'internal', message: expect.stringContaining(name) as string },
        })
    }
  })

  test('any name and any input get a Result', async () => {
    const handlers = echo()
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.constantFrom(...Object.keys(contract)), fc.string(), fc.anything()),
        fc.anything(),
        async (name, input) => {
          const result = await answerCall(handlers, name, input)
          expect(typeof result.ok).toBe('boolean')
        },
      ),
      { numRuns: 500 },
    )
  })
})
