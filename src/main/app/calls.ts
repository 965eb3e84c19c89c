/**
 * One call from the window, from name and raw input to a `Result`. Nothing that is thrown below gets
 * past here, and nothing that the contract does not name gets in.
 */
import { contract, type RingHandlers } from '../../shared/contract'
import { fail, type Result } from '../../shared/errors'

/** Longest text of an error that crosses to the window. */
const DETAIL_MAX = 10_000

type AnyHandler = (input: unknown) => Result<unknown> | Promise<Result<unknown>>

/**
 * @param name   as it came over IPC: not trusted
 * @param input  as it came over IPC: not trusted, parsed by the contract's row
 */
export async function answerCall(
  handlers: RingHandlers,
  name: unknown,
  input: unknown,
): Promise<Result<unknown>> {
  if (typeof name !== 'string' || !Object.hasOwn(contract, name))
    return badRequest(`There is no call ${printable(name)}.`)
  const row = contract[name as keyof typeof contract]
  if (row.kind !== 'call') return badRequest(`${name} is a stream, not a call.`)
  const parsed = row.input.safeParse(input)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const place = issue?.path.map(String).join('.')
    return badRequest(
      `${name} was called with a wrong input${place ? ` at ${place}` : ''}: ${issue?.message ?? ''}`,
    )
  }
  try {
    // The row and the handler have the same name, so the parsed input is what the handler takes.
    const handler = handlers[name as keyof RingHandlers] as AnyHandler
    return await handler(parsed.data)
  } catch (error) {
    return fail(
      'internal',
      `${name} failed in a way that should not happen.`,
      'Nothing that was saved is lost. Copy the details into a report.',
      describe(error).slice(0, DETAIL_MAX),
    )
  }
}

const badRequest = (message: string): Result<never> =>
  fail('bad-request', message.slice(0, 500), 'This is a fault of the program, not of the driver.')

const printable = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : typeof value

function describe(error: unknown): string {
  if (error instanceof Error) return error.stack ?? `${error.name}: ${error.message}`
  return String(error)
}
