/**
 * The mailbox: 1,024 words of the control block through which host and sandbox talk. A host call
 * passes at most four int32 arguments; everything else lies here or, if it is text, in the scratch
 * area behind it (kernel/mm/layout.ts).
 */

/** Word numbers (int32) of the mailbox. */
export const WORD = {
  /** Answer of the host: see STATE. */
  state: 0,
  value: 1,
  /** NTSTATUS of a `throw`. */
  code: 2,
  /** 64-bit values: of a result, of a slow access, of an address. Two words. */
  wide: 4,
  /** Stack pointer of the current thread and the lowest byte it may reach. */
  stack: 6,
  stackLimit: 7,
  /** Command for the prelude: see OP. */
  op: 8,
  frame: 9,
  fn: 10,
  routine: 11,
  /** What became of the last command: see WHAT. */
  what: 12,
  resultValue: 13,
  resultCode: 14,
  loop: 15,
  /** Number of arguments behind a `...` or of an untyped call. */
  count: 16,
  /** For `load`: first number of this load's functions, and what its location ids start after. */
  functionBase: 17,
  locationBase: 18,
  image: 19,
  /** Arguments, four words each: low, high, tag, unused. */
  args: 32,
} as const

export const MAILBOX_WORDS = 1024
/** Words of one argument. */
export const ARG_WORDS = 4
/** Most arguments of one call, a `...` included. */
export const ARGS_MAX = (MAILBOX_WORDS - WORD.args) / ARG_WORDS

/** Tag of a text argument's id is the id itself (> 0); these are the tags of a `...`. */
export const TAG = { int: 0, text: 1, pointer: 2 } as const

export const STATE = { done: 0, suspended: 1, throw: 2, dead: 3, unwind: 4 } as const

export const OP = {
  load: 0,
  start: 1,
  resume: 2,
  throw: 3,
  discard: 4,
  pause: 5,
  end: 6,
} as const

export const WHAT = { none: 0, returned: 1, suspended: 2, threw: 3 } as const

/** First argument of the host call. */
export const CALL = {
  /** `(a, b)`: answers a * 3 + b, to see whether arguments arrive. */
  selfTest: 0,
  /** `()`: report and next command. */
  next: 1,
  /** `(index, location)`: routine of the table. */
  ddi: 2,
  /** `(address, location)`: call through a pointer; `count` untyped arguments. */
  address: 3,
  /** `(kind, index, size)`: access that the page tables do not allow. */
  access: 4,
  /** `(low, high)`: index of an address. */
  indexOf: 5,
  /** `(index)`: address of an index. */
  addressOf: 6,
  /** `(function id, function number)`: a function becomes a pointer. */
  register: 7,
  /** `(image, text id, kind)`: constant text; kind 0 ANSI, 1 UTF-16, 2 UNICODE_STRING. */
  intern: 8,
  /** `(text id, units, append)`: text from the scratch area. */
  text: 9,
  /** `(kind)`: the sandbox met a limit; texts `message` and `stack` say more. */
  fail: 10,
  /** `(index)`: address of a routine of the table. */
  routineAddress: 11,
  /** `(status)`: an exception that the code itself raises, dividing by zero for instance. */
  raise: 12,
} as const

/** Order of RunnerFailure in `CALL.fail`. */
export const FAILURES = ['stack', 'memory', 'endless', 'script'] as const

/** Ids of texts: short ones are kept until their place is needed, long ones for a few calls only. */
export const TEXT = {
  /** Longest text that counts as short. */
  shortMax: 256,
  short: 2048,
  long: 64,
  /** Longer texts are cut: no string of the kernel holds more. */
  unitsMax: 65_536,
  message: 2048 + 64 + 1,
  stack: 2048 + 64 + 2,
} as const

export const TEXT_IDS = TEXT.stack + 1
