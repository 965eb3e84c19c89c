/** Long work in short pieces, so that the process answers others between them. */

/** What a piece may take: half of what people notice, since a slice can be harder than the last. */
const PIECE_MS = 40

/**
 * @param size  of the first slice; the next ones, half as large to four times, are made to take some
 *              tens of milliseconds
 * @param work  one slice; a transaction of its own
 */
export async function inSlices<T>(
  items: readonly T[],
  size: number,
  work: (slice: readonly T[]) => void,
): Promise<void> {
  let length = size
  for (let at = 0; at < items.length;) {
    if (at > 0) await new Promise((done) => setImmediate(done))
    const slice = items.slice(at, at + length)
    const start = performance.now()
    work(slice)
    at += slice.length
    const fits = (slice.length * PIECE_MS) / Math.max(1, performance.now() - start)
    length = Math.ceil(Math.max(size / 2, Math.min(fits, length * 2, size * 4)))
  }
}
