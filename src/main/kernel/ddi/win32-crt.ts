/** Output of programs: printf and puts. */
import { formatPrintf } from '../dbg/print'
import { w } from './win32-base'
import { ddi, t } from './types'

export const WIN32_CRT_DDIS = {
  printf: ddi({
    params: { format: w.astr, arguments: t.varargs },
    returns: w.int,
    module: 'win32',
    support: 'partial',
    note: 'As the kernel: without %f, %e and %g.',
    summary: 'Writes formatted text to the standard output.',
    traced: false,
    run(k, a) {
      const text = formatPrintf(k.memory, a.format ?? '(null)', a.arguments)
      k.programs.write(k.thread.process, text)
      return text.length
    },
  }),

  puts: ddi({
    params: { str: w.astr },
    returns: w.int,
    module: 'win32',
    summary: 'Writes text and a line end to the standard output.',
    traced: false,
    run(k, a) {
      k.programs.write(k.thread.process, `${a.str ?? '(null)'}\n`)
      return 0
    },
  }),

  putchar: ddi({
    params: { c: w.int },
    returns: w.int,
    module: 'win32',
    summary: 'Writes one character to the standard output.',
    traced: false,
    run(k, a) {
      k.programs.write(k.thread.process, String.fromCharCode(a.c & 0xff))
      return a.c & 0xff
    },
  }),
}
