import { shallowRef } from 'vue'

/** What the polite live region says; the last word wins. */
export const announcement = shallowRef('')

let timer: ReturnType<typeof setTimeout> | undefined

/** Let screen readers say a sentence, once the user pauses. */
export function announce(text: string): void {
  clearTimeout(timer)
  timer = setTimeout(() => {
    announcement.value = text
  }, 250)
}
