// Compares what a driver printed under Wine with what its twin printed in the lab.

/**
 * The lines that differ, the shortest way from one list to the other.
 * @param {string[]} wine
 * @param {string[]} lab
 * @returns {{ wine: string | null, lab: string | null }[]} null where a side has no such line
 */
export function differences(wine, lab) {
  // Longest common subsequence: the lists have a few dozen lines.
  const length = Array.from({ length: wine.length + 1 }, () => new Array(lab.length + 1).fill(0))
  for (let i = wine.length - 1; i >= 0; i--)
    for (let j = lab.length - 1; j >= 0; j--)
      length[i][j] =
        wine[i] === lab[j] ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1])
  const only = { wine: [], lab: [] }
  const found = []
  const flush = () => {
    while (only.wine.length || only.lab.length)
      found.push({ wine: only.wine.shift() ?? null, lab: only.lab.shift() ?? null })
  }
  let [i, j] = [0, 0]
  while (i < wine.length || j < lab.length) {
    if (i < wine.length && j < lab.length && wine[i] === lab[j]) {
      flush()
      i++
      j++
    } else if (j >= lab.length || (i < wine.length && length[i + 1][j] >= length[i][j + 1])) {
      only.wine.push(wine[i++])
    } else only.lab.push(lab[j++])
  }
  flush()
  return found
}

/**
 * Split differences into those that are explained and those that are not.
 * @param {{ wine: string | null, lab: string | null }[]} found
 * @param {{ wine: string | null, lab: string | null }[]} known  from conformance/wine/differences.json
 */
export function judge(found, known) {
  const left = [...known]
  const unexplained = found.filter((item) => {
    const at = left.findIndex(({ wine, lab }) => wine === item.wine && lab === item.lab)
    if (at < 0) return true
    left.splice(at, 1)
    return false
  })
  return { explained: found.length - unexplained.length, unexplained, gone: left }
}
