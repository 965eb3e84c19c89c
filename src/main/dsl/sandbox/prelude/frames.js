/**
 * Frames: activations of driver functions that the kernel asked for, as generators; and the loop
 * that runs them. A routine that suspends leaves in `pending` how its result is to be read once the
 * kernel resumes the frame.
 */
/* global InternalError -- QuickJS has it */
export function makeFrames(kit) {
  const { h, M, W, N, now, nt, isNt, GONE, wrong, textId, putText, answered, die } = kit
  const { ARGS_MAX, ARG_WORDS, CALL, FAILURES, OP, STATE, TAG, TEXT, WHAT, WORD } = N
  const { freeze, getPrototypeOf } = Object
  const { trunc } = Math
  const ARGS = WORD.args
  // The loop and the stubs go through these at every turn.
  const AT_STATE = WORD.state
  const AT_OP = WORD.op
  const AT_FN = WORD.fn
  const AT_FRAME = WORD.frame
  const AT_ROUTINE = WORD.routine
  const AT_WHAT = WORD.what
  const AT_RESULT = WORD.resultValue
  const NEXT = CALL.next
  const START = OP.start
  const RESUME = OP.resume
  const RETURNED = WHAT.returned
  const SUSPENDED = WHAT.suspended
  const Internal = InternalError
  const Trace = Error
  const STATUS_STACK_OVERFLOW = 0xc00000fd
  const indexOf = kit.uncurry(String.prototype.indexOf)

  /** What a stub gives when its routine suspended. */
  const S = freeze({ __proto__: null })
  /** Objects that `out()` makes. */
  const outs = { __proto__: null }
  const pending = { read: null, fill: null }

  // --- answers -------------------------------------------------------------------------------

  /** The answer to a routine call was not `done`: suspend, raise or end. */
  function unfinished(read, fill) {
    if (M[AT_STATE] !== STATE.suspended) answered()
    pending.read = read
    pending.fill = fill
    return S
  }

  const isOut = (value) => typeof value === 'object' && getPrototypeOf(value) === outs

  const readUntyped = () => M[WORD.value] >>> 0

  /** Call through a pointer that is no function of this sandbox. */
  function callAddress(location, index, args) {
    putArguments(0, args)
    h(CALL.address, index, location + now.base)
    return M[WORD.state] === STATE.done ? readUntyped() : unfinished(readUntyped, null)
  }

  /** Arguments of unknown type, from slot `first` on. */
  function putArguments(first, args) {
    const length = args.length
    if (first + length > ARGS_MAX) throw wrong('too many arguments')
    M[WORD.count] = length
    for (let i = 0; i < length; i++) {
      const slot = ARGS + (first + i) * ARG_WORDS
      const value = args[i]
      if (typeof value === 'string') {
        M[slot] = textId(value)
        M[slot + 2] = TAG.text
      } else if (typeof value === 'object' || typeof value === 'function') {
        M[slot] = value?.$a ?? kit.indexOfPointer(value, false)
        M[slot + 2] = TAG.pointer
      } else {
        W[slot / 2] = typeof value === 'bigint' ? value : BigInt(trunc(Number(value)) || 0)
        M[slot + 2] = TAG.int
      }
    }
  }

  // --- failures ------------------------------------------------------------------------------

  /** The sandbox cannot go on: tell the kernel, which ends the run. */
  function failed(kind, message, stack) {
    try {
      putText(TEXT.message, `${message}`)
      putText(TEXT.stack, stack ?? new Trace().stack)
    } catch {
      // No memory for that; the kind says enough.
    }
    h(CALL.fail, FAILURES.indexOf(kind))
    die()
  }

  const isInternal = (error, text) =>
    error instanceof Internal && indexOf(textOf(error, 'message'), text) >= 0

  /** A property of whatever was thrown; reading it may run code of the script. */
  function textOf(error, name) {
    try {
      const text = error[name]
      return typeof text === 'string' ? text : ''
    } catch {
      return ''
    }
  }

  /** NTSTATUS of an error of the script that is an exception in simulated code, else 0. */
  function asException(error) {
    return now.user && isInternal(error, 'stack overflow') ? STATUS_STACK_OVERFLOW : 0
  }

  /** An error left a frame. */
  function left(error) {
    if (error === GONE) {
      now.alive = true
      M[WORD.what] = WHAT.none
      return
    }
    const code = isNt(error) ? error.code : asException(error)
    if (code === 0) {
      const message = textOf(error, 'message')
      const stack = textOf(error, 'stack')
      if (isInternal(error, 'stack overflow')) failed('stack', message, stack)
      // Without memory for an error object, null is thrown.
      if (error === null) failed('memory', 'out of memory', '')
      if (isInternal(error, 'out of memory') || isInternal(error, 'string too long'))
        failed('memory', message, stack)
      failed('script', message === '' ? 'something that is no error was thrown' : message, stack)
    }
    M[WORD.what] = WHAT.threw
    M[WORD.resultCode] = code
  }

  // --- calls between images ------------------------------------------------------------------

  /** A function of another image than the one that runs. */
  function isForeign(f) {
    const owner = kit.owners.get(f.$i)
    return owner !== undefined && owner.image !== now.image
  }

  /** Call a function of another image by value. */
  function* enter(f, args) {
    const owner = kit.owners.get(f.$i)
    const caller = now.owner
    const frame = f(...args)
    let step
    let input
    let error = null
    for (;;) {
      become(owner)
      try {
        step = error === null ? frame.next(input) : frame.throw(error.value)
      } finally {
        become(caller)
      }
      if (step.done) return step.value
      error = null
      try {
        // Location ids are the callee's; the loop would add the base of the caller.
        input = yield typeof step.value === 'number' ? placed(step.value, owner) : step.value
      } catch (thrown) {
        error = { value: thrown }
      }
    }
  }

  /** A location with the base of its image. Negative where a processor's turn is over, as before. */
  const placed = (at, { base }) => ({ __proto__: null, loop: at < 0 ? at - base : at + base })

  function become(owner) {
    if (now.owner === owner) return
    now.owner = owner
    now.image = owner.image
    now.base = owner.base
    now.user = owner.user
  }

  // --- the loop ------------------------------------------------------------------------------

  const { registered } = kit
  const parked = new Map()

  /** Keep a frame that did not end. */
  function park(frame, at, generator, owner, give) {
    if (at !== undefined) {
      // The host tells the end of a turn by the sign.
      M[WORD.loop] = (typeof at === 'number' ? placed(at, owner) : at).loop
      parked.set(frame, { generator, owner, give, read: null, fill: null })
    } else {
      M[WORD.loop] = 0
      parked.set(frame, { generator, owner, give, read: pending.read, fill: pending.fill })
    }
    M[AT_WHAT] = SUSPENDED
  }

  function start() {
    const target = registered[M[AT_FN]]
    const id = M[AT_ROUTINE]
    const { f, owner } = target
    const routine = target.routines[id] ?? (target.routines[id] = owner.routine(id))
    if (now.owner !== owner) become(owner)
    const generator = routine.call(f)
    const step = generator.next()
    if (step.done) {
      M[AT_RESULT] = routine.give(step.value)
      M[AT_WHAT] = RETURNED
    } else park(M[AT_FRAME], step.value, generator, owner, routine.give)
  }

  function resume(op) {
    const frame = M[AT_FRAME]
    const { generator, owner, give, read, fill } = parked.get(frame)
    parked.delete(frame)
    if (now.owner !== owner) become(owner)
    let step
    if (op === RESUME) {
      if (fill !== null) fill()
      step = generator.next(read === null ? undefined : read())
    } else step = generator.throw(nt(M[WORD.code]))
    if (step.done) {
      M[AT_RESULT] = give(step.value)
      M[AT_WHAT] = RETURNED
    } else park(frame, step.value, generator, owner, give)
  }

  /** Runs until the kernel wants a pause or the end. */
  function run() {
    for (;;) {
      h(NEXT)
      const op = M[AT_OP]
      try {
        if (op === START) start()
        else if (op === RESUME || op === OP.throw) resume(op)
        else if (op === OP.load) {
          M[AT_RESULT] = kit.load(M[AT_FN])
          M[AT_WHAT] = RETURNED
        } else if (op === OP.discard) parked.delete(M[AT_FRAME])
        else return
      } catch (error) {
        left(error)
      }
    }
  }

  return {
    S,
    outs,
    isOut,
    unfinished,
    callAddress,
    putArguments,
    failed,
    asException,
    isForeign,
    enter,
    become,
    run,
  }
}
