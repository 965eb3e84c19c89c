/**
 * Checked access to simulated memory through one page table (kernel mode's or user mode's).
 *
 * The quick way is written out in every accessor: entry of the page, permission, alignment, one
 * typed array. All else comes to `slowRead` and `slowWrite`.
 */
export function makeMemory(kit, ptes) {
  const { h, M, W, WIDE, HI, N, control, physical, answered, putText } = kit
  const { toIndex, toUint64, addressOf, addIndex } = kit
  const { CALL, TEXT, WORD } = N
  const PT = new Int32Array(control, ptes, N.VIRTUAL_PAGES)
  const U8 = new Uint8Array(physical)
  const I32 = new Int32Array(physical)
  const LO = WORD.wide
  const HIGH = WORD.wide + 1
  /** The 64-bit word of the mailbox as bytes. */
  const bytes = new Uint8Array(control, N.CONTROL.mailbox + LO * 4, 8)
  const READ = 0
  const WRITE = 1
  const EXECUTE = 2
  const Trace = Error
  const { trunc } = Math
  const toNumber = Number
  const toBig = (value) => (typeof value === 'bigint' ? value : BigInt(trunc(Number(value))))

  /** Let the kernel do it, raise what it says, or end. */
  function ask(kind, o, size) {
    putText(TEXT.stack, new Trace().stack)
    h(CALL.access, kind, o, size)
    answered()
  }

  /** Both pages of an access allow it: it was refused only for its alignment. */
  function allowed(o, size, flag) {
    return (PT[o >>> 12] & PT[(o + size - 1) >>> 12] & flag) !== 0
  }

  /** Leaves the value in the 64-bit word of the mailbox. */
  function slowRead(o, size) {
    M[HIGH] = 0
    if (allowed(o, size, 1))
      for (let i = 0; i < size; i++) bytes[i] = U8[(PT[(o + i) >>> 12] & -4096) | ((o + i) & 4095)]
    else ask(READ, o, size)
    return M[LO]
  }

  /** Writes the value in the 64-bit word of the mailbox. */
  function slowWrite(o, size) {
    if (allowed(o, size, 2))
      for (let i = 0; i < size; i++) U8[(PT[(o + i) >>> 12] & -4096) | ((o + i) & 4095)] = bytes[i]
    else ask(WRITE, o, size)
  }

  /** Whether code may be fetched from there; raises the fault if not. */
  function checkExecute(o) {
    if (!(PT[o >>> 12] & 4)) ask(EXECUTE, o, 1)
  }

  // --- scalars -------------------------------------------------------------------------------

  /**
   * One kind of integer. `get` and `set` take an index; `field(offset)` makes a property of views;
   * `element` the accessors of array views.
   */
  function integer(array, shift, narrow) {
    const size = 1 << shift
    const mask = size - 1
    const slowGet = (o) => {
      slowRead(o, size)
      return narrow()
    }
    const slowSet = (o, value) => {
      M[LO] = value
      slowWrite(o, size)
    }
    const get = (o) => {
      const e = PT[o >>> 12]
      return e & 1 && !(o & mask) ? array[((e & -4096) | (o & 4095)) >>> shift] : slowGet(o)
    }
    const set = (o, value) => {
      const e = PT[o >>> 12]
      if (e & 2 && !(o & mask)) array[((e & -4096) | (o & 4095)) >>> shift] = value
      else slowSet(o, value)
    }
    const field = (offset) => ({
      get() {
        const o = this.$a + offset
        const e = PT[o >>> 12]
        return e & 1 && !(o & mask) ? array[((e & -4096) | (o & 4095)) >>> shift] : slowGet(o)
      },
      set(value) {
        const o = this.$a + offset
        const e = PT[o >>> 12]
        if (e & 2 && !(o & mask)) array[((e & -4096) | (o & 4095)) >>> shift] = value
        else slowSet(o, value)
      },
    })
    const element = {
      get(i) {
        const o = i >>> 16 === 0 ? this.$a + (i << shift) : addIndex(this.$a, i * size)
        const e = PT[o >>> 12]
        return e & 1 && !(o & mask) ? array[((e & -4096) | (o & 4095)) >>> shift] : slowGet(o)
      },
      set(i, value) {
        const o = i >>> 16 === 0 ? this.$a + (i << shift) : addIndex(this.$a, i * size)
        const e = PT[o >>> 12]
        if (e & 2 && !(o & mask)) array[((e & -4096) | (o & 4095)) >>> shift] = value
        else slowSet(o, value)
        return value
      },
    }
    return { size, get, set, field, element }
  }

  /** As `integer` for 64 bits: values are bigints, writes take numbers as well. */
  function integer64(array, narrow) {
    const get = (o) => {
      const e = PT[o >>> 12]
      if (e & 1 && !(o & 7)) return array[((e & -4096) | (o & 4095)) >>> 3]
      slowRead(o, 8)
      return narrow()
    }
    const set = (o, value) => {
      const wide = toBig(value)
      const e = PT[o >>> 12]
      if (e & 2 && !(o & 7)) array[((e & -4096) | (o & 4095)) >>> 3] = wide
      else {
        W[WIDE] = wide
        slowWrite(o, 8)
      }
    }
    return {
      ...throughFunctions(8, get, set),
      field: (offset) => ({
        get() {
          const o = this.$a + offset
          const e = PT[o >>> 12]
          return e & 1 && !(o & 7) ? array[((e & -4096) | (o & 4095)) >>> 3] : get(o)
        },
        set(value) {
          const o = this.$a + offset
          const e = PT[o >>> 12]
          // Mostly a length: an int32, which needs no bigint.
          if (typeof value === 'number' && (value | 0) === value && e & 2 && !(o & 7)) {
            const w = ((e & -4096) | (o & 4095)) >>> 2
            I32[w] = value
            I32[w + 1] = value < 0 ? -1 : 0
          } else set(o, value)
        },
      }),
    }
  }

  /** Accessors made of two functions. */
  function throughFunctions(size, get, set) {
    return {
      size,
      get,
      set,
      field: (offset) => ({
        get() {
          return get(this.$a + offset)
        },
        set(value) {
          set(this.$a + offset, value)
        },
      }),
      element: {
        get(i) {
          return get(addIndex(this.$a, i * size))
        },
        set(i, value) {
          set(addIndex(this.$a, i * size), value)
          return value
        },
      },
    }
  }

  const u8 = integer(U8, 0, () => M[LO] & 0xff)
  const i64 = integer64(new BigInt64Array(physical), () => W[WIDE])
  const scalars = {
    __proto__: null,
    u8,
    i8: integer(new Int8Array(physical), 0, () => (M[LO] << 24) >> 24),
    u16: integer(new Uint16Array(physical), 1, () => M[LO] & 0xffff),
    i16: integer(new Int16Array(physical), 1, () => (M[LO] << 16) >> 16),
    u32: integer(new Uint32Array(physical), 2, () => M[LO] >>> 0),
    i32: integer(I32, 2, () => M[LO]),
    i64,
    u64: integer64(new BigUint64Array(physical), () => toUint64(W[WIDE])),
    handle: throughFunctions(8, (o) => toNumber(i64.get(o)), i64.set),
    bool: throughFunctions(
      1,
      (o) => (u8.get(o) === 0 ? 0 : 1),
      (o, value) => u8.set(o, value ? 1 : 0),
    ),
  }

  // --- pointers ------------------------------------------------------------------------------

  /** Index that the pointer at `o` holds; 0 for NULL. */
  function readPointer(o) {
    const e = PT[o >>> 12]
    let lo, hi
    if (e & 1 && !(o & 7)) {
      const w = ((e & -4096) | (o & 4095)) >>> 2
      lo = I32[w]
      hi = I32[w + 1]
    } else {
      slowRead(o, 8)
      lo = M[LO]
      hi = M[HIGH]
    }
    return HI[lo >>> 20] === hi ? lo : toIndex(lo, hi)
  }

  function writePointer(o, index) {
    const e = PT[o >>> 12]
    const hi = HI[index >>> 20]
    if (hi === undefined) {
      // A wild pointer: its address is not made of its index.
      W[WIDE] = addressOf(index)
      slowWrite(o, 8)
    } else if (e & 2 && !(o & 7)) {
      const w = ((e & -4096) | (o & 4095)) >>> 2
      I32[w] = index
      I32[w + 1] = hi
    } else {
      M[LO] = index
      M[HIGH] = hi
      slowWrite(o, 8)
    }
  }

  /**
   * Property for a pointer: reading gives a view with the prototype that `protoOf()` gives, or null.
   * `indexOf` finds the index of what is written and has no `$a`.
   */
  function pointerField(protoOf, indexOf) {
    let proto = null
    return (offset) => ({
      get() {
        const o = this.$a + offset
        const e = PT[o >>> 12]
        let a
        if (e & 1 && !(o & 7)) {
          const w = ((e & -4096) | (o & 4095)) >>> 2
          a = I32[w]
          const hi = I32[w + 1]
          if (HI[a >>> 20] !== hi) a = toIndex(a, hi)
        } else a = readPointer(o)
        return a === 0 ? null : { __proto__: proto ?? (proto = protoOf()), $a: a }
      },
      set(value) {
        writePointer(this.$a + offset, value?.$a ?? indexOf(value))
      },
    })
  }

  // --- ranges --------------------------------------------------------------------------------

  /** Zero `size` bytes, page by page. */
  function clear(index, size) {
    while (size > 0) {
      const e = PT[index >>> 12]
      const room = 4096 - (index & 4095)
      const part = size < room ? size : room
      if (e & 2) {
        const at = (e & -4096) | (index & 4095)
        U8.fill(0, at, at + part)
      } else {
        W[WIDE] = 0n
        for (let i = 0; i < part; i++) slowWrite(index + i, 1)
      }
      index += part
      size -= part
    }
  }

  /** Copy a structure. */
  function copy(to, from, size) {
    for (let i = 0; i < size; i++) u8.set(to + i, u8.get(from + i))
  }

  return { scalars, readPointer, writePointer, pointerField, checkExecute, clear, copy }
}
