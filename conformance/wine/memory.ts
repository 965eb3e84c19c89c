/* Lists, memory descriptor lists, pool. */
import {
  DbgPrint,
  ExAllocatePoolWithTag,
  ExFreePoolWithTag,
  InitializeListHead,
  InsertHeadList,
  InsertTailList,
  IoAllocateMdl,
  IoFreeMdl,
  IsListEmpty,
  LIST_ENTRY,
  MmBuildMdlForNonPagedPool,
  MmGetSystemAddressForMdlSafe,
  NonPagedPool,
  NormalPagePriority,
  RemoveEntryList,
  RemoveHeadList,
  RtlCompareMemory,
  RtlFillMemory,
  RtlMoveMemory,
  RtlZeroMemory,
  ULONG_PTR,
  cast,
  local,
} from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'
import { MakeDevice } from './witness'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const head = local(LIST_ENTRY)
  const one = local(LIST_ENTRY)
  const two = local(LIST_ENTRY)
  const block = ExAllocatePoolWithTag(NonPagedPool, 0x3000, 'tseT')
  const start = block.add(0x123)
  const address = cast(ULONG_PTR, start)

  InitializeListHead(head)
  DbgPrint('empty %u\n', IsListEmpty(head))
  InsertTailList(head, one)
  InsertHeadList(head, two)
  DbgPrint('order %u %u\n', head.Flink === two ? 1 : 0, head.Blink === one ? 1 : 0)
  DbgPrint('removed %u\n', RemoveEntryList(one))
  const removed = RemoveHeadList(head)
  DbgPrint('head %u empty %u\n', removed === two ? 1 : 0, IsListEmpty(head))
  const mdl = IoAllocateMdl(start, 0x1456, false, false, null)
  DbgPrint(
    'mdl offset %u start %u count %x next %u\n',
    mdl.ByteOffset === Number(address & 0xfffn) ? 1 : 0,
    cast(ULONG_PTR, mdl.StartVa) === address - (address & 0xfffn) ? 1 : 0,
    mdl.ByteCount,
    mdl.Next !== null ? 1 : 0,
  )
  MmBuildMdlForNonPagedPool(mdl)
  DbgPrint('flags %x mapped %u\n', mdl.MdlFlags & 7, mdl.MappedSystemVa === start ? 1 : 0)
  const mapped = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority)
  DbgPrint('address %u\n', mapped === start ? 1 : 0)
  IoFreeMdl(mdl)
  RtlFillMemory(block, 16, 0x41)
  RtlMoveMemory(block.add(1), block, 8)
  RtlZeroMemory(block, 2)
  const equal = RtlCompareMemory(block.add(2), block.add(3), 8)
  DbgPrint('bytes %x %x %u\n', block.u8[0], block.u8[2], equal)
  ExFreePoolWithTag(block, 'tseT')
  return MakeDevice(DriverObject, 0)
}
