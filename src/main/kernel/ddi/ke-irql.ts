/** IRQL, critical and guarded regions. */
import { APC_LEVEL, DISPATCH_LEVEL, HIGH_LEVEL } from '../../../shared/nt/irql'
import {
  areApcsDisabled,
  changeApcDisable,
  changeSpecialApcDisable,
  kernelApcDisable,
  specialApcDisable,
} from '../ke/apc'
import type { Kernel } from '../kernel'
import { ddi, t } from './types'

/** Bits of CR8; higher ones raise an exception on the processor, which no driver gets right. */
const LEVELS = 0xf

function raise(k: Kernel, to: number, routine: string): number {
  const { level } = k.irql
  k.verifier.check(
    'VR-IRQL-RAISE',
    to < level || to > HIGH_LEVEL,
    [0x30, level, to, 0],
    `${routine} was called with IRQL ${to} at IRQL ${level}.`,
  )
  return k.irql.raise(to & LEVELS, routine)
}

function lower(k: Kernel, to: number): void {
  const { level } = k.irql
  k.verifier.check(
    'VR-IRQL-LOWER',
    to > level || to > HIGH_LEVEL,
    [0x31, level, to, k.dpcs.running ? 1 : 0],
    `KeLowerIrql was called with IRQL ${to} at IRQL ${level}.`,
  )
  k.irql.lower(to & LEVELS, 'KeLowerIrql')
}

function leaveCriticalRegion(k: Kernel): void {
  k.verifier.check(
    'VR-LOCK-CRITREGION',
    kernelApcDisable(k, k.thread) >= 0,
    [0x3e, 0, 0, 0],
    'A critical region was left that was not entered.',
  )
  changeApcDisable(k, k.thread, 1)
}

export const KE_IRQL_DDIS = {
  KeGetCurrentIrql: ddi({
    params: {},
    returns: t.kirql,
    traced: false,
    run: (k) => k.irql.level,
  }),
  KeRaiseIrql: ddi({
    params: { NewIrql: t.kirql, OldIrql: t.out(t.kirql) },
    returns: t.void,
    run: (k, a) => a.OldIrql.write(raise(k, a.NewIrql, 'KeRaiseIrql')),
  }),
  KfRaiseIrql: ddi({
    params: { NewIrql: t.kirql },
    returns: t.kirql,
    irql: [0, HIGH_LEVEL],
    summary: 'Raises the IRQL and returns the old one.',
    run: (k, a) => raise(k, a.NewIrql, 'KfRaiseIrql'),
  }),
  KeRaiseIrqlToDpcLevel: ddi({
    params: {},
    returns: t.kirql,
    irql: [0, HIGH_LEVEL],
    summary: 'Raises the IRQL to DISPATCH_LEVEL and returns the old one.',
    docs: 'wdm/nf-wdm-keraiseirqltodpclevel',
    run: (k) => raise(k, DISPATCH_LEVEL, 'KeRaiseIrqlToDpcLevel'),
  }),
  KeLowerIrql: ddi({
    params: { NewIrql: t.kirql },
    returns: t.void,
    run: (k, a) => lower(k, a.NewIrql),
  }),
  KeEnterCriticalRegion: ddi({
    params: {},
    returns: t.void,
    run: (k) => changeApcDisable(k, k.thread, -1),
  }),
  KeLeaveCriticalRegion: ddi({
    params: {},
    returns: t.void,
    run: leaveCriticalRegion,
  }),
  FsRtlEnterFileSystem: ddi({
    params: {},
    returns: t.void,
    irql: [0, APC_LEVEL],
    summary: 'KeEnterCriticalRegion under the name that file systems use.',
    docs: 'ntifs/nf-ntifs-fsrtlenterfilesystem',
    run: (k) => changeApcDisable(k, k.thread, -1),
  }),
  FsRtlExitFileSystem: ddi({
    params: {},
    returns: t.void,
    irql: [0, APC_LEVEL],
    summary: 'KeLeaveCriticalRegion under the name that file systems use.',
    docs: 'ntifs/nf-ntifs-fsrtlexitfilesystem',
    run: leaveCriticalRegion,
  }),
  KeEnterGuardedRegion: ddi({
    params: {},
    returns: t.void,
    irql: [0, APC_LEVEL],
    summary: 'Disables all kernel APCs for the thread.',
    docs: 'ntddk/nf-ntddk-keenterguardedregion',
    run: (k) => changeSpecialApcDisable(k, k.thread, -1),
  }),
  KeLeaveGuardedRegion: ddi({
    params: {},
    returns: t.void,
    irql: [0, APC_LEVEL],
    summary: 'Enables kernel APCs again.',
    docs: 'ntddk/nf-ntddk-keleaveguardedregion',
    run: (k) => changeSpecialApcDisable(k, k.thread, 1),
  }),
  KeAreApcsDisabled: ddi({
    params: {},
    returns: t.boolean,
    run: (k) => areApcsDisabled(k, k.thread),
  }),
  KeAreAllApcsDisabled: ddi({
    params: {},
    returns: t.boolean,
    irql: [0, DISPATCH_LEVEL],
    summary: 'Tells whether special kernel APCs are disabled too.',
    docs: 'wdm/nf-wdm-keareallapcsdisabled',
    run: (k) => k.irql.level >= APC_LEVEL || specialApcDisable(k, k.thread) !== 0,
  }),
}
