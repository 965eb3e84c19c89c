/**
 * The only global names of driver code, in place of TypeScript's own library: what the language has
 * of strings, numbers and arrays. There is no Date, no Math.random, no eval, nothing of a host.
 */
export const LIB_D_TS = `interface Array<T> {
  /** Number of elements. */
  length: number
  [n: number]: T
  push(...items: T[]): number
  pop(): T
  shift(): T
  unshift(...items: T[]): number
  slice(start?: number, end?: number): T[]
  splice(start: number, deleteCount?: number, ...items: T[]): T[]
  concat(...items: T[][]): T[]
  indexOf(item: T, from?: number): number
  lastIndexOf(item: T): number
  includes(item: T): boolean
  join(separator?: string): string
  reverse(): T[]
  fill(value: T, start?: number, end?: number): T[]
  [Symbol.iterator](): ArrayIterator<T>
}
interface ReadonlyArray<T> {
  readonly length: number
  readonly [n: number]: T
  slice(start?: number, end?: number): T[]
  indexOf(item: T, from?: number): number
  includes(item: T): boolean
  join(separator?: string): string
  [Symbol.iterator](): ArrayIterator<T>
}
interface String {
  /** UTF-16 units. */
  readonly length: number
  readonly [n: number]: string
  charAt(index: number): string
  charCodeAt(index: number): number
  indexOf(text: string, from?: number): number
  lastIndexOf(text: string): number
  includes(text: string): boolean
  startsWith(text: string): boolean
  endsWith(text: string): boolean
  slice(start?: number, end?: number): string
  substring(start: number, end?: number): string
  padStart(length: number, fill?: string): string
  padEnd(length: number, fill?: string): string
  toLowerCase(): string
  toUpperCase(): string
  trim(): string
  [Symbol.iterator](): ArrayIterator<string>
}
interface Number {
  toString(radix?: number): string
}
interface BigInt {
  toString(radix?: number): string
}
interface Boolean {}
interface Function {}
interface CallableFunction extends Function {}
interface NewableFunction extends Function {}
interface Object {}
interface RegExp {}
interface IArguments {}
interface Symbol {}
interface SymbolConstructor {
  readonly iterator: unique symbol
}
declare var Symbol: SymbolConstructor
interface TemplateStringsArray extends ReadonlyArray<string> {}
interface Iterator<T, TReturn = any, TNext = any> {}
interface Iterable<T, TReturn = any, TNext = any> {
  [Symbol.iterator](): Iterator<T, TReturn, TNext>
}
interface IterableIterator<T, TReturn = any, TNext = any> extends Iterator<T, TReturn, TNext> {
  [Symbol.iterator](): IterableIterator<T, TReturn, TNext>
}
interface IteratorObject<T, TReturn = any, TNext = any> extends Iterator<T, TReturn, TNext> {
  [Symbol.iterator](): IteratorObject<T, TReturn, TNext>
}
interface ArrayIterator<T> extends IteratorObject<T, any, any> {
  [Symbol.iterator](): ArrayIterator<T>
}
type BuiltinIteratorReturn = any
type Record<K extends string, T> = { [P in K]: T }
type Exclude<T, U> = T extends U ? never : T
type Readonly<T> = { readonly [P in keyof T]: T[P] }
type Partial<T> = { [P in keyof T]?: T[P] }
interface IntegerMath {
  min(...values: number[]): number
  max(...values: number[]): number
  abs(value: number): number
  floor(value: number): number
}
declare var Math: IntegerMath
/** A 64-bit integer as a number; exact up to 2^53. */
declare function Number(value: number | bigint | boolean): number
/** A number as a 64-bit integer. */
declare function BigInt(value: number | bigint | boolean): bigint
`
