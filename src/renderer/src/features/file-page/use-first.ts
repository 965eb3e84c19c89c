import { computed, ref, watch, type ComputedRef } from 'vue'

export interface First<T> {
  shown: ComputedRef<readonly T[]>
  /** How many are left out. */
  more: ComputedRef<number>
  showAll: () => void
}

/**
 * The first of a list that a hostile file can make long: drawing thousands of rows that nobody looks
 * at would hold the window up.
 */
export function useFirst<T>(list: () => readonly T[], most: number): First<T> {
  const isWhole = ref(false)
  watch(list, () => {
    isWhole.value = false
  })
  const shown = computed(() => (isWhole.value ? list() : list().slice(0, most)))
  return {
    shown,
    more: computed(() => list().length - shown.value.length),
    showAll: () => {
      isWhole.value = true
    },
  }
}
