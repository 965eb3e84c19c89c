import { computed, ref, type ComputedRef, type Ref } from 'vue'
import { useElementSize } from './use-element-size'
import { useRem } from './use-rem'

/** Browsers cannot scroll further than some 30 million pixels; longer lists are scaled. */
const SCROLL_MAX = 15_000_000
const OVERSCAN = 8

export interface VirtualRows {
  /** Height of a row in pixels. */
  height: ComputedRef<number>
  /** Height of the whole list in pixels, as far as a browser can scroll. */
  full: ComputedRef<number>
  first: ComputedRef<number>
  /** Places of the rows to draw, some beyond the edges. */
  rows: ComputedRef<number[]>
  /** How many rows fit into the box. */
  perPage: ComputedRef<number>
  /** Where the first drawn row lies, in pixels from the top of the list. */
  offset: ComputedRef<number>
  onScroll: (event: Event) => void
  /** Scroll just so far that a row is in sight. */
  show: (index: number) => void
  /** Scroll by whole rows, as if nothing had moved under the reader. */
  shift: (rows: number) => void
  size: { width: number; height: number }
}

/**
 * Which rows of a long list are drawn, and where.
 * @param box    element that scrolls
 * @param total  rows of the list
 * @param row    height of a row in rem
 * @param head   height in rem of what sticks to the top of the box
 */
export function useVirtualRows(
  box: Ref<HTMLElement | null>,
  total: () => number,
  row: () => number,
  head: () => number = () => 0,
): VirtualRows {
  const size = useElementSize(box)
  const top = ref(0)
  const rem = useRem()
  // Whole pixels: text that is moved by a part of one is drawn soft.
  const height = computed(() => Math.round(row() * rem.value))
  const headHeight = computed(() => head() * rem.value)
  const visible = computed(() => Math.max(0, size.height - headHeight.value))
  const full = computed(() => Math.min(SCROLL_MAX, total() * height.value))
  // The ends of both lengths meet: the last row stands at the bottom when all is scrolled.
  const scale = computed(() =>
    full.value < SCROLL_MAX
      ? 1
      : (total() * height.value - visible.value) / (full.value - visible.value),
  )
  const first = computed(() =>
    Math.max(0, Math.floor((top.value * scale.value) / height.value) - OVERSCAN),
  )
  const count = computed(() =>
    Math.min(total() - first.value, Math.ceil(visible.value / height.value) + OVERSCAN * 2),
  )
  const rows = computed(() =>
    Array.from({ length: Math.max(0, count.value) }, (_, i) => first.value + i),
  )
  const perPage = computed(() => Math.max(1, Math.floor(visible.value / height.value) - 1))
  const offset = computed(() =>
    scale.value === 1
      ? first.value * height.value
      : top.value - (top.value * scale.value - first.value * height.value),
  )

  function show(index: number): void {
    const element = box.value
    if (!element || index < 0) return
    const inside = element.clientHeight - headHeight.value
    const highest = (index * height.value) / scale.value
    const lowest = ((index + 1) * height.value - inside) / scale.value
    if (highest < element.scrollTop) element.scrollTop = highest
    else if (lowest > element.scrollTop) element.scrollTop = lowest
  }

  return {
    height,
    full,
    first,
    rows,
    perPage,
    offset,
    onScroll: (event) => {
      top.value = (event.target as HTMLElement).scrollTop
    },
    show,
    shift: (by) => {
      if (box.value) box.value.scrollTop += (by * height.value) / scale.value
    },
    size,
  }
}
