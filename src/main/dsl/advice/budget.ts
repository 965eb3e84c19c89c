/** What following the paths of a driver may cost. */

/** Paths that are followed side by side. */
export const PATHS = 24

/** One for a statement or an expression, and for each look at a whole state as much as is known in it. */
const BUDGET = 400_000

/** What is left of it, for all functions of a driver together. */
export class Budget {
  private left = BUDGET

  /** @returns false when nothing is left */
  spend(cost: number): boolean {
    return (this.left -= cost) > 0
  }
}
