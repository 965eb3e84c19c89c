/** Which JSON files feed which generated file. */
export const GENERATED: Readonly<Record<string, { readonly from: readonly string[] }>>
/** Render every generated file: file name to complete text. */
export function renderAll(readTable: (name: string) => unknown): Record<string, string>
/** The parsed JSON of data/kernel/NAME.json. */
export function readTable(name: string): unknown
/** The present text of a generated file, or undefined when it is missing. */
export function readGenerated(file: string): string | undefined
