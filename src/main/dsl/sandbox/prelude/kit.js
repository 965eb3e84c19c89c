/**
 * What every part of the prelude stands on: the shared memory, the host call, texts, exceptions.
 *
 * The files of this folder are not modules at run time: prelude.ts joins their text into one function
 * that is evaluated inside QuickJS, where nothing of Node exists. `export` is there for linters and
 * readers. Nothing here may be reachable from driver code except through what `language.js` hands out.
 *
 * @param h        the one host call: `h(operation, ...up to three int32)`, see mailbox.ts
 * @param control  ArrayBuffer of the control block
 * @param physical ArrayBuffer of simulated physical memory
 * @param N        numbers of mailbox.ts and kernel/mm/layout.ts
 */
export function makeKit(h, control, physical, N) {
  const { CALL, STATE, TEXT, WORD } = N
  const M = new Int32Array(control, N.CONTROL.mailbox, N.MAILBOX_WORDS)
  const W = new BigInt64Array(control, N.CONTROL.mailbox, N.MAILBOX_WORDS / 2)
  const WIDE = WORD.wide / 2
  const scratch = new Uint16Array(control, N.CONTROL.scratch, N.SCRATCH_UNITS)
  /** Upper halves of addresses by megabyte. */
  const HI = new Int32Array(control, N.CONTROL.hi, 256)
  const VIRTUAL_BYTES = N.VIRTUAL_BYTES

  const ScriptError = TypeError
  /** `uncurry(method)(self, ...args)`, for natives that lockdown.js takes away. */
  const uncurry = Function.prototype.bind.bind(Function.prototype.call)
  const { freeze, getPrototypeOf } = Object

  // BigInt.asUintN of this engine leaves negative numbers as they are; a store into an array wraps.
  const cell = new BigInt64Array(1)
  const unsignedCell = new BigUint64Array(cell.buffer)
  const toInt64 = (x) => {
    cell[0] = x
    return cell[0]
  }
  const toUint64 = (x) => {
    cell[0] = x
    return unsignedCell[0]
  }

  /** Whose code runs: its image and what its location ids start after. Set when a frame goes on. */
  const now = { owner: null, image: 0, base: 0, user: false, alive: true }

  // --- ends ----------------------------------------------------------------------------------

  /** The run is over: wait for the interrupt that unwinds everything and that nothing can catch. */
  function die() {
    for (;;);
  }

  const exception = { __proto__: null }

  /** Thrown through a frame that the kernel gives up: no catch takes it, no finally block runs. */
  const GONE = freeze({ __proto__: null })

  /** An NT exception as driver code throws it. */
  function nt(code) {
    return { __proto__: exception, code: code >>> 0 }
  }

  function isNt(error) {
    return typeof error === 'object' && error !== null && getPrototypeOf(error) === exception
  }

  /** A mistake of the script that no NT exception describes. */
  function wrong(message) {
    return new ScriptError(message)
  }

  /** Go by the answer of the last host call when it was not `done`. */
  function answered() {
    const state = M[WORD.state]
    if (state === STATE.throw) throw nt(M[WORD.code])
    if (state === STATE.unwind) throw GONE
    if (state !== STATE.done) die()
  }

  const Trace = Error

  /** Raise an exception where driver code is now. */
  function raise(code) {
    putText(TEXT.stack, new Trace().stack)
    h(CALL.raise, code | 0)
    answered()
  }

  // --- texts ---------------------------------------------------------------------------------

  function putText(id, text) {
    const length = text.length < TEXT.unitsMax ? text.length : TEXT.unitsMax
    let sent = 0
    do {
      const part = length - sent < scratch.length ? length - sent : scratch.length
      for (let i = 0; i < part; i++) scratch[i] = text.charCodeAt(sent + i)
      h(CALL.text, id, part, sent)
      sent += part
    } while (sent < length)
  }

  const ids = new Map()
  const texts = []
  let nextShort = 0
  let nextLong = 0

  /** Id of a text that the host knows. Holds until 2,048 other short texts (64 long ones) were used. */
  function textId(text) {
    if (text.length > TEXT.shortMax) {
      const id = 1 + TEXT.short + (nextLong++ % TEXT.long)
      putText(id, text)
      return id
    }
    let id = ids.get(text)
    if (id === undefined) {
      id = 1 + (nextShort++ % TEXT.short)
      if (texts[id] !== undefined) ids.delete(texts[id])
      texts[id] = text
      ids.set(text, id)
      putText(id, text)
    }
    return id
  }

  // --- addresses -----------------------------------------------------------------------------

  /** Memory index of the address `hi:lo`, both int32. */
  function toIndex(lo, hi) {
    // Indexes end at 2^28, so a larger `lo` finds no entry here.
    if (HI[lo >>> 20] === hi) return lo
    h(CALL.indexOf, lo, hi)
    return M[WORD.value]
  }

  function indexOf(address) {
    W[WIDE] = address
    return toIndex(M[WORD.wide], M[WORD.wide + 1])
  }

  /** The 64-bit address of an index, as an unsigned bigint. */
  function addressOf(index) {
    if (index >= 0 && index < VIRTUAL_BYTES)
      return (BigInt(HI[index >>> 20] >>> 0) << 32n) | BigInt(index)
    h(CALL.addressOf, index)
    return toUint64(W[WIDE])
  }

  /** Index of the address `bytes` further on, in 64-bit arithmetic. */
  function addIndex(index, bytes) {
    if (typeof bytes === 'number') {
      const sum = index + bytes
      if (sum > 0 && sum >>> 20 === index >>> 20 && index < VIRTUAL_BYTES) return sum
      bytes = BigInt(bytes)
    }
    const sum = toInt64(addressOf(index) + bytes)
    return sum === 0n ? 0 : indexOf(sum)
  }

  return {
    toInt64,
    toUint64,
    uncurry,
    split: uncurry(String.prototype.split),
    join: uncurry(Array.prototype.join),
    h,
    M,
    W,
    WIDE,
    HI,
    N,
    now,
    points: new Int32Array(control, N.CONTROL.points, 1),
    control,
    physical,
    die,
    nt,
    isNt,
    GONE,
    wrong,
    answered,
    raise,
    putText,
    textId,
    toIndex,
    indexOf,
    addressOf,
    addIndex,
  }
}
