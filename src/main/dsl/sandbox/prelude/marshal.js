/** Conversions that the generated stubs (stubs.ts) call for what they do not write out. */
export function makeMarshal(kit, memory, functions, frames) {
  const { M, W, N, wrong } = kit
  const { WORD } = N
  const { indexOfPointer } = functions
  const { isOut } = frames
  const { trunc } = Math
  const I32_MAX = 0x7fff_ffff

  /** Pointer argument without an `$a`. */
  const pointer = (value) => indexOfPointer(value, false)
  const widePointer = (value) => indexOfPointer(value, true)

  /** SIZE_T: clamped, as no size above 2^31 - 1 can be satisfied. */
  function size(value) {
    if (typeof value === 'bigint')
      return value < 0n || value > 0x7fff_ffffn ? I32_MAX : Number(value)
    const n = trunc(Number(value)) || 0
    return n < 0 || n > I32_MAX ? I32_MAX : n
  }

  /** 64-bit argument at a slot. */
  function wide(slot, value) {
    W[slot / 2] = typeof value === 'bigint' ? value : BigInt(trunc(Number(value)) || 0)
  }

  /** LARGE_INTEGER: tag 1 with the value, 0 for NULL. */
  function large(slot, value) {
    if (value === null || value === undefined) {
      M[slot + 2] = 0
      return
    }
    const a = value.$a
    // Read first: the read may fault, and leaves its own traces in the mailbox.
    const number = a === undefined ? value : memory.scalars.i64.get(a)
    wide(slot, number)
    M[slot + 2] = 1
  }

  /** Result parameter: -1 for an `out()` object. */
  function out(value) {
    if (value === null || value === undefined) return 0
    if (isOut(value)) return -1
    const a = value.$a
    if (a === undefined) throw wrong('out() or a pointer is needed here')
    return a
  }

  return { pointer, widePointer, size, wide, large, out, value: WORD.value }
}
