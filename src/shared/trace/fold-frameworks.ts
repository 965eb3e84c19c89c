/** The part of the fold that keeps objects of the driver framework and the host processes of UMDF. */
import type { TraceEvent } from './event'

export interface FrameworkObjectState {
  object: string
  kind: string
  parent: string | null
  /** Driver that made it. */
  driver: string | null
  /** Host process in which it is; null for an object of the kernel. */
  host: number | null
  seq: number
}

export interface FrameworkHostState {
  host: number
  service: string
  device: string
  /** Which restart it is, from 1; 0 for the first host of its device. */
  restart: number
  /** Packets that it has. */
  irps: number[]
  messages: number
  /** How it ended, and what was lost with it; null while it runs. */
  end: { code: string; expected: boolean; lost: number[]; seq: number } | null
  /** After it the device failed: there is no next one. */
  last: boolean
  seq: number
}

interface Frameworks {
  objects: FrameworkObjectState[]
  hosts: FrameworkHostState[]
}

/** Addresses of the kernel are those whose upper bits are set. */
const isOfKernel = (address: string): boolean => /^0xffff/i.test(address)

/** Apply an event to the state, in place. */
export function foldFrameworks(state: Frameworks, event: TraceEvent): void {
  switch (event.t) {
    case 'wdf.object.created': {
      const { object, kind, parent, driver = null, process, seq } = event
      const host = isOfKernel(object) ? null : process
      state.objects.push({ object, kind, parent, driver, host, seq })
      break
    }
    case 'wdf.object.deleted': {
      const host = isOfKernel(event.object) ? null : event.process
      const at = state.objects.findLastIndex(
        (item) => item.object === event.object && item.host === host,
      )
      if (at >= 0) state.objects.splice(at, 1)
      break
    }
    case 'wdf.host.started': {
      const { host, service, device, restart, seq } = event
      state.hosts.push({
        ...{ host, service, device, restart, seq },
        ...{ irps: [], messages: 0, end: null, last: false },
      })
      break
    }
    case 'wdf.host.ended': {
      const { host, code, expected, lost, seq } = event
      const found = state.hosts.findLast((item) => item.host === host)
      if (found) {
        found.end = { code, expected, lost, seq }
        found.irps = []
      }
      // What was in it went with it.
      state.objects = state.objects.filter((item) => item.host !== host)
      break
    }
    case 'wdf.message.passed': {
      const found = state.hosts.findLast(({ host }) => host === event.host)
      if (!found) break
      found.messages++
      found.irps = found.irps.filter((irp) => irp !== event.irp)
      if (event.way === 'to host') found.irps.push(event.irp)
      break
    }
    case 'wdf.device.failed': {
      const found = state.hosts.findLast(({ device }) => device === event.device)
      if (found) found.last = true
      break
    }
  }
}
