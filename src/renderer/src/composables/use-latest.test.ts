import { describe, expect, it } from 'vitest'
import { effectScope, nextTick, ref } from 'vue'
import { useLatest } from './use-latest'

function deferred<T>(): {
  promise: Promise<T>
  resolve: (value: T) => void
  reject: (error: Error) => void
} {
  let resolve!: (value: T) => void
  let reject!: (error: Error) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
const settle = async (): Promise<void> => {
  for (let i = 0; i < 6; i++) await nextTick()
}

describe('useLatest', () => {
  it('asks only the last of the questions that came while one was on its way', async () => {
    const question = ref<number | null>(1)
    const asked: number[] = []
    const answers = new Map<number, ReturnType<typeof deferred<string>>>()
    const latest = useLatest(
      () => question.value,
      (n) => {
        asked.push(n)
        const answer = deferred<string>()
        answers.set(n, answer)
        return answer.promise
      },
    )
    for (const n of [2, 3, 4]) {
      question.value = n
      await nextTick()
    }
    answers.get(1)!.resolve('one')
    await settle()
    expect(asked).toEqual([1, 4])
    expect(latest.value.value).toBe('one')
    expect(latest.pending.value).toBe(true)
    answers.get(4)!.resolve('four')
    await settle()
    expect(latest.value.value).toBe('four')
    expect(latest.pending.value).toBe(false)
  })

  it('forgets the answer when nothing is asked, also one that comes late', async () => {
    const question = ref<number | null>(1)
    const answer = deferred<string>()
    const latest = useLatest(
      () => question.value,
      () => answer.promise,
    )
    question.value = null
    await nextTick()
    answer.resolve('late')
    await settle()
    expect(latest.value.value).toBeNull()
  })

  it('keeps the last good answer beside an error', async () => {
    const question = ref<number | null>(1)
    const latest = useLatest(
      () => question.value,
      (n) => (n === 1 ? Promise.resolve('good') : Promise.reject(new Error('bad'))),
    )
    await settle()
    question.value = 2
    await settle()
    expect(latest.value.value).toBe('good')
    expect(latest.error.value?.message).toBe('bad')
  })

  it('asks no more once its scope is gone', async () => {
    const question = ref<number | null>(1)
    let asked = 0
    const scope = effectScope()
    scope.run(() =>
      useLatest(
        () => question.value,
        () => {
          asked++
          return Promise.resolve(1)
        },
      ),
    )
    await settle()
    scope.stop()
    question.value = 2
    await settle()
    expect(asked).toBe(1)
  })
})
