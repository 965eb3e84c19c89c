/**
 * Functions as pointers. A function of driver code gets an address in its image when it is first
 * used as a pointer; reading that address back gives the function again. Addresses without a
 * function of this sandbox are `{ $a }`, and the kernel says what a call through them does.
 */
export function makeFunctions(kit, owners) {
  const { h, M, N, wrong, now, textId, die } = kit
  const { CALL, WORD } = N
  /** By function number: `{ f, owner, routines }`, the last one how each kind of callback starts it. */
  const registered = []
  const byIndex = new Map()
  const foreign = { __proto__: null }
  const interned = new Map()

  /** What a pointer to code is in driver code. */
  function functionAt(index) {
    let f = byIndex.get(index)
    if (f === undefined) {
      f = { __proto__: foreign, $a: index }
      if (byIndex.size < 65_536) byIndex.set(index, f)
    }
    return f
  }

  /** Address of a function of driver code; the first time it gets one. */
  function register(f) {
    const owner = owners.get(f.$i)
    if (owner === undefined) throw wrong('this function cannot become a pointer')
    const number = registered.length
    h(CALL.register, f.$i, number)
    const index = M[WORD.value]
    if (index === 0) die()
    registered.push({ f, owner, routines: [] })
    f.$a = index
    byIndex.set(index, f)
    return index
  }

  /** Constant text in the image whose code runs. `kind`: 0 ANSI, 1 UTF-16, 2 UNICODE_STRING. */
  function intern(text, kind) {
    const key = `${now.image}:${kind}:${text}`
    let index = interned.get(key)
    if (index === undefined) {
      h(CALL.intern, now.image, textId(text), kind)
      index = M[WORD.value]
      if (index === 0) die()
      interned.set(key, index)
    }
    return index
  }

  /** Index of whatever stands for a pointer and has no `$a` (yet): null, text, a function. */
  function indexOfPointer(value, wide) {
    if (value === null || value === undefined) return 0
    if (typeof value === 'string') return intern(value, wide ? 1 : 0)
    if (typeof value === 'function') {
      if (value.$d !== undefined) {
        h(CALL.routineAddress, value.$d)
        return (value.$a = M[WORD.value])
      }
      return register(value)
    }
    const index = value.$a
    if (index === undefined) throw wrong('a pointer is needed here')
    return index
  }

  return { registered, foreign, functionAt, indexOfPointer, intern }
}
