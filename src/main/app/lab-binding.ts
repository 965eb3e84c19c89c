/** The helper's side of the border: calls to host functions, answers and progress back. */
import { fail, type Result } from '../../shared/errors'
import type { FromHost, LabHost, LabProgress, ToHost } from './lab-messages'

/**
 * @param createHost  makes the host; its progress goes to the port
 * @param post        sends to main
 * @returns what takes main's messages
 */
export function bindLabHost(
  createHost: (options: { onProgress(progress: LabProgress): void }) => LabHost,
  post: (message: FromHost) => void,
): (message: ToHost) => Promise<void> {
  const host = createHost({ onProgress: (value) => post({ kind: 'progress', value }) })
  return async ({ id, name, input }) => {
    let result: Result<unknown>
    try {
      const handler = host[name] as (input: unknown) => Promise<Result<unknown>> | Result<unknown>
      result = await handler(input)
    } catch (error) {
      result = fail(
        'internal',
        'The simulator failed in a way that should not happen.',
        'This is a fault of the program, not of the driver. Copy the details into a report.',
        error instanceof Error ? (error.stack ?? String(error)) : String(error),
      )
    }
    post({ kind: 'answer', id, result })
  }
}
