/** Devices of the PnP manager: relations, properties, interfaces. */
import {
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER_2,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { DevNode } from '../pnp/devnode'
import { guidText } from '../pnp/interfaces'
import { propertyOf } from '../pnp/property'
import { unicodeText } from './io-device'
import { ddi, t } from './types'

/**
 * The node of a physical device.
 * @bugcheck 0xCA with 2 for any other device
 */
function nodeOf(k: Kernel, pdo: Ptr, routine: string): DevNode {
  return (
    k.pnp.byPdo(pdo) ??
    k.bugCheck(
      0xca,
      2,
      k.memory.address(pdo),
      0,
      0,
      `${routine} was given a device that is not the physical one of a device in the tree.`,
    )
  )
}

export const IO_PNP_DDIS = {
  IoInvalidateDeviceRelations: ddi({
    params: { DeviceObject: t.ptr('DEVICE_OBJECT'), Type: t.enum('DEVICE_RELATION_TYPE') },
    returns: t.void,
    support: 'partial',
    note: 'Only BusRelations leads to a query; the other kinds of relations are not kept.',
    run: (k, a) =>
      k.pnp.invalidateRelations(nodeOf(k, a.DeviceObject, 'IoInvalidateDeviceRelations'), a.Type),
  }),

  IoInvalidateDeviceState: ddi({
    params: { PhysicalDeviceObject: t.ptr('DEVICE_OBJECT') },
    returns: t.void,
    irql: [0, 2],
    summary: 'Tells the PnP manager that the state of a device changed; it asks for it later.',
    docs: 'wdm/nf-wdm-ioinvalidatedevicestate',
    run: (k, a) =>
      k.pnp.invalidateState(nodeOf(k, a.PhysicalDeviceObject, 'IoInvalidateDeviceState')),
  }),

  IoGetDeviceProperty: ddi({
    params: {
      DeviceObject: t.ptr('DEVICE_OBJECT'),
      DeviceProperty: t.enum('DEVICE_REGISTRY_PROPERTY'),
      BufferLength: t.ulong,
      PropertyBuffer: t.optional(t.pvoid),
      ResultLength: t.out(t.ulong),
    },
    returns: t.ntstatus,
    run(k, a) {
      const node = k.pnp.byPdo(a.DeviceObject)
      if (!node) return STATUS_INVALID_DEVICE_REQUEST
      const value = propertyOf(k, node, a.DeviceProperty)
      if (value === undefined) return STATUS_INVALID_PARAMETER_2
      if (typeof value === 'number') return value
      a.ResultLength.write(value.length)
      if (a.BufferLength < value.length) return STATUS_BUFFER_TOO_SMALL
      k.memory.write(a.PropertyBuffer, value)
      return STATUS_SUCCESS
    },
  }),

  IoRegisterDeviceInterface: ddi({
    params: {
      PhysicalDeviceObject: t.ptr('DEVICE_OBJECT'),
      InterfaceClassGuid: t.ptr('GUID'),
      ReferenceString: t.optional(t.ptr('UNICODE_STRING')),
      SymbolicLinkName: t.ptr('UNICODE_STRING'),
    },
    returns: t.ntstatus,
    run: (k, a) =>
      k.pnp.interfaces.register(
        a.PhysicalDeviceObject,
        guidText(k, a.InterfaceClassGuid),
        unicodeText(k, a.ReferenceString) ?? '',
        a.SymbolicLinkName,
      ),
  }),

  IoSetDeviceInterfaceState: ddi({
    params: { SymbolicLinkName: t.ptr('UNICODE_STRING'), Enable: t.boolean },
    returns: t.ntstatus,
    run: (k, a) => k.pnp.interfaces.setState(unicodeText(k, a.SymbolicLinkName) ?? '', a.Enable),
  }),
}
