/**
 * Contract between compiled driver code and the runtime that executes it.
 *
 * A module is an expression `(function($rt,$m,$x){ ... })`:
 * - `$rt` is an object with every name of `RUNTIME`, as the entry's kind needs it (a driver sees
 *   memory through the kernel's page table, a client program through its own);
 * - `$m` is the array of exports objects of `CompiledModule.imports`, in that order;
 * - `$x` is this module's own, empty exports object: the module fills it.
 * Exports objects are made for all modules before the first one is evaluated, so cycles work.
 * A module is evaluated once for each load of a driver, modules that it imports first. Evaluation
 * never suspends: the checks allow only declarations and language helpers at file level.
 *
 * Functions of driver code are generator functions. Some helpers that can never suspend are plain
 * functions; the compiler does that only where they are never used as a value. What a generator
 * yields:
 * - `undefined`: a routine answered `$S`. The value of the routine comes back through `next(value)`,
 *   its exception through `throw(error)`;
 * - a number: the quantum of loop iterations is spent at this location id; `next()` goes on;
 * - a negative number: likewise, the processor's turn is over at this location id.
 *
 * Values:
 * - NULL is always `null`, never a view of address 0 (views of address 0 come from `$null` only);
 * - integers up to 32 bits are numbers, 64-bit ones bigints (HANDLE: a signed number); where a
 *   64-bit integer is expected, a number is as good (field setters, `$s`, parameters of stubs);
 * - a BOOLEAN reads as 0 or 1; setters and parameters take `true` and `false` too;
 * - a pointer is a view; a pointer to a function is a function;
 * - a stub is a plain function `stub(location, ...args)` that gives the result or `$S`. Outside of a
 *   call the stub itself is the value: `$call`, function parameters and fields must know it again.
 *
 * Views have, besides their fields:
 * - for embedded structures and groups of the structures in shared/nt, accessors that join a path
 *   with `$`: `Irp.IoStatus$Status`, `Irp.Tail$Overlay$ListEntry$Flink`. The compiler uses them in
 *   place of `Irp.IoStatus.Status`, which makes no view for the part in between. Both must work.
 * - arrays (array fields, `p.u8`, pointers to scalars such as PUCHAR): `$g(i)` and `$s(i, value)`,
 *   which gives back `value`. Array views are pointers too: they have `add`, `u8` ... and can be
 *   passed wherever a pointer can.
 * - conversion to a primitive (`p + 1`, `'' + p`) raises a script error.
 */
export const RUNTIME = {
  // --- routines and types by name ---------------------------------------------------------------
  $ddi: '`$ddi(name)`: the stub of a routine of the DDI table',
  $type: '`$type(name)`: a type as a value: structure, scalar, `P` pointer (see types/c-types.ts)',
  $live: '`$live(exports, name, get)`: defines an export whose value may change, as a getter',
  $lang: '`$lang.name`: a helper that is an ordinary function, see LANGUAGE_HELPERS',

  // --- calls ------------------------------------------------------------------------------------
  $S: 'what a stub gives when the call suspended; the code then yields `undefined`',
  $P: '`$P[0]`: points left of the turn of the processor that runs, counted down where another one may come in between; at zero the code yields `-location`',
  $Q: 'loop iterations between two yields, a number',
  $call:
    '`yield* $call(location, f, [args])`: call a function value: function of a sandbox module, stub, function pointer read from memory; `null` or an address without a function faults as an execute access',
  $method:
    '`yield* $method(location, object, "name", [args])`: as `$call` of a member where the type of `object` is not known; members of arrays, strings, numbers and views (`add`) are called directly',
  $f: '`$f(id, f)`: say that `f` is function `id` of the program; gives `f` back',

  // --- memory -----------------------------------------------------------------------------------
  $null:
    '`$null(name)`: a view of address 0, so that the access made through it faults at the offset of the field. `name`: structure, of Windows or declared by this program; `""`: nothing is known; `*1 *2 *4 *8`: array with elements of that size',
  $get: '`$get(x, i)`: element of something of unknown type: array view, script array, string. Only integers are indexes; all else is a script error',
  $set: '`$set(x, i, value)`: likewise; gives `value` back',
  $eq: '`$eq(a, b)`: `===` for anything: pointers are equal when their addresses are, functions also when one is a pointer to the other; null and undefined are the same; numbers, bigints and booleans are compared by value',
  $addr:
    '`$addr(x, "Field")`, `$addr(x, i)`: pointer to a field or element, a PVOID view; for embedded structures and arrays their view. `x` may be null: then the address is the offset',
  $local:
    '`$local(type, previous)`: zeroed memory on the stack; `previous` is what the same place got in this activation (undefined at first) and is cleared and used again when it is large enough',
  $enter: '`$enter()`: the stack position, to be given to `$leave`',
  $leave:
    '`$leave(position)`: frees what `$local` took since; never throws, does nothing when the run is dead',
  $out: '`$out(initial)`: an object for an out parameter, `{ value: initial }`',

  // --- exceptions -------------------------------------------------------------------------------
  $catch:
    '`$catch(e)`: at the start of every catch: throws `e` again unless it is an NT exception; what is not (script errors, the dead run) also makes `$alive()` false from then on',
  $code: '`$code(e)`: NTSTATUS of a caught exception, unsigned',
  $alive: '`$alive()`: false when the run is over and `finally` blocks must not run',

  // --- arithmetic -------------------------------------------------------------------------------
  $div: '`$div(a, b)`: truncating quotient of two numbers or two bigints; raises STATUS_INTEGER_DIVIDE_BY_ZERO',
  $mod: '`$mod(a, b)`: remainder with the sign of `a`; raises the same',
  $shr: '`$shr(a, b)`: `>>` for a number of unknown type: keeps the sign of negative ones, logical from 2^31 on; bigints as they are',
  $bit: '`$bit(op, a, b)`: `& | ^ ~ <<` for operands of unknown type: bigints as they are, numbers to unsigned 32 bits; `b` is absent for `~`',
  $imul: '`Math.imul`',
  $i64: '`$i64(x)`: bigint to signed 64 bits',
  $u64: '`$u64(x)`: bigint to unsigned 64 bits',
  $num: '`$num(x)`: a number or bigint as a number, for storing a value of unknown type in a variable of up to 32 bits; views and functions are a script error',
  $big: '`$big(x)`: a number, bigint or boolean as a bigint, likewise for 64-bit variables',
} as const

export type RuntimeName = keyof typeof RUNTIME

/**
 * Members of `$lang`. They are called directly, never suspend, and are no values in driver code.
 * `out`, `local`, `addressof`, `GetExceptionCode` and the NT_... macros are compiled away.
 */
export const LANGUAGE_HELPERS = {
  struct: '`struct("NAME", { Field: type, ... })`: structure type with C layout',
  array: '`array(type, n)`: array type',
  pointer: '`pointer(type)`: pointer type',
  sizeof: '`sizeof(x)`: bytes of a type, or of what a view points at; a number',
  offsetof: '`offsetof(type, "Field.Inner")`: a number',
  cast: '`cast(type, value)`: pointer type or structure: view of that type of a pointer or address; scalar type: value wrapped to it, of a number, bigint, boolean, pointer or function',
  CONTAINING_RECORD:
    '`CONTAINING_RECORD(p, type, "Field.Inner")`: view of the structure around a field',
  RTL_CONSTANT_STRING:
    '`RTL_CONSTANT_STRING(text)`: a UNICODE_STRING in the read-only data of the image',
  CTL_CODE: '`CTL_CODE(type, function, method, access)`: unsigned number',
} as const
