/** What a driver can do, told by rules in files (data/capabilities) with the evidence for each. */
export { readBaseRates, REFERENCE_SAMPLES, type BaseRate, type BaseRates } from './base-rates'
export { evaluate } from './evaluate'
export type { CapabilityFacts } from './features'
export { loadRules } from './load'
export type { CapabilityRule } from './rule'
