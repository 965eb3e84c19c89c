/** What the Explorer lists, looks into and compares: one form for every kind of thing. */
import type { MachineState } from '../../../../shared/trace/fold'
import { grouped } from '../../../../shared/trace/words'

export type Kind =
  | 'objects'
  | 'links'
  | 'handles'
  | 'processes'
  | 'threads'
  | 'apcs'
  | 'locks'
  | 'timers'
  | 'devices'
  | 'devnodes'
  | 'interfaces'
  | 'drivers'
  | 'irps'
  | 'files'
  | 'pool'
  | 'sections'
  | 'views'
  | 'mappings'
  | 'frames'
  | 'pagesOut'
  | 'leaks'
  | 'registry'
  | 'tokens'
  | 'access'
  | 'callbacks'
  | 'minifilters'
  | 'callouts'
  | 'filters'
  | 'sublayers'
  | 'queues'
  | 'frameworkObjects'
  | 'frameworkHosts'
  | 'sockets'
  | 'hosts'
  | 'machine'
  | 'interrupts'
  | 'lines'
  | 'registers'

/** Another row that a value leads to. */
export interface Target {
  kind: Kind
  id: string
}

export interface Field {
  name: string
  value: string
  mono?: boolean
  to?: Target
  /** Step that the value leads to. */
  step?: number
}

export interface Row {
  /** Unique within its kind; the same thing has the same id at every step. */
  id: string
  title: string
  /** One line about it in the list. */
  about: string
  fields: Field[]
  /** Texts that name it in the trace. */
  words: string[]
  /** How deep it stands in a tree, from 0. */
  depth?: number
}

/** How the things of one kind are found in a machine state. */
export interface KindRows {
  /** How many there are, without making their rows. */
  count: (state: MachineState) => number
  /** In the order in which they came to be, or that of their tree. */
  rows: (state: MachineState) => Row[]
}

/** A value in words. */
export function said(name: string, value: string | number, to?: Target | null): Field {
  return { name, value: String(value), ...(to ? { to } : {}) }
}

/** A value as the machine has it: a name, an address, a number. */
export function code(name: string, value: string, to?: Target | null): Field {
  return { ...said(name, value, to), mono: true }
}

/** A step of the trace. */
export function atStep(name: string, seq: number): Field {
  return { name, value: `#${grouped(seq)}`, step: seq }
}

export const hex = (value: number): string => `0x${value.toString(16).toUpperCase()}`
export const byteWords = (count: number): string => `${grouped(count)} bytes`
/** Simulated time in units of 100 ns, in words. */
export const timeWords = (ticks: number): string => `${grouped(Math.floor(ticks / 10))} µs`
