import { expect, test } from 'vitest'
import type { EventBody, TraceEvent } from '../../../../../shared/trace/event'
import { foldAll } from '../../../../../shared/trace/fold'
import { rowsOf, type Kind } from '../explorer'

let seq = 0
const event = (body: EventBody, process = 4): TraceEvent => ({
  ...{ seq: ++seq, tick: 0, cpu: 0, irql: 0, thread: 8, process, driver: 'Toy' },
  ...body,
})
const KERNEL = '0xFFFF9A0100000'
const made = (object: string, kind: string, parent: string | null): EventBody => ({
  ...{ object, kind, parent },
  t: 'wdf.object.created',
})
const gone = (object: string, kind: string): EventBody => ({
  ...{ object, kind, withParent: true },
  t: 'wdf.object.deleted',
})

const rows = (events: readonly TraceEvent[], kind: Kind): string[] =>
  rowsOf(foldAll(events), kind).map(
    ({ title, about, depth = 0 }) => `${'  '.repeat(depth)}${title}: ${about}`,
  )

test('framework objects are a tree, and go', () => {
  const events = [
    event(made(`${KERNEL}010`, 'driver', null)),
    event(made(`${KERNEL}020`, 'device', `${KERNEL}010`)),
    event(made(`${KERNEL}030`, 'memory', `${KERNEL}010`)),
    event(made(`${KERNEL}040`, 'timer', `${KERNEL}020`)),
    event(made(`${KERNEL}050`, 'memory', `${KERNEL}999`)),
  ]
  expect(rows(events, 'frameworkObjects')).toEqual([
    `WDFDRIVER ${KERNEL}010: Toy`,
    `  WDFDEVICE ${KERNEL}020: Toy`,
    `    WDFTIMER ${KERNEL}040: Toy`,
    `  WDFMEMORY ${KERNEL}030: Toy`,
    `WDFMEMORY ${KERNEL}050: Toy`,
  ])
  const [driver] = rowsOf(foldAll(events), 'frameworkObjects')
  expect(driver?.fields.filter(({ name }) => name === 'Goes with it')).toHaveLength(2)
  events.push(event(gone(`${KERNEL}040`, 'timer')))
  expect(rows(events, 'frameworkObjects')).toHaveLength(4)
})

test('host processes say what they have and how they ended; objects in them go with them', () => {
  const at = { host: 40, device: `${KERNEL}003` }
  const events = [
    event({ t: 'wdf.host.started', ...at, service: 'Toy', restart: 0 }),
    event({ t: 'wdf.host.started', ...at, host: 44, service: 'Toy', restart: 1 }),
    event(made('0x0000020000001000', 'driver', null), 40),
    event(made('0x0000020000001000', 'driver', null), 44),
    event({ t: 'wdf.message.passed', way: 'to host', host: 40, irp: 7, bytes: 1 }),
    event({ t: 'wdf.message.passed', way: 'to host', host: 40, irp: 8, bytes: 1 }),
    event({ t: 'wdf.message.passed', way: 'from host', host: 40, irp: 7, bytes: 1 }),
  ]
  const [first] = rowsOf(foldAll(events), 'frameworkHosts')
  expect(first?.fields.filter(({ name }) => name === 'Has').map(({ value }) => value)).toEqual([
    'IRP 8',
  ])
  expect(rows(events, 'frameworkObjects')).toHaveLength(2)
  events.push(
    event({ t: 'wdf.host.ended', ...at, code: '0xC0000005', lost: [8], expected: false }),
    event({ t: 'wdf.device.failed', device: at.device, service: 'Toy', restarts: 1 }),
  )
  expect(rows(events, 'frameworkHosts')).toEqual([
    'WUDFHost.exe (40) for Toy: first host, ended: STATUS_ACCESS_VIOLATION',
    'WUDFHost.exe (44) for Toy: restart 1, runs; its device failed',
  ])
  expect(rows(events, 'frameworkObjects')).toEqual([
    'WDFDRIVER 0x0000020000001000: Toy, in process 44',
  ])
})
