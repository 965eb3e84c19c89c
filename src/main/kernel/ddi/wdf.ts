/** The driver framework (KMDF): drivers, devices, queues, requests, and the small objects. */
import {
  DO_BUFFERED_IO,
  DO_DEVICE_INITIALIZING,
  DO_DIRECT_IO,
  DO_POWER_PAGABLE,
  DelayedWorkQueue,
  FILE_DEVICE_SECURE_OPEN,
  FILE_DEVICE_UNKNOWN,
  PagedPool,
  WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET,
  WDF_REQUEST_SEND_OPTION_SYNCHRONOUS,
  WdfDeviceIoBuffered,
  WdfDeviceIoDirect,
  WdfDeviceIoNeither,
  WdfIoQueueDispatchManual,
  WdfIoQueueDispatchParallel,
  WdfIoQueueDispatchSequential,
  WdfUseDefault,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_DRIVER_INTERNAL_ERROR,
  STATUS_INFO_LENGTH_MISMATCH,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_NO_MORE_ENTRIES,
  STATUS_NO_SUCH_DEVICE,
  STATUS_SUCCESS,
  STATUS_UNSUCCESSFUL,
} from '../../../shared/nt/generated/ntstatus'
import {
  DEVICE_OBJECT,
  UNICODE_STRING,
  WDF_DRIVER_CONFIG,
  WDF_IO_QUEUE_CONFIG,
  WDF_OBJECT_ATTRIBUTES,
  WDF_REQUEST_SEND_OPTIONS,
  WDF_WORKITEM_CONFIG,
} from '../../../shared/nt/generated/offsets'
import { DISPATCH_LEVEL } from '../../../shared/nt/irql'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { guidText } from '../pnp/interfaces'
import { driverOf, takeOver } from '../wdf/dispatch'
import {
  framework,
  type Attributes,
  type DeviceData,
  type DriverData,
  type InitData,
  type MemoryData,
  type WdfObject,
} from '../wdf/framework'
import { IoQueue, readConfig } from '../wdf/queue'
import {
  completeRequest,
  retrieveBuffer,
  sendAndForget,
  sendAndWait,
  type RequestData,
} from '../wdf/request'
import { unicodeText } from './io-device'
import { ddi, t, type KernelRoutine } from './types'
import {
  ATTRIBUTES,
  BUFFER_OUT,
  DEVICE,
  DRIVER,
  filling,
  INIT,
  INIT_POINTER,
  LENGTH_OUT,
  MEMORY,
  OBJECT,
  QUEUE,
  readAttributes,
  REQUEST,
  SPINLOCK,
  STRING,
  TARGET,
  WORKITEM,
} from './wdf-types'

const MEMORY_MAX = 0x100_0000
/** WDF_IO_QUEUE_DISPATCH_TYPE in words. */
const DISPATCH_NAMES: Readonly<Record<number, string>> = {
  [WdfIoQueueDispatchSequential]: 'sequential',
  [WdfIoQueueDispatchParallel]: 'parallel',
  [WdfIoQueueDispatchManual]: 'manual',
}
const NATIVE_WORK = 'FxWorkItem::WorkItemThunk'

/** DO_ flag for the way in which a device wants its buffers. */
function ioFlag(ioType: number): number {
  if (ioType === WdfDeviceIoDirect) return DO_DIRECT_IO
  return ioType === WdfDeviceIoNeither ? 0 : DO_BUFFERED_IO
}

/** Make the device of an init structure, which is used up by it. */
function* createDevice(
  k: Kernel,
  init: WdfObject<InitData>,
  attributes: Attributes,
): KernelRoutine<WdfObject<DeviceData> | number> {
  const { driver, pdo, name, ioType, inCaller, power } = init.data
  const { host } = framework(k)
  if (host) {
    const data: DeviceData = {
      device: host.device,
      below: host.below,
      pdo: host.pdo,
      driver,
      name: null,
      links: [],
      queue: null,
      inCaller: 0,
      power: null,
      isPrepared: true,
      isInD0: true,
    }
    const object = framework(k).create('device', driver, data, attributes)
    if (!object) return STATUS_INSUFFICIENT_RESOURCES
    framework(k).addDevice(object)
    init.data.device = object
    yield* framework(k).remove(init)
    return object
  }
  const { status, device } = k.devices.create({
    driver: driver.data.object,
    extensionSize: 0,
    name,
    type: FILE_DEVICE_UNKNOWN,
    characteristics: FILE_DEVICE_SECURE_OPEN,
    exclusive: false,
  })
  if (!device) return status
  const below = pdo ? k.devices.attach(device, pdo) : 0
  const data: DeviceData = {
    ...{ driver, device, below, pdo, name, links: [], queue: null, inCaller, power },
    isPrepared: false,
    isInD0: power === null,
  }
  const object = pdo && !below ? null : framework(k).create('device', driver, data, attributes)
  if (!object) {
    if (below) k.devices.detach(below)
    k.devices.delete(device)
    return pdo && !below ? STATUS_NO_SUCH_DEVICE : STATUS_INSUFFICIENT_RESOURCES
  }
  framework(k).addDevice(object)
  init.data.device = object
  const flags = device + DEVICE_OBJECT.Flags
  let value = k.memory.u32(flags) | ioFlag(ioType)
  // Its power packets come at PASSIVE_LEVEL unless the driver says otherwise, which it cannot here.
  if (pdo) value = (value | DO_POWER_PAGABLE) & ~DO_DEVICE_INITIALIZING
  k.memory.setU32(flags, value)
  yield* framework(k).remove(init)
  return object
}

const completion = (withInformation: boolean) => ({
  returns: t.void,
  support: 'partial' as const,
  note: 'Of requests that the driver has, those that are cancelled are left to the driver.',
  *run(k: Kernel, a: { Request: Ptr; Status: number; Information?: bigint }): KernelRoutine<void> {
    const information = withInformation ? Number(a.Information ?? 0n) : 0
    yield* completeRequest(k, a.Request, a.Status, information)
  },
})

const retrieve = (side: 'input' | 'output') =>
  ddi({
    params: {
      Request: REQUEST,
      [side === 'input' ? 'MinimumRequiredLength' : 'MinimumRequiredSize']: t.size,
      Buffer: BUFFER_OUT,
      Length: LENGTH_OUT,
    },
    returns: t.ntstatus,
    run(k, a) {
      const request = framework(k).object<RequestData>(a.Request as Ptr, 'request')
      const minimum = (a.MinimumRequiredLength ?? a.MinimumRequiredSize) as number
      const { status, buffer, length } = retrieveBuffer(k, request, side, minimum)
      if (status === STATUS_SUCCESS) {
        ;(a.Buffer as { write(value: number): void }).write(buffer)
        ;(a.Length as { write(value: bigint): void }).write(BigInt(length))
      }
      return status
    },
  })

function queueConfig(k: Kernel, at: Ptr, dispatch: number, isDefault: boolean): void {
  k.memory.setU32(at + WDF_IO_QUEUE_CONFIG.DispatchType, dispatch)
  k.memory.setU32(at + WDF_IO_QUEUE_CONFIG.PowerManaged, WdfUseDefault)
  k.memory.setU8(at + WDF_IO_QUEUE_CONFIG.DefaultQueue, isDefault ? 1 : 0)
}

export const WDF_DDIS = {
  WdfDriverCreate: ddi({
    params: {
      DriverObject: t.ptr('DRIVER_OBJECT'),
      RegistryPath: STRING,
      DriverAttributes: ATTRIBUTES,
      DriverConfig: t.ptr('WDF_DRIVER_CONFIG'),
      Driver: t.optional(t.out(DRIVER)),
    },
    returns: t.ntstatus,
    run(k, a) {
      const { memory } = k
      if (memory.u32(a.DriverConfig) !== WDF_DRIVER_CONFIG.SIZE) return STATUS_INVALID_PARAMETER
      if (driverOf(k, a.DriverObject)) return STATUS_DRIVER_INTERNAL_ERROR
      const data: DriverData = {
        object: a.DriverObject,
        deviceAdd: memory.ptr(a.DriverConfig + WDF_DRIVER_CONFIG.EvtDriverDeviceAdd),
        unload: memory.ptr(a.DriverConfig + WDF_DRIVER_CONFIG.EvtDriverUnload),
      }
      const attributes = readAttributes(k, a.DriverAttributes)
      const driver = framework(k).create('driver', null, data, attributes)
      if (!driver) return STATUS_INSUFFICIENT_RESOURCES
      takeOver(k, driver)
      a.Driver.write(driver.handle)
      return STATUS_SUCCESS
    },
  }),

  WdfControlDeviceInitAllocate: ddi({
    params: { Driver: DRIVER, SDDLString: STRING },
    returns: INIT,
    support: 'partial',
    note: 'The security descriptor is not looked at.',
    run(k, a) {
      const driver = framework(k).object<DriverData>(a.Driver, 'driver')
      const data: InitData = {
        driver,
        pdo: 0,
        name: null,
        ioType: WdfDeviceIoBuffered,
        inCaller: 0,
        power: null,
        device: null,
      }
      return framework(k).create('init', driver, data)?.handle ?? 0
    },
  }),

  WdfDeviceInitAssignName: ddi({
    params: { DeviceInit: INIT, DeviceName: t.optional(STRING) },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Gives the device that is about to be made a name.',
    docs: 'wdfdevice/nf-wdfdevice-wdfdeviceinitassignname',
    run(k, a) {
      framework(k).object<InitData>(a.DeviceInit, 'init').data.name = unicodeText(k, a.DeviceName)
      return STATUS_SUCCESS
    },
  }),

  WdfDeviceInitSetIoType: ddi({
    params: { DeviceInit: INIT, IoType: t.u32('WDF_DEVICE_IO_TYPE') },
    returns: t.void,
    irql: [0, 0],
    summary:
      'Says how buffers of reads and writes reach the device: buffered, direct or as they are.',
    docs: 'wdfdevice/nf-wdfdevice-wdfdeviceinitsetiotype',
    run(k, a) {
      framework(k).object<InitData>(a.DeviceInit, 'init').data.ioType = a.IoType
    },
  }),

  WdfDeviceInitFree: ddi({
    params: { DeviceInit: INIT },
    returns: t.void,
    irql: [0, 0],
    summary: 'Gives back an init structure that WdfDeviceCreate did not use up.',
    docs: 'wdfdevice/nf-wdfdevice-wdfdeviceinitfree',
    run: (k, a) => framework(k).remove(framework(k).object(a.DeviceInit, 'init')),
  }),

  WdfDeviceCreate: ddi({
    params: { DeviceInit: INIT_POINTER, DeviceAttributes: ATTRIBUTES, Device: t.out(DEVICE) },
    returns: t.ntstatus,
    support: 'partial',
    note: 'Device power packets are asked for only where the driver registers callbacks of PnP and power.',
    *run(k, a) {
      const init = framework(k).object<InitData>(k.memory.ptr(a.DeviceInit), 'init')
      const device = yield* createDevice(k, init, readAttributes(k, a.DeviceAttributes))
      if (typeof device === 'number') return device
      k.memory.setPtr(a.DeviceInit, 0)
      a.Device.write(device.handle)
      return STATUS_SUCCESS
    },
  }),

  WdfControlFinishInitializing: ddi({
    params: { Device: DEVICE },
    returns: t.void,
    irql: [0, 0],
    summary: 'Lets a control device be opened.',
    docs: 'wdfcontrol/nf-wdfcontrol-wdfcontrolfinishinitializing',
    run(k, a) {
      const { device } = framework(k).object<DeviceData>(a.Device, 'device').data
      const flags = device + DEVICE_OBJECT.Flags
      k.memory.setU32(flags, k.memory.u32(flags) & ~DO_DEVICE_INITIALIZING)
    },
  }),

  WdfDeviceCreateSymbolicLink: ddi({
    params: { Device: DEVICE, SymbolicLinkName: STRING },
    returns: t.ntstatus,
    run(k, a) {
      const { data } = framework(k).object<DeviceData>(a.Device, 'device')
      const link = unicodeText(k, a.SymbolicLinkName)
      // A device without a name of its own is reached by that of the bus driver's.
      const name = data.name ?? k.devices.lookup(data.pdo)?.name ?? null
      if (!name || !link) return STATUS_INVALID_DEVICE_REQUEST
      const status = k.ob.namespace.createSymbolicLink(link, name)
      if (status === STATUS_SUCCESS) data.links.push(link)
      return status
    },
  }),

  WdfDeviceCreateDeviceInterface: ddi({
    params: {
      Device: DEVICE,
      InterfaceClassGUID: t.ptr('GUID'),
      ReferenceString: t.optional(STRING),
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'The interface is enabled at once, not when the device has started.',
    run(k, a) {
      const { pdo } = framework(k).object<DeviceData>(a.Device, 'device').data
      if (!pdo) return STATUS_INVALID_DEVICE_REQUEST
      const name = k.pool.allocate(UNICODE_STRING.SIZE, 'WdfI', { system: true })
      if (!name) return STATUS_INSUFFICIENT_RESOURCES
      const guid = guidText(k, a.InterfaceClassGUID)
      const reference = unicodeText(k, a.ReferenceString) ?? ''
      const status = k.pnp.interfaces.register(pdo, guid, reference, name)
      if (status === STATUS_SUCCESS) {
        k.pnp.interfaces.setState(unicodeText(k, name) ?? '', true)
        const text = k.memory.ptr(name + UNICODE_STRING.Buffer)
        if (text && k.pool.block(text)) k.pool.free(text)
      }
      k.pool.free(name)
      return status
    },
  }),

  WdfDeviceWdmGetDeviceObject: ddi({
    params: { Device: DEVICE },
    returns: t.ptr('DEVICE_OBJECT'),
    irql: [0, DISPATCH_LEVEL],
    summary: 'The device object behind a device of the framework.',
    docs: 'wdfdevice/nf-wdfdevice-wdfdevicewdmgetdeviceobject',
    run: (k, a) => framework(k).object<DeviceData>(a.Device, 'device').data.device,
  }),

  WdfDeviceGetIoTarget: ddi({
    params: { Device: DEVICE },
    returns: TARGET,
    irql: [0, DISPATCH_LEVEL],
    summary: 'The device below, as a target for requests; NULL for a control device.',
    docs: 'wdfdevice/nf-wdfdevice-wdfdevicegetiotarget',
    run(k, a) {
      const device = framework(k).object<DeviceData>(a.Device, 'device')
      if (!device.data.below) return 0
      for (const child of device.children) if (child.kind === 'target') return child.handle
      return framework(k).create('target', device, device.data)?.handle ?? 0
    },
  }),

  WdfIoQueueCreate: ddi({
    params: {
      Device: DEVICE,
      Config: t.ptr('WDF_IO_QUEUE_CONFIG'),
      QueueAttributes: ATTRIBUTES,
      Queue: t.optional(t.out(QUEUE)),
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'NumberOfPresentedRequests and the stop, resume and cancel callbacks count for nothing.',
    run(k, a) {
      const device = framework(k).object<DeviceData>(a.Device, 'device')
      if (k.memory.u32(a.Config) !== WDF_IO_QUEUE_CONFIG.SIZE) return STATUS_INFO_LENGTH_MISMATCH
      const config = readConfig(k, a.Config)
      const { dispatch } = config
      if (dispatch < WdfIoQueueDispatchSequential || dispatch > WdfIoQueueDispatchManual)
        return STATUS_INVALID_PARAMETER
      const isDefault = k.memory.u8(a.Config + WDF_IO_QUEUE_CONFIG.DefaultQueue) !== 0
      if (isDefault && device.data.queue) return STATUS_UNSUCCESSFUL
      const queue = new IoQueue(k, device, config)
      const attributes = readAttributes(k, a.QueueAttributes)
      const object = framework(k).create('queue', device, queue, attributes)
      if (!object) return STATUS_INSUFFICIENT_RESOURCES
      queue.handle = object.handle
      if (isDefault) device.data.queue = queue
      if (k.tracing)
        k.emit({
          t: 'wdf.queue.created',
          queue: k.memory.format(object.handle),
          device: k.memory.format(device.data.device),
          dispatch: DISPATCH_NAMES[dispatch] ?? String(dispatch),
          isDefault,
        })
      a.Queue.write(object.handle)
      return STATUS_SUCCESS
    },
  }),

  WdfIoQueueGetDevice: ddi({
    params: { Queue: QUEUE },
    returns: DEVICE,
    irql: [0, DISPATCH_LEVEL],
    summary: 'The device that a queue belongs to.',
    docs: 'wdfio/nf-wdfio-wdfioqueuegetdevice',
    run: (k, a) => framework(k).object<IoQueue>(a.Queue, 'queue').data.device.handle,
  }),

  WdfIoQueueRetrieveNextRequest: ddi({
    params: { Queue: QUEUE, OutRequest: t.out(REQUEST) },
    returns: t.ntstatus,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Takes the next request out of a queue.',
    docs: 'wdfio/nf-wdfio-wdfioqueueretrievenextrequest',
    run(k, a) {
      const queue = framework(k).object<IoQueue>(a.Queue, 'queue').data
      const request = queue.take()
      if (!request) return STATUS_NO_MORE_ENTRIES
      queue.presented(request, 0)
      a.OutRequest.write(request.handle)
      return STATUS_SUCCESS
    },
  }),

  WdfRequestComplete: ddi({
    params: { Request: REQUEST, Status: t.ntstatus },
    ...completion(false),
  }),

  WdfRequestCompleteWithInformation: ddi({
    params: { Request: REQUEST, Status: t.ntstatus, Information: t.ulongptr },
    ...completion(true),
  }),

  WdfRequestRetrieveInputBuffer: retrieve('input'),
  WdfRequestRetrieveOutputBuffer: retrieve('output'),

  WdfRequestGetStatus: ddi({
    params: { Request: REQUEST },
    returns: t.ntstatus,
    irql: [0, DISPATCH_LEVEL],
    summary: 'The status with which a request came back from a target.',
    docs: 'wdfrequest/nf-wdfrequest-wdfrequestgetstatus',
    run: (k, a) => framework(k).object<RequestData>(a.Request, 'request').data.status,
  }),

  WdfRequestSend: ddi({
    params: {
      Request: REQUEST,
      Target: TARGET,
      Options: t.optional(t.ptr('WDF_REQUEST_SEND_OPTIONS')),
    },
    returns: t.boolean,
    support: 'partial',
    note: 'Only synchronously or to be forgotten; anything else fails with STATUS_INVALID_DEVICE_REQUEST. Time-outs count for nothing.',
    *run(k, a) {
      const request = framework(k).object<RequestData>(a.Request, 'request')
      const { below } = framework(k).object<DeviceData>(a.Target, 'target').data
      const flags = a.Options ? k.memory.u32(a.Options + WDF_REQUEST_SEND_OPTIONS.Flags) : 0
      if (flags & WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET) {
        yield* sendAndForget(k, request, below)
        return true
      }
      request.data.status = STATUS_INVALID_DEVICE_REQUEST
      if (!(flags & WDF_REQUEST_SEND_OPTION_SYNCHRONOUS)) return false
      return yield* sendAndWait(k, request, below)
    },
  }),

  WdfMemoryCreate: ddi({
    params: {
      Attributes: ATTRIBUTES,
      PoolType: t.poolType,
      PoolTag: t.tag,
      BufferSize: t.size,
      Memory: t.out(MEMORY),
      Buffer: t.optional(BUFFER_OUT),
    },
    returns: t.ntstatus,
    run(k, a) {
      if (a.BufferSize === 0 || a.BufferSize > MEMORY_MAX) return STATUS_INVALID_PARAMETER
      const paged = (a.PoolType & 1) === PagedPool
      const { host, store } = framework(k)
      const buffer = host
        ? store.allocate(a.BufferSize)
        : k.pool.allocate(a.BufferSize, a.PoolTag, { paged, system: true })
      const memory = buffer
        ? framework(k).create<MemoryData>(
            'memory',
            null,
            { buffer, size: a.BufferSize, mdl: 0 },
            readAttributes(k, a.Attributes),
          )
        : null
      if (!memory) {
        if (buffer && host) store.free(buffer)
        else if (buffer) k.pool.free(buffer)
        return STATUS_INSUFFICIENT_RESOURCES
      }
      a.Memory.write(memory.handle)
      a.Buffer.write(buffer)
      return STATUS_SUCCESS
    },
  }),

  WdfSpinLockCreate: ddi({
    params: { SpinLockAttributes: ATTRIBUTES, SpinLock: t.out(SPINLOCK) },
    returns: t.ntstatus,
    run(k, a) {
      const attributes = readAttributes(k, a.SpinLockAttributes)
      const lock = framework(k).create('spinlock', null, { irql: 0 }, attributes)
      if (!lock) return STATUS_INSUFFICIENT_RESOURCES
      k.spinLocks.initialize(lock.handle)
      a.SpinLock.write(lock.handle)
      return STATUS_SUCCESS
    },
  }),

  WdfSpinLockAcquire: ddi({
    params: { SpinLock: SPINLOCK },
    returns: t.void,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Takes a spin lock; the object remembers the IRQL.',
    docs: 'wdfsync/nf-wdfsync-wdfspinlockacquire',
    run(k, a) {
      const lock = framework(k).object<{ irql: number }>(a.SpinLock, 'spinlock')
      const level = k.spinLocks.acquire(lock.handle)
      if (typeof level !== 'number') return afterSpin(level, lock.data)
      return void (lock.data.irql = level)
    },
  }),

  WdfSpinLockRelease: ddi({
    params: { SpinLock: SPINLOCK },
    returns: t.void,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Gives a spin lock back.',
    docs: 'wdfsync/nf-wdfsync-wdfspinlockrelease',
    run(k, a) {
      const lock = framework(k).object<{ irql: number }>(a.SpinLock, 'spinlock')
      k.spinLocks.release(lock.handle, lock.data.irql)
    },
  }),

  WdfWorkItemCreate: ddi({
    params: {
      Config: t.ptr('WDF_WORKITEM_CONFIG'),
      Attributes: t.ptr('WDF_OBJECT_ATTRIBUTES'),
      WorkItem: t.out(WORKITEM),
    },
    returns: t.ntstatus,
    support: 'partial',
    note: 'The parent is a device; AutomaticSerialization counts for nothing.',
    run(k, a) {
      const routine = k.memory.ptr(a.Config + WDF_WORKITEM_CONFIG.EvtWorkItemFunc)
      if (k.memory.u32(a.Config) !== WDF_WORKITEM_CONFIG.SIZE || !routine)
        return STATUS_INVALID_PARAMETER
      const attributes = readAttributes(k, a.Attributes)
      const parent = framework(k).any(attributes.parent)
      if (parent?.kind !== 'device') return STATUS_INVALID_DEVICE_REQUEST
      const item = k.workQueue.allocateIoItem((parent.data as DeviceData).device)
      const object = item
        ? framework(k).create('workitem', parent, { item, routine }, attributes)
        : null
      if (!object) {
        if (item) k.workQueue.freeIoItem(item)
        return STATUS_INSUFFICIENT_RESOURCES
      }
      a.WorkItem.write(object.handle)
      return STATUS_SUCCESS
    },
  }),

  WdfWorkItemEnqueue: ddi({
    params: { WorkItem: WORKITEM },
    returns: t.void,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Queues a work item for a system thread.',
    docs: 'wdfworkitem/nf-wdfworkitem-wdfworkitemenqueue',
    run(k, a) {
      const { data } = framework(k).object<{ item: Ptr; routine: Ptr }>(a.WorkItem, 'workitem')
      const routine = k.images.registerNative(NATIVE_WORK, runWorkItem)
      k.workQueue.queueIoItem(data.item, routine, DelayedWorkQueue, a.WorkItem)
    },
  }),

  WdfWorkItemGetParentObject: ddi({
    params: { WorkItem: WORKITEM },
    returns: OBJECT,
    irql: [0, DISPATCH_LEVEL],
    summary: 'The device that a work item belongs to.',
    docs: 'wdfworkitem/nf-wdfworkitem-wdfworkitemgetparentobject',
    run: (k, a) => framework(k).object(a.WorkItem, 'workitem').parent?.handle ?? 0,
  }),

  WdfObjectGetTypedContext: ddi({
    params: { Object: OBJECT },
    returns: t.pvoid,
    irql: [0, DISPATCH_LEVEL],
    summary: "The memory that was asked for with an object: what a driver's own accessor returns.",
    support: 'partial',
    note: 'One context for each object, of ContextSizeOverride bytes; in C the type is an argument.',
    run: (k, a) => framework(k).any(a.Object)?.context ?? 0,
  }),

  WdfObjectDelete: ddi({
    params: { Object: OBJECT },
    returns: t.void,
    *run(k, a) {
      const object = framework(k).any(a.Object)
      // The same stop as for a handle of the wrong kind: it is none at all.
      yield* framework(k).remove(object ?? framework(k).object(a.Object, 'device'))
    },
  }),

  WDF_DRIVER_CONFIG_INIT: filling(
    'WDF_DRIVER_CONFIG',
    WDF_DRIVER_CONFIG.SIZE,
    (k, at, { EvtDriverDeviceAdd = 0 }) =>
      k.memory.setPtr(at + WDF_DRIVER_CONFIG.EvtDriverDeviceAdd, EvtDriverDeviceAdd),
    { EvtDriverDeviceAdd: t.optional(t.fn('FN_WDF_DRIVER_DEVICE_ADD')) },
  ),

  WDF_OBJECT_ATTRIBUTES_INIT: filling(
    'WDF_OBJECT_ATTRIBUTES',
    WDF_OBJECT_ATTRIBUTES.SIZE,
    (k, at) => {
      k.memory.setU32(at + WDF_OBJECT_ATTRIBUTES.ExecutionLevel, 1)
      k.memory.setU32(at + WDF_OBJECT_ATTRIBUTES.SynchronizationScope, 1)
    },
  ),

  WDF_IO_QUEUE_CONFIG_INIT: filling(
    'WDF_IO_QUEUE_CONFIG',
    WDF_IO_QUEUE_CONFIG.SIZE,
    (k, at, { DispatchType = 0 }) => queueConfig(k, at, DispatchType, false),
    { DispatchType: t.enum('WDF_IO_QUEUE_DISPATCH_TYPE') },
  ),

  WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE: filling(
    'WDF_IO_QUEUE_CONFIG',
    WDF_IO_QUEUE_CONFIG.SIZE,
    (k, at, { DispatchType = 0 }) => queueConfig(k, at, DispatchType, true),
    { DispatchType: t.enum('WDF_IO_QUEUE_DISPATCH_TYPE') },
  ),

  WDF_WORKITEM_CONFIG_INIT: filling(
    'WDF_WORKITEM_CONFIG',
    WDF_WORKITEM_CONFIG.SIZE,
    (k, at, { EvtWorkItemFunc = 0 }) =>
      k.memory.setPtr(at + WDF_WORKITEM_CONFIG.EvtWorkItemFunc, EvtWorkItemFunc),
    { EvtWorkItemFunc: t.fn('FN_WDF_WORKITEM') },
  ),
}

function* runWorkItem(k: Kernel, [, handle = 0]: number[]): KernelRoutine<void> {
  const item = framework(k).any(handle)
  if (item?.kind !== 'workitem') return
  yield* k.call((item.data as { routine: Ptr }).routine, 'FN_WDF_WORKITEM', [handle])
}

/** Note the old IRQL once a lock that another processor held is ours. */
function* afterSpin(level: KernelRoutine<number>, lock: { irql: number }): KernelRoutine<void> {
  lock.irql = yield* level
}
