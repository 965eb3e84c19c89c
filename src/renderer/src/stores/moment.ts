import { defineStore } from 'pinia'
import { computed, watch } from 'vue'
import { grouped } from '../../../shared/trace/words'
import { sentence } from '../../../shared/trace/why'
import { announce } from '../composables/use-announcer'
import { useLatest } from '../composables/use-latest'
import { eventAt } from '../services/event-pages'
import { ring, value } from '../services/ring'
import { useRuns } from './runs'

/** The machine and the event at the step that is shown. */
export const useMoment = defineStore('moment', () => {
  const runs = useRuns()
  const place = computed(() => {
    const run = runs.shown
    return run && run.step > 0 ? { runId: run.id, step: run.step } : null
  })
  const samePlace = (
    a: { runId: string; step: number },
    b: { runId: string; step: number },
  ): boolean => a.runId === b.runId && a.step === b.step

  const state = useLatest(
    () => place.value,
    (at) => value(ring()['lab.state'](at)),
    samePlace,
  )
  const event = useLatest(
    () => place.value,
    (at) => eventAt(at.runId, at.step),
    samePlace,
  )
  const words = computed(() => (event.value.value ? sentence(event.value.value) : ''))

  watch(words, (text) => {
    const run = runs.shown
    if (run && text) announce(`Step ${grouped(run.step)} of ${grouped(run.events)}. ${text}`)
  })

  return {
    state: state.value,
    stateError: state.error,
    event: event.value,
    words,
  }
})
