/**
 * The I/O manager's services: open, read, write, control, close, cancel. Every request becomes an
 * IRP with the buffers that its method asks for, goes to the top of the device stack, and comes back
 * by the rules of `data/kernel/irp-functions.json` (ioFlow).
 */
import {
  DEVICE_OBJECT,
  FILE_OBJECT,
  IO_STACK_LOCATION,
  IRP,
} from '../../../shared/nt/generated/offsets'
import {
  DO_BUFFERED_IO,
  DO_DEVICE_INITIALIZING,
  DO_DIRECT_IO,
  DO_EXCLUSIVE,
  DOE_REMOVE_PENDING,
  DOE_START_PENDING,
  FILE_DEVICE_SECURE_OPEN,
  FO_CLEANUP_COMPLETE,
  FO_HANDLE_CREATED,
  FO_SYNCHRONOUS_IO,
  IRP_BUFFERED_IO,
  IRP_CLOSE_OPERATION,
  IRP_CREATE_OPERATION,
  IRP_DEALLOCATE_BUFFER,
  IRP_INPUT_OPERATION,
  IRP_READ_OPERATION,
  IRP_SYNCHRONOUS_API,
  IRP_WRITE_OPERATION,
} from '../../../shared/nt/constants'
import {
  IRP_MJ_CLEANUP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_QUERY_INFORMATION,
  IRP_MJ_READ,
  IRP_MJ_SET_INFORMATION,
  IRP_MJ_WRITE,
  majorName,
} from '../../../shared/nt/irp-functions'
import { hex32 } from '../../../shared/nt/format'
import {
  STATUS_ACCESS_DENIED,
  STATUS_ACCESS_VIOLATION,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_PARAMETER,
  STATUS_NO_SUCH_DEVICE,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_PENDING,
  STATUS_SUCCESS,
} from '../../../shared/nt/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { FilterManager } from '../flt/manager'
import { changeApcDisable } from '../ke/apc'
import type { Kernel } from '../kernel'
import { typeName } from '../ke/dispatcher'
import type { Thread } from '../ke/thread'

import { MemoryFault, type Ptr } from '../mm/memory'
import type { KObject } from '../ob/object'
import type { Process } from '../ps/process'
import { NtException } from '../stop'
import { finishing } from '../verifier/rules/irp'
import type { DeviceData } from './device'
import {
  fastControl,
  fastControlRoutine,
  fastData,
  fastDataRoutine,
  type FastResult,
} from './fast-io'
import type { IrpInfo } from './irp'

const FILE_READ_DATA = 1
const FILE_WRITE_DATA = 2
const SECURITY_CONTEXT_BYTES = 0x18
const NEXT = IRP['Tail.Overlay.CurrentStackLocation']

/** What only the I/O manager knows of a file object. */
export interface FileData {
  device: Ptr
  /** IRP_MJ_CREATE succeeded: CLEANUP and CLOSE are owed. */
  opened: boolean
  path: string
}

export interface OpenRequest {
  path: string
  access: number
  share?: number
  disposition?: number
  options?: number
  attributes?: number
  synchronous: boolean
  userMode: boolean
  kernelHandle?: boolean
}

export interface TransferRequest {
  file: Ptr
  /** Rights of the handle; all of them for kernel callers. */
  granted: number
  iosb: Ptr
  /** Event object to set at the end, or 0. */
  event: Ptr
  userMode: boolean
}

export interface ControlRequest extends TransferRequest {
  code: number
  input: Ptr
  inputLength: number
  output: Ptr
  outputLength: number
  major?: number
}

export interface DataRequest extends TransferRequest {
  write: boolean
  buffer: Ptr
  length: number
  /** Byte offset; null takes the file object's own. */
  offset: bigint | null
  key?: number
}

export interface InformationRequest extends TransferRequest {
  set: boolean
  buffer: Ptr
  length: number
  /** FILE_INFORMATION_CLASS. */
  kind: number
}

/** One request as the report shows it. */
export interface RequestRecord {
  api: string
  major: number
  minor: number
  ioctl: number | null
  status: number
  information: number
}

/** The report keeps this many; `requestCount` has the number of all. */
const REQUESTS_KEPT = 2000

export class IoServices {
  /** Minifilters; null while no driver has registered one. */
  filters: FilterManager | null = null
  readonly requests: RequestRecord[] = []
  requestCount = 0
  /** Threads that end, and who waits for their packets. */
  private readonly rundown = new Map<Thread, Thread>()

  constructor(private readonly k: Kernel) {
    const { File } = k.ob.types
    File.onLastHandleClosed = (object, process) =>
      this.cleanup(object as KObject<FileData>, process)
    File.onDelete = (object) => this.close(object as KObject<FileData>)
  }

  // --- open and close ----------------------------------------------------------------------------

  /** NtCreateFile on a device: a file object, IRP_MJ_CREATE, a handle. */
  *open(
    request: OpenRequest,
  ): KernelRoutine<{ status: number; handle: number; information: number }> {
    const result = yield* this.openFile(request)
    if (!result.file) {
      if (!result.irp) this.refuse(IRP_MJ_CREATE, null, result.status, request.userMode)
      return { status: result.status, handle: 0, information: 0 }
    }
    const { k } = this
    const { memory } = k
    const file = result.file.address
    const flags = file + FILE_OBJECT.Flags
    memory.setU32(flags, memory.u32(flags) | FO_HANDLE_CREATED)
    const handle = k.ob.openHandle(result.file as KObject, result.access, {
      kernel: request.kernelHandle ?? false,
    })
    yield* k.ob.dereference(file)
    return { status: result.status, handle, information: result.information }
  }

  /** The same without a handle (IoGetDeviceObjectPointer). The caller holds one reference. */
  *openFile(request: OpenRequest): KernelRoutine<{
    status: number
    file: KObject<FileData> | null
    information: number
    irp: boolean
    /** Rights that were granted. */
    access: number
  }> {
    const { k } = this
    const { memory } = k
    const none = (status: number, irp = false) => ({
      status,
      file: null,
      information: 0,
      irp,
      access: 0,
    })
    const found = k.ob.namespace.lookup(request.path)
    if (!found.object) return none(found.status)
    if (found.object.type.name !== 'Device') return none(STATUS_OBJECT_TYPE_MISMATCH)
    const deviceObject = found.object as KObject<DeviceData>
    const device = deviceObject.address
    const deviceFlags = memory.u32(device + DEVICE_OBJECT.Flags)
    if (
      deviceFlags & DO_DEVICE_INITIALIZING ||
      deviceObject.data.deletePending ||
      k.devices.extensionFlags(device) & (DOE_REMOVE_PENDING | DOE_START_PENDING) ||
      k.loader.isUnloading(deviceObject.data.driver)
    )
      return none(STATUS_NO_SUCH_DEVICE)
    const opens = device + DEVICE_OBJECT.ReferenceCount
    if (deviceFlags & DO_EXCLUSIVE && memory.u32(opens) > 0) return none(STATUS_ACCESS_DENIED)

    const rights = this.checkAccess(request, deviceObject, found.remainder)
    if (rights.status !== STATUS_SUCCESS) return none(rights.status)
    const access = rights.granted

    const data: FileData = { device, opened: false, path: request.path }
    const created = k.ob.create('File', FILE_OBJECT.SIZE, { data })
    if (typeof created === 'number') return none(created)
    const file = created.address
    memory.setU32(opens, memory.u32(opens) + 1)
    k.ob.reference(device)
    memory.setU16(file + FILE_OBJECT.Type, 5)
    memory.setU16(file + FILE_OBJECT.Size, FILE_OBJECT.SIZE)
    memory.setPtr(file + FILE_OBJECT.DeviceObject, device)
    memory.setU8(
      file + FILE_OBJECT.ReadAccess,
      access & (0x8000_0000 | 0x1000_0000 | FILE_READ_DATA) ? 1 : 0,
    )
    memory.setU8(
      file + FILE_OBJECT.WriteAccess,
      access & (0x4000_0000 | 0x1000_0000 | FILE_WRITE_DATA) ? 1 : 0,
    )
    memory.setU32(file + FILE_OBJECT.Flags, request.synchronous ? FO_SYNCHRONOUS_IO : 0)
    if (found.remainder) k.ob.writeText(file + FILE_OBJECT.FileName, found.remainder)
    k.dispatcher.initializeEvent(file + FILE_OBJECT.Lock, 1, false)
    k.dispatcher.initializeEvent(file + FILE_OBJECT.Event, 0, false)

    const top = k.devices.top(device)
    const irp = k.irps.allocate(memory.u8(top + DEVICE_OBJECT.StackSize), 'I/O manager')
    if (!irp) {
      yield* k.ob.dereference(file)
      return none(STATUS_INSUFFICIENT_RESOURCES)
    }
    const context = k.pool.allocate(SECURITY_CONTEXT_BYTES, 'IoSc', { system: true })
    if (!context) {
      k.irps.free(irp)
      yield* k.ob.dereference(file)
      return none(STATUS_INSUFFICIENT_RESOURCES)
    }
    memory.setU32(context + 0x10, access)
    const next = this.nextLocation(irp, IRP_MJ_CREATE, file)
    const options =
      (((request.disposition ?? 1) & 0xff) << 24) | ((request.options ?? 0) & 0xffffff)
    memory.setPtr(next + IO_STACK_LOCATION['Parameters.Create.SecurityContext'], context)
    memory.setU32(next + IO_STACK_LOCATION['Parameters.Create.Options'], options)
    memory.setU16(
      next + IO_STACK_LOCATION['Parameters.Create.FileAttributes'],
      request.attributes ?? 0,
    )
    memory.setU16(next + IO_STACK_LOCATION['Parameters.Create.ShareAccess'], request.share ?? 0)
    memory.setU32(irp + IRP.Flags, IRP_SYNCHRONOUS_API | IRP_CREATE_OPERATION)
    const done = yield* this.perform(irp, top, file, {
      synchronous: true,
      userMode: request.userMode,
      ioctl: null,
      input: 0,
      output: 0,
      ends: true,
    })
    k.pool.free(context)
    if (done.status >>> 0 >= 0x8000_0000) {
      yield* k.ob.dereference(file)
      return none(done.status, true)
    }
    data.opened = true
    return { status: done.status, file: created, information: done.information, irp: true, access }
  }

  /**
   * Whether a program may open a device. A name behind the device's own is the driver's business, and
   * nothing is checked, unless the device has FILE_DEVICE_SECURE_OPEN.
   */
  private checkAccess(
    request: OpenRequest,
    device: KObject<DeviceData>,
    remainder: string,
  ): { status: number; granted: number } {
    const { k } = this
    const unchecked = { status: STATUS_SUCCESS, granted: request.access }
    if (!request.userMode) return unchecked
    const characteristics = k.memory.u32(device.address + DEVICE_OBJECT.Characteristics)
    if (remainder !== '' && !(characteristics & FILE_DEVICE_SECURE_OPEN)) return unchecked
    return k.se.checkDevice(device.address, request.access, device.name)
  }

  private *cleanup(object: KObject<FileData>, _process: Process): KernelRoutine<void> {
    if (!object.data.opened) return
    yield* this.simple(object, IRP_MJ_CLEANUP)
    const flags = object.address + FILE_OBJECT.Flags
    this.k.memory.setU32(flags, this.k.memory.u32(flags) | FO_CLEANUP_COMPLETE)
  }

  private *close(object: KObject<FileData>): KernelRoutine<void> {
    const { k } = this
    const { memory } = k
    const { device, opened } = object.data
    if (opened) yield* this.simple(object, IRP_MJ_CLOSE)
    const name = memory.ptr(object.address + FILE_OBJECT['FileName.Buffer'])
    if (name) k.pool.free(name)
    const opens = device + DEVICE_OBJECT.ReferenceCount
    memory.setU32(opens, memory.u32(opens) - 1)
    const { driver } = (k.ob.lookup(device) as KObject<DeviceData>).data
    k.pnp.deviceClosed(device)
    k.ob.release(device)
    yield* k.loader.deviceClosed(driver)
  }

  /** CLEANUP or CLOSE: no parameters, always waited for, the status ignored. */
  private *simple(object: KObject<FileData>, major: number): KernelRoutine<void> {
    const { k } = this
    const { memory } = k
    const top = k.devices.top(object.data.device)
    const irp = k.irps.allocate(memory.u8(top + DEVICE_OBJECT.StackSize), 'I/O manager')
    if (!irp) return
    this.nextLocation(irp, major, object.address)
    memory.setU32(irp + IRP.Flags, IRP_SYNCHRONOUS_API | IRP_CLOSE_OPERATION)
    yield* this.perform(irp, top, major === IRP_MJ_CLOSE ? 0 : object.address, {
      synchronous: true,
      userMode: k.thread.previousMode === 1,
      ioctl: null,
      input: 0,
      output: 0,
      ends: true,
    })
  }

  // --- transfer ----------------------------------------------------------------------------------

  /** NtDeviceIoControlFile. */
  *control(request: ControlRequest): KernelRoutine<number> {
    const { k } = this
    const { memory } = k
    const { code, file } = request
    const major = request.major ?? IRP_MJ_DEVICE_CONTROL
    if (request.userMode) {
      const needed = (code >>> 14) & 3
      if (
        (needed & 1 && !(request.granted & FILE_READ_DATA)) ||
        (needed & 2 && !(request.granted & FILE_WRITE_DATA))
      )
        return this.refuse(major, code, STATUS_ACCESS_DENIED, true)
    }
    const method = code & 3
    const inputLength = request.input === 0 && method !== 3 ? 0 : request.inputLength
    const outputLength = request.output === 0 && method !== 3 ? 0 : request.outputLength
    const top = k.devices.top(memory.ptr(file + FILE_OBJECT.DeviceObject))
    const fast = major === IRP_MJ_DEVICE_CONTROL ? fastControlRoutine(k, top) : 0
    if (fast) {
      const done = yield* fastControl(k, fast, top, { ...request, inputLength, outputLength })
      if (done) return this.finishFast(major, code, request, done)
    }
    const irp = k.irps.allocate(memory.u8(top + DEVICE_OBJECT.StackSize), 'I/O manager')
    if (!irp) return this.refuse(major, code, STATUS_INSUFFICIENT_RESOURCES, request.userMode)
    const next = this.nextLocation(irp, major, file)
    memory.setU32(
      next + IO_STACK_LOCATION['Parameters.DeviceIoControl.OutputBufferLength'],
      outputLength,
    )
    memory.setU32(
      next + IO_STACK_LOCATION['Parameters.DeviceIoControl.InputBufferLength'],
      inputLength,
    )
    memory.setU32(next + IO_STACK_LOCATION['Parameters.DeviceIoControl.IoControlCode'], code)
    const failed = this.guard(irp, request.userMode, () => {
      if (method === 0) this.bufferedControl(irp, request, inputLength, outputLength)
      else if (method === 3) {
        memory.setPtr(
          next + IO_STACK_LOCATION['Parameters.DeviceIoControl.Type3InputBuffer'],
          request.input,
        )
        memory.setPtr(irp + IRP.UserBuffer, request.output)
      } else this.directControl(irp, request, method === 2, inputLength, outputLength)
    })
    if (failed) return this.refuse(major, code, failed, request.userMode)
    return yield* this.transfer(irp, top, request, {
      ioctl: code,
      input: inputLength,
      output: outputLength,
    })
  }

  /** A request that fast I/O has done: there was no packet. Gives its status back. */
  private finishFast(
    major: number,
    ioctl: number | null,
    request: TransferRequest,
    { status, information }: FastResult,
  ): number {
    if (request.userMode) this.record(major, 0, ioctl, status, information, null)
    return status
  }

  private bufferedControl(
    irp: Ptr,
    request: ControlRequest,
    inputLength: number,
    outputLength: number,
  ): void {
    const bytes = Math.max(inputLength, outputLength)
    if (bytes === 0) return
    const { memory } = this.k
    if (outputLength && request.userMode) this.probeUser(request.output, outputLength, 'write')
    if (inputLength && request.userMode) this.probeUser(request.input, inputLength, 'read')
    const buffer = this.systemBuffer(irp, bytes)
    if (inputLength) memory.copy(buffer, request.input, inputLength)
    memory.setPtr(irp + IRP.UserBuffer, request.output)
    memory.setU32(
      irp + IRP.Flags,
      IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER | (outputLength ? IRP_INPUT_OPERATION : 0),
    )
  }

  private directControl(
    irp: Ptr,
    request: ControlRequest,
    write: boolean,
    inputLength: number,
    outputLength: number,
  ): void {
    const { memory } = this.k
    if (inputLength) {
      if (request.userMode) this.probeUser(request.input, inputLength, 'read')
      memory.copy(this.systemBuffer(irp, inputLength), request.input, inputLength)
      memory.setU32(irp + IRP.Flags, IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER)
    }
    if (outputLength) this.lockBuffer(irp, request.output, outputLength, request.userMode, write)
  }

  /** NtReadFile, NtWriteFile. */
  *data(request: DataRequest): KernelRoutine<number> {
    const { k } = this
    const { memory } = k
    const { file, length, write } = request
    const major = write ? IRP_MJ_WRITE : IRP_MJ_READ
    const refuse = (status: number): number => this.refuse(major, null, status, request.userMode)
    const device = memory.ptr(file + FILE_OBJECT.DeviceObject)
    const top = k.devices.top(device)
    const synchronous = (memory.u32(file + FILE_OBJECT.Flags) & FO_SYNCHRONOUS_IO) !== 0
    if (request.offset === null && !synchronous) return refuse(STATUS_INVALID_PARAMETER)
    const fast = fastDataRoutine(k, top, request)
    if (fast) {
      const done = yield* fastData(k, fast, top, request)
      if (done) return this.finishFast(major, null, request, done)
    }
    const position = file + FILE_OBJECT['CurrentByteOffset.QuadPart']
    const offset = request.offset ?? memory.i64(position)
    const irp = k.irps.allocate(memory.u8(top + DEVICE_OBJECT.StackSize), 'I/O manager')
    if (!irp) return refuse(STATUS_INSUFFICIENT_RESOURCES)
    const next = this.nextLocation(irp, major, file)
    memory.setU32(next + IO_STACK_LOCATION['Parameters.Read.Length'], length)
    memory.setU32(next + IO_STACK_LOCATION['Parameters.Read.Key'], request.key ?? 0)
    memory.setU64(
      next + IO_STACK_LOCATION['Parameters.Read.ByteOffset'],
      BigInt.asUintN(64, offset),
    )
    const operation = write ? IRP_WRITE_OPERATION : IRP_READ_OPERATION
    memory.setU32(irp + IRP.Flags, operation)
    const failed = this.guard(irp, request.userMode, () => {
      const flags = memory.u32(top + DEVICE_OBJECT.Flags)
      if (request.userMode) this.probeUser(request.buffer, length, write ? 'read' : 'write')
      if (flags & DO_BUFFERED_IO) {
        if (!length) return
        const buffer = this.systemBuffer(irp, length)
        if (write) memory.copy(buffer, request.buffer, length)
        else memory.setPtr(irp + IRP.UserBuffer, request.buffer)
        memory.setU32(
          irp + IRP.Flags,
          operation | IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER | (write ? 0 : IRP_INPUT_OPERATION),
        )
      } else if (flags & DO_DIRECT_IO) {
        if (length) this.lockBuffer(irp, request.buffer, length, request.userMode, !write)
      } else memory.setPtr(irp + IRP.UserBuffer, request.buffer)
    })
    if (failed) return refuse(failed)
    const status = yield* this.transfer(irp, top, request, {
      ioctl: null,
      input: write ? length : 0,
      output: write ? 0 : length,
    })
    return status
  }

  /** NtQueryInformationFile and NtSetInformationFile for what only the driver knows. */
  *information(request: InformationRequest): KernelRoutine<number> {
    const { k } = this
    const { memory } = k
    const { file, length, set } = request
    const top = k.devices.top(memory.ptr(file + FILE_OBJECT.DeviceObject))
    const irp = k.irps.allocate(memory.u8(top + DEVICE_OBJECT.StackSize), 'I/O manager')
    if (!irp) return STATUS_INSUFFICIENT_RESOURCES
    const major = set ? IRP_MJ_SET_INFORMATION : IRP_MJ_QUERY_INFORMATION
    const next = this.nextLocation(irp, major, file)
    memory.setU32(next + IO_STACK_LOCATION['Parameters.QueryFile.Length'], length)
    memory.setU32(
      next + IO_STACK_LOCATION['Parameters.QueryFile.FileInformationClass'],
      request.kind,
    )
    const failed = this.guard(irp, request.userMode, () => {
      const buffer = this.systemBuffer(irp, length)
      if (set) memory.copy(buffer, request.buffer, length)
      else memory.setPtr(irp + IRP.UserBuffer, request.buffer)
      memory.setU32(
        irp + IRP.Flags,
        IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER | (set ? 0 : IRP_INPUT_OPERATION),
      )
    })
    if (failed) return failed
    return yield* this.transfer(irp, top, request, {
      ioctl: null,
      input: set ? length : 0,
      output: set ? 0 : length,
    })
  }

  /** Send a request with a status block and an event, by the rules for its kind of handle. */
  private *transfer(
    irp: Ptr,
    top: Ptr,
    request: TransferRequest,
    shown: { ioctl: number | null; input: number; output: number },
  ): KernelRoutine<number> {
    const { k } = this
    const { memory } = k
    memory.setPtr(irp + IRP.UserIosb, request.iosb)
    memory.setPtr(irp + IRP.UserEvent, request.event)
    memory.setU8(irp + IRP.RequestorMode, request.userMode ? 1 : 0)
    if (request.event) {
      k.dispatcher.resetEvent(request.event)
      k.ob.reference(request.event)
      k.irps.info(irp)!.event = request.event
    }
    k.dispatcher.resetEvent(request.file + FILE_OBJECT.Event)
    const synchronous = (memory.u32(request.file + FILE_OBJECT.Flags) & FO_SYNCHRONOUS_IO) !== 0
    const done = yield* this.perform(irp, top, request.file, {
      synchronous,
      userMode: request.userMode,
      ...shown,
      ends: false,
    })
    return done.status
  }

  // --- the way down and back -------------------------------------------------------------------

  private nextLocation(irp: Ptr, major: number, file: Ptr): Ptr {
    const { memory } = this.k
    const next = memory.ptr(irp + NEXT) - IO_STACK_LOCATION.SIZE
    memory.setU8(next + IO_STACK_LOCATION.MajorFunction, major)
    memory.setPtr(next + IO_STACK_LOCATION.FileObject, file)
    memory.setPtr(irp + IRP['Tail.Overlay.OriginalFileObject'], file)
    return next
  }

  /**
   * Send a packet and, for a synchronous request, wait for its end. The status is the driver's
   * return value unless that was STATUS_PENDING (K037).
   * @param how.ends  a request of the I/O manager's own, without status block and event
   */
  private *perform(
    irp: Ptr,
    device: Ptr,
    file: Ptr,
    how: {
      synchronous: boolean
      userMode: boolean
      ioctl: number | null
      input: number
      output: number
      ends: boolean
    },
  ): KernelRoutine<{ status: number; information: number }> {
    const { k } = this
    const { memory } = k
    const { thread } = k
    const info = k.irps.info(irp)!
    info.thread = thread
    info.file = file
    memory.setPtr(irp + IRP['Tail.Overlay.Thread'], thread.address)
    memory.setU8(irp + IRP.RequestorMode, how.userMode ? 1 : 0)
    thread.irps.add(irp)
    if (file) k.ob.reference(file)
    const slice = (thread.attached ?? thread.process).slice
    const next = memory.ptr(irp + NEXT) - IO_STACK_LOCATION.SIZE
    const major = memory.u8(next)
    const minor = memory.u8(next + 1)
    if (k.tracing) k.irps.traceCreated(irp, how.input, how.output)
    let done: { status: number; information: number } | null = null
    info.finish = (status, information) => {
      done = { status, information: this.finish(info, status, information, slice) }
      if (how.userMode) this.record(major, minor, how.ioctl, status, done.information, info.number)
      if (info.waiter) k.dispatcher.release(info.waiter, 0, info.completedSeq)
    }
    // The lock of a file object that is opened for synchronous access brings a critical region (K084).
    const isLocked = how.synchronous && !how.ends
    if (isLocked) changeApcDisable(k, thread, -1)
    try {
      const filtered = this.filters ? yield* this.filters.before(irp, file) : null
      const returned = filtered?.completed
        ? yield* this.filters!.finishEarly(filtered)
        : yield* k.irps.callDriver(device, irp)
      if (returned === STATUS_PENDING) {
        // Even if the packet is back by now: its status is in the status block (K039).
        if (!how.synchronous) {
          filtered?.end()
          return { status: STATUS_PENDING, information: 0 }
        }
        if (!done) {
          info.waiter = thread
          yield* k.dispatcher.park()
          info.waiter = null
        }
      } else {
        const ended = done as { status: number; information: number } | null
        done = { status: returned, information: ended?.information ?? 0 }
      }
      return filtered ? yield* this.filters!.after(filtered, done!) : done!
    } finally {
      if (isLocked) changeApcDisable(k, thread, 1)
    }
  }

  /** Give a packet that a driver built the last stage of the I/O manager's own ones. */
  adopt(irp: Ptr): void {
    const { k } = this
    const info = k.irps.info(irp)!
    const slice = (k.thread.attached ?? k.thread.process).slice
    info.thread = k.thread
    k.thread.irps.add(irp)
    info.finish = (status, information) => {
      this.finish(info, status, information, slice)
    }
  }

  /** IopCompleteRequest: copy back, write the status block, signal, free. Returns Information. */
  private finish(info: IrpInfo, status: number, information: number, slice: number): number {
    const { k } = this
    const { memory } = k
    const irp = info.address
    if (k.verifier.watching) finishing(k, info)
    const isError = status >>> 30 === 3
    const flags = memory.u32(irp + IRP.Flags)
    const mdl = memory.ptr(irp + IRP.MdlAddress)
    const pended = memory.u8(irp + IRP.PendingReturned) !== 0
    this.inAddressSpace(slice, () => {
      if (flags & IRP_BUFFERED_IO && flags & IRP_INPUT_OPERATION && !isError && information > 0) {
        const buffer = memory.ptr(irp + IRP['AssociatedIrp.SystemBuffer'])
        const block = k.pool.block(buffer)
        if (block && information > block.bytes)
          k.verifier.check(
            'VR-IRP-INFORMATION',
            true,
            [0x312, k.images.nearestCode(k.thread), memory.address(irp), 0],
            `IRP ${info.number} was completed with Information ${information}, more than its buffer holds.`,
          )
        memory.copy(memory.ptr(irp + IRP.UserBuffer), buffer, Math.min(information, 0x7fff_ffff))
      }
      if (pended || !isError) {
        const iosb = memory.ptr(irp + IRP.UserIosb)
        if (iosb) {
          memory.setU32(iosb, status)
          memory.setSize(iosb + 8, information)
        }
      }
    })
    if (flags & IRP_DEALLOCATE_BUFFER) {
      if (info.systemBuffer) k.pool.free(info.systemBuffer)
    }
    if (mdl) k.mdls.free(mdl)
    if (pended || !isError) {
      const event = memory.ptr(irp + IRP.UserEvent)
      if (event) k.dispatcher.setEvent(event)
      else if (info.file) k.dispatcher.setEvent(info.file + FILE_OBJECT.Event)
    }
    const { thread, file, event: eventObject } = info
    k.irps.free(irp)
    if (eventObject) k.ob.release(eventObject)
    if (file) k.ob.release(file)
    if (thread) this.rundownWaiters(thread)
    return information
  }

  /** Do something with a process's user memory in view, whatever thread is running. */
  private inAddressSpace(slice: number, work: () => void): void {
    const { k } = this
    const current = (k.thread.attached ?? k.thread.process).slice
    if (slice !== current) k.memory.switchSlice(slice)
    try {
      work()
    } catch (error) {
      // The caller's buffer went away: Windows turns this into the status of the request.
      if (!(error instanceof MemoryFault) || !k.memory.isUser(error.index)) throw error
    } finally {
      if (slice !== current) k.memory.switchSlice(current)
    }
  }

  // --- buffers -----------------------------------------------------------------------------------

  private systemBuffer(irp: Ptr, bytes: number): Ptr {
    const { k } = this
    const buffer = k.pool.allocate(bytes, 'IoSB', { system: true })
    if (!buffer) throw new NtException(STATUS_INSUFFICIENT_RESOURCES)
    k.memory.setPtr(irp + IRP['AssociatedIrp.SystemBuffer'], buffer)
    k.irps.info(irp)!.systemBuffer = buffer
    return buffer
  }

  private lockBuffer(
    irp: Ptr,
    buffer: Ptr,
    length: number,
    userMode: boolean,
    write: boolean,
  ): void {
    const { k } = this
    const mdl = k.mdls.allocate(buffer, length)
    if (!mdl) throw new NtException(STATUS_INSUFFICIENT_RESOURCES)
    try {
      k.mdls.probeAndLock(mdl, userMode, write)
    } catch (error) {
      k.mdls.free(mdl)
      throw error
    }
    k.memory.setPtr(irp + IRP.MdlAddress, mdl)
  }

  /**
   * ProbeForRead / ProbeForWrite for a caller in user mode.
   * @throws NtException STATUS_ACCESS_VIOLATION
   */
  probeUser(at: Ptr, length: number, access: 'read' | 'write'): void {
    const { memory } = this.k
    if (length === 0) return
    if (!memory.isUser(at) || !memory.isUser(memory.add(at, length - 1)))
      throw new NtException(STATUS_ACCESS_VIOLATION, memory.address(at), access)
    try {
      memory.probe(at, length, access)
    } catch (error) {
      if (!(error instanceof MemoryFault)) throw error
      throw new NtException(STATUS_ACCESS_VIOLATION, memory.address(error.index), access)
    }
  }

  /** Prepare the buffers of a packet; on failure the packet is gone and the status says why. */
  private guard(irp: Ptr, userMode: boolean, prepare: () => void): number {
    const { k } = this
    try {
      prepare()
      return 0
    } catch (error) {
      if (!(error instanceof NtException) && !(userMode && error instanceof MemoryFault))
        throw error
      const info = k.irps.info(irp)
      if (info?.systemBuffer) k.pool.free(info.systemBuffer)
      k.irps.free(irp)
      return error instanceof NtException ? error.code : STATUS_ACCESS_VIOLATION
    }
  }

  // --- cancel and rundown --------------------------------------------------------------------------

  /** CancelIo: every packet of the thread (or of all threads) for the file. Returns how many there were. */
  *cancelIo(file: Ptr, thread: Thread | null): KernelRoutine<number> {
    let count = 0
    for (const info of [...this.k.irps.all()]) {
      if (info.file !== file || info.state !== 'active' || (thread && info.thread !== thread))
        continue
      count++
      yield* this.k.irps.cancel(info.address)
    }
    return count
  }

  /** A thread that ends cancels its packets and waits until each is back. */
  *threadRundown(thread: Thread): KernelRoutine<void> {
    const { k } = this
    for (const irp of [...thread.irps]) {
      if (k.irps.info(irp)?.state === 'active') yield* k.irps.cancel(irp)
    }
    while (thread.irps.size > 0) {
      this.rundown.set(thread, k.thread)
      yield* k.dispatcher.park()
    }
  }

  private rundownWaiters(thread: Thread): void {
    const waiter = this.rundown.get(thread)
    if (!waiter || thread.irps.size > 0) return
    this.rundown.delete(thread)
    this.k.dispatcher.release(waiter, 0)
  }

  // --- reports -------------------------------------------------------------------------------------

  /** Report a request of user mode that failed before there was a packet. Gives its status back. */
  refuse(major: number, ioctl: number | null, status: number, userMode: boolean): number {
    if (userMode) this.record(major, 0, ioctl, status, 0, null)
    return status
  }

  /** Report something that was done to the machine from outside of any program. */
  recordStep(api: string, major: number, minor: number, status: number): void {
    this.record(major, minor, null, status, 0, null, api)
  }

  private record(
    major: number,
    minor: number,
    ioctl: number | null,
    status: number,
    information: number,
    irp: number | null,
    api = API_BY_MAJOR[major] ?? 'I/O',
  ): void {
    const { k } = this
    k.scheduler.progress()
    const index = this.requestCount++
    if (this.requests.length < REQUESTS_KEPT)
      this.requests.push({ api, major, minor, ioctl, status, information })
    if (k.tracing)
      k.emit({
        t: 'request.finished',
        index,
        api,
        irp,
        major,
        minor,
        ioctl: ioctl === null ? null : hex32(ioctl),
        status: hex32(status),
        information,
      })
  }

  /** Why nothing moves any more, for the hang report. */
  describeWait(main: Thread): string {
    const { k } = this
    k.power.checkStuck()
    for (const info of k.irps.all()) {
      if (info.state !== 'active') continue
      const name = k.irps.holder(info)
      const what = `IRP ${info.number} (${majorName(info.major)}) was never completed`
      return `${what}: ${name} has it, and whoever asked waits for ever.`
    }
    const thread = this.waitsInTheEnd(main)
    const [object] = thread.wait?.objects ?? []
    if (object === undefined) return 'Every thread waits and no timer will wake one.'
    const name = typeName(k.memory.u8(object) & 0x7f).toLowerCase()
    const article = /^[aeo]/.test(name) ? 'an' : 'a'
    const where = thread.at ? ` at ${thread.at.file}:${thread.at.line}` : ''
    return `Thread ${thread.id} waits${where} for ${article} ${name} at ${k.memory.format(object)} that nothing will signal.`
  }

  /** Whom a thread waits for, when that is a thread or a program that waits itself. */
  private waitsInTheEnd(main: Thread): Thread {
    const { k } = this
    const seen = new Set<Thread>()
    for (let thread = main; ;) {
      seen.add(thread)
      const waitedFor = k.ob.lookup(thread.wait?.objects[0] ?? 0)?.address
      const next = k.scheduler.threads.find(
        (each) =>
          each.wait !== null &&
          !seen.has(each) &&
          (each.address === waitedFor || each.process.address === waitedFor),
      )
      if (!next) return thread
      thread = next
    }
  }
}

const API_BY_MAJOR: Readonly<Record<number, string>> = {
  [IRP_MJ_CREATE]: 'CreateFile',
  [IRP_MJ_CLOSE]: 'CloseHandle',
  [IRP_MJ_CLEANUP]: 'CloseHandle',
  [IRP_MJ_READ]: 'ReadFile',
  [IRP_MJ_WRITE]: 'WriteFile',
  [IRP_MJ_DEVICE_CONTROL]: 'DeviceIoControl',
}
