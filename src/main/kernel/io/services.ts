/**
 * The I/O manager's services: open, read, write, control. Every request becomes an IRP with the
 * buffers that its method asks for, goes to the top of the device stack, and comes back by the rules
 * of `data/kernel/irp-functions.json` (ioFlow).
 */
import {
  DEVICE_OBJECT,
  FILE_OBJECT,
  IO_STACK_LOCATION,
  IRP,
} from '../../../shared/nt/generated/offsets'
import {
  DO_BUFFERED_IO,
  DO_DIRECT_IO,
  FO_SYNCHRONOUS_IO,
  IRP_BUFFERED_IO,
  IRP_DEALLOCATE_BUFFER,
  IRP_INPUT_OPERATION,
  IRP_READ_OPERATION,
  IRP_WRITE_OPERATION,
} from '../../../shared/nt/constants'
import {
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_DIRECTORY_CONTROL,
  IRP_MJ_QUERY_INFORMATION,
  IRP_MJ_READ,
  IRP_MJ_SET_INFORMATION,
  IRP_MJ_WRITE,
  IRP_MN_QUERY_DIRECTORY,
} from '../../../shared/nt/irp-functions'
import {
  STATUS_ACCESS_DENIED,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_PARAMETER,
} from '../../../shared/nt/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { FilterManager } from '../flt/manager'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { guardBuffers, lockBuffer, probeUser, systemBuffer } from './buffers'
import {
  fastControl,
  fastControlRoutine,
  fastData,
  fastDataRoutine,
  type FastResult,
} from './fast-io'
import { FileObjects, type OpenRequest } from './file-objects'
import { Packets } from './packets'
import { Reports, type RequestRecord } from './reports'

export type { FileData } from './file-objects'

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

export interface DirectoryRequest extends TransferRequest {
  buffer: Ptr
  length: number
  /** FILE_INFORMATION_CLASS. */
  kind: number
  /** UNICODE_STRING in kernel memory that lives as long as the request; 0 for none. */
  pattern: Ptr
  /** SL_RESTART_SCAN, SL_RETURN_SINGLE_ENTRY. */
  flags: number
}

const FILE_READ_DATA = 1
const FILE_WRITE_DATA = 2

export class IoServices {
  /** Minifilters; null while no driver has registered one. */
  filters: FilterManager | null = null
  readonly reports: Reports
  readonly packets: Packets
  private readonly files: FileObjects

  constructor(private readonly k: Kernel) {
    this.reports = new Reports(k)
    this.packets = new Packets(k)
    this.files = new FileObjects(k)
  }

  /** Requests of user mode, as the report shows them. */
  get requests(): readonly RequestRecord[] {
    return this.reports.requests
  }

  /** How many there were; `requests` keeps the first ones only. */
  get requestCount(): number {
    return this.reports.requestCount
  }

  /** NtCreateFile on a device. */
  open(request: OpenRequest): ReturnType<FileObjects['open']> {
    return this.files.open(request)
  }

  /** The same without a handle (IoGetDeviceObjectPointer). The caller holds one reference. */
  openFile(request: OpenRequest): ReturnType<FileObjects['openFile']> {
    return this.files.openFile(request)
  }

  /** Report a request of user mode that failed before there was a packet. Gives its status back. */
  refuse(major: number, ioctl: number | null, status: number, userMode: boolean): number {
    return this.reports.refuse(major, ioctl, status, userMode)
  }

  /**
   * ProbeForRead / ProbeForWrite for a caller in user mode.
   * @throws NtException STATUS_ACCESS_VIOLATION
   */
  probeUser(at: Ptr, length: number, access: 'read' | 'write'): void {
    probeUser(this.k, at, length, access)
  }

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
    const next = this.packets.nextLocation(irp, major, file)
    memory.setU32(
      next + IO_STACK_LOCATION['Parameters.DeviceIoControl.OutputBufferLength'],
      outputLength,
    )
    memory.setU32(
      next + IO_STACK_LOCATION['Parameters.DeviceIoControl.InputBufferLength'],
      inputLength,
    )
    memory.setU32(next + IO_STACK_LOCATION['Parameters.DeviceIoControl.IoControlCode'], code)
    const failed = guardBuffers(k, irp, request.userMode, () => {
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
    if (request.userMode) this.reports.record(major, 0, ioctl, status, information, null)
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
    const buffer = systemBuffer(this.k, irp, bytes)
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
      memory.copy(systemBuffer(this.k, irp, inputLength), request.input, inputLength)
      memory.setU32(irp + IRP.Flags, IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER)
    }
    if (outputLength) lockBuffer(this.k, irp, request.output, outputLength, request.userMode, write)
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
    const next = this.packets.nextLocation(irp, major, file)
    memory.setU32(next + IO_STACK_LOCATION['Parameters.Read.Length'], length)
    memory.setU32(next + IO_STACK_LOCATION['Parameters.Read.Key'], request.key ?? 0)
    memory.setU64(
      next + IO_STACK_LOCATION['Parameters.Read.ByteOffset'],
      BigInt.asUintN(64, offset),
    )
    const operation = write ? IRP_WRITE_OPERATION : IRP_READ_OPERATION
    memory.setU32(irp + IRP.Flags, operation)
    const failed = guardBuffers(k, irp, request.userMode, () => {
      const flags = memory.u32(top + DEVICE_OBJECT.Flags)
      if (request.userMode) this.probeUser(request.buffer, length, write ? 'read' : 'write')
      if (flags & DO_BUFFERED_IO) {
        if (!length) return
        const buffer = systemBuffer(this.k, irp, length)
        if (write) memory.copy(buffer, request.buffer, length)
        else memory.setPtr(irp + IRP.UserBuffer, request.buffer)
        memory.setU32(
          irp + IRP.Flags,
          operation | IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER | (write ? 0 : IRP_INPUT_OPERATION),
        )
      } else if (flags & DO_DIRECT_IO) {
        if (length) lockBuffer(this.k, irp, request.buffer, length, request.userMode, !write)
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
    const next = this.packets.nextLocation(irp, major, file)
    memory.setU32(next + IO_STACK_LOCATION['Parameters.QueryFile.Length'], length)
    memory.setU32(
      next + IO_STACK_LOCATION['Parameters.QueryFile.FileInformationClass'],
      request.kind,
    )
    const failed = guardBuffers(k, irp, request.userMode, () => {
      const buffer = systemBuffer(this.k, irp, length)
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

  /** NtQueryDirectoryFile: entries of a folder, by Irp->UserBuffer whatever the device's flags say. */
  *directory(request: DirectoryRequest): KernelRoutine<number> {
    const { k } = this
    const { memory } = k
    const { file } = request
    const top = k.devices.top(memory.ptr(file + FILE_OBJECT.DeviceObject))
    const irp = k.irps.allocate(memory.u8(top + DEVICE_OBJECT.StackSize), 'I/O manager')
    if (!irp) return STATUS_INSUFFICIENT_RESOURCES
    const next = this.packets.nextLocation(irp, IRP_MJ_DIRECTORY_CONTROL, file)
    memory.setU8(next + IO_STACK_LOCATION.MinorFunction, IRP_MN_QUERY_DIRECTORY)
    memory.setU8(next + IO_STACK_LOCATION.Flags, request.flags)
    memory.setU32(next + IO_STACK_LOCATION['Parameters.QueryDirectory.Length'], request.length)
    memory.setPtr(next + IO_STACK_LOCATION['Parameters.QueryDirectory.FileName'], request.pattern)
    memory.setU32(
      next + IO_STACK_LOCATION['Parameters.QueryDirectory.FileInformationClass'],
      request.kind,
    )
    memory.setPtr(irp + IRP.UserBuffer, request.buffer)
    return yield* this.transfer(irp, top, request, {
      ioctl: null,
      input: 0,
      output: request.length,
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
    const done = yield* this.packets.perform(irp, top, request.file, {
      synchronous,
      userMode: request.userMode,
      ...shown,
      ends: false,
    })
    return done.status
  }
}
