/**
 * The form of a contract row. Main parses every input by `input`, checks the sender and answers
 * with a `Result`; preload, renderer client and fake lab are derived from the rows by mapped types.
 */
import type { z } from 'zod'
import type { Result } from '../errors'

export interface Call<I extends z.ZodType, O extends z.ZodType> {
  kind: 'call'
  input: I
  output: O
}
export interface Stream<O extends z.ZodType> {
  kind: 'stream'
  output: O
}

export const call = <I extends z.ZodType, O extends z.ZodType>(
  input: I,
  output: O,
): Call<I, O> => ({
  kind: 'call',
  input,
  output,
})
export const stream = <O extends z.ZodType>(output: O): Stream<O> => ({ kind: 'stream', output })

export type Contract = Record<string, Call<z.ZodType, z.ZodType> | Stream<z.ZodType>>

/** What the renderer sees: `client['lab.run'](request)`, `client.on('lab.progress', listener)`. */
export type Client<C extends Contract> = {
  [K in keyof C as C[K] extends Call<z.ZodType, z.ZodType> ? K : never]: C[K] extends Call<
    infer I,
    infer O
  >
    ? (input: z.input<I>) => Promise<Result<z.output<O>>>
    : never
} & {
  on<K extends keyof C>(
    name: C[K] extends Stream<z.ZodType> ? K : never,
    listener: (value: C[K] extends Stream<infer O> ? z.output<O> : never) => void,
  ): () => void
}

/** What main implements: one handler for each call. */
export type Handlers<C extends Contract> = {
  [K in keyof C as C[K] extends Call<z.ZodType, z.ZodType> ? K : never]: C[K] extends Call<
    infer I,
    infer O
  >
    ? (input: z.output<I>) => Promise<Result<z.input<O>>> | Result<z.input<O>>
    : never
}
