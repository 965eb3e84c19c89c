/** Pool allocation. */
import { STATUS_INSUFFICIENT_RESOURCES, STATUS_QUOTA_EXCEEDED } from '../../../shared/nt/ntstatus'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { NtException } from '../stop'
import { freeingPool } from '../verifier/rules/irp'
import { ddi, t } from './types'

const POOL_PAGED = 1
const POOL_QUOTA_FAIL_INSTEAD_OF_RAISE = 8
const POOL_RAISE_IF_ALLOCATION_FAILURE = 16
const POOL_NX = 512
const POOL_FLAG_UNINITIALIZED = 0x2n
const POOL_FLAG_RAISE_ON_FAILURE = 0x20n
const POOL_FLAG_PAGED = 0x100n
const POOL_FLAG_NON_PAGED_EXECUTE = 0x80n

/** What memory holds that nobody has written yet: not zeros, so that forgetting to write shows. */
const UNINITIALIZED = 0xcd
/** Tag of ExAllocatePool. */
const TAG_NONE = 'None'

function allocate(k: Kernel, type: number, bytes: number, tag: number | string): Ptr {
  const { verifier, irql } = k
  const paged = (type & POOL_PAGED) !== 0
  const level = irql.level
  verifier.check(
    'VR-POOL-ZERO',
    bytes === 0,
    [0, level, type, 0],
    'Pool of zero bytes was asked for.',
  )
  verifier.check(
    'VR-POOL-EXECUTABLE',
    !paged && !(type & POOL_NX),
    [0x2000, k.images.nearestCode(k.thread), type, 0],
    'Executable nonpaged pool was asked for; NonPagedPoolNx is the type for data.',
  )
  if (paged && level > 1) {
    const what = `Paged pool was allocated at IRQL ${level}.`
    verifier.check('VR-POOL-PAGED-IRQL', true, [1, level, type, bytes], what)
    k.bugCheck(0xc2, 8, level, type, bytes, what)
  }
  if (level > 2) {
    const what = `Pool was allocated at IRQL ${level}.`
    verifier.check('VR-POOL-NONPAGED-IRQL', true, [2, level, type, bytes], what)
    k.bugCheck(0xc2, 8, level, type, bytes, what)
  }
  // Memory integrity keeps what can be written from ever being run.
  const executable = !paged && !(type & POOL_NX) && !k.defences.has('hvci')
  const block = k.pool.allocate(bytes, tag, { paged, executable })
  if (block && bytes) k.memory.fill(block, bytes, UNINITIALIZED)
  return block
}

export const POOL_DDIS = {
  ExAllocatePoolWithTag: ddi({
    params: { PoolType: t.poolType, NumberOfBytes: t.size, Tag: t.tag },
    returns: t.pvoid,
    run(k, a) {
      const block = allocate(k, a.PoolType, a.NumberOfBytes, a.Tag)
      if (!block && a.PoolType & POOL_RAISE_IF_ALLOCATION_FAILURE)
        throw new NtException(STATUS_INSUFFICIENT_RESOURCES)
      return block
    },
  }),

  ExAllocatePoolZero: ddi({
    params: { PoolType: t.poolType, NumberOfBytes: t.size, Tag: t.tag },
    returns: t.pvoid,
    irql: [0, 2],
    summary: 'Allocates zeroed pool.',
    run(k, a) {
      const block = allocate(k, a.PoolType, a.NumberOfBytes, a.Tag)
      if (block && a.NumberOfBytes) k.memory.fill(block, a.NumberOfBytes, 0)
      return block
    },
  }),

  ExAllocatePoolWithQuotaTag: ddi({
    params: { PoolType: t.poolType, NumberOfBytes: t.size, Tag: t.tag },
    returns: t.pvoid,
    run(k, a) {
      const block = allocate(k, a.PoolType, a.NumberOfBytes, a.Tag)
      if (!block && !(a.PoolType & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE))
        throw new NtException(STATUS_QUOTA_EXCEEDED)
      return block
    },
  }),

  ExAllocatePool: ddi({
    params: { PoolType: t.poolType, NumberOfBytes: t.size },
    returns: t.pvoid,
    run: (k, a) => allocate(k, a.PoolType, a.NumberOfBytes, TAG_NONE),
  }),

  ExAllocatePool2: ddi({
    params: { Flags: { k: 'u64', c: 'POOL_FLAGS' }, NumberOfBytes: t.size, Tag: t.tag },
    returns: t.pvoid,
    run(k, a) {
      const type =
        a.Flags & POOL_FLAG_PAGED ? POOL_PAGED : a.Flags & POOL_FLAG_NON_PAGED_EXECUTE ? 0 : POOL_NX
      // Zero bytes or tag 0 are refused here, unlike by the older routines.
      const block =
        a.NumberOfBytes === 0 || a.Tag === 0 ? 0 : allocate(k, type, a.NumberOfBytes, a.Tag)
      if (!block && a.Flags & POOL_FLAG_RAISE_ON_FAILURE)
        throw new NtException(STATUS_INSUFFICIENT_RESOURCES)
      if (block && !(a.Flags & POOL_FLAG_UNINITIALIZED)) k.memory.fill(block, a.NumberOfBytes, 0)
      return block
    },
  }),

  ExFreePool: ddi({
    params: { P: t.pvoid },
    returns: t.void,
    run(k, a) {
      freeingPool(k, a.P)
      k.pool.free(a.P)
    },
  }),

  ExFreePoolWithTag: ddi({
    params: { P: t.pvoid, Tag: t.tag },
    returns: t.void,
    run(k, a) {
      freeingPool(k, a.P)
      k.pool.free(a.P, a.Tag)
    },
  }),
}
