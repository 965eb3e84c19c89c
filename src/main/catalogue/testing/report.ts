import type { RunReport } from '../../../shared/contract/model'

/** The report of a run that ended well, or otherwise. */
export const reportOf = (over: Partial<RunReport> = {}): RunReport => ({
  schema: 'ring0-run/1',
  outcome: 'ok',
  driverEntry: { status: '0x00000000' },
  requests: [],
  leaks: [],
  dbgPrint: ['hello'],
  diagnostics: [],
  seed: 1,
  verifier: [],
  stats: { events: 57, ticks: 1000, irps: 2, ddiCalls: 9, poolBytesMax: 64, requests: 0 },
  ...over,
})
