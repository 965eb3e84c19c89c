/** Fast mutexes, guarded mutexes, resources, run-down protection, lookaside lists. */
import { APC_LEVEL, DISPATCH_LEVEL, HIGH_LEVEL } from '../../../shared/nt/irql'
import {
  allocateFromLookaside,
  deleteLookaside,
  freeToLookaside,
  initializeLookaside,
} from '../ex/lookaside'
import {
  acquiredCount,
  acquireExclusive,
  acquireShared,
  convertExclusiveToShared,
  deleteResource,
  initializeResource,
  isAcquiredExclusive,
  releaseResource,
} from '../ex/resource'
import {
  acquireRundown,
  completeRundown,
  initializeRundown,
  reinitializeRundown,
  releaseRundown,
  waitForRundown,
} from '../ex/rundown'
import { changeApcDisable } from '../ke/apc'
import {
  acquireFastMutex,
  acquireFastMutexUnsafe,
  acquireGuardedMutex,
  initializeFastMutex,
  releaseFastMutex,
  releaseFastMutexUnsafe,
  releaseGuardedMutex,
  tryAcquireFastMutex,
  tryAcquireGuardedMutex,
} from '../ke/fast-mutex'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { KernelRoutine } from './types'
import { ddi, t } from './types'

const fastMutex = t.ptr('FAST_MUTEX')
const guardedMutex = t.ptr('KGUARDED_MUTEX')
const resource = t.ptr('ERESOURCE')
const rundown = t.ptr('EX_RUNDOWN_REF')
const nonpagedList = t.ptr('NPAGED_LOOKASIDE_LIST')
const pagedList = t.ptr('PAGED_LOOKASIDE_LIST')

type Range = [number, number]
const APC: Range = [0, APC_LEVEL]
const DISPATCH: Range = [0, DISPATCH_LEVEL]

function* enterAndAcquire(
  k: Kernel,
  at: Ptr,
  acquire: typeof acquireExclusive,
): KernelRoutine<void> {
  changeApcDisable(k, k.thread, -1)
  yield* acquire(k, at, true)
}

export const EX_SYNC_DDIS = {
  ExInitializeFastMutex: ddi({
    params: { FastMutex: fastMutex },
    returns: t.void,
    run: (k, a) => initializeFastMutex(k, a.FastMutex),
  }),
  ExAcquireFastMutex: ddi({
    checksIrql: true,
    params: { FastMutex: fastMutex },
    returns: t.void,
    run: (k, a) => acquireFastMutex(k, a.FastMutex),
  }),
  ExTryToAcquireFastMutex: ddi({
    checksIrql: true,
    params: { FastMutex: fastMutex },
    returns: t.boolean,
    run: (k, a) => tryAcquireFastMutex(k, a.FastMutex),
  }),
  ExReleaseFastMutex: ddi({
    checksIrql: true,
    params: { FastMutex: fastMutex },
    returns: t.void,
    run: (k, a) => releaseFastMutex(k, a.FastMutex),
  }),
  ExAcquireFastMutexUnsafe: ddi({
    checksIrql: true,
    params: { FastMutex: fastMutex },
    returns: t.void,
    irql: APC,
    summary: 'Takes a fast mutex in a critical region and leaves the IRQL alone.',
    docs: 'wdm/nf-wdm-exacquirefastmutexunsafe',
    run: (k, a) => acquireFastMutexUnsafe(k, a.FastMutex),
  }),
  ExReleaseFastMutexUnsafe: ddi({
    params: { FastMutex: fastMutex },
    returns: t.void,
    irql: APC,
    summary: 'Releases such a fast mutex.',
    docs: 'wdm/nf-wdm-exreleasefastmutexunsafe',
    run: (k, a) => releaseFastMutexUnsafe(k, a.FastMutex),
  }),
  KeInitializeGuardedMutex: ddi({
    params: { Mutex: guardedMutex },
    returns: t.void,
    irql: DISPATCH,
    summary: 'Initialises a guarded mutex.',
    docs: 'wdm/nf-wdm-keinitializeguardedmutex',
    run: (k, a) => initializeFastMutex(k, a.Mutex),
  }),
  KeAcquireGuardedMutex: ddi({
    checksIrql: true,
    params: { Mutex: guardedMutex },
    returns: t.void,
    irql: APC,
    summary: 'Takes a guarded mutex and enters a guarded region.',
    docs: 'wdm/nf-wdm-keacquireguardedmutex',
    run: (k, a) => acquireGuardedMutex(k, a.Mutex),
  }),
  KeTryToAcquireGuardedMutex: ddi({
    checksIrql: true,
    params: { Mutex: guardedMutex },
    returns: t.boolean,
    irql: APC,
    summary: 'Takes a guarded mutex if it is free.',
    docs: 'wdm/nf-wdm-ketrytoacquireguardedmutex',
    run: (k, a) => tryAcquireGuardedMutex(k, a.Mutex),
  }),
  KeReleaseGuardedMutex: ddi({
    params: { Mutex: guardedMutex },
    returns: t.void,
    irql: APC,
    summary: 'Releases a guarded mutex and leaves its guarded region.',
    docs: 'wdm/nf-wdm-kereleaseguardedmutex',
    run: (k, a) => releaseGuardedMutex(k, a.Mutex),
  }),

  ExInitializeResourceLite: ddi({
    params: { Resource: resource },
    returns: t.ntstatus,
    run: (k, a) => initializeResource(k, a.Resource),
  }),
  ExDeleteResourceLite: ddi({
    params: { Resource: resource },
    returns: t.ntstatus,
    run: (k, a) => deleteResource(k, a.Resource),
  }),
  ExAcquireResourceExclusiveLite: ddi({
    checksIrql: true,
    params: { Resource: resource, Wait: t.boolean },
    returns: t.boolean,
    run: (k, a) => acquireExclusive(k, a.Resource, a.Wait),
  }),
  ExAcquireResourceSharedLite: ddi({
    checksIrql: true,
    params: { Resource: resource, Wait: t.boolean },
    returns: t.boolean,
    run: (k, a) => acquireShared(k, a.Resource, a.Wait),
  }),
  ExAcquireSharedStarveExclusive: ddi({
    checksIrql: true,
    params: { Resource: resource, Wait: t.boolean },
    returns: t.boolean,
    irql: APC,
    summary: 'Takes a resource for reading before writers that wait.',
    docs: 'wdm/nf-wdm-exacquiresharedstarveexclusive',
    run: (k, a) => acquireShared(k, a.Resource, a.Wait, 'starve writers'),
  }),
  ExAcquireSharedWaitForExclusive: ddi({
    checksIrql: true,
    params: { Resource: resource, Wait: t.boolean },
    returns: t.boolean,
    irql: APC,
    summary: 'Takes a resource for reading after every writer that waits.',
    docs: 'wdm/nf-wdm-exacquiresharedwaitforexclusive',
    run: (k, a) => acquireShared(k, a.Resource, a.Wait, 'wait for writers'),
  }),
  ExReleaseResourceLite: ddi({
    params: { Resource: resource },
    returns: t.void,
    run: (k, a) => releaseResource(k, a.Resource),
  }),
  ExReleaseResourceForThreadLite: ddi({
    params: { Resource: resource, ResourceThreadId: { k: 'u64', c: 'ERESOURCE_THREAD' } },
    returns: t.void,
    irql: DISPATCH,
    summary: 'Releases a resource on behalf of another thread.',
    docs: 'wdm/nf-wdm-exreleaseresourceforthreadlite',
    run: (k, a) => releaseResource(k, a.Resource, a.ResourceThreadId),
  }),
  ExGetCurrentResourceThread: ddi({
    params: {},
    returns: { k: 'u64', c: 'ERESOURCE_THREAD' },
    irql: DISPATCH,
    summary: 'Returns the current thread as resources know it.',
    docs: 'wdm/nf-wdm-exgetcurrentresourcethread',
    run: (k) => k.memory.address(k.thread.address),
  }),
  ExConvertExclusiveToSharedLite: ddi({
    params: { Resource: resource },
    returns: t.void,
    irql: DISPATCH,
    summary: 'Turns a writer into a reader.',
    docs: 'wdm/nf-wdm-exconvertexclusivetosharedlite',
    run: (k, a) => convertExclusiveToShared(k, a.Resource),
  }),
  ExIsResourceAcquiredExclusiveLite: ddi({
    params: { Resource: resource },
    returns: t.boolean,
    irql: DISPATCH,
    summary: 'Tells whether the current thread is the writer.',
    docs: 'wdm/nf-wdm-exisresourceacquiredexclusivelite',
    run: (k, a) => isAcquiredExclusive(k, a.Resource),
  }),
  ExIsResourceAcquiredSharedLite: ddi({
    params: { Resource: resource },
    returns: t.ulong,
    irql: DISPATCH,
    summary: 'Tells how often the current thread has acquired the resource.',
    docs: 'wdm/nf-wdm-exisresourceacquiredsharedlite',
    run: (k, a) => acquiredCount(k, a.Resource),
  }),
  ExEnterCriticalRegionAndAcquireResourceExclusive: ddi({
    checksIrql: true,
    params: { Resource: resource },
    returns: t.pvoid,
    irql: APC,
    summary: 'KeEnterCriticalRegion and ExAcquireResourceExclusiveLite in one.',
    docs: 'wdm/nf-wdm-exentercriticalregionandacquireresourceexclusive',
    *run(k, a) {
      yield* enterAndAcquire(k, a.Resource, acquireExclusive)
      return k.thread.address
    },
  }),
  ExEnterCriticalRegionAndAcquireResourceShared: ddi({
    checksIrql: true,
    params: { Resource: resource },
    returns: t.pvoid,
    irql: APC,
    summary: 'KeEnterCriticalRegion and ExAcquireResourceSharedLite in one.',
    docs: 'wdm/nf-wdm-exentercriticalregionandacquireresourceshared',
    *run(k, a) {
      yield* enterAndAcquire(k, a.Resource, acquireShared)
      return k.thread.address
    },
  }),
  ExReleaseResourceAndLeaveCriticalRegion: ddi({
    params: { Resource: resource },
    returns: t.void,
    irql: DISPATCH,
    summary: 'ExReleaseResourceLite and KeLeaveCriticalRegion in one.',
    docs: 'wdm/nf-wdm-exreleaseresourceandleavecriticalregion',
    run(k, a) {
      releaseResource(k, a.Resource)
      changeApcDisable(k, k.thread, 1)
    },
  }),

  ExInitializeRundownProtection: ddi({
    params: { RunRef: rundown },
    returns: t.void,
    irql: [0, HIGH_LEVEL],
    summary: 'Prepares run-down protection.',
    docs: 'wdm/nf-wdm-exinitializerundownprotection',
    run: (k, a) => initializeRundown(k, a.RunRef),
  }),
  ExReInitializeRundownProtection: ddi({
    params: { RunRef: rundown },
    returns: t.void,
    irql: [0, HIGH_LEVEL],
    summary: 'Makes run-down protection usable again after a run-down.',
    docs: 'wdm/nf-wdm-exreinitializerundownprotection',
    run: (k, a) => reinitializeRundown(k, a.RunRef),
  }),
  ExAcquireRundownProtection: ddi({
    params: { RunRef: rundown },
    returns: t.boolean,
    run: (k, a) => acquireRundown(k, a.RunRef),
  }),
  ExReleaseRundownProtection: ddi({
    params: { RunRef: rundown },
    returns: t.void,
    run: (k, a) => releaseRundown(k, a.RunRef),
  }),
  ExWaitForRundownProtectionRelease: ddi({
    params: { RunRef: rundown },
    returns: t.void,
    run: (k, a) => waitForRundown(k, a.RunRef),
  }),
  ExRundownCompleted: ddi({
    params: { RunRef: rundown },
    returns: t.void,
    irql: [0, HIGH_LEVEL],
    summary: 'Marks a run-down as done.',
    docs: 'wdm/nf-wdm-exrundowncompleted',
    run: (k, a) => completeRundown(k, a.RunRef),
  }),

  ExInitializeNPagedLookasideList: ddi({
    params: {
      Lookaside: nonpagedList,
      Allocate: t.optional(t.pvoid),
      Free: t.optional(t.pvoid),
      Flags: t.ulong,
      Size: t.size,
      Tag: t.tag,
      Depth: t.ushort,
    },
    returns: t.void,
    support: 'partial',
    note: 'Routines of its own for Allocate and Free are not called.',
    run: (k, a) => initializeLookaside(k, a.Lookaside, a.Size, a.Tag, false),
  }),
  ExAllocateFromNPagedLookasideList: ddi({
    params: { Lookaside: nonpagedList },
    returns: t.pvoid,
    run: (k, a) => allocateFromLookaside(k, a.Lookaside),
  }),
  ExFreeToNPagedLookasideList: ddi({
    params: { Lookaside: nonpagedList, Entry: t.pvoid },
    returns: t.void,
    run: (k, a) => freeToLookaside(k, a.Lookaside, a.Entry),
  }),
  ExDeleteNPagedLookasideList: ddi({
    params: { Lookaside: nonpagedList },
    returns: t.void,
    run: (k, a) => deleteLookaside(k, a.Lookaside),
  }),
  ExInitializePagedLookasideList: ddi({
    params: {
      Lookaside: pagedList,
      Allocate: t.optional(t.pvoid),
      Free: t.optional(t.pvoid),
      Flags: t.ulong,
      Size: t.size,
      Tag: t.tag,
      Depth: t.ushort,
    },
    returns: t.void,
    irql: APC,
    support: 'partial',
    note: 'Routines of its own for Allocate and Free are not called.',
    summary: 'Initialises a paged lookaside list.',
    docs: 'wdm/nf-wdm-exinitializepagedlookasidelist',
    run: (k, a) => initializeLookaside(k, a.Lookaside, a.Size, a.Tag, true),
  }),
  ExAllocateFromPagedLookasideList: ddi({
    params: { Lookaside: pagedList },
    returns: t.pvoid,
    irql: APC,
    summary: 'Takes a block from a paged lookaside list.',
    docs: 'wdm/nf-wdm-exallocatefrompagedlookasidelist',
    run: (k, a) => allocateFromLookaside(k, a.Lookaside),
  }),
  ExFreeToPagedLookasideList: ddi({
    params: { Lookaside: pagedList, Entry: t.pvoid },
    returns: t.void,
    irql: APC,
    summary: 'Gives a block back to a paged lookaside list.',
    docs: 'wdm/nf-wdm-exfreetopagedlookasidelist',
    run: (k, a) => freeToLookaside(k, a.Lookaside, a.Entry),
  }),
  ExDeletePagedLookasideList: ddi({
    params: { Lookaside: pagedList },
    returns: t.void,
    irql: APC,
    summary: 'Deletes a paged lookaside list.',
    docs: 'wdm/nf-wdm-exdeletepagedlookasidelist',
    run: (k, a) => deleteLookaside(k, a.Lookaside),
  }),
}
