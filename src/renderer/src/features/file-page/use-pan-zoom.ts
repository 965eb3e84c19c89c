import { computed, ref, type ComputedRef, type Ref } from 'vue'

export interface View {
  scale: number
  /** Where the middle of the picture lies, in pixels from the middle of its area. */
  x: number
  y: number
}

const SCALE_MIN = 0.1
const SCALE_MAX = 4
/** Pixels that a hand may tremble in a click. */
const STILL = 4

/**
 * Zoom and move a picture with wheel, drag and buttons. It is fitted until somebody moves it.
 * @param fitted  how it lies when all of it is shown
 */
export function usePanZoom(area: Ref<HTMLElement | null>, fitted: () => View) {
  const moved = ref<View | null>(null)
  const view: ComputedRef<View> = computed(() => moved.value ?? fitted())
  let dragged = false

  /** Zoom and keep what is under a point, in pixels from the middle of the area. */
  function zoom(factor: number, px = 0, py = 0): void {
    const { scale, x, y } = view.value
    const next = Math.max(SCALE_MIN, Math.min(SCALE_MAX, scale * factor))
    const ratio = next / scale
    moved.value = { scale: next, x: px - (px - x) * ratio, y: py - (py - y) * ratio }
  }

  function onWheel(event: WheelEvent): void {
    const box = area.value?.getBoundingClientRect()
    if (!box) return
    const px = event.clientX - box.left - box.width / 2
    const py = event.clientY - box.top - box.height / 2
    zoom(event.deltaY > 0 ? 1 / 1.2 : 1.2, px, py)
  }

  function onPointerDown(event: PointerEvent): void {
    if (event.button !== 0) return
    const start = view.value
    dragged = false
    const move = (next: PointerEvent): void => {
      const dx = next.clientX - event.clientX
      const dy = next.clientY - event.clientY
      dragged ||= Math.hypot(dx, dy) > STILL
      if (dragged) moved.value = { ...start, x: start.x + dx, y: start.y + dy }
    }
    window.addEventListener('pointermove', move)
    window.addEventListener('pointerup', () => window.removeEventListener('pointermove', move), {
      once: true,
    })
  }

  return {
    view,
    isMoved: computed(() => moved.value !== null),
    zoom,
    reset: (): void => {
      moved.value = null
    },
    onWheel,
    onPointerDown,
    /** The click that comes now is the end of a drag. */
    wasDragged: (): boolean => dragged,
  }
}
