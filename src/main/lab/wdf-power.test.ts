/** Framework drivers with callbacks of PnP and power: which come when, and what the queue does meanwhile. */
import { expect, test } from 'vitest'
import { readSamples } from './testing/samples'
import { runProject } from './run'

const lamp = readSamples().find(({ slug }) => slug === 'kmdf-function')!
const INTERFACE = '{1a2b3c4d-5e6f-4711-0000-000000000001}'
const SWITCH = { do: 'ioctl', code: '0x222000', outputLength: 4 }

async function run(
  source: string,
  steps: unknown[],
): Promise<{ printed: string[]; statuses: string[]; outcome: string; leaks: unknown[] }> {
  const scenario = {
    drivers: [{ name: 'Lamp', entry: 'driver.ts' }],
    devices: [{ id: 'TOY\\Lamp', service: 'Lamp', description: 'Toy lamp' }],
    steps: [{ do: 'plug', device: 'TOY\\Lamp', as: 'lamp' }, ...steps],
  }
  const files = { 'driver.ts': source, 'scenario.json': JSON.stringify(scenario) }
  const { report } = await runProject({
    files,
    seed: 1,
    verifier: ['io', 'standard'],
    trace: 'off',
  })
  expect(report.diagnostics).toEqual([])
  return {
    printed: report.dbgPrint.map((text) => text.trim().replace('Lamp: ', '')),
    statuses: report.requests.flatMap(({ major, status }) =>
      major === 'IRP_MJ_DEVICE_CONTROL' ? [status] : [],
    ),
    outcome: report.outcome,
    leaks: report.leaks,
  }
}

const source = (lamp.files['driver.ts'] ?? '').replace(
  'lamp.Switched++',
  "lamp.Switched++\n  DbgPrint('Lamp: switched\\n')",
)

test.each([
  ['keeps its requests until it has power again', '', ['dark', 'lit', 'switched']],
  [
    'gives them at once when power does not manage it',
    'queue.PowerManaged = WdfFalse',
    ['dark', 'switched', 'lit'],
  ],
])('the queue of a device that sleeps %s', async (_what, line, middle) => {
  const { printed, statuses, outcome, leaks } = await run(
    source
      .replace('  queue.EvtIoDeviceControl', `  ${line}\n  queue.EvtIoDeviceControl`)
      .replace('  array,\n', '  WdfFalse,\n  array,\n'),
    [
      { do: 'openInterface', interface: INTERFACE, overlapped: true },
      { do: 'power', to: 'sleep' },
      SWITCH,
      { do: 'power', to: 'wake' },
      { do: 'wait', milliseconds: 10 },
      { do: 'close' },
    ],
  )
  expect([outcome, leaks]).toEqual(['ok', []])
  expect(statuses).toEqual(['0x00000000'])
  expect(printed).toEqual(['started', 'lit', ...middle, 'dark', 'stopped'])
})

test('a device whose hardware cannot be prepared does not start, and is released', async () => {
  const { printed, outcome } = await run(
    source.replace(
      "'Lamp: started\\n')\n  return STATUS_SUCCESS",
      "'Lamp: started\\n')\n  return STATUS_INVALID_DEVICE_REQUEST",
    ),
    [{ do: 'openInterface', interface: INTERFACE }],
  )
  expect(outcome).toBe('ok')
  expect(printed).toEqual(['started', 'stopped'])
})

test('a device that loses power was told before its hardware goes', async () => {
  const { printed } = await run(source, [
    { do: 'restart', device: 'lamp' },
    { do: 'surpriseRemove', device: 'lamp' },
  ])
  expect(printed).toEqual([
    ...['started', 'lit', 'dark', 'stopped'],
    ...['started', 'lit', 'pulled out', 'dark', 'stopped'],
  ])
})
