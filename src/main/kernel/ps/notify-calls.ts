/** What notify routines are told: the calls at the birth and the end of processes and threads, and at the load of images. */
import {
  CLIENT_ID,
  IMAGE_INFO,
  PS_CREATE_NOTIFY_INFO,
  UNICODE_STRING,
} from '../../../shared/nt/generated/offsets'
import {
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Thread } from '../ke/thread'
import type { Kernel } from '../kernel'
import type { Image } from '../loader/image'
import type { Ptr } from '../mm/memory'
import { placeText, textBytes } from '../ob/header'
import { driverPath, processDosPath } from './image-name'
import { NOTIFY_EX, NotifyArray, type NotifyKind } from './notify'
import type { Process } from './process'

const TAG = 'PsNt'
const IMAGE_ADDRESSING_MODE_64BIT = 3
const SYSTEM_MODE_IMAGE = 1 << 8
/** Bit of PS_CREATE_NOTIFY_INFO.Flags: ImageFileName is the exact name of the file. */
const FILE_OPEN_NAME_AVAILABLE = 1

/** Memory for what one call is told, in one block: structures and texts. */
class CallMemory {
  private readonly block: Ptr
  private next: Ptr

  constructor(
    private readonly k: Kernel,
    bytes: number,
  ) {
    this.block = k.pool.allocate(bytes, TAG, { system: true })
    this.next = this.block
  }

  /** False when memory is short: then nobody is told, as nothing can be. */
  get isThere(): boolean {
    return this.block !== 0
  }

  take(bytes: number): Ptr {
    const at = this.next
    this.next += (bytes + 7) & ~7
    return at
  }

  /** A UNICODE_STRING with its characters. */
  text(text: string): Ptr {
    const at = this.take(UNICODE_STRING.SIZE)
    placeText(this.k.memory, at, this.take(textBytes(text)), text)
    return at
  }

  release(): void {
    this.k.pool.free(this.block)
  }
}

/** Room for a UNICODE_STRING and its characters. */
const stringBytes = (text: string): number => UNICODE_STRING.SIZE + textBytes(text) + 8

export class Notifications {
  readonly arrays: Readonly<Record<NotifyKind, NotifyArray>>

  constructor(private readonly k: Kernel) {
    this.arrays = {
      process: new NotifyArray(k, 'process'),
      thread: new NotifyArray(k, 'thread'),
      image: new NotifyArray(k, 'image'),
    }
  }

  /**
   * A process is about to begin. Runs in the process that creates it.
   * @returns CreationStatus: an error means that the process must not begin
   */
  *processCreated(process: Process, parent: Process): KernelRoutine<number> {
    const array = this.arrays.process
    if (array.isEmpty) return STATUS_SUCCESS
    const { k } = this
    const path = processDosPath(process)
    const bytes = PS_CREATE_NOTIFY_INFO.SIZE + stringBytes(path) + stringBytes(process.name)
    const room = new CallMemory(k, bytes)
    if (!room.isThere) return STATUS_INSUFFICIENT_RESOURCES
    const info = this.creationInfo(room, process, parent, path)
    const statusAt = info + PS_CREATE_NOTIFY_INFO.CreationStatus
    yield* array.call((context) =>
      context === NOTIFY_EX
        ? {
            routine: 'CREATE_PROCESS_NOTIFY_ROUTINE_EX',
            args: [process.address, process.id, info],
          }
        : { routine: 'CREATE_PROCESS_NOTIFY_ROUTINE', args: [parent.id, process.id, 1] },
    )
    // What the last routine left there counts.
    const status = k.memory.u32(statusAt)
    room.release()
    return status >>> 31 === 0 ? STATUS_SUCCESS : status
  }

  private creationInfo(room: CallMemory, process: Process, parent: Process, path: string): Ptr {
    const { memory, thread } = this.k
    const info = room.take(PS_CREATE_NOTIFY_INFO.SIZE)
    memory.setSize(info + PS_CREATE_NOTIFY_INFO.Size, PS_CREATE_NOTIFY_INFO.SIZE)
    memory.setU32(info + PS_CREATE_NOTIFY_INFO.Flags, FILE_OPEN_NAME_AVAILABLE)
    memory.setSize(info + PS_CREATE_NOTIFY_INFO.ParentProcessId, parent.id)
    const creator = info + PS_CREATE_NOTIFY_INFO.CreatingThreadId
    memory.setSize(creator + CLIENT_ID.UniqueProcess, thread.process.id)
    memory.setSize(creator + CLIENT_ID.UniqueThread, thread.id)
    memory.setPtr(info + PS_CREATE_NOTIFY_INFO.ImageFileName, room.text(path))
    memory.setPtr(info + PS_CREATE_NOTIFY_INFO.CommandLine, room.text(process.name))
    return info
  }

  /** A process ends. Runs in it, on its last thread. */
  *processExited(process: Process, parent: number): KernelRoutine<void> {
    yield* this.arrays.process.call((context) =>
      context === NOTIFY_EX
        ? { routine: 'CREATE_PROCESS_NOTIFY_ROUTINE_EX', args: [process.address, process.id, 0] }
        : { routine: 'CREATE_PROCESS_NOTIFY_ROUTINE', args: [parent, process.id, 0] },
    )
  }

  /** A thread is about to begin (told by its creator) or ends (told by itself). */
  *thread(thread: Thread, create: boolean): KernelRoutine<void> {
    yield* this.arrays.thread.call(() => ({
      routine: 'CREATE_THREAD_NOTIFY_ROUTINE',
      args: [thread.process.id, thread.id, create ? 1 : 0],
    }))
  }

  private *image(path: string, process: number, image: Image, mode: number): KernelRoutine<void> {
    const array = this.arrays.image
    if (array.isEmpty) return
    const { memory } = this.k
    const room = new CallMemory(this.k, IMAGE_INFO.SIZE + stringBytes(path))
    if (!room.isThere) return
    const info = room.take(IMAGE_INFO.SIZE)
    memory.setU32(info + IMAGE_INFO.Properties, IMAGE_ADDRESSING_MODE_64BIT | mode)
    memory.setPtr(info + IMAGE_INFO.ImageBase, image.base)
    memory.setSize(info + IMAGE_INFO.ImageSize, image.size)
    const name = room.text(path)
    yield* array.call(() => ({ routine: 'LOAD_IMAGE_NOTIFY_ROUTINE', args: [name, process, info] }))
    room.release()
  }

  /** The image of a program is in its process, which is current; its code has not run yet. */
  programMapped(process: Process, image: Image): KernelRoutine<void> {
    return this.image(processDosPath(process), process.id, image, 0)
  }

  /** The image of a driver is mapped; DriverEntry has not run yet. */
  driverMapped(name: string, image: Image): KernelRoutine<void> {
    return this.image(driverPath(name), 0, image, SYSTEM_MODE_IMAGE)
  }
}
