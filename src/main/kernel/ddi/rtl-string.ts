/** Run-time library: counted strings, safe strings, the C library's zero-terminated ones. */
import {
  STATUS_BUFFER_OVERFLOW,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { UNICODE_STRING } from '../../../shared/nt/generated/offsets'
import { formatPrintf } from '../dbg/print'
import type { Kernel } from '../kernel'
import type { Memory, Ptr } from '../mm/memory'
import {
  ansiText,
  appendText,
  compareText,
  copyString,
  decodeAnsi,
  encodeAnsi,
  freeString,
  initString,
  integerToUnicode,
  storeAnsi,
  storeUnicode,
  textToInteger,
  unicodeText,
  writeBytes,
} from '../rtl/unicode'
import { upcase, upcaseUnit } from '../rtl/upcase'
import { ddi, t, type Out, type VarArg } from './types'

const UNICODE = t.ptr('UNICODE_STRING')
const ANSI = t.ptr('ANSI_STRING')
/** A zero-terminated string whose address counts. */
const PCWSTR = { k: 'ptr', c: 'PCWSTR', target: null } as const
const PCSTR = { k: 'ptr', c: 'PCSTR', target: null } as const
const PWSTR = { k: 'ptr', c: 'PWSTR', target: null } as const
const PSTR = { k: 'ptr', c: 'PSTR', target: null } as const
const INT = t.i32('int')
const SIZE_T = { k: 'u64', c: 'SIZE_T' } as const

/** NTSTRSAFE_MAX_CCH; a larger size arrives as this one, too. */
const STRSAFE_MAX = 0x7fff_ffff

// --- pieces of the entries -----------------------------------------------------------------------

const initializer = (wide: boolean, facts: { docs: string; summary?: string }) =>
  ddi({
    params: {
      DestinationString: wide ? UNICODE : ANSI,
      SourceString: t.optional(wide ? PCWSTR : PCSTR),
    },
    returns: t.void,
    irql: [0, 2],
    ...facts,
    traced: false,
    run: (k, a) => initString(k.memory, a.DestinationString, a.SourceString, wide),
  })

const comparer = (wide: boolean, facts: { docs: string; summary?: string }) =>
  ddi({
    params: {
      String1: wide ? UNICODE : ANSI,
      String2: wide ? UNICODE : ANSI,
      CaseInSensitive: t.boolean,
    },
    returns: t.long,
    irql: [0, 0],
    ...facts,
    traced: false,
    run: (k, a) =>
      compareText(
        text(k.memory, a.String1, wide),
        text(k.memory, a.String2, wide),
        a.CaseInSensitive,
        wide ? 2 : 1,
      ),
  })

const equal = (wide: boolean, facts: { docs: string; summary?: string }) =>
  ddi({
    params: {
      String1: wide ? UNICODE : ANSI,
      String2: wide ? UNICODE : ANSI,
      CaseInSensitive: t.boolean,
    },
    returns: t.boolean,
    irql: [0, 0],
    ...facts,
    traced: false,
    run: (k, a) =>
      compareText(
        text(k.memory, a.String1, wide),
        text(k.memory, a.String2, wide),
        a.CaseInSensitive,
        1,
      ) === 0,
  })

const caseChanger = (
  change: (value: string) => string,
  facts: { docs: string; summary?: string },
) =>
  ddi({
    params: {
      DestinationString: UNICODE,
      SourceString: UNICODE,
      AllocateDestinationString: t.boolean,
    },
    returns: t.ntstatus,
    irql: [0, 0],
    ...facts,
    traced: false,
    run: (k, a) =>
      storeUnicode(k, a.DestinationString, change(unicodeText(k.memory, a.SourceString)), {
        allocate: a.AllocateDestinationString,
        terminated: false,
        short: STATUS_BUFFER_OVERFLOW,
      }),
  })

const freeUnicode = ddi({
  params: { UnicodeString: UNICODE },
  returns: t.void,
  docs: 'wdm/nf-wdm-rtlfreeunicodestring',
  run: (k, a) => freeString(k, a.UnicodeString),
})

const freeAnsi = ddi({
  params: { AnsiString: ANSI },
  returns: t.void,
  irql: [0, 1],
  summary: 'Frees the buffer of a string that a routine allocated.',
  docs: 'wdm/nf-wdm-rtlfreeansistring',
  run: (k, a) => freeString(k, a.AnsiString),
})

function text(memory: Memory, string: Ptr, wide: boolean): string {
  return wide ? unicodeText(memory, string) : ansiText(memory, string)
}

/** Lower case for RtlDowncaseUnicodeString: the units whose upper case is another, and is theirs alone. */
function downcase(value: string): string {
  let result = ''
  for (let i = 0; i < value.length; i++) {
    const lower = value[i]!.toLowerCase()
    const fits = lower.length === 1 && upcaseUnit(lower.charCodeAt(0)) === value.charCodeAt(i)
    result += fits ? lower : value[i]!
  }
  return result
}

/**
 * Store text in a buffer of a safe-string routine: always terminated, cut off when it does not fit.
 * @param max characters that fit, with the terminator
 */
function storeSafe(memory: Memory, to: Ptr, max: number, value: string, wide: boolean): number {
  if (max === 0 || max >= STRSAFE_MAX) return STATUS_INVALID_PARAMETER
  const cut = value.slice(0, max - 1)
  if (wide) {
    memory.setText16(to, cut)
    memory.setU16(to + cut.length * 2, 0)
  } else writeBytes(memory, to, cut + '\0')
  return cut.length === value.length ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW
}

/** Characters of a buffer whose size is given in bytes or characters. */
function capacity(size: number, unit: 'cb' | 'cch', wide: boolean): number {
  return unit === 'cb' && wide ? size >>> 1 : size
}

function readText(memory: Memory, at: Ptr, wide: boolean, max?: number): string {
  return wide ? memory.wsz(at, max) : memory.sz(at, max)
}

type Unit = 'cb' | 'cch'
const UNIT_NAME = { cb: 'Cb', cch: 'Cch' } as const
const sizeText = (unit: Unit): string => (unit === 'cb' ? 'bytes' : 'characters')
const letter = (wide: boolean): string => (wide ? 'w' : 'a')
const safeDocs = (verb: string, unit: Unit, wide: boolean): string =>
  `ntstrsafe/nf-ntstrsafe-rtlstring${unit}${verb}${letter(wide)}`

const safePrintf = (unit: Unit, wide: boolean) =>
  ddi({
    params: {
      pszDest: wide ? PWSTR : PSTR,
      [unit === 'cb' ? 'cbDest' : 'cchDest']: t.size,
      pszFormat: wide ? t.wstr : t.astr,
      Arguments: t.varargs,
    },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: `Formats into a buffer whose size in ${sizeText(unit)} is given; the result is always terminated.`,
    docs: safeDocs('printf', unit, wide),
    traced: false,
    run(k, a) {
      const { pszDest, pszFormat, Arguments } = a as unknown as PrintfArguments
      const value = formatPrintf(k.memory, pszFormat ?? '', Arguments, wide)
      return storeSafe(k.memory, pszDest, capacity(sizeOf(a), unit, wide), value, wide)
    },
  })

interface PrintfArguments {
  pszDest: Ptr
  pszFormat: string | null
  Arguments: VarArg[]
}

/** The size argument, whatever it is called. */
function sizeOf(a: object): number {
  const values = a as { cbDest?: number; cchDest?: number; cbMax?: number; cchMax?: number }
  return values.cbDest ?? values.cchDest ?? values.cbMax ?? values.cchMax ?? 0
}

const safeCopy = (unit: Unit, wide: boolean, verb: 'copy' | 'cat') =>
  ddi({
    params: {
      pszDest: wide ? PWSTR : PSTR,
      [unit === 'cb' ? 'cbDest' : 'cchDest']: t.size,
      pszSrc: wide ? t.wstr : t.astr,
    },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: `${verb === 'copy' ? 'Copies' : 'Appends'} a string into a buffer whose size in ${sizeText(unit)} is given; the result is always terminated.`,
    docs: safeDocs(verb, unit, wide),
    traced: false,
    run(k, a) {
      const { pszDest, pszSrc } = a as unknown as { pszDest: Ptr; pszSrc: string | null }
      const max = capacity(sizeOf(a), unit, wide)
      if (max === 0 || max >= STRSAFE_MAX) return STATUS_INVALID_PARAMETER
      if (verb === 'copy') return storeSafe(k.memory, pszDest, max, pszSrc ?? '', wide)
      const old = readText(k.memory, pszDest, wide, max)
      if (old.length === max) return STATUS_INVALID_PARAMETER
      return storeSafe(k.memory, pszDest, max, old + (pszSrc ?? ''), wide)
    },
  })

const safeLength = (unit: Unit, wide: boolean) =>
  ddi({
    params: {
      psz: wide ? PCWSTR : PCSTR,
      [unit === 'cb' ? 'cbMax' : 'cchMax']: t.size,
      [unit === 'cb' ? 'pcbLength' : 'pcchLength']: t.optional(
        t.out({ k: 'u64', c: 'SIZE_T' } as const),
      ),
    },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: `Length of a terminated string in ${sizeText(unit)}, without the terminator.`,
    docs: safeDocs('length', unit, wide),
    traced: false,
    run(k, a) {
      const values = a as unknown as {
        psz: Ptr
        pcbLength?: Out<bigint>
        pcchLength?: Out<bigint>
      }
      const max = capacity(sizeOf(a), unit, wide)
      if (values.psz === 0 || max === 0 || max >= STRSAFE_MAX) return STATUS_INVALID_PARAMETER
      const { length } = readText(k.memory, values.psz, wide, max)
      if (length === max) return STATUS_INVALID_PARAMETER
      ;(values.pcbLength ?? values.pcchLength)?.write(
        BigInt(unit === 'cb' && wide ? length * 2 : length),
      )
      return STATUS_SUCCESS
    },
  })

const cLength = (wide: boolean, summary: string) =>
  ddi({
    params: { str: wide ? PCWSTR : PCSTR },
    returns: SIZE_T,
    irql: [0, 15],
    summary,
    module: 'both',
    traced: false,
    run(k, a) {
      // A program does not look into kernel memory with it.
      if (k.scheduler.userMode) k.io.probeUser(a.str, 1, 'read')
      return BigInt(readText(k.memory, a.str, wide).length)
    },
  })

const cCompare = (wide: boolean, ignoreCase: boolean, summary: string) =>
  ddi({
    params: { string1: wide ? t.wstr : t.astr, string2: wide ? t.wstr : t.astr },
    returns: INT,
    irql: [0, 15],
    summary,
    module: 'both',
    traced: false,
    run: (_k, a) => Math.sign(compareText(a.string1 ?? '', a.string2 ?? '', ignoreCase, 1)),
  })

/** strcpy and its like: whoever calls them answers for the room. */
const cCopy = (wide: boolean, append: boolean, summary: string) =>
  ddi({
    params: { dest: wide ? PWSTR : PSTR, src: wide ? t.wstr : t.astr },
    returns: wide ? PWSTR : PSTR,
    irql: [0, 15],
    summary,
    module: 'both',
    traced: false,
    run(k, a) {
      const { memory, scheduler } = k
      const text = a.src ?? ''
      const unit = wide ? 2 : 1
      // A program does not reach kernel memory with it.
      if (scheduler.userMode) k.io.probeUser(a.dest, unit, 'write')
      const at = append ? a.dest + readText(memory, a.dest, wide).length * unit : a.dest
      if (scheduler.userMode) k.io.probeUser(at, (text.length + 1) * unit, 'write')
      if (wide) memory.setText16(at, `${text}\0`)
      else writeBytes(memory, at, encodeAnsi(`${text}\0`))
      return a.dest
    },
  })

/** RtlUnicodeStringPrintf: into a counted string, cut off when it does not fit. */
function unicodePrintf(k: Kernel, target: Ptr, value: string): number {
  const { memory } = k
  const max = memory.u16(target + UNICODE_STRING.MaximumLength) >>> 1
  const cut = value.slice(0, max)
  memory.setText16(memory.ptr(target + UNICODE_STRING.Buffer), cut)
  memory.setU16(target + UNICODE_STRING.Length, cut.length * 2)
  return cut.length === value.length ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW
}

// --- the table -----------------------------------------------------------------------------------

export const RTL_STRING_DDIS = {
  RtlInitUnicodeString: initializer(true, { docs: 'wdm/nf-wdm-rtlinitunicodestring' }),
  RtlInitAnsiString: initializer(false, {
    docs: 'wdm/nf-wdm-rtlinitansistring',
    summary: 'Points a counted string at a zero-terminated ANSI string.',
  }),
  RtlInitString: initializer(false, {
    docs: 'wdm/nf-wdm-rtlinitstring',
    summary: 'Points a counted string at a zero-terminated string of bytes.',
  }),
  RtlInitEmptyUnicodeString: ddi({
    params: { UnicodeString: UNICODE, Buffer: t.optional(PWSTR), BufferSize: t.ushort },
    returns: t.void,
    irql: [0, 15],
    summary: 'Gives an empty counted string a buffer; a macro in C.',
    docs: 'wdm/nf-wdm-rtlinitemptyunicodestring',
    traced: false,
    run(k, a) {
      k.memory.setU16(a.UnicodeString + UNICODE_STRING.Length, 0)
      k.memory.setU16(a.UnicodeString + UNICODE_STRING.MaximumLength, a.BufferSize)
      k.memory.setPtr(a.UnicodeString + UNICODE_STRING.Buffer, a.Buffer)
    },
  }),
  RtlCopyUnicodeString: ddi({
    params: { DestinationString: UNICODE, SourceString: t.optional(UNICODE) },
    returns: t.void,
    docs: 'wdm/nf-wdm-rtlcopyunicodestring',
    traced: false,
    run: (k, a) => copyString(k.memory, a.DestinationString, a.SourceString, true),
  }),
  RtlCopyString: ddi({
    params: { DestinationString: ANSI, SourceString: t.optional(ANSI) },
    returns: t.void,
    irql: [0, 15],
    summary: 'Copies as much of a counted string of bytes as fits.',
    docs: 'wdm/nf-wdm-rtlcopystring',
    traced: false,
    run: (k, a) => copyString(k.memory, a.DestinationString, a.SourceString, false),
  }),
  RtlCompareUnicodeString: comparer(true, { docs: 'wdm/nf-wdm-rtlcompareunicodestring' }),
  RtlCompareString: comparer(false, {
    docs: 'ntddk/nf-ntddk-rtlcomparestring',
    summary: 'Compares counted strings of bytes.',
  }),
  RtlEqualUnicodeString: equal(true, { docs: 'wdm/nf-wdm-rtlequalunicodestring' }),
  RtlEqualString: equal(false, {
    docs: 'ntddk/nf-ntddk-rtlequalstring',
    summary: 'Whether two counted strings of bytes are equal.',
  }),
  RtlPrefixUnicodeString: ddi({
    params: { String1: UNICODE, String2: UNICODE, CaseInSensitive: t.boolean },
    returns: t.boolean,
    docs: 'ntddk/nf-ntddk-rtlprefixunicodestring',
    traced: false,
    run(k, a) {
      const prefix = unicodeText(k.memory, a.String1)
      const whole = unicodeText(k.memory, a.String2).slice(0, prefix.length)
      return compareText(prefix, whole, a.CaseInSensitive, 1) === 0
    },
  }),
  RtlAppendUnicodeToString: ddi({
    params: { Destination: UNICODE, Source: t.optional(t.wstr) },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-rtlappendunicodetostring',
    traced: false,
    run: (k, a) =>
      a.Source === null ? STATUS_SUCCESS : appendText(k.memory, a.Destination, a.Source),
  }),
  RtlAppendUnicodeStringToString: ddi({
    params: { Destination: UNICODE, Source: UNICODE },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-rtlappendunicodestringtostring',
    traced: false,
    run: (k, a) => appendText(k.memory, a.Destination, unicodeText(k.memory, a.Source)),
  }),
  RtlUpcaseUnicodeString: caseChanger(upcase, { docs: 'ntifs/nf-ntifs-rtlupcaseunicodestring' }),
  RtlDowncaseUnicodeString: caseChanger(downcase, {
    docs: 'ntifs/nf-ntifs-rtldowncaseunicodestring',
    summary: 'Makes a lower-case copy of a counted string.',
  }),
  RtlUpcaseUnicodeChar: ddi({
    params: { SourceCharacter: { k: 'u16', c: 'WCHAR' } },
    returns: { k: 'u16', c: 'WCHAR' },
    irql: [0, 0],
    summary: 'Upper case of one character.',
    docs: 'wdm/nf-wdm-rtlupcaseunicodechar',
    traced: false,
    run: (_k, a) => upcaseUnit(a.SourceCharacter),
  }),
  RtlUnicodeStringToAnsiString: ddi({
    params: {
      DestinationString: ANSI,
      SourceString: UNICODE,
      AllocateDestinationString: t.boolean,
    },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-rtlunicodestringtoansistring',
    run: (k, a) =>
      storeAnsi(
        k,
        a.DestinationString,
        unicodeText(k.memory, a.SourceString),
        a.AllocateDestinationString,
      ),
  }),
  RtlAnsiStringToUnicodeString: ddi({
    params: {
      DestinationString: UNICODE,
      SourceString: ANSI,
      AllocateDestinationString: t.boolean,
    },
    returns: t.ntstatus,
    docs: 'wdm/nf-wdm-rtlansistringtounicodestring',
    run: (k, a) =>
      storeUnicode(k, a.DestinationString, decodeAnsi(ansiText(k.memory, a.SourceString)), {
        allocate: a.AllocateDestinationString,
        terminated: true,
        short: STATUS_BUFFER_OVERFLOW,
      }),
  }),
  RtlxUnicodeStringToAnsiSize: ddi({
    params: { UnicodeString: UNICODE },
    returns: t.ulong,
    irql: [0, 0],
    summary: 'Bytes that the ANSI form of a string takes, with its terminator.',
    traced: false,
    run: (k, a) => encodeAnsi(unicodeText(k.memory, a.UnicodeString)).length + 1,
  }),
  RtlFreeUnicodeString: freeUnicode,
  RtlFreeAnsiString: freeAnsi,
  RtlIntegerToUnicodeString: ddi({
    params: { Value: t.ulong, Base: t.ulong, String: UNICODE },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Writes a number in base 2, 8, 10 or 16 into a counted string.',
    docs: 'wdm/nf-wdm-rtlintegertounicodestring',
    traced: false,
    run: (k, a) => integerToUnicode(k, BigInt(a.Value), a.Base, a.String),
  }),
  RtlInt64ToUnicodeString: ddi({
    params: { Value: t.ulonglong, Base: t.ulong, String: UNICODE },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Writes a 64-bit number in base 2, 8, 10 or 16 into a counted string.',
    docs: 'wdm/nf-wdm-rtlint64tounicodestring',
    traced: false,
    run: (k, a) => integerToUnicode(k, a.Value, a.Base, a.String),
  }),
  RtlUnicodeStringToInteger: ddi({
    params: { String: UNICODE, Base: t.ulong, Value: t.out(t.ulong) },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Reads a number in base 2, 8, 10 or 16, or by its prefix, from a counted string.',
    docs: 'wdm/nf-wdm-rtlunicodestringtointeger',
    traced: false,
    run(k, a) {
      const value = textToInteger(unicodeText(k.memory, a.String), a.Base)
      if (value === null) return STATUS_INVALID_PARAMETER
      a.Value.write(value)
      return STATUS_SUCCESS
    },
  }),
  RtlUnicodeStringPrintf: ddi({
    params: { DestinationString: UNICODE, pszFormat: t.wstr, Arguments: t.varargs },
    returns: t.ntstatus,
    irql: [0, 0],
    summary: 'Formats into a counted string.',
    docs: 'ntstrsafe/nf-ntstrsafe-rtlunicodestringprintf',
    traced: false,
    run: (k, a) =>
      unicodePrintf(
        k,
        a.DestinationString,
        formatPrintf(k.memory, a.pszFormat ?? '', a.Arguments, true),
      ),
  }),
  ...safeStrings(),
  strlen: cLength(false, 'Length of a zero-terminated string of bytes.'),
  wcslen: cLength(true, 'Length of a zero-terminated wide string, in characters.'),
  strcpy: cCopy(false, false, 'Copies a zero-terminated string of bytes.'),
  strcat: cCopy(false, true, 'Appends a zero-terminated string of bytes.'),
  wcscpy: cCopy(true, false, 'Copies a zero-terminated wide string.'),
  wcscat: cCopy(true, true, 'Appends a zero-terminated wide string.'),
  strcmp: cCompare(false, false, 'Compares zero-terminated strings of bytes.'),
  _stricmp: cCompare(false, true, 'Compares zero-terminated strings of bytes without case.'),
  wcscmp: cCompare(true, false, 'Compares zero-terminated wide strings.'),
  _wcsicmp: cCompare(true, true, 'Compares zero-terminated wide strings without case.'),
}

/** RtlString{Cb,Cch}{Printf,Copy,Cat,Length}{W,A}. */
function safeStrings(): Record<string, ReturnType<typeof safePrintf>> {
  const table: Record<string, ReturnType<typeof safePrintf>> = {}
  for (const unit of ['cb', 'cch'] as const)
    for (const wide of [true, false]) {
      const name = (verb: string): string => `RtlString${UNIT_NAME[unit]}${verb}${wide ? 'W' : 'A'}`
      table[name('Printf')] = safePrintf(unit, wide)
      table[name('Copy')] = safeCopy(unit, wide, 'copy')
      table[name('Cat')] = safeCopy(unit, wide, 'cat')
      table[name('Length')] = safeLength(unit, wide)
    }
  return table
}
