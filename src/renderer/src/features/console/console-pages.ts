/** DbgPrint and program output of a run, fetched in pages as they come into sight. */
import { computed, shallowReactive, ref, watch, type Ref } from 'vue'
import { ring } from '../../services/ring'

export interface ConsoleLine {
  seq: number
  kind: 'dbgprint' | 'stdout'
  text: string
}

const PAGE = 1000

export function useConsole(runId: Ref<string | null>): {
  total: Ref<number>
  line: (index: number) => ConsoleLine | null
  /** Index of the last line at or before a step, among the pages that are here. */
  lastBefore: (step: number) => number
} {
  const total = ref(0)
  const pages = shallowReactive(new Map<number, ConsoleLine[]>())
  const asked = new Set<number>()

  async function fetchPage(page: number): Promise<void> {
    const run = runId.value
    if (run === null || asked.has(page)) return
    asked.add(page)
    const result = await ring()['lab.console']({ runId: run, offset: page * PAGE })
    if (runId.value !== run) return
    if (!result.ok) {
      asked.delete(page)
      return
    }
    total.value = result.value.total
    pages.set(page, result.value.lines)
  }

  watch(
    runId,
    () => {
      pages.clear()
      asked.clear()
      total.value = 0
      void fetchPage(0)
    },
    { immediate: true },
  )

  const known = computed(() => [...pages.entries()].sort(([a], [b]) => a - b))

  return {
    total,
    line(index) {
      const page = Math.floor(index / PAGE)
      const lines = pages.get(page)
      if (!lines) {
        void fetchPage(page)
        return null
      }
      return lines[index % PAGE] ?? null
    },
    lastBefore(step) {
      let found = -1
      for (const [page, lines] of known.value) {
        const index = lines.findLastIndex((line) => line.seq <= step)
        if (index >= 0) found = page * PAGE + index
      }
      return found
    },
  }
}
