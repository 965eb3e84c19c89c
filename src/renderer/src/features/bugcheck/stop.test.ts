import { describe, expect, it } from 'vitest'
import type { RunReport } from '../../../../shared/contract/model'
import { stopOf, stopText } from './stop'

const report = (more: Partial<RunReport>): RunReport => ({
  schema: 'ring0-run/1',
  outcome: 'ok',
  driverEntry: { status: '0x00000000' },
  requests: [],
  leaks: [],
  dbgPrint: [],
  diagnostics: [],
  seed: 3,
  verifier: [],
  stats: { events: 10, ticks: 1, irps: 0, requests: 0, ddiCalls: 0, poolBytesMax: 0 },
  ...more,
})

describe('stopOf', () => {
  it('finds nothing in a run that ended well or never began', () => {
    expect(stopOf(report({}))).toBeNull()
    expect(stopOf(report({ outcome: 'compile-error' }))).toBeNull()
  })

  it.each([
    ['bugcheck', 'blue', 'Bug check 0x44', 'MULTIPLE_IRP_COMPLETE_REQUESTS'],
    ['verifier-stop', 'amber', 'Verifier stop', 'DRIVER_VERIFIER_DETECTED_VIOLATION'],
    ['leak', 'amber', 'Leak', 'The driver was unloaded and left something behind'],
    ['hang', 'amber', 'Hang', 'The run cannot go on'],
    ['limit', 'amber', 'Limit', 'The run was ended by a limit'],
  ] as const)('words %s', (outcome, tone, label, title) => {
    const bugcheck = {
      code: '0x00000044',
      name: 'MULTIPLE_IRP_COMPLETE_REQUESTS',
      parameters: ['0x0', '0x0', '0x0', '0x0'],
      at: null,
    }
    expect(
      stopOf(report({ outcome, ...(outcome === 'bugcheck' ? { bugcheck } : {}) })),
    ).toMatchObject({
      tone,
      label,
      title,
    })
  })

  it('of a driver that the machine refused says which Windows, and by which rule', () => {
    const verdict = {
      ...{ driver: 'Toy', windows: '10-1607' as const, machine: '', accepted: false },
      ...{ status: '0xC0000428', statusName: 'STATUS_INVALID_IMAGE_HASH', rule: 'portal' as const },
      ...{ because: 'The certificate is new.', signature: 0, rules: [] },
    }
    const driverEntry = { status: '0xC0000428' }
    const stop = stopOf(report({ outcome: 'load-failed', driverEntry, verdicts: [verdict] }))
    expect(stop).toMatchObject({
      title: 'Windows 10 1607 refused Toy: STATUS_INVALID_IMAGE_HASH',
      what: 'The certificate is new. (rule "portal")',
    })
  })

  it('names the status of a failed load', () => {
    const stop = stopOf(report({ outcome: 'load-failed', driverEntry: { status: '0xC0000001' } }))
    expect(stop?.title).toBe('DriverEntry returned STATUS_UNSUCCESSFUL')
  })

  it('counts what a driver left behind', () => {
    const stop = stopOf(
      report({
        outcome: 'leak',
        leaks: [
          { kind: 'pool', tag: 'Toy1', bytes: 64, count: 2 },
          { kind: 'device', name: '\\Device\\Toy', count: 1 },
        ],
      }),
    )
    expect(stop?.what).toBe('Left behind: 2 pool blocks Toy1, 64 bytes; 1 device \\Device\\Toy.')
  })

  it('writes what is needed to repeat the run', () => {
    const text = stopText(
      stopOf(report({ outcome: 'hang', reason: 'IRP 2 is pending.' }))!,
      report({ verifier: ['io'] }),
    )
    expect(text).toContain('IRP 2 is pending.')
    expect(text).toContain('seed 3, verifier io')
  })
})
