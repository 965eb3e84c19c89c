/*
 * Dma: a driver for a PCI device that moves bytes by itself, between memory and the world outside.
 *
 * The device knows physical addresses only. It gets a buffer of its own, which lies in one piece
 * (a common buffer); what a program reads or writes is copied between that and the program's pages,
 * which the I/O manager has locked and described by an MDL (DO_DIRECT_IO).
 *
 * The device does one thing at a time. IoStartPacket keeps the packets in line and hands them to DmaStartIo.
 */
import {
  DEVICE_OBJECT,
  DO_DIRECT_IO,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  HalGetBusDataByOffset,
  HalGetInterruptVector,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_READ,
  IRP_MJ_WRITE,
  IoAllocateMdl,
  IoCompleteRequest,
  IoConnectInterrupt,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoDisconnectInterrupt,
  IoFreeMdl,
  IoGetCurrentIrpStackLocation,
  IoInitializeDpcRequest,
  IoMarkIrpPending,
  IoRequestDpc,
  IoStartNextPacket,
  IoStartPacket,
  KeFlushIoBuffers,
  KeFlushQueuedDpcs,
  LevelSensitive,
  MdlMappingNoExecute,
  MmAllocateContiguousMemory,
  MmBuildMdlForNonPagedPool,
  MmFreeContiguousMemory,
  MmGetMdlByteCount,
  MmGetPhysicalAddress,
  MmGetSystemAddressForMdlSafe,
  MmMapIoSpace,
  MmNonCached,
  MmUnmapIoSpace,
  NT_SUCCESS,
  NormalPagePriority,
  PCIBus,
  PCIConfiguration,
  PKINTERRUPT,
  PMDL,
  PULONG,
  PVOID,
  READ_REGISTER_ULONG,
  RTL_CONSTANT_STRING,
  RtlCopyMemory,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_BUFFER_SIZE,
  STATUS_IO_DEVICE_ERROR,
  STATUS_NO_SUCH_DEVICE,
  STATUS_PENDING,
  STATUS_SUCCESS,
  TRUE,
  ULONG,
  USHORT,
  WRITE_REGISTER_ULONG,
  addressof,
  cast,
  local,
  out,
  sizeof,
  struct,
} from 'wdm'
import type {
  BOOLEAN,
  DRIVER_OBJECT,
  KAFFINITY,
  KDPC,
  KINTERRUPT,
  KIRQL,
  NTSTATUS,
  Ptr,
  UNICODE_STRING,
  IRP,
} from 'wdm'

/** Where the device is on the bus, and who it has to be. */
const SLOT = 3
const VENDOR = 0x5230
const DEVICE = 0x4c41

/** Registers, 32 bits each. */
const CONTROL = 0x04
const STATUS = 0x08
const ADDRESS_LOW = 0x0c
const ADDRESS_HIGH = 0x10
const LENGTH = 0x14
const COUNT = 0x18
const REGISTER_BYTES = 0x1000

const START = 1
const FROM_MEMORY = 2
const ENABLE_INTERRUPT = 4
const RESET = 0x80000000
const DONE = 2
const FAILED = 4

const BUFFER_BYTES = 4096
/** The device has 32 address lines. */
const HIGHEST_ADDRESS = 0xffffffff

/** The beginning of PCI configuration space, up to the interrupt line. */
const PCI_CONFIG = struct('PCI_CONFIG', {
  VendorId: USHORT,
  DeviceId: USHORT,
  CommandStatus: ULONG,
  ClassRevision: ULONG,
  Header: ULONG,
  Bar0: ULONG,
})
const INTERRUPT_LINE = 0x3c

const DMA = struct('DMA', {
  Registers: PVOID,
  Interrupt: PKINTERRUPT,
  Buffer: PVOID,
  BufferMdl: PMDL,
  /** What the service routine has read from the device for the DPC. */
  Status: ULONG,
})
type PDMA = Ptr<typeof DMA>

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Dma0')
const LinkName = RTL_CONSTANT_STRING('\\??\\Dma0')

function Register(dma: PDMA, offset: ULONG): PULONG {
  return cast(PULONG, dma.Registers.add(offset))
}

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = DmaCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = DmaCreateClose
  DriverObject.MajorFunction[IRP_MJ_READ] = DmaReadWrite
  DriverObject.MajorFunction[IRP_MJ_WRITE] = DmaReadWrite
  DriverObject.DriverStartIo = DmaStartIo
  DriverObject.DriverUnload = DmaUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    sizeof(DMA),
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    0,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  device.value.Flags |= DO_DIRECT_IO
  IoInitializeDpcRequest(device.value, DmaDpc)

  status = FindDevice(device.value)
  if (NT_SUCCESS(status)) status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) {
    GiveBack(cast(DMA, device.value.DeviceExtension))
    IoDeleteDevice(device.value)
  }
  return status
}

/** Look into the slot, map the registers, make the common buffer, connect the interrupt. */
function FindDevice(DeviceObject: DEVICE_OBJECT): NTSTATUS {
  const dma = cast(DMA, DeviceObject.DeviceExtension)
  const config = local(PCI_CONFIG)
  const line = local(ULONG)
  HalGetBusDataByOffset(PCIConfiguration, 0, SLOT, config, 0, sizeof(PCI_CONFIG))
  if (config.VendorId !== VENDOR || config.DeviceId !== DEVICE) return STATUS_NO_SUCH_DEVICE
  line[0] = 0
  HalGetBusDataByOffset(PCIConfiguration, 0, SLOT, line, INTERRUPT_LINE, 1)

  // The low bits of a base address say what kind it is.
  dma.Registers = MmMapIoSpace(config.Bar0 & 0xfffffff0, REGISTER_BYTES, MmNonCached)
  dma.Buffer = MmAllocateContiguousMemory(BUFFER_BYTES, HIGHEST_ADDRESS)
  if (dma.Registers === null || dma.Buffer === null) return STATUS_INSUFFICIENT_RESOURCES
  dma.BufferMdl = IoAllocateMdl(dma.Buffer, BUFFER_BYTES, FALSE, FALSE, null)
  if (dma.BufferMdl === null) return STATUS_INSUFFICIENT_RESOURCES
  MmBuildMdlForNonPagedPool(dma.BufferMdl)

  WRITE_REGISTER_ULONG(Register(dma, CONTROL), RESET)
  const irql = out<KIRQL>()
  const affinity = out<KAFFINITY>()
  const vector = HalGetInterruptVector(PCIBus, 0, line[0], line[0], irql, affinity)
  return IoConnectInterrupt(
    addressof(dma.Interrupt),
    DmaIsr,
    DeviceObject,
    null,
    vector,
    irql.value,
    irql.value,
    LevelSensitive,
    TRUE,
    affinity.value,
    FALSE,
  )
}

/** Undo as much of FindDevice as was done; the extension was zero before. */
function GiveBack(dma: PDMA): void {
  if (dma.Interrupt !== null) {
    WRITE_REGISTER_ULONG(Register(dma, CONTROL), RESET)
    IoDisconnectInterrupt(dma.Interrupt)
    KeFlushQueuedDpcs()
  }
  if (dma.BufferMdl !== null) IoFreeMdl(dma.BufferMdl)
  if (dma.Buffer !== null) MmFreeContiguousMemory(dma.Buffer)
  if (dma.Registers !== null) MmUnmapIoSpace(dma.Registers, REGISTER_BYTES)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function DmaCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function DmaReadWrite(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  // Without bytes there is no MDL either.
  if (Irp.MdlAddress === null || MmGetMdlByteCount(Irp.MdlAddress) > BUFFER_BYTES)
    return Complete(Irp, STATUS_INVALID_BUFFER_SIZE, 0)
  IoMarkIrpPending(Irp)
  IoStartPacket(DeviceObject, Irp, null, null)
  return STATUS_PENDING
}

/** The pages of the packet as bytes that the driver can reach, at any IRQL and in any process. */
function Bytes(Irp: IRP): PVOID {
  return MmGetSystemAddressForMdlSafe(Irp.MdlAddress, NormalPagePriority | MdlMappingNoExecute)
}

/** Called with one packet at a time, at DISPATCH_LEVEL. */
function DmaStartIo(DeviceObject: DEVICE_OBJECT, Irp: IRP): void {
  const dma = cast(DMA, DeviceObject.DeviceExtension)
  const length = MmGetMdlByteCount(Irp.MdlAddress)
  const bytes = Bytes(Irp)
  if (bytes === null) {
    Complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0)
    IoStartNextPacket(DeviceObject, FALSE)
    return
  }
  const isWrite = IoGetCurrentIrpStackLocation(Irp).MajorFunction === IRP_MJ_WRITE
  if (isWrite) {
    RtlCopyMemory(dma.Buffer, bytes, length)
    KeFlushIoBuffers(dma.BufferMdl, FALSE, TRUE)
  }
  const physical = MmGetPhysicalAddress(dma.Buffer)
  WRITE_REGISTER_ULONG(Register(dma, ADDRESS_LOW), cast(ULONG, physical))
  WRITE_REGISTER_ULONG(Register(dma, ADDRESS_HIGH), cast(ULONG, physical >> 32n))
  WRITE_REGISTER_ULONG(Register(dma, LENGTH), length)
  WRITE_REGISTER_ULONG(
    Register(dma, CONTROL),
    START | ENABLE_INTERRUPT | (isWrite ? FROM_MEMORY : 0),
  )
}

function DmaIsr(Interrupt: KINTERRUPT, ServiceContext: PVOID): BOOLEAN {
  const device = cast(DEVICE_OBJECT, ServiceContext)
  const dma = cast(DMA, device.DeviceExtension)
  const status = READ_REGISTER_ULONG(Register(dma, STATUS))
  if (!(status & (DONE | FAILED))) return FALSE
  // Acknowledging lets the line fall.
  WRITE_REGISTER_ULONG(Register(dma, STATUS), status)
  dma.Status = status
  IoRequestDpc(device, device.CurrentIrp, null)
  return TRUE
}

function DmaDpc(Dpc: KDPC, DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): void {
  const dma = cast(DMA, DeviceObject.DeviceExtension)
  if (dma.Status & FAILED) Complete(Irp, STATUS_IO_DEVICE_ERROR, 0)
  else {
    const count = READ_REGISTER_ULONG(Register(dma, COUNT))
    if (IoGetCurrentIrpStackLocation(Irp).MajorFunction === IRP_MJ_READ) {
      // Where caches do not follow devices, the processor would see what was here before.
      KeFlushIoBuffers(dma.BufferMdl, TRUE, TRUE)
      RtlCopyMemory(Bytes(Irp), dma.Buffer, count)
    }
    Complete(Irp, STATUS_SUCCESS, count)
  }
  IoStartNextPacket(DeviceObject, FALSE)
}

function DmaUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  GiveBack(cast(DMA, DriverObject.DeviceObject.DeviceExtension))
  IoDeleteDevice(DriverObject.DeviceObject)
}
