/** A pair of lines; null where a side has no such line. */
export interface Difference {
  wine: string | null
  lab: string | null
}
/** The lines that differ, the shortest way from one list to the other. */
export function differences(wine: readonly string[], lab: readonly string[]): Difference[]
/** Split differences into those that are explained and those that are not. */
export function judge(
  found: readonly Difference[],
  known: readonly Difference[],
): { explained: number; unexplained: Difference[]; gone: Difference[] }
