/** Devices, symbolic links and stacks. */
import {
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_NO_SUCH_DEVICE,
  STATUS_OBJECT_NAME_COLLISION,
  STATUS_OBJECT_NAME_INVALID,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_SUCCESS,
} from '../../../shared/nt/ntstatus'
import type { Kernel } from '../kernel'
import { startNextPacket, startPacket } from '../io/start-io'
import type { Ptr } from '../mm/memory'
import { noteCreated } from '../verifier/rules/device'
import { ddi, t } from './types'

/** Text of a UNICODE_STRING; null for a NULL pointer. */
export function unicodeText(k: Kernel, at: Ptr): string | null {
  if (at === 0) return null
  const length = k.memory.u16(at)
  return length === 0 ? '' : k.memory.text16(k.memory.ptr(at + 8), length)
}

/** Private blocks by driver object and identification address (IoAllocateDriverObjectExtension). */
const extensionsOf = new WeakMap<Kernel, Map<string, Ptr>>()

function extensions(k: Kernel): Map<string, Ptr> {
  let map = extensionsOf.get(k)
  if (!map) extensionsOf.set(k, (map = new Map()))
  return map
}

export const IO_DEVICE_DDIS = {
  IoCreateDevice: ddi({
    params: {
      DriverObject: t.ptr('DRIVER_OBJECT'),
      DeviceExtensionSize: t.ulong,
      DeviceName: t.optional(t.ptr('UNICODE_STRING')),
      DeviceType: t.deviceType,
      DeviceCharacteristics: t.ulong,
      Exclusive: t.boolean,
      DeviceObject: t.out(t.ptr('DEVICE_OBJECT')),
    },
    returns: t.ntstatus,
    run(k, a) {
      const name = unicodeText(k, a.DeviceName)
      if (name === '' && a.DeviceName !== 0) return STATUS_OBJECT_NAME_INVALID
      const { status, device } = k.devices.create({
        driver: a.DriverObject,
        extensionSize: a.DeviceExtensionSize,
        name,
        type: a.DeviceType,
        characteristics: a.DeviceCharacteristics,
        exclusive: a.Exclusive,
      })
      if (device) {
        noteCreated(k, device)
        a.DeviceObject.write(device)
      }
      return status
    },
  }),

  IoDeleteDevice: ddi({
    params: { DeviceObject: t.ptr('DEVICE_OBJECT') },
    returns: t.void,
    run: (k, a) => k.devices.delete(a.DeviceObject),
  }),

  IoCreateSymbolicLink: ddi({
    params: {
      SymbolicLinkName: t.ptr('UNICODE_STRING'),
      DeviceName: t.ptr('UNICODE_STRING'),
    },
    returns: t.ntstatus,
    run(k, a) {
      const link = unicodeText(k, a.SymbolicLinkName) ?? ''
      const target = unicodeText(k, a.DeviceName) ?? ''
      return k.ob.namespace.createSymbolicLink(link, target)
    },
  }),

  IoDeleteSymbolicLink: ddi({
    params: { SymbolicLinkName: t.ptr('UNICODE_STRING') },
    returns: t.ntstatus,
    run: (k, a) => k.ob.namespace.deleteSymbolicLink(unicodeText(k, a.SymbolicLinkName) ?? ''),
  }),

  IoAttachDevice: ddi({
    params: {
      SourceDevice: t.ptr('DEVICE_OBJECT'),
      TargetDevice: t.ptr('UNICODE_STRING'),
      AttachedDevice: t.out(t.ptr('DEVICE_OBJECT')),
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'The target is looked up by name without sending it IRP_MJ_CREATE.',
    run(k, a) {
      const found = k.ob.namespace.lookup(unicodeText(k, a.TargetDevice) ?? '')
      if (!found.object) return found.status
      if (found.object.type.name !== 'Device') return STATUS_OBJECT_TYPE_MISMATCH
      const below = k.devices.attach(a.SourceDevice, found.object.address)
      if (below === 0) return STATUS_NO_SUCH_DEVICE
      a.AttachedDevice.write(below)
      return STATUS_SUCCESS
    },
  }),

  IoAttachDeviceToDeviceStack: ddi({
    params: { SourceDevice: t.ptr('DEVICE_OBJECT'), TargetDevice: t.ptr('DEVICE_OBJECT') },
    returns: t.ptr('DEVICE_OBJECT'),
    run: (k, a) => k.devices.attach(a.SourceDevice, a.TargetDevice),
  }),

  IoDetachDevice: ddi({
    params: { TargetDevice: t.ptr('DEVICE_OBJECT') },
    returns: t.void,
    run: (k, a) => k.devices.detach(a.TargetDevice),
  }),

  IoGetAttachedDevice: ddi({
    params: { DeviceObject: t.ptr('DEVICE_OBJECT') },
    returns: t.ptr('DEVICE_OBJECT'),
    irql: [0, 2],
    summary: 'Returns the device at the top of the stack, without a reference.',
    run: (k, a) => k.devices.top(a.DeviceObject),
  }),

  IoGetAttachedDeviceReference: ddi({
    params: { DeviceObject: t.ptr('DEVICE_OBJECT') },
    returns: t.ptr('DEVICE_OBJECT'),
    run(k, a) {
      const top = k.devices.top(a.DeviceObject)
      k.ob.reference(top)
      return top
    },
  }),

  IoGetRelatedDeviceObject: ddi({
    params: { FileObject: t.ptr('FILE_OBJECT') },
    returns: t.ptr('DEVICE_OBJECT'),
    irql: [0, 2],
    summary: 'Returns the top of the device stack that a file object was opened on.',
    run: (k, a) => k.devices.top(k.memory.ptr(a.FileObject + 8)),
  }),

  IoAllocateDriverObjectExtension: ddi({
    params: {
      DriverObject: t.ptr('DRIVER_OBJECT'),
      ClientIdentificationAddress: t.pvoid,
      DriverObjectExtensionSize: t.ulong,
      DriverObjectExtension: t.out(t.pvoid),
    },
    returns: t.ntstatus,
    run(k, a) {
      const key = `${a.DriverObject}:${a.ClientIdentificationAddress}`
      a.DriverObjectExtension.write(0)
      if (extensions(k).has(key)) return STATUS_OBJECT_NAME_COLLISION
      const block = k.pool.allocate(a.DriverObjectExtensionSize, 'IoDX', { system: true })
      if (!block) return STATUS_INSUFFICIENT_RESOURCES
      extensions(k).set(key, block)
      a.DriverObjectExtension.write(block)
      return STATUS_SUCCESS
    },
  }),

  IoGetDriverObjectExtension: ddi({
    params: { DriverObject: t.ptr('DRIVER_OBJECT'), ClientIdentificationAddress: t.pvoid },
    returns: t.pvoid,
    run: (k, a) => extensions(k).get(`${a.DriverObject}:${a.ClientIdentificationAddress}`) ?? 0,
  }),

  IoStartPacket: ddi({
    params: {
      DeviceObject: t.ptr('DEVICE_OBJECT'),
      Irp: t.ptr('IRP'),
      Key: t.optional(t.pvoid),
      CancelFunction: t.optional(t.fn('DRIVER_CANCEL')),
    },
    returns: t.void,
    run: (k, a) =>
      startPacket(k, a.DeviceObject, a.Irp, a.Key ? k.memory.u32(a.Key) : null, a.CancelFunction),
  }),

  IoStartNextPacket: ddi({
    params: { DeviceObject: t.ptr('DEVICE_OBJECT'), Cancelable: t.boolean },
    returns: t.void,
    run: (k, a) => startNextPacket(k, a.DeviceObject),
  }),
}
