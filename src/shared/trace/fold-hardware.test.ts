import { describe, expect, test } from 'vitest'
import type { EventBody, TraceEvent } from './event'
import { foldAll } from './fold'
import { HARDWARE_EVENTS } from './fold-hardware'
import { sentence } from './why'

const trace = (...bodies: EventBody[]): TraceEvent[] =>
  bodies.map((body, i) => ({
    seq: i + 1,
    tick: i,
    cpu: 0,
    irql: 0,
    thread: 8,
    process: 4,
    ...body,
  }))

const events = trace(
  {
    t: 'interrupt.connected',
    interrupt: '0x1',
    vector: 0x94,
    level: 9,
    mode: 'level',
    shared: true,
    routine: 'toy!Isr',
    device: 'uart0',
  },
  { t: 'device.received', device: 'uart0', bytes: 2, data: 'hi' },
  { t: 'interrupt.raised', device: 'uart0', vector: 0x94, level: 9, masked: false },
  { t: 'interrupt.delivered', device: 'uart0', vector: 0x94, level: 9 },
  {
    t: 'device.accessed',
    device: 'uart0',
    space: 'port',
    register: 'RBR',
    offset: 0,
    access: 'read',
    size: 1,
    value: '0x68',
  },
  { t: 'device.sent', device: 'uart0', bytes: 1, data: 'x' },
  { t: 'interrupt.served', vector: 0x94, claimed: true, routine: 'toy!Isr' },
  { t: 'interrupt.disconnected', interrupt: '0x1', vector: 0x94 },
  { t: 'register.written', register: 'CR0', from: '0x80050033', to: '0x80040033' },
  { t: 'pages.trimmed', pages: ['0xA000', '0xB000'], reason: 'test' },
  { t: 'page.faulted', page: '0xA000', access: 'write' },
  { t: 'section.created', section: '0x5', name: null, bytes: 4096, backing: 'the paging file' },
  {
    t: 'view.mapped',
    view: '0x6000',
    bytes: 4096,
    section: '0x5',
    owner: null,
    offset: '0x0',
    protection: 'read',
  },
  { t: 'view.unmapped', view: '0x6000' },
  { t: 'object.deleted', type: 'Section', object: '0x5', name: null },
  { t: 'physical.mapped', mapping: '0x7000', physical: '0xFEBF0000', bytes: 4096, what: 'dma0' },
  { t: 'physical.unmapped', mapping: '0x7000' },
  { t: 'frames.allocated', block: '0x8000', bytes: 8192, physical: '0x200000', by: 'MmX' },
  { t: 'frames.freed', block: '0x8000', by: 'MmX' },
  { t: 'code.diverted', from: 'nt!NtClose', to: 'toy!Hook', bytes: '48 B8', place: '0x9000' },
)
const at = (t: EventBody['t']): ReturnType<typeof foldAll>['hardware'] =>
  foldAll(events, events.find((event) => event.t === t)!.seq).hardware

describe('the hardware at a step', () => {
  test('has interrupt objects while they are connected, and lines that wait', () => {
    expect(at('interrupt.connected').interrupts).toMatchObject([{ vector: 0x94, delivered: 0 }])
    expect(at('interrupt.raised').lines).toMatchObject([{ device: 'uart0', masked: false }])
    expect(at('interrupt.delivered').lines).toEqual([])
    expect(at('interrupt.delivered').interrupts).toMatchObject([{ delivered: 1 }])
    expect(at('interrupt.disconnected').interrupts).toEqual([])
  })

  test('has registers that were written, and pages that are out', () => {
    expect(at('register.written').registers).toEqual([{ register: 'CR0', value: '0x80040033' }])
    expect(at('pages.trimmed').pagesOut).toEqual(['0xA000', '0xB000'])
    expect(at('page.faulted').pagesOut).toEqual(['0xB000'])
  })

  test('has sections, views, mappings and frames for as long as they are there', () => {
    expect(at('section.created').sections).toHaveLength(1)
    expect(at('view.mapped').views).toMatchObject([{ view: '0x6000', owner: null }])
    expect(at('view.unmapped').views).toEqual([])
    expect(at('object.deleted').sections).toEqual([])
    expect(at('physical.mapped').mappings).toMatchObject([{ what: 'dma0' }])
    expect(at('physical.unmapped').mappings).toEqual([])
    expect(at('frames.allocated').frames).toMatchObject([{ bytes: 8192 }])
    expect(at('frames.freed').frames).toEqual([])
  })
})

describe('words for hardware', () => {
  test('are there for every event', () => {
    const seen = new Set(events.map(({ t }) => t))
    for (const t of HARDWARE_EVENTS) expect(seen).toContain(t)
    for (const event of events) expect(sentence(event)).toMatch(/^\S.*\.$/)
    expect(sentence(events[3]!)).toContain('uart0')
    expect(sentence(events[6]!)).toBe('toy!Isr claimed the interrupt.')
  })
})
