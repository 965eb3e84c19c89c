/**
 * One request on its way through the minifilters: FLT_CALLBACK_DATA with its parameter block and the
 * objects it is about, in one block of kernel memory, and the filters that want to see its end.
 */
import {
  IRP_MJ_CREATE,
  IRP_MJ_DIRECTORY_CONTROL,
  IRP_MJ_QUERY_INFORMATION,
  IRP_MJ_READ,
  IRP_MJ_SET_INFORMATION,
  IRP_MJ_WRITE,
} from '../../../shared/nt/generated/irp-functions'
import {
  FLTFL_CALLBACK_DATA_DIRTY,
  FLTFL_CALLBACK_DATA_IRP_OPERATION,
} from '../../../shared/nt/generated/constants'
import {
  FILE_OBJECT,
  FLT_CALLBACK_DATA,
  FLT_IO_PARAMETER_BLOCK,
  FLT_RELATED_OBJECTS,
  IO_STACK_LOCATION,
  IRP,
  MDL,
} from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import { MemoryFault, type Ptr } from '../mm/memory'
import type { Filter } from './manager'

const IOPB = FLT_CALLBACK_DATA.SIZE
const RELATED = IOPB + FLT_IO_PARAMETER_BLOCK.SIZE
const CONTEXT = RELATED + FLT_RELATED_OBJECTS.SIZE
const BYTES = CONTEXT + 8

const PARAMETERS = FLT_IO_PARAMETER_BLOCK['Parameters.Read.Length']
const LENGTH = IO_STACK_LOCATION['Parameters.Read.Length']
/** Parameters of a stack location that the parameter block has at the same distance. */
const PARAMETER_BYTES = 0x18
/** Where the parameter block says that the answer lies, for requests whose answer is bytes. */
const ANSWERS: Readonly<Record<number, number>> = {
  [IRP_MJ_READ]: FLT_IO_PARAMETER_BLOCK['Parameters.Read.ReadBuffer'],
  [IRP_MJ_QUERY_INFORMATION]: FLT_IO_PARAMETER_BLOCK['Parameters.QueryFileInformation.InfoBuffer'],
  [IRP_MJ_DIRECTORY_CONTROL]:
    FLT_IO_PARAMETER_BLOCK['Parameters.DirectoryControl.QueryDirectory.DirectoryBuffer'],
}
/** Bytes of an answer that are compared at most. */
const ANSWER_BYTES_MAX = 0x1_0000

export class Operation {
  /** Filters whose post-operation callback is due, in the order in which they were asked. */
  readonly watching: { filter: Filter; context: Ptr }[] = []
  /** A filter has completed the request; the file system never sees it. */
  completed = false

  private constructor(
    private readonly k: Kernel,
    readonly irp: Ptr,
    readonly file: Ptr,
    readonly major: number,
    /** FLT_CALLBACK_DATA. */
    readonly data: Ptr,
  ) {}

  /** Describe a packet that is about to be sent; null when memory is short. */
  static begin(k: Kernel, irp: Ptr, file: Ptr): Operation | null {
    const { memory } = k
    const data = k.pool.allocate(BYTES, 'FMcd', { system: true })
    if (!data) return null
    const stack =
      memory.ptr(irp + IRP['Tail.Overlay.CurrentStackLocation']) - IO_STACK_LOCATION.SIZE
    const operation = new Operation(k, irp, file, memory.u8(stack), data)
    const iopb = data + IOPB
    memory.setU32(data + FLT_CALLBACK_DATA.Flags, FLTFL_CALLBACK_DATA_IRP_OPERATION)
    memory.setPtr(data + FLT_CALLBACK_DATA.Thread, k.thread.address)
    memory.setPtr(data + FLT_CALLBACK_DATA.Iopb, iopb)
    memory.setU8(data + FLT_CALLBACK_DATA.RequestorMode, memory.u8(irp + IRP.RequestorMode))
    memory.setU32(iopb + FLT_IO_PARAMETER_BLOCK.IrpFlags, memory.u32(irp + IRP.Flags))
    memory.setU8(iopb + FLT_IO_PARAMETER_BLOCK.MajorFunction, operation.major)
    memory.setU8(iopb + FLT_IO_PARAMETER_BLOCK.MinorFunction, memory.u8(stack + 1))
    memory.setPtr(iopb + FLT_IO_PARAMETER_BLOCK.TargetFileObject, file)
    memory.copy(iopb + PARAMETERS, stack + LENGTH, PARAMETER_BYTES)
    if (operation.isTransfer) {
      const mdl = memory.ptr(irp + IRP.MdlAddress)
      memory.setPtr(iopb + FLT_IO_PARAMETER_BLOCK['Parameters.Read.MdlAddress'], mdl)
      memory.setPtr(
        iopb + FLT_IO_PARAMETER_BLOCK['Parameters.Read.ReadBuffer'],
        operation.buffer(mdl),
      )
    }
    operation.placeBuffer(iopb)
    const related = data + RELATED
    memory.setU16(related + FLT_RELATED_OBJECTS.Size, FLT_RELATED_OBJECTS.SIZE)
    memory.setPtr(related + FLT_RELATED_OBJECTS.FileObject, file)
    return operation
  }

  /** Where the answer or the new values of a request about a file or a folder lie. */
  private placeBuffer(iopb: Ptr): void {
    const { memory } = this.k
    const user = memory.ptr(this.irp + IRP.UserBuffer)
    const place = (field: number, at: Ptr): void => memory.setPtr(iopb + field, at)
    const F = FLT_IO_PARAMETER_BLOCK
    if (this.major === IRP_MJ_DIRECTORY_CONTROL)
      place(F['Parameters.DirectoryControl.QueryDirectory.DirectoryBuffer'], user)
    else if (this.major === IRP_MJ_QUERY_INFORMATION)
      place(F['Parameters.QueryFileInformation.InfoBuffer'], user)
    else if (this.major === IRP_MJ_SET_INFORMATION)
      place(
        F['Parameters.SetFileInformation.InfoBuffer'],
        memory.ptr(this.irp + IRP['AssociatedIrp.SystemBuffer']),
      )
  }

  get isTransfer(): boolean {
    return this.major === IRP_MJ_READ || this.major === IRP_MJ_WRITE
  }

  /** Where the data of a read or a write lies. */
  private buffer(mdl: Ptr): Ptr {
    const { memory } = this.k
    if (mdl) return memory.add(memory.ptr(mdl + MDL.StartVa), memory.u32(mdl + MDL.ByteOffset))
    const system = memory.ptr(this.irp + IRP['AssociatedIrp.SystemBuffer'])
    const user = memory.ptr(this.irp + IRP.UserBuffer)
    return this.major === IRP_MJ_READ && user ? user : system || user
  }

  /** Base device of the stack that the file lies on. */
  get volumeDevice(): Ptr {
    return this.k.memory.ptr(this.file + FILE_OBJECT.DeviceObject)
  }

  /** What the file was opened by, without its volume. */
  get fileName(): string {
    const { memory } = this.k
    const at = this.file + FILE_OBJECT.FileName
    try {
      const length = memory.u16(at)
      return length ? memory.text16(memory.ptr(at + 8), length) : ''
    } catch (error) {
      // What a driver broke is no reason for the trace to stop the machine.
      if (error instanceof MemoryFault) return ''
      throw error
    }
  }

  /** FLT_RELATED_OBJECTS for a filter. */
  related(filter: Filter, instance: Ptr, volume: Ptr): Ptr {
    const { memory } = this.k
    const at = this.data + RELATED
    memory.setPtr(at + FLT_RELATED_OBJECTS.Filter, filter.address)
    memory.setPtr(at + FLT_RELATED_OBJECTS.Instance, instance)
    memory.setPtr(at + FLT_RELATED_OBJECTS.Volume, volume)
    memory.setPtr(this.data + IOPB + FLT_IO_PARAMETER_BLOCK.TargetInstance, instance)
    return at
  }

  /** Cleared memory for the completion context of the next pre-operation callback. */
  contextPlace(): Ptr {
    this.k.memory.setU64(this.data + CONTEXT, 0n)
    return this.data + CONTEXT
  }

  get status(): number {
    return this.k.memory.u32(this.data + FLT_CALLBACK_DATA['IoStatus.Status'])
  }

  get information(): number {
    return this.k.memory.size(this.data + FLT_CALLBACK_DATA['IoStatus.Information'])
  }

  setResult(status: number, information: number): void {
    const { memory } = this.k
    memory.setU32(this.data + FLT_CALLBACK_DATA['IoStatus.Status'], status)
    memory.setSize(this.data + FLT_CALLBACK_DATA['IoStatus.Information'], information)
  }

  /**
   * What the caller would get now, for the trace: status, length and bytes, to be compared with what it
   * gets after a callback.
   */
  answer(): string {
    const { memory } = this.k
    const field = ANSWERS[this.major]
    const outcome = `${this.status}:${this.information}:`
    if (field === undefined || this.information === 0) return outcome
    try {
      const at = memory.ptr(this.data + IOPB + field)
      const bytes = memory.read(at, Math.min(this.information, ANSWER_BYTES_MAX))
      return outcome + bytes.join()
    } catch (error) {
      // Nowhere, or not a place that can be read: then there are no bytes to compare.
      if (error instanceof MemoryFault) return outcome
      throw error
    }
  }

  setFlag(flag: number): void {
    const at = this.data + FLT_CALLBACK_DATA.Flags
    this.k.memory.setU32(at, this.k.memory.u32(at) | flag)
  }

  /** Put changed parameters into the packet, if a callback said that it changed some. */
  applyChanges(): void {
    const { memory } = this.k
    const flags = memory.u32(this.data + FLT_CALLBACK_DATA.Flags)
    if (!(flags & FLTFL_CALLBACK_DATA_DIRTY)) return
    memory.setU32(this.data + FLT_CALLBACK_DATA.Flags, flags & ~FLTFL_CALLBACK_DATA_DIRTY)
    if (!this.isTransfer && this.major !== IRP_MJ_CREATE) return
    const stack =
      memory.ptr(this.irp + IRP['Tail.Overlay.CurrentStackLocation']) - IO_STACK_LOCATION.SIZE
    memory.copy(stack + LENGTH, this.data + IOPB + PARAMETERS, PARAMETER_BYTES)
  }

  end(): void {
    if (this.k.pool.block(this.data)) this.k.pool.free(this.data)
  }
}
