/** A helper that is none: the host in the caller's own process, for the terminal and for tests. */
import { createIntakeHost, type HostOptions } from './host'
import type { FromHost, HostPort } from './messages'

export function runHostHere(options: Omit<HostOptions, 'post'>): HostPort {
  const listeners: ((message: FromHost) => void)[] = []
  const exits: ((reason: string) => void)[] = []
  let isOver = false
  // As between processes: nothing arrives while its sender is still at work.
  const deliver = (message: FromHost): void => {
    setImmediate(() => {
      if (!isOver) for (const listener of listeners) listener(message)
    })
  }
  const host = createIntakeHost({ ...options, post: deliver })
  deliver({ kind: 'ready' })
  return {
    post: (message) => void setImmediate(() => isOver || host.take(message)),
    onMessage: (listener) => void listeners.push(listener),
    onExit: (listener) => void exits.push(listener),
    kill() {
      if (isOver) return
      isOver = true
      void host.close().catch(() => undefined)
      setImmediate(() => exits.forEach((listener) => listener('It was ended.')))
    },
    memoryBytes: () => null,
  }
}
