/** Rules about packets: who owns one, how it is handed down, completed, cancelled and freed. */
import { DEVICE_OBJECT, IO_STACK_LOCATION, IRP } from '../../../../shared/nt/generated/offsets'
import { STATUS_CANCELLED } from '../../../../shared/nt/generated/ntstatus'
import { hex32 } from '../../../../shared/nt/format'
import {
  IRP_MJ_CLEANUP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_PNP,
  IRP_MJ_POWER,
  majorName,
} from '../../../../shared/nt/irp-functions'
import { DO_POWER_PAGABLE } from '../../../../shared/nt/constants'
import type { IrpInfo } from '../../io/irp'
import type { KernelRoutine } from '../../ddi/types'
import { PASSIVE_LEVEL } from '../../ke/irql'
import type { Kernel } from '../../kernel'
import { PTE } from '../../mm/layout'
import type { Ptr } from '../../mm/memory'
import type { Random } from '../../random'
import type { FirstCause } from '../../stop'
import { attachCause } from './device'
import { controlReturned } from './integrity'
import { atPlace, here, type Note } from './note'

/** Control flags that belong to one driver's location: SL_PENDING_RETURNED, SL_INVOKE_ON_*. */
const COPIED_FLAGS = 0xe1
const CURRENT = IRP['Tail.Overlay.CurrentStackLocation']
const TICKS_PER_MINUTE = 600_000_000
const CANCEL_MINUTES = 5

/** What the verifier remembers of a packet. */
interface Notes {
  /** How the driver that has it prepared the next stack location. */
  prepared: { how: 'skipped' | 'copied'; note: Note } | null
  /** A completion routine was set for the next location. */
  hasCompletion: boolean
  made: Note | null
  /** Where each driver passed it down. */
  sent: Map<string, Note>
  cancelled: Note | null
  /** Where a cancel routine was set. */
  cancelSet: Note | null
  /** In the list of the thread that made it, so that the I/O manager frees it. */
  threaded: boolean
  /** Stack location from which it goes up later than it came back (force pending I/O); 0 for none. */
  held: number
  /** The driver above was told STATUS_PENDING for that reason. */
  forced: boolean
}

const notesOf = new WeakMap<IrpInfo, Notes>()

function notes(info: IrpInfo): Notes {
  let its = notesOf.get(info)
  if (!its)
    notesOf.set(
      info,
      (its = {
        prepared: null,
        hasCompletion: false,
        made: null,
        sent: new Map(),
        cancelled: null,
        cancelSet: null,
        threaded: false,
        held: 0,
        forced: false,
      }),
    )
  return its
}

function infoOf(k: Kernel, irp: Ptr): IrpInfo | undefined {
  return k.verifier.watching ? k.irps.info(irp) : undefined
}

/** Where the driver that runs passed the packet down. */
function sentBy(k: Kernel, its: Notes): Note | null {
  return its.sent.get(k.driverOf(k.thread) ?? '') ?? null
}

function cause(note: Note | null, text: string): FirstCause | null {
  return note && { ...note, text }
}

// --- made ------------------------------------------------------------------------------------------

/**
 * A driver made a packet; gives it back.
 * @param threaded  the I/O manager frees it when it is completed
 */
export function noteMade(k: Kernel, irp: Ptr, threaded = false): Ptr {
  const info = infoOf(k, irp)
  if (info) Object.assign(notes(info), { made: here(k), threaded })
  return irp
}

/** IoInitializeIrp. */
export function initializingIrp(k: Kernel, irp: Ptr): void {
  const info = infoOf(k, irp)
  if (!info) return
  k.verifier.check(
    'VR-IRP-REINIT',
    true,
    [0x20d, k.images.nearestCode(k.thread), k.memory.address(irp), 0],
    `IoInitializeIrp was called for IRP ${info.number}, which came from IoAllocateIrp.`,
    cause(notes(info).made, `IRP ${info.number} was allocated here.`),
  )
}

/** IoFreeIrp. */
export function freeingIrp(k: Kernel, irp: Ptr): void {
  const info = infoOf(k, irp)
  if (!info) return
  const its = notes(info)
  const made = cause(its.made, `IRP ${info.number} was made here.`)
  k.verifier.check(
    'VR-IRP-FREE-THREAD',
    its.threaded,
    [0x02, k.memory.address(irp), 0, 0],
    `IRP ${info.number} was freed, but it is in the list of the thread that it was made for; the I/O manager frees it.`,
    made,
  )
  k.verifier.check(
    'VR-IRP-FREE-INUSE',
    info.state === 'active' && k.memory.i8(irp + IRP.CurrentLocation) <= info.stackCount,
    [0x20b, k.images.nearestCode(k.thread), k.memory.address(irp), 0],
    `IRP ${info.number} was freed while another driver has it.`,
    cause(sentBy(k, its), `IRP ${info.number} was passed to the other driver here.`) ?? made,
  )
}

/** ExFreePool. */
export function freeingPool(k: Kernel, address: Ptr): void {
  const info = infoOf(k, address)
  if (!info) return
  k.verifier.check(
    'VR-IRP-FREE-EXFREEPOOL',
    true,
    [0x105, k.memory.address(address), 0, 0],
    `IRP ${info.number} was freed with ExFreePool.`,
    cause(notes(info).made, `IRP ${info.number} was made here.`),
  )
}

// --- handed down -----------------------------------------------------------------------------------

/** IoSkipCurrentIrpStackLocation, IoCopyCurrentIrpStackLocationToNext. */
export function notePrepared(k: Kernel, irp: Ptr, how: 'skipped' | 'copied'): void {
  const info = infoOf(k, irp)
  if (info) Object.assign(notes(info), { prepared: { how, note: here(k) }, hasCompletion: false })
}

/** IoSetCompletionRoutine. */
export function settingCompletion(k: Kernel, irp: Ptr, routine: Ptr): void {
  const info = infoOf(k, irp)
  if (!info || !routine) return
  const { verifier, memory } = k
  const code = k.images.nearestCode(k.thread)
  const its = notes(info)
  its.hasCompletion = true
  verifier.check(
    'VR-IRP-SKIP-THEN-COMPLETION',
    its.prepared?.how === 'skipped',
    [0x207, code, memory.address(irp), 0],
    `A completion routine was set for IRP ${info.number} after its stack location was skipped; it would replace that of the driver above.`,
    cause(its.prepared?.note ?? null, 'The stack location was skipped here.'),
  )
  verifier.check(
    'VR-IRP-COMPLETION-PAGED',
    (memory.pte(routine) & PTE.pageable) !== 0,
    [0x227, code, memory.address(irp), 0],
    `The completion routine ${k.images.symbol(routine)} is pageable code; it may run at DISPATCH_LEVEL.`,
  )
}

/** IoCallDriver, before the packet moves to the next location. */
export function forwarding(k: Kernel, irp: Ptr, device: Ptr): void {
  const info = infoOf(k, irp)
  if (!info || k.driverOf(k.thread) === undefined) return
  const its = notes(info)
  const code = k.images.nearestCode(k.thread)
  const address = k.memory.address(irp)
  const next = k.memory.ptr(irp + CURRENT) - IO_STACK_LOCATION.SIZE
  checkOwner(k, info, 'passed on')
  checkLevel(k, info, next, device, code)
  checkCopy(k, info, next, code)
  checkTarget(k, info, next, device, code)
  checkAddresses(k, info, next)
  k.verifier.warn(
    'VR-IRP-COPY-NOCOMPLETION',
    its.prepared?.how === 'copied' && !its.hasCompletion && hasCurrent(k, info),
    `IRP ${info.number} was passed down with a copied stack location and no completion routine; IoSkipCurrentIrpStackLocation does the same for less (0xC9 0x21C, ${k.memory.format(k.memory.index(address))}).`,
    cause(its.prepared?.note ?? null, 'The stack location was copied here.'),
  )
  its.prepared = null
  its.hasCompletion = false
  its.sent.set(k.driverOf(k.thread) ?? '', here(k))
}

/** Whether the packet is at a location of its own, not before the first. */
function hasCurrent(k: Kernel, info: IrpInfo): boolean {
  return k.memory.i8(info.address + IRP.CurrentLocation) <= info.stackCount
}

/** Name of the driver that has the packet now. */
function ownerOf(k: Kernel, info: IrpInfo): string | null {
  if (!hasCurrent(k, info)) return null
  return driverAt(k, k.memory.ptr(info.address + CURRENT))
}

function driverAt(k: Kernel, location: Ptr): string | null {
  const device = k.memory.ptr(location + IO_STACK_LOCATION.DeviceObject)
  return k.devices.lookup(device)
    ? k.devices.driverName(k.memory.ptr(device + DEVICE_OBJECT.DriverObject))
    : null
}

/** A driver that handed the packet down has it no more until it comes back. */
function checkOwner(k: Kernel, info: IrpInfo, verb: 'passed on' | 'completed'): void {
  const caller = k.driverOf(k.thread)
  const owner = ownerOf(k, info)
  if (info.state !== 'active' || owner === null || owner === caller) return
  const current = k.memory.ptr(info.address + CURRENT)
  const top = info.address + IRP.SIZE + info.stackCount * IO_STACK_LOCATION.SIZE
  let isAbove = false
  for (let at = current + IO_STACK_LOCATION.SIZE; at < top; at += IO_STACK_LOCATION.SIZE)
    if (driverAt(k, at) === caller) isAbove = true
  if (!isAbove) return
  const its = notes(info)
  const { forced } = its
  k.verifier.check(
    forced ? 'VR-IRP-FORCE-PENDING' : 'VR-IRP-FORWARD-PENDING',
    true,
    [
      forced || verb === 'passed on' ? 0x205 : 0x209,
      k.images.nearestCode(k.thread),
      k.memory.address(info.address),
      0,
    ],
    `IRP ${info.number} was ${verb} by ${caller} while ${owner} has it.`,
    cause(sentBy(k, its), `IRP ${info.number} was passed down here.`),
  )
}

function checkLevel(k: Kernel, info: IrpInfo, next: Ptr, device: Ptr, code: bigint): void {
  if (k.irql.level === PASSIVE_LEVEL) return
  const major = k.memory.u8(next + IO_STACK_LOCATION.MajorFunction)
  const passive: readonly number[] = [IRP_MJ_CREATE, IRP_MJ_CLEANUP, IRP_MJ_CLOSE, IRP_MJ_PNP]
  const pagable =
    major === IRP_MJ_POWER &&
    k.devices.lookup(device) !== undefined &&
    (k.memory.u32(device + DEVICE_OBJECT.Flags) & DO_POWER_PAGABLE) !== 0
  k.verifier.check(
    'VR-IRQL-FORWARD-MAJOR',
    passive.includes(major) || pagable,
    [0x23a, code, k.memory.address(info.address), 0],
    `${majorName(major)} was passed down at IRQL ${k.irql.level}; it belongs to PASSIVE_LEVEL.`,
  )
}

/** `*next = *current` takes the completion routine of the driver above along. */
function checkCopy(k: Kernel, info: IrpInfo, next: Ptr, code: bigint): void {
  const { memory } = k
  const its = notes(info)
  if (its.prepared?.how === 'skipped' || its.hasCompletion || !hasCurrent(k, info)) return
  const current = next + IO_STACK_LOCATION.SIZE
  const routine = memory.ptr(next + IO_STACK_LOCATION.CompletionRoutine)
  const isCopied =
    routine !== 0 &&
    routine === memory.ptr(current + IO_STACK_LOCATION.CompletionRoutine) &&
    memory.ptr(next + IO_STACK_LOCATION.Context) === memory.ptr(current + IO_STACK_LOCATION.Context)
  const control = memory.u8(next + IO_STACK_LOCATION.Control)
  k.verifier.check(
    'VR-IRP-BADCOPY',
    isCopied || (routine === 0 && (control & COPIED_FLAGS) !== 0),
    [isCopied ? 0x207 : 0x206, code, memory.address(info.address), 0],
    `The stack location of IRP ${info.number} was copied as a whole: ${isCopied ? `the completion routine ${k.images.symbol(routine)} of the driver above came along` : 'its control flags came along'}.`,
  )
}

/** Past a device of the stack. */
function checkTarget(k: Kernel, info: IrpInfo, next: Ptr, device: Ptr, code: bigint): void {
  const own =
    notes(info).prepared?.how === 'skipped'
      ? next
      : hasCurrent(k, info)
        ? next + IO_STACK_LOCATION.SIZE
        : 0
  if (!own) return
  const from = k.devices.lookup(k.memory.ptr(own + IO_STACK_LOCATION.DeviceObject))
  const below = from?.data.attachedTo ?? 0
  if (!from || below === 0 || below === device) return
  for (let at = k.devices.lookup(below); at; at = k.devices.lookup(at.data.attachedTo))
    if (at.data.attachedTo === device) {
      const name = k.devices.nameOf(below) ?? k.memory.format(below)
      k.verifier.check(
        'VR-DEV-SKIPPED',
        true,
        [0x211, code, k.memory.address(info.address), 0],
        `IRP ${info.number} was sent past the device ${name}, which is directly below.`,
        attachCause(k, from.address),
      )
      return
    }
}

/** A packet of the kernel's own makes drivers below trust its addresses. */
function checkAddresses(k: Kernel, info: IrpInfo, next: Ptr): void {
  const { memory } = k
  const irp = info.address
  if (info.by !== 'driver' || memory.u8(irp + IRP.RequestorMode) !== 0) return
  const isControl = [14, 15].includes(memory.u8(next + IO_STACK_LOCATION.MajorFunction))
  const code = memory.u32(next + IO_STACK_LOCATION['Parameters.DeviceIoControl.IoControlCode'])
  const addresses: [string, Ptr][] = [
    ['UserBuffer', memory.ptr(irp + IRP.UserBuffer)],
    ['MdlAddress', memory.ptr(irp + IRP.MdlAddress)],
  ]
  if (isControl && (code & 3) === 3)
    addresses.push([
      'Type3InputBuffer',
      memory.ptr(next + IO_STACK_LOCATION['Parameters.DeviceIoControl.Type3InputBuffer']),
    ])
  const found = addresses.find(([, at]) => at !== 0 && memory.isUser(at))
  if (found)
    k.verifier.check(
      'VR-SEC-KERNEL-IRP-USERADDR',
      true,
      [0xe2, memory.address(irp), memory.address(found[1]), 0],
      `IRP ${info.number} comes from kernel mode, and its ${found[0]} is an address of user space; nobody below will check it.`,
      cause(notes(info).made, `IRP ${info.number} was made here.`),
    )
}

// --- back --------------------------------------------------------------------------------------------

const UNWRITTEN = new Set([0xffff_ffff, 0xcccc_cccc, 0xcdcd_cdcd])
/** Facilities of Windows' own statuses end below this. */
const FACILITY_END = 0x100

/** A dispatch routine has returned. */
export function dispatchReturned(
  k: Kernel,
  info: IrpInfo,
  status: number,
  routine: Ptr,
  apcs: { before: number; now: number },
): void {
  const facility = (status >>> 16) & 0xfff
  const isCustomer = (status & 0x2000_0000) !== 0
  const isOdd =
    UNWRITTEN.has(status) ||
    (!isCustomer && ((status & 0x1000_0000) !== 0 || facility >= FACILITY_END))
  const code = k.memory.address(routine)
  k.verifier.check(
    'VR-MISC-INTERRUPTS',
    k.hal.interrupts.areOff,
    [0xc1, code, 0, 0],
    `${k.images.symbol(routine)} returned with interrupts turned off.`,
  )
  k.verifier.check(
    'VR-IRP-SUSPICIOUS',
    isOdd,
    [0x225, code, k.memory.address(info.address), status],
    `${k.images.symbol(routine)} returned ${hex32(status)} for IRP ${info.number}, which is no NTSTATUS.`,
  )
  k.verifier.check(
    'VR-LOCK-APC-DISPATCH',
    apcs.now !== apcs.before,
    [0xc5, code, BigInt.asUintN(64, BigInt(apcs.now)), BigInt.asUintN(64, BigInt(apcs.before))],
    `${k.images.symbol(routine)} changed the APC disable count from ${apcs.before} to ${apcs.now}.`,
  )
  if (info.major === IRP_MJ_DEVICE_CONTROL) controlReturned(k, routine)
}

/** IoCompleteRequest. */
export function completing(k: Kernel, irp: Ptr): void {
  const info = infoOf(k, irp)
  if (!info || k.driverOf(k.thread) === undefined) return
  checkOwner(k, info, 'completed')
  const cancel = k.thread.frames.find(
    (frame) => frame.kind === 'code' && frame.routine === 'DRIVER_CANCEL' && frame.args[1] === irp,
  )
  const status = k.memory.u32(irp + IRP['IoStatus.Status'])
  const information = k.memory.size(irp + IRP['IoStatus.Information'])
  k.verifier.warn(
    'VR-IRP-CANCEL-STATUS',
    cancel !== undefined && (status !== STATUS_CANCELLED || information !== 0),
    `The cancel routine completed IRP ${info.number} with ${hex32(status)} and Information ${information}, not STATUS_CANCELLED and 0.`,
    cause(notes(info).cancelled, `IRP ${info.number} was cancelled here.`),
  )
}

/** The last completion routine is through: where the caller wants to hear of it. */
export function finishing(k: Kernel, info: IrpInfo): void {
  const { memory } = k
  const { thread } = info
  if (!k.verifier.isActive('VR-IRP-STACK-EVENT') || !thread || info.by !== 'driver') return
  const end = k.scheduler.kernelStackPointer(thread)
  const isGone = (at: Ptr): boolean => at >= thread.stackLimit && at < end
  const event = memory.ptr(info.address + IRP.UserEvent)
  const block = memory.ptr(info.address + IRP.UserIosb)
  const [what, at, code] = isGone(event) ? ['event', event, 0x0d] : ['status block', block, 0x0c]
  if (isGone(event) || isGone(block))
    k.verifier.check(
      'VR-IRP-STACK-EVENT',
      true,
      [code as number, memory.address(at as Ptr), 0, 0],
      `IRP ${info.number} was completed after the function that waits for it had returned: its ${what} lies on a part of the stack that is not in use any more.`,
      cause(notes(info).made, `IRP ${info.number} was made here.`),
    )
}

// --- cancelled -----------------------------------------------------------------------------------------

/** IoSetCancelRoutine. */
export function settingCancel(k: Kernel, irp: Ptr, routine: Ptr): void {
  const info = infoOf(k, irp)
  const caller = k.driverOf(k.thread)
  if (!info || !routine || caller === undefined) return
  const owner = ownerOf(k, info)
  const sent = sentBy(k, notes(info))
  notes(info).cancelSet = here(k)
  k.verifier.check(
    'VR-IRP-CANCEL-BELOW',
    info.state === 'active' && owner !== null && owner !== caller && sent !== null,
    [0x229, k.images.nearestCode(k.thread), k.memory.address(irp), 0],
    `${caller} set a cancel routine for IRP ${info.number}, which ${owner} has.`,
    cause(sent, `IRP ${info.number} was passed down here.`),
  )
}

/** IoCancelIrp: whoever has the packet is expected to complete it soon. */
export function cancelling(k: Kernel, irp: Ptr): void {
  const info = infoOf(k, irp)
  if (!info) return
  const its = notes(info)
  if (its.cancelled) return
  its.cancelled = here(k)
  if (!k.verifier.isActive('VR-IRP-CANCEL-SLOW')) return
  k.timers.at(k.tick + CANCEL_MINUTES * TICKS_PER_MINUTE, () => {
    if (k.irps.info(irp) !== info || info.state !== 'active') return
    atPlace(k, its.cancelSet?.at, () =>
      k.verifier.check(
        'VR-IRP-CANCEL-SLOW',
        true,
        [0x135, k.memory.address(irp), CANCEL_MINUTES * 60_000, 0],
        `IRP ${info.number} was cancelled ${CANCEL_MINUTES} minutes ago and ${ownerOf(k, info) ?? 'its owner'} has not completed it.`,
        cause(its.cancelled, `IRP ${info.number} was cancelled here.`),
      ),
    )
  })
}

/** Where the cancel routine of a packet was set. */
export function cancelSetCause(k: Kernel, irp: Ptr): FirstCause | null {
  const info = infoOf(k, irp)
  return info ? cause(notes(info).cancelSet, 'The cancel routine was set here.') : null
}

// --- force pending I/O -----------------------------------------------------------------------------------

/** Ticks for which a packet that came back is kept. */
const KEPT_TICKS = 10_000

/** A driver passes a packet down: perhaps it is to hear of its end later than it is used to. */
export function mayHold(k: Kernel, irp: Ptr, location: number): void {
  if (!k.verifier.option('force pending I/O') || k.driverOf(k.thread) === undefined) return
  const info = infoOf(k, irp)
  if (info && chance(k)) notes(info).held = location
}

/** The packet has come back to the location: whether it waits there, and goes on by `resume`. */
export function holds(
  k: Kernel,
  irp: Ptr,
  location: number,
  resume: () => KernelRoutine<void>,
): boolean {
  const info = infoOf(k, irp)
  if (!info || location === 0 || notes(info).held !== location) return false
  Object.assign(notes(info), { held: 0, forced: true })
  k.timers.at(k.tick + KEPT_TICKS, () => k.dpcs.insertNative(resume))
  return true
}

/** Whether a packet waits for its way up though the driver below is done with it. */
export function isHeld(info: IrpInfo): boolean {
  return notesOf.get(info)?.forced === true
}

const chances = new WeakMap<Kernel, Random>()

function chance(k: Kernel): boolean {
  let random = chances.get(k)
  if (!random) chances.set(k, (random = k.random.split('force pending I/O')))
  return random.below(2) === 0
}
