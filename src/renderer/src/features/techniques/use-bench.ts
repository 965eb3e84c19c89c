/** What Run and Stop mean in the Techniques view: the technique that is open, or the rule. */
import { computed, type ComputedRef } from 'vue'
import { useDetections } from '../detections/store'
import { useTechniques } from './store'

interface Bench {
  run(): Promise<void>
  stop(): Promise<void>
  /** Why it cannot run now; null when it can. */
  blocked: string | null
  isBusy: boolean
}

export function useBench(): ComputedRef<Bench> {
  const techniques = useTechniques()
  const detections = useDetections()
  return computed(() => {
    if (techniques.page === 'detections') {
      const { run, stop, blocked, running } = detections
      return { run, stop, blocked, isBusy: running !== null }
    }
    const { run, stop, running, page, which } = techniques
    const blocked = running
      ? 'A run is on its way'
      : page === 'techniques' && which
        ? null
        : 'Open a technique, then run it'
    return { run, stop, blocked, isBusy: running !== null }
  })
}
