/** Long work in short pieces, so that the process answers others between them. */

/** What a piece is made to take: less than people notice, since the next can be harder than the last. */
const PIECE_MS = 30

/**
 * @param size   of the first slice; the next ones are made to take some tens of milliseconds each
 * @param work   one slice; a transaction of its own
 * @param sizeOf how much work an item is; all the same, if not given
 */
export async function inSlices<T>(
  items: readonly T[],
  size: number,
  work: (slice: readonly T[]) => void,
  sizeOf: (item: T) => number = () => 1,
): Promise<void> {
  let sizeMax = size
  for (let at = 0; at < items.length;) {
    if (at > 0) await new Promise((done) => setImmediate(done))
    const first = at
    let taken = 0
    do taken += sizeOf(items[at++]!)
    while (at < items.length && taken + sizeOf(items[at]!) <= sizeMax)
    const start = performance.now()
    work(items.slice(first, at))
    const fits = (taken * PIECE_MS) / Math.max(1, performance.now() - start)
    sizeMax = Math.min(fits, sizeMax * 2)
  }
}
