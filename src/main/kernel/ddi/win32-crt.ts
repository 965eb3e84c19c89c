/** Text of programs: printf and its kin, and what C has for strings of bytes. */
import { STATUS_ACCESS_VIOLATION } from '../../../shared/nt/generated/ntstatus'
import { formatPrintf } from '../dbg/print'
import type { Kernel } from '../kernel'
import type { Memory, Ptr } from '../mm/memory'
import { NtException } from '../stop'
import { userAccess, w } from './win32-base'
import { ddi, t } from './types'

/** Memory as a program sees it: what printf finds behind a pointer into the kernel is a fault. */
function userMemory(k: Kernel): Memory {
  const { memory } = k
  const user = (at: Ptr): Ptr => {
    if (!memory.isUser(at))
      throw new NtException(STATUS_ACCESS_VIOLATION, memory.address(at), 'read')
    return at
  }
  const view: Partial<Memory> = {
    sz: (at, max) => memory.sz(user(at), max),
    wsz: (at, max) => memory.wsz(user(at), max),
    u16: (at) => memory.u16(user(at)),
    ptr: (at) => memory.ptr(user(at)),
    read: (at, length) => memory.read(user(at), length),
    text16: (at, bytes) => memory.text16(user(at), bytes),
  }
  return Object.assign(Object.create(memory) as Memory, view)
}

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
      const text = formatPrintf(userMemory(k), a.format ?? '(null)', a.arguments)
      k.programs.write(k.thread.process, text)
      return text.length
    },
  }),

  snprintf: ddi({
    params: { buffer: w.pvoid, count: t.size, format: w.astr, arguments: t.varargs },
    returns: w.int,
    module: 'win32',
    support: 'partial',
    note: 'As the kernel: without %f, %e and %g.',
    summary: 'Writes formatted text to memory, cut off to fit; how long the whole is.',
    traced: false,
    run(k, a) {
      const text = formatPrintf(userMemory(k), a.format ?? '(null)', a.arguments)
      if (a.count === 0) return text.length
      const kept = `${text.slice(0, a.count - 1)}\0`
      userAccess(k, a.buffer, kept.length, 'write')
      k.memory.write(
        a.buffer,
        Uint8Array.from(kept, (char) => char.charCodeAt(0) & 0xff),
      )
      return text.length
    },
  }),

  strstr: ddi({
    params: { str: w.pvoid, strSearch: w.astr },
    returns: { k: 'ptr', c: 'char *', target: null },
    module: 'win32',
    summary: 'Where a string begins in another one; NULL when it does not occur.',
    traced: false,
    run(k, a) {
      const at = userMemory(k)
        .sz(a.str)
        .indexOf(a.strSearch ?? '')
      return at < 0 ? 0 : a.str + at
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
