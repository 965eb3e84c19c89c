/** Spin locks. */
import { DISPATCH_LEVEL, HIGH_LEVEL } from '../../../shared/nt/irql'
import { writeAfterSpin } from '../ke/spinlock'
import { ddi, t } from './types'

const lock = t.ptr('KSPIN_LOCK')
const handle = t.ptr('KLOCK_QUEUE_HANDLE')

export const KE_SPINLOCK_DDIS = {
  KeInitializeSpinLock: ddi({
    params: { SpinLock: lock },
    returns: t.void,
    run: (k, a) => k.spinLocks.initialize(a.SpinLock),
  }),
  KeAcquireSpinLock: ddi({
    checksIrql: true,
    params: { SpinLock: lock, OldIrql: t.out(t.kirql) },
    returns: t.void,
    run(k, a) {
      const level = k.spinLocks.acquire(a.SpinLock)
      if (typeof level === 'number') return a.OldIrql.write(level)
      return writeAfterSpin(level, a.OldIrql)
    },
  }),
  KeAcquireSpinLockRaiseToDpc: ddi({
    checksIrql: true,
    params: { SpinLock: lock },
    returns: t.kirql,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Raises to DISPATCH_LEVEL, takes the lock and returns the old IRQL.',
    docs: 'wdm/nf-wdm-keacquirespinlockraisetodpc',
    run: (k, a) => k.spinLocks.acquire(a.SpinLock, 'KeAcquireSpinLockRaiseToDpc'),
  }),
  KeReleaseSpinLock: ddi({
    checksIrql: true,
    params: { SpinLock: lock, NewIrql: t.kirql },
    returns: t.void,
    run: (k, a) => k.spinLocks.release(a.SpinLock, a.NewIrql),
  }),
  KeAcquireSpinLockAtDpcLevel: ddi({
    params: { SpinLock: lock },
    returns: t.void,
    run: (k, a) => k.spinLocks.acquireAtDpcLevel(a.SpinLock),
  }),
  KeTryToAcquireSpinLockAtDpcLevel: ddi({
    params: { SpinLock: lock },
    returns: t.boolean,
    irql: [DISPATCH_LEVEL, HIGH_LEVEL],
    summary: 'Takes the lock if it is free.',
    docs: 'wdm/nf-wdm-ketrytoacquirespinlockatdpclevel',
    run: (k, a) => k.spinLocks.tryAcquireAtDpcLevel(a.SpinLock),
  }),
  KeReleaseSpinLockFromDpcLevel: ddi({
    checksIrql: true,
    params: { SpinLock: lock },
    returns: t.void,
    run: (k, a) => k.spinLocks.releaseFromDpcLevel(a.SpinLock),
  }),
  KeTestSpinLock: ddi({
    params: { SpinLock: lock },
    returns: t.boolean,
    irql: [0, HIGH_LEVEL],
    summary: 'Tells whether the lock is free.',
    docs: 'wdm/nf-wdm-ketestspinlock',
    run: (k, a) => !k.spinLocks.isHeld(a.SpinLock),
  }),
  KeAcquireInStackQueuedSpinLock: ddi({
    checksIrql: true,
    params: { SpinLock: lock, LockHandle: handle },
    returns: t.void,
    run: (k, a) => k.spinLocks.acquireQueued(a.SpinLock, a.LockHandle),
  }),
  KeReleaseInStackQueuedSpinLock: ddi({
    checksIrql: true,
    params: { LockHandle: handle },
    returns: t.void,
    run: (k, a) => k.spinLocks.releaseQueued(a.LockHandle),
  }),
  KeAcquireInStackQueuedSpinLockAtDpcLevel: ddi({
    params: { SpinLock: lock, LockHandle: handle },
    returns: t.void,
    irql: [DISPATCH_LEVEL, HIGH_LEVEL],
    summary: 'Takes a queued spin lock without changing the IRQL.',
    docs: 'wdm/nf-wdm-keacquireinstackqueuedspinlockatdpclevel',
    run: (k, a) => k.spinLocks.acquireQueuedAtDpcLevel(a.SpinLock, a.LockHandle),
  }),
  KeReleaseInStackQueuedSpinLockFromDpcLevel: ddi({
    params: { LockHandle: handle },
    returns: t.void,
    irql: [DISPATCH_LEVEL, HIGH_LEVEL],
    summary: 'Releases such a lock without changing the IRQL.',
    docs: 'wdm/nf-wdm-kereleaseinstackqueuedspinlockfromdpclevel',
    run: (k, a) => k.spinLocks.releaseQueuedFromDpcLevel(a.LockHandle),
  }),
}
