/** Signatures of the callbacks of the filter manager, of the filtering platform and of KMDF. */
import type { RoutineSignature } from './types'

const pvoid = { k: 'ptr', c: 'PVOID', target: null } as const
const to = (target: string) => ({ k: 'ptr', c: `P${target}`, target }) as const
const ulong = { k: 'u32', c: 'ULONG' } as const
const nothing = { k: 'void', c: 'VOID' } as const
const status = { k: 'ntstatus', c: 'NTSTATUS' } as const

const operation = {
  Data: to('FLT_CALLBACK_DATA'),
  FltObjects: to('FLT_RELATED_OBJECTS'),
}

const FILTER_MANAGER = {
  FLT_PRE_OPERATION_CALLBACK: {
    kind: 'other',
    params: { ...operation, CompletionContext: pvoid },
    returns: ulong,
  },
  FLT_POST_OPERATION_CALLBACK: {
    kind: 'other',
    params: { ...operation, CompletionContext: pvoid, Flags: ulong },
    returns: ulong,
  },
  FLT_FILTER_UNLOAD_CALLBACK: { kind: 'other', params: { Flags: ulong }, returns: status },
  FLT_INSTANCE_SETUP_CALLBACK: {
    kind: 'other',
    params: {
      FltObjects: to('FLT_RELATED_OBJECTS'),
      Flags: ulong,
      VolumeDeviceType: ulong,
      VolumeFilesystemType: ulong,
    },
    returns: status,
  },
  FLT_INSTANCE_TEARDOWN_CALLBACK: {
    kind: 'other',
    params: { FltObjects: to('FLT_RELATED_OBJECTS'), Reason: ulong },
    returns: nothing,
  },
  FLT_CONNECT_NOTIFY: {
    kind: 'other',
    params: {
      ClientPort: pvoid,
      ServerPortCookie: pvoid,
      ConnectionContext: pvoid,
      SizeOfContext: ulong,
      ConnectionPortCookie: pvoid,
    },
    returns: status,
  },
  FLT_DISCONNECT_NOTIFY: {
    kind: 'other',
    params: { ConnectionCookie: pvoid },
    returns: nothing,
  },
  FLT_MESSAGE_NOTIFY: {
    kind: 'other',
    params: {
      PortCookie: pvoid,
      InputBuffer: pvoid,
      InputBufferLength: ulong,
      OutputBuffer: pvoid,
      OutputBufferLength: ulong,
      ReturnOutputBufferLength: pvoid,
    },
    returns: status,
  },
} as const satisfies Record<string, RoutineSignature>

const FILTERING_PLATFORM = {
  FWPS_CALLOUT_CLASSIFY_FN1: {
    kind: 'other',
    params: {
      inFixedValues: to('FWPS_INCOMING_VALUES0'),
      inMetaValues: to('FWPS_INCOMING_METADATA_VALUES0'),
      layerData: pvoid,
      classifyContext: pvoid,
      filter: pvoid,
      flowContext: pvoid,
      classifyOut: to('FWPS_CLASSIFY_OUT0'),
    },
    returns: nothing,
  },
  FWPS_CALLOUT_NOTIFY_FN1: {
    kind: 'notify',
    params: { notifyType: ulong, filterKey: to('GUID'), filter: pvoid },
    returns: status,
  },
} as const satisfies Record<string, RoutineSignature>

const queued = { Queue: pvoid, Request: pvoid }

const KMDF = {
  FN_WDF_DRIVER_DEVICE_ADD: {
    kind: 'other',
    params: { Driver: pvoid, DeviceInit: pvoid },
    returns: status,
  },
  FN_WDF_DRIVER_UNLOAD: { kind: 'other', params: { Driver: pvoid }, returns: nothing },
  FN_WDF_OBJECT_CONTEXT_CLEANUP: { kind: 'other', params: { Object: pvoid }, returns: nothing },
  FN_WDF_OBJECT_CONTEXT_DESTROY: { kind: 'other', params: { Object: pvoid }, returns: nothing },
  FN_WDF_IO_QUEUE_IO_DEFAULT: { kind: 'other', params: queued, returns: nothing },
  FN_WDF_IO_QUEUE_IO_READ: {
    kind: 'other',
    params: { ...queued, Length: ulong },
    returns: nothing,
  },
  FN_WDF_IO_QUEUE_IO_WRITE: {
    kind: 'other',
    params: { ...queued, Length: ulong },
    returns: nothing,
  },
  FN_WDF_IO_QUEUE_IO_DEVICE_CONTROL: {
    kind: 'other',
    params: {
      ...queued,
      OutputBufferLength: ulong,
      InputBufferLength: ulong,
      IoControlCode: ulong,
    },
    returns: nothing,
  },
  FN_WDF_DEVICE_PREPARE_HARDWARE: {
    kind: 'other',
    params: { Device: pvoid, ResourcesRaw: pvoid, ResourcesTranslated: pvoid },
    returns: status,
  },
  FN_WDF_DEVICE_RELEASE_HARDWARE: {
    kind: 'other',
    params: { Device: pvoid, ResourcesTranslated: pvoid },
    returns: status,
  },
  FN_WDF_DEVICE_D0_ENTRY: {
    kind: 'other',
    params: { Device: pvoid, PreviousState: ulong },
    returns: status,
  },
  FN_WDF_DEVICE_D0_EXIT: {
    kind: 'other',
    params: { Device: pvoid, TargetState: ulong },
    returns: status,
  },
  FN_WDF_DEVICE_SURPRISE_REMOVAL: { kind: 'other', params: { Device: pvoid }, returns: nothing },
  FN_WDF_IO_IN_CALLER_CONTEXT: {
    kind: 'other',
    params: { Device: pvoid, Request: pvoid },
    returns: nothing,
  },
  FN_WDF_REQUEST_CANCEL: { kind: 'cancel', params: { Request: pvoid }, returns: nothing },
  FN_WDF_TIMER: { kind: 'timer', params: { Timer: pvoid }, returns: nothing },
  FN_WDF_DPC: { kind: 'dpc', params: { Dpc: pvoid }, returns: nothing },
  FN_WDF_WORKITEM: { kind: 'workitem', params: { WorkItem: pvoid }, returns: nothing },
} as const satisfies Record<string, RoutineSignature>

export const FRAMEWORK_ROUTINES = { ...FILTER_MANAGER, ...FILTERING_PLATFORM, ...KMDF } as const
