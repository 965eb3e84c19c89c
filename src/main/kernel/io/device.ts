/** Device objects: made, named, stacked, deleted. */
import {
  DEVICE_OBJECT,
  DEVOBJ_EXTENSION,
  DRIVER_OBJECT,
} from '../../../shared/nt/generated/offsets'
import {
  DO_DEVICE_HAS_NAME,
  DO_DEVICE_INITIALIZING,
  DO_EXCLUSIVE,
} from '../../../shared/nt/constants'
import { STATUS_SUCCESS } from '../../../shared/nt/ntstatus'
import { initializeDeviceQueue } from '../ke/device-queue'
import type { Kernel } from '../kernel'
import type { KObject } from '../ob/object'
import type { Ptr } from '../mm/memory'
import { attachCause, deleteCause, noteAttached, noteDeleted } from '../verifier/rules/device'

const IO_TYPE_DEVICE = 3
const IO_TYPE_DEVICE_OBJECT_EXTENSION = 13
/** Private part behind DEVOBJ_EXTENSION: power flags, delete pending and the device attached to. */
const EXTENSION_BYTES = 0x70

/** What only the I/O manager knows of a device. */
export interface DeviceData {
  driver: Ptr
  /** Device below in the stack; 0 for none. */
  attachedTo: Ptr
  deletePending: boolean
  shown: string | null
}

export class Devices {
  constructor(private readonly k: Kernel) {}

  /** IoCreateDevice. `device` is 0 unless the status is success. */
  create(options: {
    driver: Ptr
    extensionSize: number
    name: string | null
    type: number
    characteristics: number
    exclusive: boolean
  }): { status: number; device: Ptr } {
    const { k } = this
    const { memory } = k
    const extensionBytes = (options.extensionSize + 15) & ~15
    const data: DeviceData = {
      driver: options.driver,
      attachedTo: 0,
      deletePending: false,
      shown: options.name,
    }
    const object = k.ob.create('Device', DEVICE_OBJECT.SIZE + extensionBytes + EXTENSION_BYTES, {
      name: options.name,
      data,
      permanent: options.name !== null,
    })
    if (typeof object === 'number') return { status: object, device: 0 }
    const device = object.address
    memory.setU16(device + DEVICE_OBJECT.Type, IO_TYPE_DEVICE)
    memory.setU16(device + DEVICE_OBJECT.Size, DEVICE_OBJECT.SIZE + options.extensionSize)
    memory.setPtr(device + DEVICE_OBJECT.DriverObject, options.driver)
    memory.setU32(device + DEVICE_OBJECT.DeviceType, options.type)
    memory.setU32(device + DEVICE_OBJECT.Characteristics, options.characteristics)
    memory.setU8(device + DEVICE_OBJECT.StackSize, 1)
    const flags =
      DO_DEVICE_INITIALIZING |
      (options.name !== null ? DO_DEVICE_HAS_NAME : 0) |
      (options.exclusive ? DO_EXCLUSIVE : 0)
    memory.setU32(device + DEVICE_OBJECT.Flags, flags)
    if (options.extensionSize > 0)
      memory.setPtr(device + DEVICE_OBJECT.DeviceExtension, device + DEVICE_OBJECT.SIZE)
    const extension = device + DEVICE_OBJECT.SIZE + extensionBytes
    memory.setPtr(device + DEVICE_OBJECT.DeviceObjectExtension, extension)
    memory.setU16(extension + DEVOBJ_EXTENSION.Type, IO_TYPE_DEVICE_OBJECT_EXTENSION)
    memory.setPtr(extension + DEVOBJ_EXTENSION.DeviceObject, device)
    initializeDeviceQueue(k, device + DEVICE_OBJECT.DeviceQueue)
    const first = memory.ptr(options.driver + DRIVER_OBJECT.DeviceObject)
    memory.setPtr(device + DEVICE_OBJECT.NextDevice, first)
    memory.setPtr(options.driver + DRIVER_OBJECT.DeviceObject, device)
    if (k.tracing)
      k.emit({
        t: 'device.created',
        device: memory.format(device),
        name: options.name,
        owner: this.driverName(options.driver),
        type: options.type,
        flags,
        extension: options.extensionSize,
      })
    return { status: STATUS_SUCCESS, device }
  }

  /** IoDeleteDevice: off the driver's list at once, gone when nobody has it open any more. */
  delete(device: Ptr): void {
    const { k } = this
    const { memory } = k
    const object = this.lookup(device)
    const code = k.images.nearestCode(k.thread)
    const address = memory.address(device)
    k.verifier.check(
      'VR-DEV-DOUBLE-DELETE',
      !object || object.data.deletePending,
      [0x240, code, address, 0],
      'The device was deleted before.',
      deleteCause(k, device),
    )
    if (object) {
      k.verifier.check(
        'VR-DEV-DELETE-ATTACHED',
        object.data.attachedTo !== 0,
        [0x201, code, address, 0],
        'The device is still attached to another; IoDetachDevice comes first.',
        attachCause(k, device),
      )
      object.data.deletePending = true
      noteDeleted(k, device)
      if (k.tracing)
        k.emit({
          t: 'device.deleted',
          device: memory.format(device),
          name: object.data.shown,
          owner: this.driverName(object.data.driver),
        })
    }
    k.timers.io.remove(device)
    this.unlink(memory.ptr(device + DEVICE_OBJECT.DriverObject), device)
    if (object?.directory) k.ob.makeTemporary(device)
    k.ob.release(device)
  }

  private unlink(driver: Ptr, device: Ptr): void {
    const { memory } = this.k
    let link = driver + DRIVER_OBJECT.DeviceObject
    for (let at = memory.ptr(link); at !== 0; at = memory.ptr(link)) {
      if (at === device) {
        memory.setPtr(link, memory.ptr(device + DEVICE_OBJECT.NextDevice))
        return
      }
      link = at + DEVICE_OBJECT.NextDevice
    }
  }

  /** IoAttachDeviceToDeviceStack: on top of the stack that `target` is in; the device attached to, 0 when that is going away. */
  attach(source: Ptr, target: Ptr): Ptr {
    const { memory } = this.k
    const top = this.top(target)
    const below = this.lookup(top)
    if (below?.data.deletePending) return 0
    memory.setPtr(top + DEVICE_OBJECT.AttachedDevice, source)
    memory.setU8(source + DEVICE_OBJECT.StackSize, memory.u8(top + DEVICE_OBJECT.StackSize) + 1)
    memory.setU32(
      source + DEVICE_OBJECT.AlignmentRequirement,
      memory.u32(top + DEVICE_OBJECT.AlignmentRequirement),
    )
    const object = this.lookup(source)
    if (object) object.data.attachedTo = top
    noteAttached(this.k, source)
    if (this.k.tracing)
      this.k.emit({
        t: 'device.attached',
        device: memory.format(source),
        target: memory.format(top),
        stackSize: memory.u8(source + DEVICE_OBJECT.StackSize),
      })
    return top
  }

  /** IoDetachDevice: free `target` of the device attached above it. */
  detach(target: Ptr): void {
    const { k } = this
    const { memory } = k
    const above = memory.ptr(target + DEVICE_OBJECT.AttachedDevice)
    k.verifier.check(
      'VR-DEV-DETACH-UNATTACHED',
      above === 0,
      [0x202, k.images.nearestCode(k.thread), memory.address(target), 0],
      'Nothing is attached to the device.',
    )
    memory.setPtr(target + DEVICE_OBJECT.AttachedDevice, 0)
    const object = this.lookup(above)
    if (object) object.data.attachedTo = 0
    if (k.tracing)
      k.emit({ t: 'device.detached', device: memory.format(above), target: memory.format(target) })
  }

  /** Highest device of the stack. */
  top(device: Ptr): Ptr {
    const { memory } = this.k
    let at = device
    for (
      let above = memory.ptr(at + DEVICE_OBJECT.AttachedDevice);
      above !== 0;
      above = memory.ptr(at + DEVICE_OBJECT.AttachedDevice)
    )
      at = above
    return at
  }

  lookup(device: Ptr): KObject<DeviceData> | undefined {
    const object = this.k.ob.lookup(device)
    return object?.type.name === 'Device' ? (object as KObject<DeviceData>) : undefined
  }

  /** The name that it was created with. */
  nameOf(device: Ptr): string | null {
    return this.lookup(device)?.data.shown ?? null
  }

  /** Service name of a driver object. */
  driverName(driver: Ptr): string {
    return this.k.loader.byObject(driver)?.name ?? this.k.memory.format(driver)
  }

  /** Devices of a driver, newest first, as its list in memory says. */
  ofDriver(driver: Ptr): Ptr[] {
    const { memory } = this.k
    const list: Ptr[] = []
    for (
      let at = memory.ptr(driver + DRIVER_OBJECT.DeviceObject);
      at !== 0 && list.length < 10_000;
      at = memory.ptr(at + DEVICE_OBJECT.NextDevice)
    )
      list.push(at)
    return list
  }
}
