/**
 * Fast I/O: routines of a driver that may do a request without a packet. They are asked first, and
 * what they decline takes the ordinary way. They get the caller's own buffers and have to distrust
 * them as METHOD_NEITHER code does.
 */
import {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  FAST_IO_DISPATCH,
  FILE_OBJECT,
  IO_STATUS_BLOCK,
} from '../../../shared/nt/generated/offsets'
import { FO_SYNCHRONOUS_IO } from '../../../shared/nt/generated/constants'
import {
  STATUS_BUFFER_OVERFLOW,
  STATUS_END_OF_FILE,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine, RoutineName } from '../ddi/types'
import type { Kernel } from '../kernel'
import { MemoryFault, type Ptr } from '../mm/memory'
import type { ControlRequest, DataRequest, TransferRequest } from './services'

/** The status block and the byte offset that a routine gets. */
const OFFSET_AT = IO_STATUS_BLOCK.SIZE
const SCRATCH_BYTES = OFFSET_AT + 8

/** A routine of the table, or 0 when the driver of the device has none. */
function routineOf(k: Kernel, device: Ptr, offset: number): Ptr {
  const { memory } = k
  const table = memory.ptr(
    memory.ptr(device + DEVICE_OBJECT.DriverObject) + DRIVER_OBJECT.FastIoDispatch,
  )
  if (table === 0 || memory.u32(table) < offset + 8) return 0
  return memory.ptr(table + offset)
}

/** FastIoDeviceControl of a device, or 0. */
export function fastControlRoutine(k: Kernel, device: Ptr): Ptr {
  return routineOf(k, device, FAST_IO_DISPATCH.FastIoDeviceControl)
}

/** FastIoRead or FastIoWrite, which count for a synchronous file that the driver has begun to cache. */
export function fastDataRoutine(k: Kernel, device: Ptr, request: DataRequest): Ptr {
  const { memory } = k
  const { file } = request
  if (!(memory.u32(file + FILE_OBJECT.Flags) & FO_SYNCHRONOUS_IO)) return 0
  if (memory.ptr(file + FILE_OBJECT.PrivateCacheMap) === 0) return 0
  return routineOf(
    k,
    device,
    request.write ? FAST_IO_DISPATCH.FastIoWrite : FAST_IO_DISPATCH.FastIoRead,
  )
}

/** What a routine did; null when it declined. */
export interface FastResult {
  status: number
  information: number
}

/** Ask the routine for a control request. */
export function fastControl(
  k: Kernel,
  routine: Ptr,
  device: Ptr,
  request: ControlRequest,
): KernelRoutine<FastResult | null> {
  return ask(k, routine, 'FAST_IO_DEVICE_CONTROL', request, (iosb) => [
    request.file,
    1,
    request.input,
    request.inputLength,
    request.output,
    request.outputLength,
    request.code,
    iosb,
    device,
  ])
}

/** Ask the routine to read or write. */
export function* fastData(
  k: Kernel,
  routine: Ptr,
  device: Ptr,
  request: DataRequest,
): KernelRoutine<FastResult | null> {
  const { memory } = k
  const position = request.file + FILE_OBJECT['CurrentByteOffset.QuadPart']
  const offset = request.offset ?? memory.i64(position)
  const result = yield* ask(
    k,
    routine,
    request.write ? 'FAST_IO_WRITE' : 'FAST_IO_READ',
    request,
    (iosb) => {
      memory.setU64(iosb + OFFSET_AT, BigInt.asUintN(64, offset))
      return [
        request.file,
        iosb + OFFSET_AT,
        request.length,
        1,
        request.key ?? 0,
        request.buffer,
        iosb,
        device,
      ]
    },
  )
  const isDone =
    result?.status === STATUS_SUCCESS ||
    result?.status === STATUS_BUFFER_OVERFLOW ||
    result?.status === STATUS_END_OF_FILE
  return isDone ? result : null
}

function* ask(
  k: Kernel,
  routine: Ptr,
  signature: RoutineName,
  request: TransferRequest,
  args: (iosb: Ptr) => number[],
): KernelRoutine<FastResult | null> {
  const { memory, pool } = k
  const iosb = pool.allocate(SCRATCH_BYTES, 'IoFa', { system: true })
  if (!iosb) return null
  const taken = yield* k.call(routine, signature, args(iosb))
  const status = memory.u32(iosb)
  const information = memory.size(iosb + IO_STATUS_BLOCK.Information)
  pool.free(iosb)
  if ((taken & 0xff) === 0) return null
  try {
    memory.setU32(request.iosb, status)
    memory.setSize(request.iosb + IO_STATUS_BLOCK.Information, information)
  } catch (error) {
    // The caller's status block went away meanwhile; nobody else is harmed.
    if (!(error instanceof MemoryFault) || !memory.isUser(error.index)) throw error
  }
  if (request.event) k.dispatcher.setEvent(request.event)
  return { status, information }
}
