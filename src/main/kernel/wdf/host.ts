/**
 * A host process of UMDF, `WUDFHost.exe`: the framework once more, in user mode, for one device. Its
 * thread runs the driver's code with the rights and the address space of the process; what goes wrong
 * there ends the process and nothing else.
 */
import { STATUS_DRIVER_INTERNAL_ERROR } from '../../../shared/nt/generated/ntstatus'
import { DRIVER_OBJECT, UNICODE_STRING } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { exitThread } from '../ps/exit'
import { addTo } from './dispatch'
import { Framework, hostFramework, type DriverData, type WdfObject } from './framework'
import { HostMemory } from './host-memory'
import { finish } from './queue'
import type { Message, Reflector } from './reflector'
import {
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
} from '../../../shared/nt/ntstatus'
import type { RequestData } from './request'

const SERVICES =
  '\\REGISTRY\\MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\WUDF\\Services\\'
/** Where its thread is while it waits. */
const WAITING = [
  'nt!NtAlpcSendWaitReceivePort',
  'nt!KiSystemServiceCopyEnd',
  'ntdll!NtAlpcSendWaitReceivePort',
]

/**
 * What the main thread of a host does: DriverEntry, EvtDriverDeviceAdd, then one message after the
 * other until the device goes.
 * @param entry  the driver's DriverEntry
 * @returns exit code of the process
 */
export function* hostLife(k: Kernel, reflector: Reflector, entry: Ptr): KernelRoutine<number> {
  const memory = new HostMemory(k, k.thread.process)
  const own = hostFramework(k, k.thread.process, new Framework(k, memory, reflector))
  const object = memory.allocate(DRIVER_OBJECT.SIZE)
  const path = registryPath(k, memory, k.images.symbol(entry))
  let status = (yield* k.call(entry, 'DRIVER_INITIALIZE', [object, path])) >>> 0
  const driver = own.drivers.get(object)
  if ((status | 0) >= 0)
    status = driver ? yield* addTo(k, driver, reflector.pdo) : STATUS_DRIVER_INTERNAL_ERROR
  reflector.added(status)
  if ((status | 0) < 0 || !driver) return status
  for (;;) {
    const message = yield* receive(k, reflector)
    if (message.do === 'io') yield* deliver(k, own, reflector, message)
    else return yield* leave(k, own, driver)
  }
}

function registryPath(k: Kernel, memory: HostMemory, symbol: string): Ptr {
  const text = SERVICES + symbol.slice(0, symbol.indexOf('!'))
  const at = memory.allocate(UNICODE_STRING.SIZE + text.length * 2 + 2)
  const buffer = at + UNICODE_STRING.SIZE
  k.memory.setU16(at + UNICODE_STRING.Length, text.length * 2)
  k.memory.setU16(at + UNICODE_STRING.MaximumLength, text.length * 2 + 2)
  k.memory.setPtr(at + UNICODE_STRING.Buffer, buffer)
  for (let i = 0; i < text.length; i++) k.memory.setU16(buffer + i * 2, text.charCodeAt(i))
  return at
}

/** Wait for the next message. The wait is in the kernel, and the end of the process cuts it short. */
function* receive(k: Kernel, reflector: Reflector): KernelRoutine<Message> {
  const { thread } = k
  const { user } = thread
  const frame = thread.frames.at(-1)
  for (;;) {
    if (user && user.ending !== null) yield* exitThread(k, user.ending)
    const next = reflector.messages.shift()
    if (next) return next
    if (frame?.kind === 'kernel') frame.path = WAITING
    if (user) {
      user.depth++
      user.interruptible = true
    }
    yield* k.dispatcher.wait([reflector.arrived])
    if (user) {
      user.depth--
      user.interruptible = false
    }
    if (frame?.kind === 'kernel') frame.path = null
  }
}

/** A packet becomes a request of the host's own framework, with copies of its buffers. */
function* deliver(
  k: Kernel,
  own: Framework,
  reflector: Reflector,
  { irp, asked }: Extract<Message, { do: 'io' }>,
): KernelRoutine<void> {
  const device = own.deviceOf(reflector.device)
  // It may have been completed while the message was on its way.
  if (!reflector.owes(irp)) return
  const queue = device?.data.queue
  if (!device || !queue) {
    yield* finish(k, irp, STATUS_INVALID_DEVICE_REQUEST)
    return
  }
  const { input, second, outputLength } = asked
  const place = (bytes: Uint8Array, length: number): Ptr => {
    const at = length ? own.store.allocate(length) : 0
    if (at) k.memory.write(at, bytes)
    return at
  }
  const data: RequestData = { irp, queue: null, status: 0 }
  const request = own.create('request', device, data)
  if (!request) {
    yield* finish(k, irp, STATUS_INSUFFICIENT_RESOURCES)
    return
  }
  const host = {
    input: place(input, input.length),
    // One block for both directions is what METHOD_BUFFERED promises.
    output: place(second.length ? second : input.subarray(0, outputLength), outputLength),
    inputLength: input.length,
    outputLength,
  }
  data.host = host
  if ((host.inputLength && !host.input) || (host.outputLength && !host.output)) {
    yield* own.remove(request)
    yield* finish(k, irp, STATUS_INSUFFICIENT_RESOURCES)
    return
  }
  yield* queue.accept(irp, request)
}

/** The device goes, then the driver. */
function* leave(k: Kernel, own: Framework, driver: WdfObject<DriverData>): KernelRoutine<number> {
  for (const device of own.allDevices()) yield* own.remove(device)
  const { unload } = driver.data
  if (unload) yield* k.call(unload, 'FN_WDF_DRIVER_UNLOAD', [driver.handle])
  yield* own.remove(driver)
  return 0
}
