/**
 * One system call, stop by stop: where the thread is, in which ring, what its registers hold, on which
 * stack it stands, and why. Computed from the events of the call and from what the architecture lays
 * down (Intel SDM volume 2, SYSCALL and SYSRET; KiSystemCall64 of Windows 10).
 */
import { hex, pointer } from '../nt/format'
import {
  IA32_FMASK_AT_BOOT,
  KE_SERVICE_DESCRIPTOR_TABLE,
  KI_SERVICE_TABLE,
  KI_SYSTEM_CALL_64,
} from '../nt/system-call'
import type { EventOf, SourcePlace, TraceEvent } from './event'
import { startOf, type CallIndex, type SystemCall } from './fold-rings'
import type { Register } from './ring-registers'
import { Story } from './ring-story'
import * as say from './ring-words'

export type StopKind =
  | 'program'
  | 'win32'
  | 'stub'
  | 'syscall'
  | 'gate'
  | 'entry'
  | 'table'
  | 'service'
  | 'diverted'
  | 'driver'
  | 'zw'
  | 'internal'
  | 'back'

/** What lies on a stack, from its base down. */
export interface StackCell {
  kind: 'frame' | 'trap' | 'argument'
  text: string
}

export interface RingStop {
  /** Index in the list. */
  index: number
  /** Step of the run at which the thread is here; two stops may share one. */
  seq: number
  kind: StopKind
  ring: 0 | 3
  /** The box of the picture: stops with the same one are in the same place. */
  box: string
  /** `ntdll.dll`, `ntoskrnl.exe`, `toy.sys`. */
  module: string
  /** `NtOpenProcess`. */
  name: string
  /** What happens here and why. */
  sentence: string
  /** Says that the way leads into code that is not the kernel's; null when it does not. */
  hooked: string | null
  registers: Register[]
  stacks: { current: 'user' | 'kernel'; user: StackCell[]; kernel: StackCell[] }
  at?: SourcePlace
}

/** The registers that decide where a system call goes. */
export interface EntryRegister {
  name: 'IA32_LSTAR' | 'IA32_STAR' | 'IA32_FMASK' | 'KiServiceTable'
  value: string
  note: string
}

export interface CallStory {
  call: SystemCall
  stops: RingStop[]
  entry: EntryRegister[]
  /** Why there is no way back, when there is none. */
  unfinished: string | null
}

/** Events read to tell one call: while a call waits, any number of others may come in between. */
const CALL_EVENTS_MAX = 4000

/** Where the events of a run are. */
export interface RunEvents {
  readonly count: number
  /** Events `from`..`to`, both included. */
  range(from: number, to: number): TraceEvent[]
}

/** Tell the call whose first hop has this seq; undefined when there is none. */
export function tellCall(calls: CallIndex, run: RunEvents, first: number): CallStory | undefined {
  const call = calls.find(first)
  if (!call) return undefined
  const start = [...new Set([startOf(call), call.win32 ?? first])].filter((seq) => seq < first)
  const end = Math.min(call.last ?? run.count, first + CALL_EVENTS_MAX)
  const events = run.range(first, end)
  // A long one is told by its beginning and its end.
  for (const seq of start.toReversed()) events.unshift(...run.range(seq, seq))
  if (call.last !== null && call.last > end) events.push(...run.range(call.last, call.last))
  return storyOf(
    call,
    events.filter(({ thread }) => thread === call.thread),
  )
}

/** @param events  those of the call's thread, in order */
function storyOf(call: SystemCall, events: readonly TraceEvent[]): CallStory {
  const story = new Story(call, events)
  return {
    call,
    stops: story.tell(),
    entry: entryRegisters(story.movedEntry),
    unfinished: call.last === null ? say.unfinished(call) : null,
  }
}

/** @param movedEntry  where IA32_LSTAR leads, when that is not KiSystemCall64 */
function entryRegisters(movedEntry: EventOf<'hop'>['entry']): EntryRegister[] {
  return [
    {
      name: 'IA32_LSTAR',
      value: movedEntry?.address ?? pointer(KI_SYSTEM_CALL_64),
      note: movedEntry
        ? `${movedEntry.symbol}: ${say.leadsInto(movedEntry.symbol)}`
        : 'nt!KiSystemCall64',
    },
    {
      name: 'IA32_STAR',
      value: '0x0023001000000000',
      note: 'in: CS 0x10, SS 0x18; back: CS 0x33, SS 0x2B',
    },
    {
      name: 'IA32_FMASK',
      value: hex(IA32_FMASK_AT_BOOT),
      note: 'clears TF, IF, DF and NT',
    },
    {
      name: 'KiServiceTable',
      value: pointer(KI_SERVICE_TABLE),
      note: `named by KeServiceDescriptorTable, ${pointer(KE_SERVICE_DESCRIPTOR_TABLE)}`,
    },
  ]
}
