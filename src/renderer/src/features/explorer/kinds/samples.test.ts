/** Rows from the traces that the bundled samples leave: real states, at every one of their steps. */
import { describe, expect, it } from 'vitest'
import type { EventType, TraceEvent } from '../../../../../shared/trace/event'
import { emptyState, fold, foldAll } from '../../../../../shared/trace/fold'
import { countOf, KINDS, rowsOf, type Kind, type Row } from '../explorer'

const files = import.meta.glob<string>('../../../../../../samples/drivers/*/expected.jsonl', {
  query: '?raw',
  import: 'default',
  eager: true,
})

const traces = new Map(
  Object.entries(files).map(([path, text]) => [
    path.split('/').at(-2)!,
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as TraceEvent),
  ]),
)

/** Rows after the first, or the nth, event of a type. */
function rowsAfter(sample: string, type: EventType, kind: Kind, nth = 1): Row[] {
  const events = traces.get(sample)!
  const step = events.filter((event) => event.t === type)[nth - 1]!.seq
  return rowsOf(foldAll(events, step), kind)
}

const said = (row: Row | undefined): Record<string, string> =>
  Object.fromEntries(row?.fields.map(({ name, value }) => [name, value]) ?? [])
const target = (row: Row | undefined, field: string): unknown =>
  row?.fields.find(({ name }) => name === field)?.to

/** Steps of a trace at which rows are looked at: some in its whole length. */
const LOOKS = 40

describe('in every sample', () => {
  it.each([...traces.keys()])('%s: ids are unique, and each value leads to a row', (sample) => {
    const events = traces.get(sample)!
    const every = Math.ceil(events.length / LOOKS)
    const state = emptyState()
    for (const event of events) {
      fold(state, event)
      if (event.seq % every !== 0 && event.seq !== events.length) continue
      const now = structuredClone(state)
      const ids = new Map(
        KINDS.map(({ kind }) => [kind, new Set(rowsOf(now, kind).map(({ id }) => id))]),
      )
      for (const { kind } of KINDS) {
        const rows = rowsOf(now, kind)
        expect(ids.get(kind)!.size, kind).toBe(rows.length)
        expect(rows.length, kind).toBeGreaterThanOrEqual(countOf(now, kind))
        for (const { to, step } of rows.flatMap(({ fields }) => fields)) {
          if (to) expect(ids.get(to.kind)!.has(to.id), `${kind} to ${to.kind} ${to.id}`).toBe(true)
          if (step !== undefined) expect(step).toBeLessThanOrEqual(now.step)
        }
      }
    }
  })
})

describe('objects', () => {
  it('stand in the namespace, directories before what they hold', () => {
    const rows = rowsAfter('handle-guard', 'link.created', 'objects')
    expect(
      rows.map(({ title, about, depth }) => `${depth ?? '-'} ${title}: ${about}`).slice(0, 6),
    ).toEqual([
      '0 \\Device: 1 object',
      '1 Guard: Device',
      '0 \\Driver: 1 object',
      '1 Guard: Driver',
      '0 \\GLOBAL??: 1 object',
      '1 Guard: SymbolicLink',
    ])
    expect(target(rows[1], 'In')).toEqual({ kind: 'objects', id: '\\Device' })
    expect(target(rows[3], 'Driver')).toEqual({ kind: 'drivers', id: 'Guard' })
  })

  it('are led to by handles, which say what they allow', () => {
    const [handle] = rowsAfter('handle-guard', 'handle.opened', 'handles', 2)
    expect(said(handle)).toMatchObject({
      'Granted access': '0x00000400 = PROCESS_QUERY_INFORMATION',
      Type: 'Process',
    })
    expect(target(handle, 'Object')).toMatchObject({ kind: 'objects' })
  })

  it('are opened by the kernel with handles of 64 bits', () => {
    const [handle] = rowsAfter('registry-guard', 'handle.opened', 'handles')
    expect(handle).toMatchObject({ title: '0xFFFFFFFF80000004' })
    expect(said(handle)['Process']).toBe('System (4)')
  })
})

describe('processes', () => {
  it('lead to their tokens, and tokens back', () => {
    const [, evil] = rowsAfter('process-watcher', 'process.exited', 'processes')
    expect(evil?.about).toBe('ended with 0xC0000022')
    expect(target(evil, 'Token')).toEqual({ kind: 'tokens', id: '4124' })
    const [token] = rowsAfter('dma-transfer', 'process.created', 'tokens')
    expect(said(token)).toMatchObject({ 'Integrity level': 'high', Administrator: 'yes' })
    expect(target(token, 'Process')).toEqual({ kind: 'processes', id: '4100' })
  })

  it('own threads', () => {
    const threads = rowsAfter('process-watcher', 'thread.exited', 'threads')
    expect(threads.map((row) => said(row)['Process'])).toContain('notepad.exe (4100)')
  })
})

describe('callbacks and decisions about rights', () => {
  it('say of what a routine is told, at which altitude, and whose it is', () => {
    const [row] = rowsAfter('handle-guard', 'callback.registered', 'callbacks')
    expect(row).toMatchObject({
      title: 'Guard!GuardPreOperation',
      about: 'object, altitude 321000',
    })
    expect(said(row)['About']).toBe('Process handles: open, duplicate')
    expect(target(row, 'Registered by')).toEqual({ kind: 'drivers', id: 'Guard' })
  })

  it('are gone once they are removed', () => {
    expect(rowsAfter('process-watcher', 'callback.registered', 'callbacks', 2)).toHaveLength(2)
    expect(rowsAfter('process-watcher', 'callback.removed', 'callbacks', 2)).toEqual([])
  })

  it('show which rights a callback took away', () => {
    const row = rowsAfter('handle-guard', 'access.stripped', 'access').at(-1)
    expect(said(row)).toMatchObject({
      'Taken away by': 'Guard!GuardPreOperation',
      'Rights before': '0x00000401 = PROCESS_TERMINATE | PROCESS_QUERY_INFORMATION',
      'Rights after': '0x00000400 = PROCESS_QUERY_INFORMATION',
    })
  })
})

describe('the registry', () => {
  it('is a tree of the keys that were touched, with the values that were written', () => {
    const rows = rowsAfter('registry-parameters', 'registry', 'registry', 5)
    expect(rows.map(({ title, depth }) => [depth, title.split('\\').at(-1)])).toEqual([
      [0, 'Greeter'],
      [1, 'Parameters'],
    ])
    expect(said(rows[0])['Loads']).toBe('0x1')
  })
})

describe('hardware and physical memory', () => {
  it('has interrupts that lead to their drivers', () => {
    const [row] = rowsAfter('serial-port', 'interrupt.delivered', 'interrupts')
    expect(row?.about).toMatch(/, 1 interrupt$/)
    expect(target(row, 'Service routine')).toMatchObject({ kind: 'drivers' })
  })

  it('has lines that rose until they are delivered', () => {
    const [row] = rowsAfter('dma-transfer', 'interrupt.raised', 'lines')
    expect(row).toMatchObject({ title: 'Vector 0x81', about: 'waits to be delivered' })
    expect(target(row, 'Vector')).toMatchObject({ kind: 'interrupts' })
    expect(rowsAfter('dma-transfer', 'interrupt.delivered', 'lines')).toEqual([])
  })

  it('has device memory and pages that drivers have mapped', () => {
    const [mapping] = rowsAfter('dma-transfer', 'frames.allocated', 'mappings')
    expect(mapping).toMatchObject({ title: '0xFEBF0000', about: 'dma0' })
    const [frames] = rowsAfter('dma-transfer', 'frames.allocated', 'frames')
    expect(said(frames)['Taken with']).toBe('MmAllocateContiguousMemory')
  })

  it('knows where each processor is', () => {
    const [machine, processor] = rowsAfter('dma-transfer', 'interrupt.delivered', 'machine')
    expect(said(machine)['Processors']).toBe('1')
    expect(said(processor)).toMatchObject({ IRQL: 'DIRQL 8', Thread: 'idle' })
  })
})

describe('devices', () => {
  it('lead to the device tree from every storey of a stack', () => {
    const rows = rowsAfter('pnp-filter', 'interface.changed', 'devices')
    const nodes = rows.flatMap((row) => target(row, 'In the device tree') ?? [])
    expect(nodes.length).toBeGreaterThan(2)
  })

  it('have interfaces, which lead to them', () => {
    const [row] = rowsAfter('pnp-bus', 'interface.changed', 'interfaces')
    expect(target(row, 'Device')).toEqual({ kind: 'devnodes', id: 'TOY\\Rack\\0000' })
  })
})

describe('what is in no sample', () => {
  const at = (...bodies: Partial<TraceEvent>[]): ReturnType<typeof emptyState> =>
    foldAll(
      bodies.map((body, i) => ({
        seq: i + 1,
        tick: i,
        cpu: 1,
        irql: 2,
        thread: 8,
        process: 4100,
        ...body,
      })) as TraceEvent[],
    )

  it('sections and views lead to one another', () => {
    const state = at(
      { t: 'process.created', id: 4100, name: 'toy.exe' },
      { t: 'section.created', section: '0x5', name: '\\S', bytes: 8192, backing: 'paging file' },
      {
        t: 'view.mapped',
        view: '0x6000',
        bytes: 4096,
        section: '\\S',
        owner: 4100,
        offset: '0x0',
        protection: 'read',
      },
      { t: 'pages.trimmed', pages: ['0xA000', '0xB000'], reason: 'test' },
      { t: 'register.written', register: 'CR0', from: '0x1', to: '0x2' },
    )
    const [section] = rowsOf(state, 'sections')
    expect(target(section, 'View')).toEqual({ kind: 'views', id: '0x6000' })
    const [view] = rowsOf(state, 'views')
    expect(target(view, 'Section')).toEqual({ kind: 'sections', id: '0x5' })
    expect(target(view, 'In')).toEqual({ kind: 'processes', id: '4100' })
    expect(rowsOf(state, 'pagesOut')).toHaveLength(2)
    expect(said(rowsOf(state, 'registers')[0])['Value']).toBe('0x2')
  })

  it('threads lead to their locks, APCs and the process that they are attached to', () => {
    const state = at(
      { t: 'run.started', version: 1, seed: 1, verifier: [], processors: 4 },
      { t: 'process.created', id: 4100, name: 'toy.exe' },
      { t: 'thread.created', id: 8, owner: 4, name: 'Worker' },
      { t: 'lock.acquired', lock: '0xA', kind: 'KSPIN_LOCK' },
      { t: 'lock.acquired', lock: '0xA', kind: 'KSPIN_LOCK' },
      { t: 'apc.queued', apc: '0xB', target: 8, mode: 'kernel', routine: 'toy!Apc' },
      { t: 'process.attached', id: 4100, name: 'toy.exe', depth: 1 },
      {
        t: 'access.checked',
        object: '\\Device\\Toy',
        type: 'Device',
        user: 'user',
        desired: '0x3',
        granted: '0x0',
        status: '0xC0000022',
        dacl: '',
      },
    )
    const [thread] = rowsOf(state, 'threads')
    expect(target(thread, 'Holds')).toEqual({ kind: 'locks', id: '0xA' })
    expect(target(thread, 'APC')).toEqual({ kind: 'apcs', id: '0xB' })
    expect(target(thread, 'Attached to')).toEqual({ kind: 'processes', id: '4100' })
    expect(rowsOf(state, 'locks').map(({ id }) => id)).toEqual(['0xA', '0xA (2)'])
    expect(rowsOf(state, 'access')[0]).toMatchObject({ about: 'denied' })
    const [, ...processors] = rowsOf(state, 'machine')
    expect(processors.map(({ title, about }) => `${title}: ${about}`)).toEqual([
      'Processor 0: PASSIVE_LEVEL',
      'Processor 1: DISPATCH_LEVEL, acts now',
      'Processor 2: PASSIVE_LEVEL',
      'Processor 3: PASSIVE_LEVEL',
    ])
  })
})

describe('a machine with a policy', () => {
  it('says of a driver why it may load, and of one that was refused why not', () => {
    const [driver] = rowsAfter('forged-time', 'driver.loaded', 'drivers')
    expect(said(driver)['Policy']).toMatch(/^may load: .*before 2015-07-29/)
    const state = emptyState()
    const verified = traces.get('forged-time')!.find(({ t }) => t === 'image.verified')!
    fold(state, { ...verified, accepted: false, status: '0xC0000603', rule: 'block-list' } as never)
    const [refused] = rowsOf(state, 'drivers')
    expect([refused?.about, said(refused)['Status']]).toEqual([
      'refused',
      'STATUS_IMAGE_CERT_REVOKED',
    ])
  })
})
