/** The order of a capability matrix: rows by axis and how common they are, columns so that like files stand together. */
import type { CapabilityMatch } from '../../../../shared/driver-file/facts'

export type MatrixCapability = Omit<CapabilityMatch, 'evidence'>

export interface OrderedMatrix<F> {
  rows: { capability: MatrixCapability; count: number }[]
  /** `startsGroup`: can do other things than the file to its left. */
  columns: { file: F; has: ReadonlySet<string>; startsGroup: boolean }[]
  groups: number
}

/** Sort both ways; the same matrix always comes out the same, however it was given. */
export function orderMatrix<
  F extends { row: { id: number; name: string }; capabilities: string[] },
>(capabilities: readonly MatrixCapability[], files: readonly F[]): OrderedMatrix<F> {
  const counts = new Map<string, number>()
  for (const file of files)
    for (const id of new Set(file.capabilities)) counts.set(id, (counts.get(id) ?? 0) + 1)
  const rows = capabilities
    .map((capability) => ({ capability, count: counts.get(capability.id) ?? 0 }))
    .filter(({ count }) => count > 0)
    .sort(
      (a, b) =>
        (a.capability.axis === b.capability.axis ? 0 : a.capability.axis === 'hardware' ? -1 : 1) ||
        b.count - a.count ||
        (a.capability.id < b.capability.id ? -1 : 1),
    )
  const keyed = files
    .map((file) => {
      const has = new Set(file.capabilities)
      return {
        file,
        has,
        key: rows.map(({ capability }) => (has.has(capability.id) ? '1' : '0')).join(''),
      }
    })
    .sort(
      (a, b) =>
        (a.key < b.key ? 1 : a.key > b.key ? -1 : 0) ||
        (a.file.row.name < b.file.row.name ? -1 : a.file.row.name > b.file.row.name ? 1 : 0) ||
        a.file.row.id - b.file.row.id,
    )
  return {
    rows,
    columns: keyed.map(({ file, has, key }, i) => ({
      file,
      has,
      startsGroup: i > 0 && keyed[i - 1]!.key !== key,
    })),
    groups: new Set(keyed.map(({ key }) => key)).size,
  }
}
