/*
 * Lamp in KMDF: the function driver of a plug and play device, beside "Lamp: a function driver with
 * plug and play and power", which does the same in WDM.
 *
 * There is no dispatch routine, no remove lock and no packet of power in here. The framework knows
 * which packet comes when; the driver says what there is to do at the few places that matter.
 */
import {
  DbgPrint,
  GUID,
  NT_SUCCESS,
  PVOID,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  ULONG,
  WDF_DRIVER_CONFIG,
  WDF_DRIVER_CONFIG_INIT,
  WDF_IO_QUEUE_CONFIG,
  WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE,
  WDF_OBJECT_ATTRIBUTES,
  WDF_OBJECT_ATTRIBUTES_INIT,
  WDF_PNPPOWER_EVENT_CALLBACKS,
  WDF_PNPPOWER_EVENT_CALLBACKS_INIT,
  WdfDeviceCreate,
  WdfDeviceCreateDeviceInterface,
  WdfDeviceInitSetPnpPowerEventCallbacks,
  WdfDriverCreate,
  WdfIoQueueCreate,
  WdfIoQueueDispatchSequential,
  WdfIoQueueGetDevice,
  WdfObjectGetTypedContext,
  WdfRequestComplete,
  WdfRequestCompleteWithInformation,
  WdfRequestRetrieveOutputBuffer,
  array,
  cast,
  local,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'

/** CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS): how often was it switched? */
const IOCTL_LAMP_SWITCH = 0x222000

/** What the driver keeps of each lamp; it lives as long as the framework's device. */
const LAMP = struct('LAMP', { Switched: ULONG })

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const config = local(WDF_DRIVER_CONFIG)
  WDF_DRIVER_CONFIG_INIT(config, LampDeviceAdd)
  return WdfDriverCreate(DriverObject, RegistryPath, null, config, null)
}

function LampDeviceAdd(Driver: PVOID, DeviceInit: PVOID): NTSTATUS {
  const callbacks = local(WDF_PNPPOWER_EVENT_CALLBACKS)
  WDF_PNPPOWER_EVENT_CALLBACKS_INIT(callbacks)
  callbacks.EvtDevicePrepareHardware = LampPrepareHardware
  callbacks.EvtDeviceReleaseHardware = LampReleaseHardware
  callbacks.EvtDeviceD0Entry = LampD0Entry
  callbacks.EvtDeviceD0Exit = LampD0Exit
  callbacks.EvtDeviceSurpriseRemoval = LampSurpriseRemoval
  WdfDeviceInitSetPnpPowerEventCallbacks(DeviceInit, callbacks)

  const attributes = local(WDF_OBJECT_ATTRIBUTES)
  WDF_OBJECT_ATTRIBUTES_INIT(attributes)
  attributes.ContextSizeOverride = sizeof(LAMP)
  const init = local(array(PVOID, 1))
  init[0] = DeviceInit
  const device = out<PVOID>()
  let status = WdfDeviceCreate(init, attributes, device)
  if (!NT_SUCCESS(status)) return status

  status = WdfDeviceCreateDeviceInterface(device.value, LampInterface(), null)
  if (!NT_SUCCESS(status)) return status
  const queue = local(WDF_IO_QUEUE_CONFIG)
  WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(queue, WdfIoQueueDispatchSequential)
  queue.EvtIoDeviceControl = LampDeviceControl
  return WdfIoQueueCreate(device.value, queue, null, null)
}

/** {1a2b3c4d-5e6f-4711-0000-000000000001} */
function LampInterface(): GUID {
  const guid = local(GUID)
  guid.Data1 = 0x1a2b3c4d
  guid.Data2 = 0x5e6f
  guid.Data3 = 0x4711
  guid.add(8).u64[0] = 0x0100000000000000n
  return guid
}

/** The device has started; its resources are known. */
function LampPrepareHardware(Device: PVOID, Raw: PVOID, Translated: PVOID): NTSTATUS {
  DbgPrint('Lamp: started\n')
  return STATUS_SUCCESS
}

/** The device stops, or goes. */
function LampReleaseHardware(Device: PVOID, Translated: PVOID): NTSTATUS {
  DbgPrint('Lamp: stopped\n')
  return STATUS_SUCCESS
}

/** It has power: after the start, and after each sleep. The queue goes on behind this. */
function LampD0Entry(Device: PVOID, PreviousState: ULONG): NTSTATUS {
  DbgPrint('Lamp: lit\n')
  return STATUS_SUCCESS
}

/** It is about to lose power. The queue is held already. */
function LampD0Exit(Device: PVOID, TargetState: ULONG): NTSTATUS {
  DbgPrint('Lamp: dark\n')
  return STATUS_SUCCESS
}

function LampSurpriseRemoval(Device: PVOID): void {
  DbgPrint('Lamp: pulled out\n')
}

function LampDeviceControl(
  Queue: PVOID,
  Request: PVOID,
  OutputBufferLength: ULONG,
  InputBufferLength: ULONG,
  IoControlCode: ULONG,
): void {
  if (IoControlCode !== IOCTL_LAMP_SWITCH) {
    WdfRequestComplete(Request, STATUS_INVALID_DEVICE_REQUEST)
    return
  }
  const lamp = cast(LAMP, WdfObjectGetTypedContext(WdfIoQueueGetDevice(Queue)))
  lamp.Switched++
  const output = out<PVOID>()
  const status = WdfRequestRetrieveOutputBuffer(Request, 4, output, null)
  if (NT_SUCCESS(status)) {
    output.value.u32[0] = lamp.Switched
    WdfRequestCompleteWithInformation(Request, STATUS_SUCCESS, 4)
  } else WdfRequestComplete(Request, status)
}
