/**
 * Failures of the app itself (a locked file, a dead helper process), as data: they cross IPC.
 * What happens inside the simulated machine is never one of these; that is trace.
 */
export type AppErrorCode =
  | 'bad-request'
  | 'compile-error'
  | 'lab-process-lost'
  | 'run-not-found'
  | 'stopped'
  | 'database-newer'
  | 'database-locked'
  | 'database-damaged'
  | 'disk-full'
  | 'not-found'
  | 'file-unreadable'
  | 'file-invalid'
  | 'internal'

export interface AppError {
  code: AppErrorCode
  /** What happened, in one sentence, with the place. */
  message: string
  /** What to do about it. */
  hint: string
  /** Folded away in the user interface: stack, path, original text. */
  detail?: string
}

export type Result<T> = { ok: true; value: T } | { ok: false; error: AppError }

export const ok = <T>(value: T): Result<T> => ({ ok: true, value })
export const fail = (
  code: AppErrorCode,
  message: string,
  hint: string,
  detail?: string,
): Result<never> => ({
  ok: false,
  error: detail === undefined ? { code, message, hint } : { code, message, hint, detail },
})
