/**
 * Which part the roots of the Lab play on its machines. They are known by thumbprint, as a Windows
 * knows its own: a name proves nothing.
 */
export type SimulatedRole = 'platform' | 'cross' | 'test' | 'time-stamp' | 'homemade'

/** SHA-256 of the certificates that `certificates/authorities.ts` makes; a test holds both together. */
export const SIMULATED_ROOTS: ReadonlyMap<string, SimulatedRole> = new Map([
  ['ae3b9d465e5a05e5d3006dcc43b0d31bc39fba26ce23ea41b82375abaaca2e56', 'platform'],
  ['873ac440436c7ce5a39f439584904f2d02ca61ab985b3c7c62d775cf6802cddd', 'cross'],
  ['2907230a9a37eb042428118fa2186a1844abd2fa2edb212b95d6633f6895dee0', 'test'],
  ['57890ca0bbb1941013c32b94fd528dda9f6840d6d9a9db2a59c45c8fcf2e5db2', 'time-stamp'],
  ['4c476e50c4a035dd00aafc8c9f19406b6e5cc2a6882d66eb8fbfc072dd434096', 'homemade'],
])
