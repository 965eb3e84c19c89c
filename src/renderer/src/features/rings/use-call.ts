/** The system call that the Rings view shows: the one the step is in, unless one is kept. */
import { computed, ref, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import type { AppError } from '../../../../shared/errors'
import { startOf, type CallPage, type SystemCall } from '../../../../shared/trace/fold-rings'
import type { CallStory, RingStop } from '../../../../shared/trace/rings'
import { useLatest } from '../../composables/use-latest'
import { ring, value } from '../../services/ring'
import { useRuns } from '../../stores/runs'
import { stopAt } from './layout'

export interface ShownCall {
  page: ShallowRef<CallPage | null>
  story: ComputedRef<CallStory | null>
  error: ComputedRef<AppError | null>
  /** Index of the stop that is shown. */
  at: ComputedRef<number>
  stop: ComputedRef<RingStop | null>
  /** `first` of the call that stays while stepping. */
  kept: Ref<number | null>
  /** Show a call, at its first stop. */
  open: (call: SystemCall) => void
  /** Show a stop of the call, which is a step of the run. */
  goTo: (index: number) => void
}

/** A call whose first hop is further away than this is not the first one of the routine that was called. */
const NEAR = 2

export function useCall(): ShownCall {
  const runs = useRuns()
  const kept = ref<number | null>(null)
  /** A stop that was chosen, where others have the same step. */
  const chosen = ref<{ step: number; index: number } | null>(null)

  const { value: page, error: pageError } = useLatest(
    () => (runs.shown ? { runId: runs.shown.id, step: Math.max(1, runs.step) } : null),
    (question) => value(ring()['lab.calls'](question)),
  )
  const first = computed(() => kept.value ?? page.value?.nearest ?? null)
  const { value: answer, error: storyError } = useLatest(
    () =>
      runs.shown && first.value !== null ? { runId: runs.shown.id, first: first.value } : null,
    (question) => value(ring()['lab.call'](question)),
  )
  const story = computed(() => answer.value?.story ?? null)
  const at = computed(() => {
    const stops = story.value?.stops ?? []
    const pick = chosen.value
    if (pick?.step === runs.step && stops[pick.index]?.seq === runs.step) return pick.index
    return stopAt(stops, runs.step)
  })
  watch(
    () => runs.shown?.id,
    () => {
      kept.value = null
      chosen.value = null
    },
  )

  function goTo(index: number): void {
    const stop = story.value?.stops[index]
    if (!stop) return
    chosen.value = { step: stop.seq, index }
    runs.goTo(stop.seq)
  }

  function open(call: SystemCall): void {
    if (kept.value !== null) kept.value = call.first
    const start = startOf(call)
    chosen.value = null
    runs.goTo(call.first - start <= NEAR ? start : call.first)
  }

  return {
    page,
    story,
    error: computed(() => pageError.value ?? storyError.value),
    at,
    stop: computed(() => story.value?.stops[at.value] ?? null),
    kept,
    open,
    goTo,
  }
}
