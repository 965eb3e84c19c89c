/** Rules about device objects: flags of a stack, devices that are unfinished or left behind. */
import { DEVICE_OBJECT } from '../../../../shared/nt/generated/offsets'
import {
  DO_BUFFERED_IO,
  DO_BUS_ENUMERATED_DEVICE,
  DO_DEVICE_INITIALIZING,
  DO_DIRECT_IO,
  DO_POWER_PAGABLE,
} from '../../../../shared/nt/constants'
import type { Kernel } from '../../kernel'
import type { Ptr } from '../../mm/memory'
import type { FirstCause } from '../../stop'
import { atPlace, here, type Note } from './note'

interface Notes {
  made: Note
  attached: Note | null
  deleted: Note | null
  /** Its flags were compared with those of the device below. */
  checked: boolean
}

/** Devices that drivers made; of each machine its own. */
const machines = new WeakMap<Kernel, Map<Ptr, Notes>>()

function notesOf(k: Kernel): Map<Ptr, Notes> {
  let notes = machines.get(k)
  if (!notes) machines.set(k, (notes = new Map()))
  return notes
}

/** IoCreateDevice succeeded. */
export function noteCreated(k: Kernel, device: Ptr): void {
  if (k.verifier.watching)
    notesOf(k).set(device, { made: here(k), attached: null, deleted: null, checked: false })
}

/** A device was put on top of another. */
export function noteAttached(k: Kernel, device: Ptr): void {
  const notes = notesOf(k).get(device)
  if (!notes) return
  notes.attached = here(k)
  notes.checked = false
}

/** IoDeleteDevice. */
export function noteDeleted(k: Kernel, device: Ptr): void {
  const notes = notesOf(k).get(device)
  if (notes) notes.deleted = here(k)
}

function cause(note: Note | null | undefined, text: string): FirstCause | null {
  return note ? { ...note, text } : null
}

export function createCause(k: Kernel, device: Ptr): FirstCause | null {
  return cause(notesOf(k).get(device)?.made, 'The device was created here.')
}

export function attachCause(k: Kernel, device: Ptr): FirstCause | null {
  return cause(notesOf(k).get(device)?.attached, 'The device was attached here.')
}

export function deleteCause(k: Kernel, device: Ptr): FirstCause | null {
  return cause(notesOf(k).get(device)?.deleted, 'The device was deleted here.')
}

/** DriverEntry succeeded: its devices are complete. */
export function driverInitialized(k: Kernel, driver: Ptr): void {
  if (!k.verifier.watching) return
  for (const device of k.devices.ofDriver(driver)) checkFlags(k, device)
}

/** AddDevice succeeded: its devices are complete, and their flags say so. */
export function deviceAdded(k: Kernel, driver: Ptr): void {
  if (!k.verifier.watching) return
  for (const device of k.devices.ofDriver(driver)) {
    const made = notesOf(k).get(device)?.made
    const flags = k.memory.u32(device + DEVICE_OBJECT.Flags)
    if (flags & DO_DEVICE_INITIALIZING)
      atPlace(k, made?.at, () =>
        k.verifier.check(
          'VR-DEV-INITIALIZING',
          true,
          [0x243, k.images.nearestCode(k.thread), k.memory.address(device), 0],
          'AddDevice has returned and its device still has DO_DEVICE_INITIALIZING: nobody can open it.',
          createCause(k, device),
        ),
      )
    checkFlags(k, device)
  }
}

/**
 * A packet is about to go to a device: one that was attached late is judged now. While its driver still
 * sets it up, as between the attachment and the copying of the flags, it is not.
 */
export function deviceUsed(k: Kernel, device: Ptr): void {
  if (notesOf(k).get(device)?.checked !== false) return
  const flags = k.memory.u32(device + DEVICE_OBJECT.Flags)
  if (!(flags & DO_DEVICE_INITIALIZING)) checkFlags(k, device)
}

/** What a device has to have in common with the one below. */
function checkFlags(k: Kernel, device: Ptr): void {
  const { memory } = k
  const object = k.devices.lookup(device)
  const notes = notesOf(k).get(device)
  if (!object || !notes || notes.checked) return
  notes.checked = true
  const flags = memory.u32(device + DEVICE_OBJECT.Flags)
  const below = object.data.attachedTo
  const lower = below ? memory.u32(below + DEVICE_OBJECT.Flags) : 0
  const check = (rule: string, code: number, broken: boolean, what: string): void =>
    k.verifier.check(
      rule,
      broken,
      [code, k.images.nearestCode(k.thread), memory.address(device), 0],
      what,
      below ? attachCause(k, device) : createCause(k, device),
    )
  atPlace(k, (below ? notes.attached : notes.made)?.at, () => {
    check(
      'VR-DEV-BOTH-FLAGS',
      0x245,
      (flags & DO_BUFFERED_IO) !== 0 && (flags & DO_DIRECT_IO) !== 0,
      'A device has both DO_BUFFERED_IO and DO_DIRECT_IO.',
    )
    if (!below) return
    check(
      'VR-DEV-POWERPAGABLE',
      0x23f,
      (lower & DO_POWER_PAGABLE) !== 0 && !(flags & DO_POWER_PAGABLE),
      'An attached device lacks DO_POWER_PAGABLE, which the device below has.',
    )
    // A function driver decides for itself how its buffers come; the bus device below has no say.
    if (lower & DO_BUS_ENUMERATED_DEVICE) return
    const kinds = DO_BUFFERED_IO | DO_DIRECT_IO
    check(
      'VR-DEV-BUFFER-FLAGS',
      0x244,
      (flags & kinds) !== (lower & kinds),
      'An attached device has other buffer flags (DO_BUFFERED_IO, DO_DIRECT_IO) than the device below.',
    )
    check(
      'VR-DEV-TYPE',
      0x246,
      memory.u32(device + DEVICE_OBJECT.DeviceType) !==
        memory.u32(below + DEVICE_OBJECT.DeviceType),
      'An attached device has another DeviceType than the device below.',
    )
  })
}

/** DriverUnload has returned: devices and links that it left. */
export function leftAtUnload(
  k: Kernel,
  name: string,
  devices: readonly Ptr[],
  links: readonly string[],
): void {
  const [device] = devices
  if (device)
    atPlace(k, notesOf(k).get(device)?.made.at, () =>
      k.verifier.warn(
        'VR-DEV-LEFT-AT-UNLOAD',
        true,
        `${name}.sys was unloaded and left its device ${k.devices.nameOf(device) ?? k.memory.format(device)} behind.`,
        createCause(k, device),
      ),
    )
  const [link] = links
  if (link)
    k.verifier.warn(
      'VR-DEV-LEFT-AT-UNLOAD',
      true,
      `${name}.sys was unloaded and left the symbolic link ${link} behind.`,
    )
}
