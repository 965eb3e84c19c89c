/**
 * The one way to main: the contract as the preload exposes it. Tests, and a plain page in a
 * development build, put the fake lab here instead.
 */
import type { RingClient } from '../../../shared/contract'
import type { AppError, Result } from '../../../shared/errors'

let client: RingClient | null = null

/** The client in use. */
export function ring(): RingClient {
  if (!client) throw new Error('The window is not connected to main yet')
  return client
}

export function setRing(next: RingClient): void {
  client = next
}

/** Connect to main; in a development build without a preload, to the fake lab. */
export async function connectRing(): Promise<void> {
  const real = (window as Partial<Window>).lab
  if (real) {
    client = real
    return
  }
  if (import.meta.env.DEV || import.meta.env.MODE === 'fake') {
    const { createFakeLab } = await import('../testing/fake-lab')
    client = createFakeLab({ latency: 15 })
    return
  }
  throw new Error('The preload is missing')
}

/** A failure of the app as an exception, for code that awaits. */
export class AppFailure extends Error {
  constructor(readonly error: AppError) {
    super(error.message)
  }
}

/** The value of a result, or an `AppFailure`. */
export async function value<T>(result: Promise<Result<T>>): Promise<T> {
  const settled = await result
  if (!settled.ok) throw new AppFailure(settled.error)
  return settled.value
}

/** What went wrong, whatever was thrown. */
export function asAppError(thrown: unknown): AppError {
  if (thrown instanceof AppFailure) return thrown.error
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return {
    code: 'internal',
    message,
    hint: 'This is a fault of the program, not of the driver.',
    ...(thrown instanceof Error && thrown.stack ? { detail: thrown.stack } : {}),
  }
}
