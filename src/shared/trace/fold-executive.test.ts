import { describe, expect, test } from 'vitest'
import type { EventBody, TraceEvent } from './event'
import { foldAll } from './fold'
import { sentence } from './why'

const trace = (...bodies: (EventBody & { driver?: string })[]): TraceEvent[] =>
  bodies.map((body, i) => ({
    seq: i + 1,
    tick: i,
    cpu: 0,
    irql: 0,
    thread: 8,
    process: 4,
    ...body,
  }))

describe('the executive at a step', () => {
  const events = trace(
    {
      t: 'callback.registered',
      id: 1,
      kind: 'registry',
      routine: 'toy!A',
      altitude: '1000',
      about: null,
      driver: 'toy',
    },
    {
      t: 'callback.registered',
      id: 2,
      kind: 'process',
      routine: 'toy!B',
      altitude: null,
      about: null,
    },
    { t: 'callback.removed', id: 1, kind: 'registry', routine: 'toy!A' },
  )

  test('knows which callbacks there are, and whose', () => {
    expect(foldAll(events, 2).executive.callbacks.map(({ id, driver }) => [id, driver])).toEqual([
      [1, 'toy'],
      [2, null],
    ])
    expect(foldAll(events).executive.callbacks.map(({ id }) => id)).toEqual([2])
  })

  test('knows keys by name and the values that were written', () => {
    const key = (operation: string, name: string, value: string | null, more = {}): EventBody => ({
      t: 'registry',
      operation,
      key: name,
      value,
      status: '0x00000000',
      ...more,
    })
    const { registry } = foldAll(
      trace(
        key('create', '\\B', null),
        key('open', '\\a', null),
        key('set', '\\b', 'Start', { data: '0x3' }),
        key('set', '\\B', 'START', { data: '0x4' }),
        key('set', '\\B', 'Name', { data: '"x"' }),
        key('deleteValue', '\\B', 'name'),
        key('create', '\\C', null),
        key('delete', '\\c', null),
        key('set', '\\B', 'Never', { status: '0xC0000022' }),
      ),
    ).executive
    expect(registry).toEqual([
      { key: '\\a', values: [] },
      { key: '\\B', values: [{ name: 'Start', data: '0x4' }] },
    ])
  })

  test('keeps the latest decisions about rights', () => {
    const checks = Array.from({ length: 40 }, (_, i): EventBody => ({
      t: 'access.checked',
      object: `\\Device\\${i}`,
      type: 'Device',
      user: 'user',
      desired: '0x00120089',
      granted: '0x00000000',
      status: '0xC0000022',
      dacl: 'D:',
    }))
    const { access } = foldAll(trace(...checks)).executive
    expect(access).toHaveLength(32)
    expect(access.at(-1)?.object).toBe('\\Device\\39')
  })

  test('knows APCs that wait and processes that threads are attached to', () => {
    const list = trace(
      { t: 'apc.queued', apc: '0x1', target: 12, mode: 'user', routine: 'toy!A' },
      { t: 'process.attached', id: 100, name: 'a.exe', depth: 1 },
      { t: 'process.attached', id: 104, name: 'b.exe', depth: 2 },
      { t: 'process.detached', id: 104, name: 'b.exe', depth: 1 },
      { t: 'apc.delivered', apc: '0x1', target: 12, mode: 'user', routine: 'toy!A' },
    )
    expect(foldAll(list, 3).executive.attached.map(({ name }) => name)).toEqual(['a.exe', 'b.exe'])
    expect(foldAll(list, 4).executive.attached.map(({ name }) => name)).toEqual(['a.exe'])
    expect(foldAll(list, 4).executive.apcs).toHaveLength(1)
    expect(foldAll(list).executive.apcs).toEqual([])
  })
})

test('every event has words', () => {
  const words = trace(
    { t: 'callback.registered', id: 1, kind: 'object', routine: 'a!b', altitude: '1', about: 'x' },
    { t: 'callback.removed', id: 1, kind: 'object', routine: 'a!b' },
    {
      t: 'access.checked',
      object: '\\Device\\A',
      type: 'Device',
      user: 'user',
      desired: '0x00120089',
      granted: '0x00000000',
      status: '0xC0000022',
      dacl: 'D:',
    },
    { t: 'access.stripped', object: '0x1', before: '0x3', after: '0x1', routine: 'a!b' },
    { t: 'process.attached', id: 100, name: 'a.exe', depth: 1 },
  ).map(sentence)
  expect(words).toEqual([
    'a!b was registered as object callback at altitude 1 (x).',
    'The object callback a!b was removed.',
    'user asked for 0x00120089 to \\Device\\A, which has D:: STATUS_ACCESS_DENIED.',
    'a!b made rights 0x3 to 0x1 into 0x1.',
    'Thread 8 attached itself to process a.exe.',
  ])
})

test('a process shows the token that it was given, a handle its rights', () => {
  const state = foldAll(
    trace(
      {
        t: 'process.created',
        id: 100,
        name: 'a.exe',
        parent: 4,
        user: 'user',
        integrity: 'medium',
        admin: false,
      },
      { t: 'handle.opened', handle: 4, object: '0x1', type: 'File', name: null, access: '0x1' },
    ),
  )
  expect(state.processes[0]).toMatchObject({ user: 'user', integrity: 'medium', admin: false })
  expect(state.handles[0]).toMatchObject({ type: 'File', access: '0x1' })
})

test('each processor keeps what it did last, and each thread its process', () => {
  const [started, created] = trace(
    { t: 'run.started', version: 1, seed: 1, verifier: [], processors: 3 },
    { t: 'thread.created', id: 12, owner: 4100, name: 'Worker' },
  )
  const raised: TraceEvent = {
    ...created!,
    seq: 3,
    cpu: 1,
    driver: 'toy',
    t: 'irql.changed',
    from: 0,
    to: 2,
    reason: 'lock',
  }
  const { processors, threads } = foldAll([started!, created!, raised])
  expect(processors).toEqual([
    { cpu: 0, irql: 0, thread: 8, process: 4, driver: null, seq: 2 },
    { cpu: 1, irql: 2, thread: 8, process: 4, driver: 'toy', seq: 3 },
    { cpu: 2, irql: 0, thread: 0, process: 0, driver: null, seq: 0 },
  ])
  expect(threads).toEqual([{ id: 12, name: 'Worker', process: 4100, state: 'ready' }])
})
