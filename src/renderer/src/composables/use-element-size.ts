import { onBeforeUnmount, onMounted, reactive, type Ref } from 'vue'

/** Width and height of an element in CSS pixels, kept up to date. */
export function useElementSize(element: Ref<HTMLElement | null>): {
  width: number
  height: number
} {
  const size = reactive({ width: 0, height: 0 })
  let observer: ResizeObserver | undefined
  onMounted(() => {
    const target = element.value
    if (!target) return
    const measure = (): void => {
      size.width = target.clientWidth
      size.height = target.clientHeight
    }
    measure()
    observer = new ResizeObserver(measure)
    observer.observe(target)
  })
  onBeforeUnmount(() => observer?.disconnect())
  return size
}
