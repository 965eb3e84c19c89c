/**
 * The ids of a term that few files have, as one row: differences between rising ids, seven bits to a
 * byte, the highest bit set where more follows. A question about thousands of rare terms (the PDB
 * paths with a word in them) then reads thousands of rows, and not one for each chunk of each.
 */
/** Ids of one list; a term of more files is kept in chunks. */
export const LIST_MAX = 1024

/** Call with each id of a list, rising. */
export function eachId(bytes: Uint8Array, take: (id: number) => void): void {
  let id = 0
  let difference = 0
  let shift = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    difference |= (byte & 127) << shift
    shift += 7
    if (byte > 127) continue
    id += difference
    take(id)
    difference = 0
    shift = 0
  }
}

/**
 * @param ids   rising, each once, above `last`
 * @param last  the id that stands before them; 0 for none
 */
export function encodeIdList(ids: readonly number[], last = 0): Uint8Array {
  const bytes: number[] = []
  for (const id of ids) {
    let difference = id - last
    last = id
    while (difference > 127) {
      bytes.push((difference & 127) | 128)
      difference >>>= 7
    }
    bytes.push(difference)
  }
  return Uint8Array.from(bytes)
}

/** The list with more ids at its end: what a batch of new files asks for, without taking it apart. */
export function appendToIdList(list: Uint8Array, last: number, ids: readonly number[]): Uint8Array {
  const more = encodeIdList(ids, last)
  const bytes = new Uint8Array(list.length + more.length)
  bytes.set(list)
  bytes.set(more, list.length)
  return bytes
}
