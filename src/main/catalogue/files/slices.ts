/** Long work in short pieces, so that the process answers others between them. */

/** @param work  one slice; a transaction of its own, well below 100 ms */
export async function inSlices<T>(
  items: readonly T[],
  size: number,
  work: (slice: readonly T[]) => void,
): Promise<void> {
  for (let at = 0; at < items.length; at += size) {
    if (at > 0) await new Promise((done) => setImmediate(done))
    work(items.slice(at, at + size))
  }
}
