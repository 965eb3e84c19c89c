/** File objects: opened with IRP_MJ_CREATE, cleaned up after the last handle, closed after the last reference. */
import {
  DEVICE_OBJECT,
  FILE_OBJECT,
  IO_STACK_LOCATION,
  IRP,
} from '../../../shared/nt/generated/offsets'
import {
  DO_DEVICE_INITIALIZING,
  DO_EXCLUSIVE,
  DOE_REMOVE_PENDING,
  DOE_START_PENDING,
  FILE_DEVICE_SECURE_OPEN,
  FO_CLEANUP_COMPLETE,
  FO_HANDLE_CREATED,
  FO_SYNCHRONOUS_IO,
  IRP_CLOSE_OPERATION,
  IRP_CREATE_OPERATION,
  IRP_SYNCHRONOUS_API,
} from '../../../shared/nt/constants'
import { IRP_MJ_CLEANUP, IRP_MJ_CLOSE, IRP_MJ_CREATE } from '../../../shared/nt/irp-functions'
import {
  STATUS_ACCESS_DENIED,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_NO_SUCH_DEVICE,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_SUCCESS,
} from '../../../shared/nt/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { KObject } from '../ob/object'
import type { Process } from '../ps/process'
import type { DeviceData } from './device'

/** What only the I/O manager knows of a file object. */
export interface FileData {
  device: Ptr
  /** IRP_MJ_CREATE succeeded: CLEANUP and CLOSE are owed. */
  opened: boolean
  path: string
  /** UNICODE_STRING of the last listing's pattern, with its characters behind it; 0 for none. */
  pattern?: Ptr
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

const FILE_READ_DATA = 1
const FILE_WRITE_DATA = 2
const SECURITY_CONTEXT_BYTES = 0x18

export class FileObjects {
  constructor(private readonly k: Kernel) {
    const { File } = k.ob.types
    File.onLastHandleClosed = (object, process) =>
      this.cleanup(object as KObject<FileData>, process)
    File.onDelete = (object) => this.close(object as KObject<FileData>)
  }

  /** NtCreateFile on a device: a file object, IRP_MJ_CREATE, a handle. */
  *open(
    request: OpenRequest,
  ): KernelRoutine<{ status: number; handle: number; information: number }> {
    const result = yield* this.openFile(request)
    if (!result.file) {
      if (!result.irp)
        this.k.io.reports.refuse(IRP_MJ_CREATE, null, result.status, request.userMode)
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
    const next = k.io.packets.nextLocation(irp, IRP_MJ_CREATE, file)
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
    const done = yield* k.io.packets.perform(irp, top, file, {
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
    if (object.data.pattern) k.pool.free(object.data.pattern)
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
    k.io.packets.nextLocation(irp, major, object.address)
    memory.setU32(irp + IRP.Flags, IRP_SYNCHRONOUS_API | IRP_CLOSE_OPERATION)
    yield* k.io.packets.perform(irp, top, major === IRP_MJ_CLOSE ? 0 : object.address, {
      synchronous: true,
      userMode: k.thread.previousMode === 1,
      ioctl: null,
      input: 0,
      output: 0,
      ends: true,
    })
  }
}
