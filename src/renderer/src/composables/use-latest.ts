import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue'
import type { AppError } from '../../../shared/errors'
import { asAppError } from '../services/ring'

export interface Latest<T> {
  value: ShallowRef<T | null>
  error: ShallowRef<AppError | null>
  /** A newer value is on its way; `value` still shows the one before. */
  pending: ShallowRef<boolean>
  refresh: () => void
}

/**
 * The answer to the latest question. While one call is on its way, newer questions wait and only
 * the last of them is asked: stepping fast neither queues calls nor shows answers out of order.
 * @param question  what to ask for; null asks nothing and clears the answer
 */
export function useLatest<Q, T>(
  question: () => Q | null,
  ask: (question: Q) => Promise<T>,
  same: (a: Q, b: Q) => boolean = (a, b) => JSON.stringify(a) === JSON.stringify(b),
): Latest<T> {
  const value = shallowRef<T | null>(null)
  const error = shallowRef<AppError | null>(null)
  const pending = shallowRef(false)
  let wanted: Q | null = null
  let asked: Q | null = null
  let disposed = false

  async function run(): Promise<void> {
    if (pending.value) return
    pending.value = true
    while (wanted !== null && (asked === null || !same(asked, wanted))) {
      const current = wanted
      asked = current
      try {
        const answer = await ask(current)
        if (disposed) return
        if (wanted !== null) {
          value.value = answer
          error.value = null
        }
      } catch (thrown) {
        if (disposed) return
        if (wanted === current) error.value = asAppError(thrown)
      }
    }
    pending.value = false
  }

  watch(
    question,
    (next) => {
      wanted = next
      if (next === null) {
        asked = null
        value.value = null
        error.value = null
      } else void run()
    },
    { immediate: true },
  )
  onScopeDispose(() => {
    disposed = true
  })

  return {
    value,
    error,
    pending,
    refresh: () => {
      asked = null
      if (wanted !== null && !disposed) void run()
    },
  }
}
