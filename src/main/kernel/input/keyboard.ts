/**
 * The keyboard: the driver `\Driver\Kbdclass` with the device `\Device\KeyboardClass0`. A read of it stays
 * pending until keys come and gives KEYBOARD_INPUT_DATA, one for each key that goes down or up. The raw
 * input thread of csrss.exe always has a read there; whoever attaches above the device sees what it gets.
 */
import {
  DO_BUFFERED_IO,
  DO_DEVICE_INITIALIZING,
  FILE_DEVICE_KEYBOARD,
  KEY_BREAK,
  KEY_MAKE,
} from '../../../shared/nt/generated/constants'
import { DEVICE_OBJECT, IRP, KEYBOARD_INPUT_DATA } from '../../../shared/nt/generated/offsets'
import {
  IRP_MJ_CLEANUP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_READ,
} from '../../../shared/nt/irp-functions'
import { STATUS_SUCCESS } from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Image } from '../loader/image'
import type { Ptr } from '../mm/memory'
import { assert } from '../stop'
import { ReadQueue } from './read-queue'
import { keyOf, LEFT_CTRL, LEFT_SHIFT } from './scan-codes'

export const KEYBOARD_DEVICE = '\\Device\\KeyboardClass0'

/** A driver of the system's with one device of which bytes are read; opening it always succeeds. */
export function createInputDevice(
  k: Kernel,
  driverName: string,
  name: string,
  type: number,
  image: Image | undefined,
  read: (irp: Ptr) => KernelRoutine<number>,
): Ptr {
  const succeed = function* (_: Kernel, [, irp = 0]: number[]): KernelRoutine<number> {
    k.memory.setU32(irp + IRP['IoStatus.Status'], STATUS_SUCCESS)
    k.memory.setSize(irp + IRP['IoStatus.Information'], 0)
    yield* k.irps.complete(irp)
    return STATUS_SUCCESS
  }
  const driver = k.loader.createBuiltin(
    driverName,
    {
      [IRP_MJ_CREATE]: succeed,
      [IRP_MJ_CLEANUP]: succeed,
      [IRP_MJ_CLOSE]: succeed,
      [IRP_MJ_READ]: (_, [, irp = 0]) => read(irp),
    },
    { image },
  )
  const { device } = k.devices.create({
    driver,
    extensionSize: 0,
    name,
    type,
    characteristics: 0,
    exclusive: false,
  })
  assert(device !== 0, `no memory for ${name}`)
  const flags = device + DEVICE_OBJECT.Flags
  k.memory.setU32(flags, (k.memory.u32(flags) & ~DO_DEVICE_INITIALIZING) | DO_BUFFERED_IO)
  return device
}

export class Keyboard {
  readonly device: Ptr
  private readonly reads: ReadQueue

  constructor(
    private readonly k: Kernel,
    image: Image | undefined,
  ) {
    this.reads = new ReadQueue(k, {
      cancelName: 'KeyboardClassCancel',
      image,
      unit: KEYBOARD_INPUT_DATA.SIZE,
    })
    const read = (irp: Ptr): KernelRoutine<number> => this.reads.read(irp)
    this.device = createInputDevice(
      k,
      'Kbdclass',
      KEYBOARD_DEVICE,
      FILE_DEVICE_KEYBOARD,
      image,
      read,
    )
  }

  /** Somebody types. Keys go down and up one after the other; whoever waits for them runs in between. */
  *type(text: string): KernelRoutine<void> {
    for (const char of text) {
      const key = keyOf(char)
      if (!key) continue
      if (this.k.tracing) this.k.emit({ t: 'key.pressed', code: key.code, key: nameOf(char) })
      const modifier = key.shift ? LEFT_SHIFT : key.ctrl ? LEFT_CTRL : 0
      if (modifier) yield* this.move(modifier, KEY_MAKE)
      yield* this.move(key.code, KEY_MAKE)
      yield* this.move(key.code, KEY_BREAK)
      if (modifier) yield* this.move(modifier, KEY_BREAK)
    }
  }

  private *move(code: number, flags: number): KernelRoutine<void> {
    const bytes = new Array<number>(KEYBOARD_INPUT_DATA.SIZE).fill(0)
    bytes[KEYBOARD_INPUT_DATA.MakeCode] = code
    bytes[KEYBOARD_INPUT_DATA.Flags] = flags
    yield* this.reads.supply(bytes)
    yield { op: 'yield' }
  }
}

const NAMES: Readonly<Record<string, string>> = {
  '\n': 'Enter',
  '\t': 'Tab',
  '\b': 'Backspace',
  '\x1a': 'Ctrl+Z',
  '\x1b': 'Esc',
  ' ': 'Space',
}
const nameOf = (char: string): string => NAMES[char] ?? char
