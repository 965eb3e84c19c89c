/** The whole contract between the window and main: one table. */
import { appContract } from './app'
import { catalogueContract } from './catalogue'
import { detectionsContract, rulesContract } from './detections'
import { filesContract, type DropFiles } from './files'
import { labContract } from './lab'
import { lessonsContract } from './lessons'
import { packagesContract } from './packages'
import type { Client, Handlers } from './table'
import { techniquesContract } from './techniques'

export const contract = {
  ...appContract,
  ...catalogueContract,
  ...filesContract,
  ...labContract,
  ...packagesContract,
  ...lessonsContract,
  ...detectionsContract,
  ...rulesContract,
  ...techniquesContract,
}
export type RingContract = typeof contract
/** Calls that the preload makes by itself: the window cannot name a path. */
export const PRELOAD_ONLY = ['intake.dropped'] as const
type PreloadOnly = (typeof PRELOAD_ONLY)[number]

export type RingClient = Omit<Client<RingContract>, PreloadOnly> & { drop: DropFiles }
export type RingHandlers = Handlers<RingContract>

export const STREAMS = Object.entries(contract)
  .filter(([, row]) => row.kind === 'stream')
  .map(([name]) => name)
export const CALLS = Object.entries(contract)
  .filter(([, row]) => row.kind === 'call')
  .map(([name]) => name)
  .filter((name) => !(PRELOAD_ONLY as readonly string[]).includes(name))
