import { computed, type ComputedRef } from 'vue'
import { useSettings } from '../stores/settings'

/** Pixels of one rem at 100 % text size; the same number stands in theme/base.css. */
const BASE = 13

/** Pixels of one rem now, for pictures that compute with pixels. */
export function useRem(): ComputedRef<number> {
  const settings = useSettings()
  return computed(() => (BASE * settings.textSize) / 100)
}
