/** Bug checks: codes, names, parameter meanings, causes. */

import { hex } from './format'
import { BUGCHECKS, type BugcheckFacts, type BugcheckSubcode } from './generated/bugchecks'

export * from './generated/bugchecks'

let factsByCode: ReadonlyMap<number, BugcheckFacts> | undefined

/** Facts about a bug check; undefined for a code outside the table. */
export function bugcheckInfo(code: number): BugcheckFacts | undefined {
  factsByCode ??= new Map(BUGCHECKS.map((facts) => [facts.code, facts]))
  return factsByCode.get(code >>> 0)
}

/** Name of a bug check, `IRQL_NOT_LESS_OR_EQUAL`; hexadecimal for a code outside the table. */
export function bugcheckName(code: number): string {
  return bugcheckInfo(code)?.name ?? hex(code >>> 0)
}

/** What the first parameter says, for bug checks that cover several kinds of damage. */
export function bugcheckSubcode(
  code: number,
  firstParameter: number | bigint,
): BugcheckSubcode | undefined {
  const wanted = BigInt(firstParameter)
  return bugcheckInfo(code)?.subcodes?.find(({ value }) => BigInt(value) === wanted)
}
