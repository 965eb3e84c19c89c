/** Notify routines for processes, threads and images. */
import {
  STATUS_ACCESS_DENIED,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_PARAMETER,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { NOTIFY_EX, NOTIFY_PLAIN } from '../ps/notify'
import { ddi, t, type KernelRoutine } from './types'

/** Register or remove a process routine of one form. A routine can be there once only. */
function* setProcessRoutine(
  k: Kernel,
  routine: Ptr,
  remove: boolean,
  context: number,
): KernelRoutine<number> {
  const { process } = k.notifications.arrays
  if (remove) return yield* process.remove(routine, context)
  if (context === NOTIFY_EX && !k.loader.modules.isTrusted(routine)) return STATUS_ACCESS_DENIED
  if (process.has(routine, context)) return STATUS_INVALID_PARAMETER
  return process.add(routine, context, STATUS_INVALID_PARAMETER)
}

export const PS_NOTIFY_DDIS = {
  PsSetCreateProcessNotifyRoutine: ddi({
    params: { NotifyRoutine: t.fn('CREATE_PROCESS_NOTIFY_ROUTINE'), Remove: t.boolean },
    returns: t.ntstatus,
    docs: 'ntddk/nf-ntddk-pssetcreateprocessnotifyroutine',
    run: (k, a) => setProcessRoutine(k, a.NotifyRoutine, a.Remove, NOTIFY_PLAIN),
  }),
  PsSetCreateProcessNotifyRoutineEx: ddi({
    params: { NotifyRoutine: t.fn('CREATE_PROCESS_NOTIFY_ROUTINE_EX'), Remove: t.boolean },
    returns: t.ntstatus,
    docs: 'ntddk/nf-ntddk-pssetcreateprocessnotifyroutineex',
    support: 'partial',
    note: 'PS_CREATE_NOTIFY_INFO.FileObject is NULL: programs have no files.',
    run: (k, a) => setProcessRoutine(k, a.NotifyRoutine, a.Remove, NOTIFY_EX),
  }),
  PsSetCreateThreadNotifyRoutine: ddi({
    params: { NotifyRoutine: t.fn('CREATE_THREAD_NOTIFY_ROUTINE') },
    returns: t.ntstatus,
    docs: 'ntddk/nf-ntddk-pssetcreatethreadnotifyroutine',
    support: 'partial',
    note: "Not told of the kernel's own threads (workers, the thread that deletes objects).",
    run: (k, a) =>
      k.notifications.arrays.thread.add(
        a.NotifyRoutine,
        NOTIFY_PLAIN,
        STATUS_INSUFFICIENT_RESOURCES,
      ),
  }),
  PsRemoveCreateThreadNotifyRoutine: ddi({
    params: { NotifyRoutine: t.fn('CREATE_THREAD_NOTIFY_ROUTINE') },
    returns: t.ntstatus,
    docs: 'ntddk/nf-ntddk-psremovecreatethreadnotifyroutine',
    run: (k, a) => k.notifications.arrays.thread.remove(a.NotifyRoutine, NOTIFY_PLAIN),
  }),
  PsSetLoadImageNotifyRoutine: ddi({
    params: { NotifyRoutine: t.fn('LOAD_IMAGE_NOTIFY_ROUTINE') },
    returns: t.ntstatus,
    docs: 'ntddk/nf-ntddk-pssetloadimagenotifyroutine',
    support: 'partial',
    note: 'Programs consist of one image; there is no ntdll to be told of.',
    run: (k, a) =>
      k.notifications.arrays.image.add(
        a.NotifyRoutine,
        NOTIFY_PLAIN,
        STATUS_INSUFFICIENT_RESOURCES,
      ),
  }),
  PsRemoveLoadImageNotifyRoutine: ddi({
    params: { NotifyRoutine: t.fn('LOAD_IMAGE_NOTIFY_ROUTINE') },
    returns: t.ntstatus,
    docs: 'ntddk/nf-ntddk-psremoveloadimagenotifyroutine',
    run: (k, a) => k.notifications.arrays.image.remove(a.NotifyRoutine, NOTIFY_PLAIN),
  }),
}
