/*
 * Guard: sees to it that connections lead where programs wanted. It has a callout at the connect redirect
 * layer, as those have who redirect them.
 */
import {
  DbgPrint,
  FILE_DEVICE_UNKNOWN,
  FWPM_CALLOUT0,
  FWPM_FILTER0,
  FWPM_SESSION0,
  FWPM_SESSION_FLAG_DYNAMIC,
  FWPM_SUBLAYER0,
  FWPS_CALLOUT1,
  FWPS_CONNECT_REQUEST0,
  FWPS_FILTER1,
  FWP_ACTION_CALLOUT_TERMINATING,
  FWP_ACTION_PERMIT,
  FwpmCalloutAdd0,
  FwpmEngineClose0,
  FwpmEngineOpen0,
  FwpmFilterAdd0,
  FwpmSubLayerAdd0,
  FwpsAcquireClassifyHandle0,
  FwpsAcquireWritableLayerDataPointer0,
  FwpsApplyModifiedLayerData0,
  FwpsCalloutRegister1,
  FwpsCalloutUnregisterById0,
  FwpsReleaseClassifyHandle0,
  IoCreateDevice,
  IoDeleteDevice,
  NT_SUCCESS,
  RPC_C_AUTHN_WINNT,
  STATUS_SUCCESS,
  cast,
  local,
  out,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  FWPS_CLASSIFY_OUT0,
  FWPS_INCOMING_METADATA_VALUES0,
  FWPS_INCOMING_VALUES0,
  GUID,
  HANDLE,
  NTSTATUS,
  PVOID,
  SOCKADDR_IN,
  ULONG,
  ULONGLONG,
  UNICODE_STRING,
} from 'wdm'

/** Sublayers are asked in the order of their weights, the heaviest first. */
const WEIGHT = 0xf000

let Device: DEVICE_OBJECT = null
let CalloutId: ULONG = 0
let Engine: HANDLE = 0

function SetGuid(At: GUID, Data1: ULONG, Data2: ULONG, Data3: ULONG, Data4: ULONGLONG): void {
  At.Data1 = Data1
  At.Data2 = Data2
  At.Data3 = Data3
  At.add(8).u64[0] = Data4
}

/** FWPM_LAYER_ALE_CONNECT_REDIRECT_V4. */
const SetLayer = (At: GUID) => SetGuid(At, 0xc6e63c8c, 0xb784, 0x4562, 0xa3f9cacf670a7daan)
const SetCallout = (At: GUID) => SetGuid(At, 0x60a2d001, 0x1a2b, 0x4c3d, 1n)
const SetSubLayer = (At: GUID) => SetGuid(At, 0x60a2d002, 0x1a2b, 0x4c3d, 1n)

/** A filter without conditions, which asks the callout about every connection. */
function AddFilter(): NTSTATUS {
  const sublayer = local(FWPM_SUBLAYER0)
  SetSubLayer(sublayer.subLayerKey)
  sublayer.weight = WEIGHT
  let status = FwpmSubLayerAdd0(Engine, sublayer, null)
  if (!NT_SUCCESS(status)) return status
  const callout = local(FWPM_CALLOUT0)
  SetCallout(callout.calloutKey)
  SetLayer(callout.applicableLayer)
  status = FwpmCalloutAdd0(Engine, callout, null, null)
  if (!NT_SUCCESS(status)) return status
  const filter = local(FWPM_FILTER0)
  SetLayer(filter.layerKey)
  SetSubLayer(filter.subLayerKey)
  SetCallout(filter.action.calloutKey)
  filter.action.type = FWP_ACTION_CALLOUT_TERMINATING
  return FwpmFilterAdd0(Engine, filter, null, null)
}

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = GuardUnload
  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_UNKNOWN, 0, false, device)
  if (!NT_SUCCESS(status)) return status
  Device = device.value
  const callout = local(FWPS_CALLOUT1)
  SetCallout(callout.calloutKey)
  callout.classifyFn = GuardClassify
  callout.notifyFn = GuardNotify
  const id = out<ULONG>()
  status = FwpsCalloutRegister1(Device, callout, id)
  if (NT_SUCCESS(status)) {
    CalloutId = id.value
    // What a dynamic session has added goes with it.
    const session = local(FWPM_SESSION0)
    session.flags = FWPM_SESSION_FLAG_DYNAMIC
    const engine = out<HANDLE>()
    status = FwpmEngineOpen0(null, RPC_C_AUTHN_WINNT, null, session, engine)
    if (NT_SUCCESS(status)) {
      Engine = engine.value
      status = AddFilter()
    }
  }
  if (!NT_SUCCESS(status)) GuardUnload(DriverObject)
  return status
}

function GuardUnload(DriverObject: DRIVER_OBJECT): void {
  if (Engine) FwpmEngineClose0(Engine)
  if (CalloutId) FwpsCalloutUnregisterById0(CalloutId)
  IoDeleteDevice(Device)
}

/** Asked about a connection. layerData is the request as it is now, with earlier versions behind it. */
function GuardClassify(
  inFixedValues: FWPS_INCOMING_VALUES0,
  inMetaValues: FWPS_INCOMING_METADATA_VALUES0,
  layerData: PVOID,
  classifyContext: PVOID,
  filter: PVOID,
  flowContext: PVOID,
  classifyOut: FWPS_CLASSIFY_OUT0,
): void {
  classifyOut.actionType = FWP_ACTION_PERMIT
  const request = cast(FWPS_CONNECT_REQUEST0, layerData)
  // Nobody has changed it: it leads where the program wants.
  if (request.previousVersion === null) return
  DbgPrint('guard: process %u was redirected\n', Number(inMetaValues.processId))
  const before = cast(FWPS_CONNECT_REQUEST0, request.previousVersion)
  LeadTo(classifyContext, cast(FWPS_FILTER1, filter).filterId, before.remoteAddressAndPort)
}

/** Make a version of the request that leads to an address and a port. */
function LeadTo(classifyContext: PVOID, filterId: ULONGLONG, place: SOCKADDR_IN): void {
  const handle = out<ULONGLONG>()
  if (!NT_SUCCESS(FwpsAcquireClassifyHandle0(classifyContext, 0, handle))) return
  const data = out<PVOID>()
  const status = FwpsAcquireWritableLayerDataPointer0(handle.value, filterId, 0, data, null)
  if (NT_SUCCESS(status)) {
    const request = cast(FWPS_CONNECT_REQUEST0, data.value)
    request.remoteAddressAndPort.sin_addr = place.sin_addr
    request.remoteAddressAndPort.sin_port = place.sin_port
    request.localRedirectTargetPID = 0
    FwpsApplyModifiedLayerData0(handle.value, request, 0)
  }
  FwpsReleaseClassifyHandle0(handle.value)
}

function GuardNotify(notifyType: ULONG, filterKey: GUID, filter: PVOID): NTSTATUS {
  return STATUS_SUCCESS
}
