/** Run-time library: blocks of memory. */
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { copyMemory, equalBytes } from '../rtl/memory'
import { copying } from '../verifier/rules/misc'
import { ddi, t } from './types'

/** Programs have these routines, too, and do not reach kernel memory with them. */
function checkReach(k: Kernel, at: Ptr, length: number, access: 'read' | 'write'): void {
  if (k.scheduler.userMode) k.io.probeUser(at, length, access)
}

function copy(k: Kernel, to: Ptr, from: Ptr, length: number): void {
  checkReach(k, from, length, 'read')
  checkReach(k, to, length, 'write')
  copyMemory(k.memory, to, from, length)
}

function equal(k: Kernel, a: Ptr, b: Ptr, length: number): number {
  checkReach(k, a, length, 'read')
  checkReach(k, b, length, 'read')
  return equalBytes(k.memory, a, b, length)
}

function fill(k: Kernel, at: Ptr, length: number, value: number): void {
  checkReach(k, at, length, 'write')
  k.memory.fill(at, length, value)
}

/** SIZE_T as a result. */
const SIZE_T = { k: 'u64', c: 'SIZE_T' } as const

const copier = (docs: string, mayOverlap: boolean, summary?: string) =>
  ddi({
    params: { Destination: t.pvoid, Source: t.pvoid, Length: t.size },
    returns: t.void,
    irql: [0, 15],
    docs,
    ...(summary === undefined ? {} : { summary }),
    module: 'both',
    traced: false,
    run(k, a) {
      if (!mayOverlap) copying(k, a.Destination, a.Source, a.Length)
      copy(k, a.Destination, a.Source, a.Length)
    },
  })

const cCopier = (mayOverlap: boolean, summary: string) =>
  ddi({
    params: { dest: t.pvoid, src: t.pvoid, count: t.size },
    returns: t.pvoid,
    irql: [0, 15],
    summary,
    module: 'both',
    traced: false,
    run(k, a) {
      if (!mayOverlap) copying(k, a.dest, a.src, a.count)
      copy(k, a.dest, a.src, a.count)
      return a.dest
    },
  })

export const RTL_MEMORY_DDIS = {
  RtlCopyMemory: copier('wdm/nf-wdm-rtlcopymemory', false),
  RtlMoveMemory: copier('wdm/nf-wdm-rtlmovememory', true),
  RtlCopyBytes: copier('wdm/nf-wdm-rtlcopybytes', false, 'RtlCopyMemory by its old name.'),
  RtlZeroMemory: ddi({
    params: { Destination: t.pvoid, Length: t.size },
    returns: t.void,
    docs: 'wdm/nf-wdm-rtlzeromemory',
    module: 'both',
    traced: false,
    run: (k, a) => fill(k, a.Destination, a.Length, 0),
  }),
  RtlSecureZeroMemory: ddi({
    params: { ptr: t.pvoid, cnt: t.size },
    returns: t.pvoid,
    irql: [0, 15],
    summary: 'Zeroes memory in a way that no compiler leaves out.',
    docs: 'wdm/nf-wdm-rtlsecurezeromemory',
    module: 'both',
    traced: false,
    run(k, a) {
      fill(k, a.ptr, a.cnt, 0)
      return a.ptr
    },
  }),
  RtlFillMemory: ddi({
    params: { Destination: t.pvoid, Length: t.size, Fill: t.uchar },
    returns: t.void,
    irql: [0, 15],
    summary: 'Fills memory with one byte value.',
    docs: 'wdm/nf-wdm-rtlfillmemory',
    module: 'both',
    traced: false,
    run: (k, a) => fill(k, a.Destination, a.Length, a.Fill),
  }),
  RtlCompareMemory: ddi({
    params: { Source1: t.pvoid, Source2: t.pvoid, Length: t.size },
    returns: SIZE_T,
    docs: 'wdm/nf-wdm-rtlcomparememory',
    module: 'both',
    traced: false,
    run: (k, a) => BigInt(equal(k, a.Source1, a.Source2, a.Length)),
  }),
  RtlEqualMemory: ddi({
    params: { Destination: t.pvoid, Source: t.pvoid, Length: t.size },
    returns: t.boolean,
    irql: [0, 15],
    summary: 'Whether two blocks of memory hold the same bytes.',
    docs: 'wdm/nf-wdm-rtlequalmemory',
    module: 'both',
    traced: false,
    run: (k, a) => equal(k, a.Destination, a.Source, a.Length) === a.Length,
  }),
  memcpy: cCopier(false, 'Copies memory. The blocks must not overlap.'),
  memmove: cCopier(true, 'Copies memory; the blocks may overlap.'),
  memset: ddi({
    params: { dest: t.pvoid, c: t.i32('int'), count: t.size },
    returns: t.pvoid,
    irql: [0, 15],
    summary: 'Fills memory with one byte value.',
    module: 'both',
    traced: false,
    run(k, a) {
      fill(k, a.dest, a.count, a.c & 0xff)
      return a.dest
    },
  }),
  memcmp: ddi({
    params: { buf1: t.pvoid, buf2: t.pvoid, count: t.size },
    returns: t.i32('int'),
    irql: [0, 15],
    summary: 'Compares memory byte by byte: below zero, zero or above zero.',
    module: 'both',
    traced: false,
    run(k, a) {
      const same = equal(k, a.buf1, a.buf2, a.count)
      return same === a.count ? 0 : k.memory.u8(a.buf1 + same) - k.memory.u8(a.buf2 + same)
    },
  }),
}
