/*
 * Lamp: the function driver of a plug and play device, with everything that the WDK asks of one.
 *
 * The PnP manager calls AddDevice for every lamp that a bus driver found, and from then on tells the
 * life of the device in packets: START, QUERY_STOP and STOP, QUERY_REMOVE and REMOVE, and when
 * somebody pulls the plug SURPRISE_REMOVAL. Each packet belongs to the whole stack; a function driver
 * does its part and passes it on.
 *
 * It owns the power policy as well: when the machine falls asleep, it decides what that means for
 * the lamp and asks for a second packet that says so.
 */
import {
  DO_DEVICE_INITIALIZING,
  DO_POWER_PAGABLE,
  DbgPrint,
  DevicePowerState,
  FALSE,
  FILE_DEVICE_SECURE_OPEN,
  FILE_DEVICE_UNKNOWN,
  GUID,
  IO_NO_INCREMENT,
  IO_REMOVE_LOCK,
  IRP,
  IRP_MJ_CLEANUP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_PNP,
  IRP_MJ_POWER,
  IRP_MJ_SYSTEM_CONTROL,
  IRP_MN_CANCEL_REMOVE_DEVICE,
  IRP_MN_CANCEL_STOP_DEVICE,
  IRP_MN_QUERY_REMOVE_DEVICE,
  IRP_MN_QUERY_STOP_DEVICE,
  IRP_MN_REMOVE_DEVICE,
  IRP_MN_SET_POWER,
  IRP_MN_START_DEVICE,
  IRP_MN_STOP_DEVICE,
  IRP_MN_SURPRISE_REMOVAL,
  IoAcquireRemoveLock,
  IoAttachDeviceToDeviceStack,
  IoCallDriver,
  IoCompleteRequest,
  IoCopyCurrentIrpStackLocationToNext,
  IoCreateDevice,
  IoDeleteDevice,
  IoDetachDevice,
  IoForwardIrpSynchronously,
  IoGetCurrentIrpStackLocation,
  IoInitializeRemoveLock,
  IoMarkIrpPending,
  IoRegisterDeviceInterface,
  IoReleaseRemoveLock,
  IoReleaseRemoveLockAndWait,
  IoSetCompletionRoutine,
  IoSetDeviceInterfaceState,
  IoSkipCurrentIrpStackLocation,
  NT_SUCCESS,
  PDEVICE_OBJECT,
  PoCallDriver,
  PoRequestPowerIrp,
  PoSetPowerState,
  PowerDeviceD0,
  PowerDeviceD3,
  PowerSystemWorking,
  RtlFreeUnicodeString,
  STATUS_CONTINUE_COMPLETION,
  STATUS_DELETE_PENDING,
  STATUS_DEVICE_NOT_READY,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_MORE_PROCESSING_REQUIRED,
  STATUS_NO_SUCH_DEVICE,
  STATUS_PENDING,
  STATUS_SUCCESS,
  STATUS_UNSUCCESSFUL,
  SystemPowerState,
  TRUE,
  ULONG,
  UNICODE_STRING,
  cast,
  local,
  out,
  sizeof,
  struct,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  IO_STATUS_BLOCK,
  NTSTATUS,
  PVOID,
  Ptr,
  UCHAR,
} from 'wdm'

/** CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS): how often was it switched? */
const IOCTL_LAMP_SWITCH = 0x222000

/** Where the device is in its life. */
const NotStarted = 0
const Started = 1
const StopPending = 2
const Stopped = 3
const RemovePending = 4
const SurpriseRemoved = 5

const LAMP = struct('LAMP', {
  Self: PDEVICE_OBJECT,
  /** The bus driver's device at the bottom of the stack. */
  Pdo: PDEVICE_OBJECT,
  /** The device below ours: where packets go. */
  Lower: PDEVICE_OBJECT,
  /** Held by every packet that is under way; REMOVE_DEVICE waits for the last one. */
  RemoveLock: IO_REMOVE_LOCK,
  InterfaceName: UNICODE_STRING,
  State: ULONG,
  Switched: ULONG,
})
type PLAMP = Ptr<typeof LAMP>

const lampOf = (device: DEVICE_OBJECT): PLAMP => cast(LAMP, device.DeviceExtension)

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  // No device yet: how many lamps there are only the bus knows.
  DriverObject.DriverExtension.AddDevice = LampAddDevice
  DriverObject.DriverUnload = LampUnload
  DriverObject.MajorFunction[IRP_MJ_CREATE] = LampCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLEANUP] = LampCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = LampCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = LampControl
  DriverObject.MajorFunction[IRP_MJ_SYSTEM_CONTROL] = LampPassDown
  DriverObject.MajorFunction[IRP_MJ_POWER] = LampPower
  DriverObject.MajorFunction[IRP_MJ_PNP] = LampPnp
  return STATUS_SUCCESS
}

/** The PnP manager unloads the driver after its last device; there is nothing left to do. */
function LampUnload(DriverObject: DRIVER_OBJECT): void {
  DbgPrint('Lamp: unloaded\n')
}

// --- arrival -----------------------------------------------------------------------------------------

/** Somewhere a lamp was found: make a device for it and attach it to the stack. Touch no hardware yet. */
function LampAddDevice(DriverObject: DRIVER_OBJECT, PhysicalDeviceObject: DEVICE_OBJECT): NTSTATUS {
  const device = out<DEVICE_OBJECT>()
  const created = IoCreateDevice(
    DriverObject,
    sizeof(LAMP),
    null,
    FILE_DEVICE_UNKNOWN,
    FILE_DEVICE_SECURE_OPEN,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(created)) return created
  const lamp = lampOf(device.value)
  lamp.Self = device.value
  lamp.Pdo = PhysicalDeviceObject
  lamp.State = NotStarted
  IoInitializeRemoveLock(lamp.RemoveLock, 'pmaL', 0, 0)

  lamp.Lower = IoAttachDeviceToDeviceStack(device.value, PhysicalDeviceObject)
  if (lamp.Lower === null) {
    IoDeleteDevice(device.value)
    return STATUS_NO_SUCH_DEVICE
  }

  // Programs find lamps by this interface, not by a name that the driver would have to invent.
  const guid = local(GUID)
  guid.Data1 = 0x1a2b3c4d
  guid.Data2 = 0x5e6f
  guid.Data3 = 0x4711
  guid.Data4[7] = 0x01
  const registered = IoRegisterDeviceInterface(PhysicalDeviceObject, guid, null, lamp.InterfaceName)
  if (!NT_SUCCESS(registered)) {
    IoDetachDevice(lamp.Lower)
    IoDeleteDevice(device.value)
    return registered
  }

  // Power packets may come at PASSIVE_LEVEL: the lamp is not needed to read in pages of memory.
  device.value.Flags |= DO_POWER_PAGABLE
  device.value.Flags &= ~DO_DEVICE_INITIALIZING
  return STATUS_SUCCESS
}

// --- plug and play -----------------------------------------------------------------------------------

function LampPnp(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const lamp = lampOf(DeviceObject)
  const entered = IoAcquireRemoveLock(lamp.RemoveLock, Irp)
  if (!NT_SUCCESS(entered)) return Complete(Irp, entered)

  switch (IoGetCurrentIrpStackLocation(Irp).MinorFunction) {
    case IRP_MN_START_DEVICE:
      return LampStart(lamp, Irp)

    case IRP_MN_QUERY_STOP_DEVICE:
      lamp.State = StopPending
      return Agree(lamp, Irp)

    case IRP_MN_QUERY_REMOVE_DEVICE:
      lamp.State = RemovePending
      return Agree(lamp, Irp)

    // What was withdrawn is withdrawn from the bottom upwards: the driver below works again first.
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE: {
      IoForwardIrpSynchronously(lamp.Lower, Irp)
      lamp.State = Started
      IoReleaseRemoveLock(lamp.RemoveLock, Irp)
      return Complete(Irp, STATUS_SUCCESS)
    }

    case IRP_MN_STOP_DEVICE:
      lamp.State = Stopped
      DbgPrint('Lamp: stopped\n')
      return Agree(lamp, Irp)

    case IRP_MN_SURPRISE_REMOVAL:
      // The hardware is gone, handles are still open. Fail what comes, keep the device.
      lamp.State = SurpriseRemoved
      IoSetDeviceInterfaceState(lamp.InterfaceName, FALSE)
      DbgPrint('Lamp: pulled out\n')
      return Agree(lamp, Irp)

    case IRP_MN_REMOVE_DEVICE:
      return LampRemove(lamp, Irp)

    default:
      // The status stays as it came: STATUS_NOT_SUPPORTED says that nobody knew the packet.
      return PassDown(lamp, Irp)
  }
}

/** Start after the drivers below have: only they can make the hardware answer. */
function LampStart(lamp: PLAMP, Irp: IRP): NTSTATUS {
  IoForwardIrpSynchronously(lamp.Lower, Irp)
  const status = Irp.IoStatus.Status
  if (NT_SUCCESS(status)) {
    PoSetPowerState(lamp.Self, DevicePowerState, PowerDeviceD0)
    // A device that starts again after a stop still has its interface: that is no error.
    if (lamp.State === NotStarted) IoSetDeviceInterfaceState(lamp.InterfaceName, TRUE)
    lamp.State = Started
    DbgPrint('Lamp: started\n')
  }
  IoReleaseRemoveLock(lamp.RemoveLock, Irp)
  return Complete(Irp, status)
}

/** The end: nobody gets in any more, who is in leaves, then the stack is taken down from the top. */
function LampRemove(lamp: PLAMP, Irp: IRP): NTSTATUS {
  if (lamp.State !== SurpriseRemoved && lamp.State !== NotStarted)
    IoSetDeviceInterfaceState(lamp.InterfaceName, FALSE)
  RtlFreeUnicodeString(lamp.InterfaceName)
  IoReleaseRemoveLockAndWait(lamp.RemoveLock, Irp)

  Irp.IoStatus.Status = STATUS_SUCCESS
  IoSkipCurrentIrpStackLocation(Irp)
  const status = IoCallDriver(lamp.Lower, Irp)
  const self = lamp.Self
  IoDetachDevice(lamp.Lower)
  IoDeleteDevice(self)
  DbgPrint('Lamp: removed\n')
  return status
}

/** Say yes and pass the packet on. */
function Agree(lamp: PLAMP, Irp: IRP): NTSTATUS {
  Irp.IoStatus.Status = STATUS_SUCCESS
  return PassDown(lamp, Irp)
}

/** Pass a packet on that holds the remove lock. */
function PassDown(lamp: PLAMP, Irp: IRP): NTSTATUS {
  IoSkipCurrentIrpStackLocation(Irp)
  const status = IoCallDriver(lamp.Lower, Irp)
  IoReleaseRemoveLock(lamp.RemoveLock, Irp)
  return status
}

function LampPassDown(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const lamp = lampOf(DeviceObject)
  const entered = IoAcquireRemoveLock(lamp.RemoveLock, Irp)
  if (!NT_SUCCESS(entered)) return Complete(Irp, entered)
  return PassDown(lamp, Irp)
}

// --- power -------------------------------------------------------------------------------------------

function LampPower(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const lamp = lampOf(DeviceObject)
  const entered = IoAcquireRemoveLock(lamp.RemoveLock, Irp)
  if (!NT_SUCCESS(entered)) return Complete(Irp, entered)
  const stack = IoGetCurrentIrpStackLocation(Irp)
  if (stack.MinorFunction !== IRP_MN_SET_POWER) return PassDown(lamp, Irp)

  if (stack.Parameters.Power.Type === SystemPowerState) {
    // The machine changes its state. First the drivers below, then, in the completion routine, the
    // packet for the device; this one is completed when that one is done.
    IoMarkIrpPending(Irp)
    IoCopyCurrentIrpStackLocationToNext(Irp)
    IoSetCompletionRoutine(Irp, LampSystemPowerDone, lamp, TRUE, TRUE, TRUE)
    PoCallDriver(lamp.Lower, Irp)
    return STATUS_PENDING
  }

  if (stack.Parameters.Power.State.DeviceState === PowerDeviceD0) {
    // Up: the bus gives the power, then the lamp is lit again.
    IoMarkIrpPending(Irp)
    IoCopyCurrentIrpStackLocationToNext(Irp)
    IoSetCompletionRoutine(Irp, LampPoweredUp, lamp, TRUE, TRUE, TRUE)
    PoCallDriver(lamp.Lower, Irp)
    return STATUS_PENDING
  }

  // Down: put the lamp out, then let the bus take the power away.
  PoSetPowerState(lamp.Self, DevicePowerState, PowerDeviceD3)
  DbgPrint('Lamp: dark\n')
  return PassDown(lamp, Irp)
}

/** The drivers below know of the new system state: what does it mean for the lamp? */
function LampSystemPowerDone(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  const lamp = cast(LAMP, Context)
  const system = IoGetCurrentIrpStackLocation(Irp).Parameters.Power.State.SystemState
  const state = system === PowerSystemWorking ? PowerDeviceD0 : PowerDeviceD3
  const requested = PoRequestPowerIrp(
    lamp.Pdo,
    IRP_MN_SET_POWER,
    state,
    LampDevicePowerDone,
    Irp,
    null,
  )
  if (requested === STATUS_PENDING) return STATUS_MORE_PROCESSING_REQUIRED
  Irp.IoStatus.Status = STATUS_UNSUCCESSFUL
  IoReleaseRemoveLock(lamp.RemoveLock, Irp)
  return STATUS_CONTINUE_COMPLETION
}

/** The device packet is done, and with it the one of the system. */
function LampDevicePowerDone(
  DeviceObject: DEVICE_OBJECT,
  MinorFunction: UCHAR,
  PowerState: ULONG,
  Context: PVOID,
  IoStatus: IO_STATUS_BLOCK,
): void {
  const system = cast(IRP, Context)
  const lamp = lampOf(IoGetCurrentIrpStackLocation(system).DeviceObject)
  IoReleaseRemoveLock(lamp.RemoveLock, system)
  IoCompleteRequest(system, IO_NO_INCREMENT)
}

function LampPoweredUp(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  const lamp = cast(LAMP, Context)
  if (NT_SUCCESS(Irp.IoStatus.Status)) {
    PoSetPowerState(lamp.Self, DevicePowerState, PowerDeviceD0)
    DbgPrint('Lamp: lit\n')
  }
  IoReleaseRemoveLock(lamp.RemoveLock, Irp)
  return STATUS_CONTINUE_COMPLETION
}

// --- requests ----------------------------------------------------------------------------------------

function Complete(Irp: IRP, Status: NTSTATUS, Information = 0): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function LampCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS)
}

function LampControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const lamp = lampOf(DeviceObject)
  const entered = IoAcquireRemoveLock(lamp.RemoveLock, Irp)
  if (!NT_SUCCESS(entered)) return Complete(Irp, entered)
  const control = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  let status: NTSTATUS = STATUS_SUCCESS
  let information = 0
  if (lamp.State === SurpriseRemoved) status = STATUS_DELETE_PENDING
  else if (lamp.State !== Started) status = STATUS_DEVICE_NOT_READY
  else if (control.IoControlCode !== IOCTL_LAMP_SWITCH || control.OutputBufferLength < 4)
    status = STATUS_INVALID_DEVICE_REQUEST
  else {
    lamp.Switched++
    Irp.AssociatedIrp.SystemBuffer.u32[0] = lamp.Switched
    information = 4
  }
  IoReleaseRemoveLock(lamp.RemoveLock, Irp)
  return Complete(Irp, status, information)
}
