/** The hardware's part of the machine at step n: interrupts, registers, sections, mappings, pages that are out. */
import type { EventOf, EventType, TraceEvent } from './event'

export interface InterruptState {
  /** Interrupt object. */
  interrupt: string
  vector: number
  level: number
  routine: string
  device: string | null
  /** Interrupts of its vector that were delivered since it was connected. */
  delivered: number
}

export interface HardwareState {
  interrupts: InterruptState[]
  /** Lines that rose and were not delivered since. */
  lines: { device: string | null; vector: number; level: number; masked: boolean }[]
  /** Model-specific and control registers that were written. */
  registers: { register: string; value: string }[]
  sections: { section: string; name: string | null; bytes: number; backing: string }[]
  views: {
    view: string
    bytes: number
    section: string
    owner: number | null
    offset: string
    protection: string
  }[]
  /** Physical ranges that drivers have mapped (MmMapIoSpace). */
  mappings: { mapping: string; physical: string; bytes: number; what: string }[]
  /** Physical memory that drivers have taken page-wise. */
  frames: { block: string; bytes: number; physical: string; by: string }[]
  /** Pages in the page file. */
  pagesOut: string[]
}

export const HARDWARE_EVENTS = [
  'interrupt.connected',
  'interrupt.disconnected',
  'interrupt.raised',
  'interrupt.delivered',
  'interrupt.served',
  'device.accessed',
  'device.received',
  'device.sent',
  'register.written',
  'code.diverted',
  'pages.trimmed',
  'page.faulted',
  'section.created',
  'view.mapped',
  'view.unmapped',
  'physical.mapped',
  'physical.unmapped',
  'frames.allocated',
  'frames.freed',
] as const satisfies readonly EventType[]

export type HardwareEvent = EventOf<(typeof HARDWARE_EVENTS)[number]>

export function emptyHardware(): HardwareState {
  return {
    interrupts: [],
    lines: [],
    registers: [],
    sections: [],
    views: [],
    mappings: [],
    frames: [],
    pagesOut: [],
  }
}

function drop<T>(list: T[], match: (item: T) => boolean): void {
  const index = list.findIndex(match)
  if (index >= 0) list.splice(index, 1)
}

/** Apply one event, in place; events of other kinds change nothing. */
export function foldHardware(state: HardwareState, event: TraceEvent): void {
  switch (event.t) {
    case 'interrupt.connected':
      state.interrupts.push({
        interrupt: event.interrupt,
        vector: event.vector,
        level: event.level,
        routine: event.routine,
        device: event.device,
        delivered: 0,
      })
      break
    case 'interrupt.disconnected':
      drop(state.interrupts, (item) => item.interrupt === event.interrupt)
      break
    case 'interrupt.raised': {
      const { device, vector, level, masked } = event
      drop(state.lines, (item) => item.vector === vector)
      state.lines.push({ device, vector, level, masked })
      break
    }
    case 'interrupt.delivered':
      drop(state.lines, (item) => item.vector === event.vector)
      for (const item of state.interrupts) if (item.vector === event.vector) item.delivered++
      break
    case 'register.written':
      drop(state.registers, (item) => item.register === event.register)
      state.registers.push({ register: event.register, value: event.to })
      break
    case 'pages.trimmed':
      state.pagesOut.push(...event.pages)
      break
    case 'page.faulted':
      drop(state.pagesOut, (page) => page === event.page)
      break
    default:
      foldMappings(state, event)
  }
}

function foldMappings(state: HardwareState, event: TraceEvent): void {
  switch (event.t) {
    case 'section.created': {
      const { section, name, bytes, backing } = event
      state.sections.push({ section, name, bytes, backing })
      break
    }
    case 'object.deleted':
      if (event.type === 'Section') drop(state.sections, (item) => item.section === event.object)
      break
    case 'view.mapped': {
      const { view, bytes, section, owner, offset, protection } = event
      state.views.push({ view, bytes, section, owner, offset, protection })
      break
    }
    case 'view.unmapped':
      drop(state.views, (item) => item.view === event.view)
      break
    case 'physical.mapped': {
      const { mapping, physical, bytes, what } = event
      state.mappings.push({ mapping, physical, bytes, what })
      break
    }
    case 'physical.unmapped':
      drop(state.mappings, (item) => item.mapping === event.mapping)
      break
    case 'frames.allocated': {
      const { block, bytes, physical, by } = event
      state.frames.push({ block, bytes, physical, by })
      break
    }
    case 'frames.freed':
      drop(state.frames, (item) => item.block === event.block)
      break
  }
}
