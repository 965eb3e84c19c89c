/** Search in the events of a run, page by page, without holding the window up. */
import { ref, shallowRef, watch, type Ref } from 'vue'
import type { TraceEvent } from '../../../../shared/trace/event'
import { sentence } from '../../../../shared/trace/why'
import { ring } from '../../services/ring'

const CHUNK = 5000
/** Hits are enough for a person long before this. */
const HITS_MAX = 20_000

/** Whether an event answers all words: in its type, its sentence, its place or as `#seq`. */
export function matches(event: TraceEvent, words: readonly string[]): boolean {
  const text = `${event.t} ${sentence(event)} ${event.driver ?? ''}`.toLowerCase()
  return words.every((word) => {
    const not = word.startsWith('-') && word.length > 1
    const hit = text.includes(not ? word.slice(1) : word)
    return not ? !hit : hit
  })
}

export function useEventSearch(
  runId: Ref<string | null>,
  total: Ref<number>,
  query: Ref<string>,
): { hits: Ref<number[] | null>; searched: Ref<number> } {
  /** Seqs that match; null when nothing is searched for. */
  const hits = shallowRef<number[] | null>(null)
  const searched = ref(0)
  let search = 0

  watch(
    [runId, total, query],
    async () => {
      const mine = ++search
      const words = query.value.toLowerCase().split(/\s+/).filter(Boolean)
      const run = runId.value
      searched.value = 0
      if (run === null || words.length === 0) {
        hits.value = null
        return
      }
      hits.value = []
      for (let from = 1; from <= total.value; from += CHUNK) {
        const to = Math.min(total.value, from + CHUNK - 1)
        const result = await ring()['lab.events']({ runId: run, from, to })
        if (mine !== search || !result.ok) return
        const found = result.value.events.filter((event) => matches(event, words))
        hits.value = [...(hits.value ?? []), ...found.map((event) => event.seq)]
        searched.value = to
        if (hits.value.length >= HITS_MAX) return
      }
    },
    { immediate: true },
  )
  return { hits, searched }
}
