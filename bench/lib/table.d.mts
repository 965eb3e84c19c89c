export function row(what: string, value: string): void
export function keepRows(name: string): void
export function inSeconds(ms: number): string
export function inMs(ms: number): string
export function inMb(bytes: number): string
export function median(values: readonly number[]): number
