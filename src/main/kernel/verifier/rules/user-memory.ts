/**
 * Rules about memory of programs that a driver touches by its user address (METHOD_NEITHER, pointers in
 * buffers): probed before, inside an exception handler, read once.
 *
 * Plain accesses of driver code go to memory directly; only while one of these rules is on are user
 * pages hidden from it (`Memory.watchesUser`), so that each access comes here first.
 */
import { IRP } from '../../../../shared/nt/generated/offsets'
import type { SourcePlace } from '../../../../shared/trace/event'
import type { CodeFrame } from '../../ke/thread'
import type { Kernel } from '../../kernel'
import { REGIONS } from '../../mm/layout'
import type { Ptr } from '../../mm/memory'
import { atPlace, here, type Note } from './note'

const NOPROBE = 'VR-SEC-NEITHER-NOPROBE'
const NOSEH = 'VR-SEC-NEITHER-NOSEH'
const DOUBLEFETCH = 'VR-SEC-DOUBLEFETCH'
export const USER_MEMORY_RULES: readonly string[] = [NOPROBE, NOSEH, DOUBLEFETCH]

/** Ranges that are remembered of one request; what comes later is not compared. */
const RANGES_MAX = 256

interface Range {
  from: Ptr
  to: Ptr
}

/** What a dispatch routine did with memory of the program so far. */
interface Touches {
  probed: Range[]
  read: (Range & { note: Note })[]
}

const touchesOf = new WeakMap<CodeFrame, Touches>()

/** Routines that touch memory for driver code: which parameters, and how many bytes. */
const TOUCHING: Readonly<Record<string, { reads: string[]; writes: string[]; length: string }>> = {
  RtlCopyMemory: { reads: ['Source'], writes: ['Destination'], length: 'Length' },
  RtlMoveMemory: { reads: ['Source'], writes: ['Destination'], length: 'Length' },
  RtlCopyBytes: { reads: ['Source'], writes: ['Destination'], length: 'Length' },
  RtlZeroMemory: { reads: [], writes: ['Destination'], length: 'Length' },
  RtlFillMemory: { reads: [], writes: ['Destination'], length: 'Length' },
  RtlCompareMemory: { reads: ['Source1', 'Source2'], writes: [], length: 'Length' },
  RtlEqualMemory: { reads: ['Destination', 'Source'], writes: [], length: 'Length' },
  memcpy: { reads: ['src'], writes: ['dest'], length: 'count' },
  memmove: { reads: ['src'], writes: ['dest'], length: 'count' },
  memset: { reads: [], writes: ['dest'], length: 'count' },
}
const PROBING = new Set(['ProbeForRead', 'ProbeForWrite'])

/** Whether `routineTouches` has something to say about a routine. */
export function touchesMemory(name: string): boolean {
  return Object.hasOwn(TOUCHING, name) || PROBING.has(name) || name === 'MmProbeAndLockPages'
}

/** A driver is about to call one of them. */
export function routineTouches(k: Kernel, name: string, values: Record<string, unknown>): void {
  if (!k.memory.watchesUser) return
  const number = (parameter: string): number => Number(values[parameter] ?? 0)
  if (PROBING.has(name)) noteProbe(k, number('Address'), number('Length'))
  else if (name === 'MmProbeAndLockPages') {
    const mdl = number('MemoryDescriptorList')
    noteProbe(k, k.mdls.va(mdl), k.mdls.byteCount(mdl))
  }
  const touching = Object.hasOwn(TOUCHING, name) ? TOUCHING[name] : undefined
  if (!touching) return
  const length = number(touching.length)
  for (const parameter of touching.reads) userTouched(k, number(parameter), length, 'read')
  for (const parameter of touching.writes) userTouched(k, number(parameter), length, 'write')
}

/** Driver code is about to touch memory at `place` by itself. */
export function codeTouches(
  k: Kernel,
  at: Ptr,
  length: number,
  access: 'read' | 'write',
  place: SourcePlace | null,
): void {
  if (k.memory.isUser(at)) atPlace(k, place, () => userTouched(k, at, length, access))
}

/** A driver is about to touch memory of the current process. */
function userTouched(k: Kernel, at: Ptr, length: number, access: 'read' | 'write'): void {
  const { memory, thread, verifier } = k
  // What begins in the page of NULL faults and is named by that.
  if (length <= 0 || !memory.isUser(at) || at < REGIONS.nullPage.start + REGIONS.nullPage.bytes)
    return
  if (k.scheduler.userMode || k.driverOf(thread) === undefined) return
  const where = `Memory of the program at ${memory.format(at)} was ${access === 'read' ? 'read' : 'written'}`
  verifier.warn(
    NOSEH,
    thread.at !== null && k.options.handled?.(thread.at) === false,
    `${where} where no handler takes the exception that it may raise.`,
  )
  const dispatch = requestOf(k)
  if (!dispatch) return
  const touches = touchesIn(dispatch)
  verifier.warn(
    NOPROBE,
    !memory.isBorrowed(at) && !isProbed(touches, at, at + length),
    `${where} without ProbeFor${access === 'read' ? 'Read' : 'Write'}: the address may as well be one of the kernel.`,
  )
  if (access === 'write')
    touches.read = touches.read.filter((range) => !overlaps(range, at, at + length))
  else noteRead(k, touches, at, at + length)
}

function noteRead(k: Kernel, touches: Touches, from: Ptr, to: Ptr): void {
  const note = here(k)
  const line = note.at?.line
  const before = touches.read.find(
    // A loop that looks until something changes reads at one place again and again.
    (range) => overlaps(range, from, to) && range.note.at?.line !== line,
  )
  if (before)
    k.verifier.warn(
      DOUBLEFETCH,
      true,
      `Memory of the program at ${k.memory.format(Math.max(from, before.from))} was read a second time; the program can have changed it since.`,
      { ...before.note, text: 'It was read here the first time.' },
    )
  else if (touches.read.length < RANGES_MAX) touches.read.push({ from, to, note })
}

function noteProbe(k: Kernel, at: Ptr, length: number): void {
  const dispatch = requestOf(k)
  if (!dispatch || length <= 0) return
  const { probed } = touchesIn(dispatch)
  if (probed.length < RANGES_MAX) probed.push({ from: at, to: at + length })
}

/** The dispatch routine at work on a packet of the program whose memory is in view. */
function requestOf(k: Kernel): CodeFrame | null {
  const { thread } = k
  if (thread.attached && thread.attached !== thread.process) return null
  const frame = thread.frames.findLast(
    (item): item is CodeFrame => item.kind === 'code' && item.routine === 'DRIVER_DISPATCH',
  )
  const irp = frame?.args[1] ?? 0
  if (!frame || k.irps.info(irp)?.by !== 'I/O manager') return null
  return k.memory.u8(irp + IRP.RequestorMode) === 1 ? frame : null
}

function touchesIn(frame: CodeFrame): Touches {
  let touches = touchesOf.get(frame)
  if (!touches) touchesOf.set(frame, (touches = { probed: [], read: [] }))
  return touches
}

const overlaps = (range: Range, from: Ptr, to: Ptr): boolean => range.from < to && from < range.to
const isProbed = ({ probed }: Touches, from: Ptr, to: Ptr): boolean =>
  probed.some((range) => range.from <= from && to <= range.to)
