/** Messages to the kernel debugger. */
import { formatPrintf } from '../dbg/print'
import type { Kernel } from '../kernel'
import { ddi, t, type VarArg } from './types'

/** DbgPrint sends at most so many characters at once. */
const MESSAGE_MAX = 512

function print(k: Kernel, format: string | null, args: readonly VarArg[]): number {
  const text = formatPrintf(k.memory, format ?? '(null)', args).slice(0, MESSAGE_MAX)
  k.print(text.replace(/\r?\n$/, ''), 'dbgprint')
  return 0
}

export const DBG_DDIS = {
  DbgPrint: ddi({
    params: { Format: t.astr, Arguments: t.varargs },
    returns: t.ulong,
    docs: 'wdm/nf-wdm-dbgprint',
    note: 'Every message is shown; the component filters of DbgPrintEx are not applied.',
    traced: false,
    run: (k, a) => print(k, a.Format, a.Arguments),
  }),
  DbgPrintEx: ddi({
    params: { ComponentId: t.ulong, Level: t.ulong, Format: t.astr, Arguments: t.varargs },
    returns: t.ulong,
    docs: 'wdm/nf-wdm-dbgprintex',
    support: 'partial',
    note: 'Component and level are not filtered: every message is shown.',
    traced: false,
    run: (k, a) => print(k, a.Format, a.Arguments),
  }),
  KdPrint: ddi({
    params: { Format: t.astr, Arguments: t.varargs },
    returns: t.ulong,
    irql: [0, 15],
    summary:
      'DbgPrint in a checked build; a macro with double parentheses in C, a plain call here.',
    docs: 'wdm/nf-wdm-kdprint',
    traced: false,
    run: (k, a) => print(k, a.Format, a.Arguments),
  }),
}
