/** Finds what somebody meant by a misspelled name. */

/** Number of insertions, deletions, exchanges and swaps between two names, at most `limit`. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    let least = i
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let cost = Math.min(
        (previous[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + same,
      )
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1)
      row.push(cost)
      least = Math.min(least, cost)
    }
    if (least > limit) return limit + 1
    before = previous
    previous = row
  }
  return previous[b.length] ?? limit + 1
}

/** The words of a name: `IoCreateDevice` is Io, Create, Device. */
function words(name: string): string[] {
  return name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) ?? []
}

/**
 * The candidate that is most like `name`: by spelling first, else by the words it shares.
 * @returns undefined when nothing is alike
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const all = [...candidates]
  const lower = name.toLowerCase()
  let limit = Math.max(1, Math.floor(name.length / 4))
  let best: string | undefined
  for (const candidate of all) {
    const cost = distance(lower, candidate.toLowerCase(), limit)
    if (cost > limit || (best !== undefined && cost === limit)) continue
    best = candidate
    limit = cost
    if (cost === 0) return best
  }
  if (best !== undefined) return best
  const own = words(name)
  let score = 0.5
  for (const candidate of all) {
    const other = words(candidate)
    const shared = own.filter((word) => other.includes(word)).length
    const ratio = (2 * shared) / (own.length + other.length)
    if (shared < 2 || ratio <= score) continue
    best = candidate
    score = ratio
  }
  return best
}
