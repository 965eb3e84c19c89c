/** Rows of the difference of two readings of memory, in the order and words in which they are read. */
import type { TableDifference } from '../../../../shared/memory/difference'
import type { Row } from '../../../../shared/memory/tables'
import { fieldWords, rowFacts, rowName, say, type RowFact } from './words'

export interface DifferenceRow {
  kind: 'changed' | 'added' | 'gone'
  name: string
  /** Of a row that was there before. */
  changes: { field: string; before: string; after: string }[]
  /** Of a row that was not, or is not any more. */
  facts: RowFact[]
}

/** A thing that is new, and not as such things are. */
export const isOdd = ({ facts }: DifferenceRow): boolean => facts.some((fact) => fact.isOdd)

/** Changes first: what was there and is another thing now says most. */
export function differenceRows({
  table,
  appeared,
  vanished,
  changed,
}: TableDifference): DifferenceRow[] {
  const whole =
    (kind: 'added' | 'gone') =>
    (row: Row): DifferenceRow => ({
      kind,
      name: rowName(table, row),
      changes: [],
      facts: rowFacts(table, row),
    })
  return [
    ...changed.map(({ before, after, fields }): DifferenceRow => ({
      kind: 'changed',
      name: rowName(table, after),
      changes: fields.map((field) => ({
        field: fieldWords(field),
        before: say(before[field]),
        after: say(after[field]),
      })),
      facts: [],
    })),
    ...vanished.map(whole('gone')),
    ...appeared.map(whole('added')).sort((a, b) => Number(isOdd(b)) - Number(isOdd(a))),
  ]
}
