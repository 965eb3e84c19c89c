/** The whole contract between the window and main: one table. */
import { appContract } from './app'
import { catalogueContract } from './catalogue'
import { labContract } from './lab'
import type { Client, Handlers } from './table'

export const contract = { ...appContract, ...catalogueContract, ...labContract }
export type RingContract = typeof contract
export type RingClient = Client<RingContract>
export type RingHandlers = Handlers<RingContract>

export const STREAMS = Object.entries(contract)
  .filter(([, row]) => row.kind === 'stream')
  .map(([name]) => name)
export const CALLS = Object.entries(contract)
  .filter(([, row]) => row.kind === 'call')
  .map(([name]) => name)
