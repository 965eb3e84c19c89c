/** Pictures take letter keys while they have the focus; each says what its own keys do. */
import { onBeforeUnmount, onMounted, type Ref } from 'vue'
import type { CommandId } from '../../../shared/commands'

export type PictureActions = Partial<Record<CommandId, () => void>>

const pictures = new WeakMap<Element, PictureActions>()

/** Make an element a picture: it needs `data-picture` and a tab stop inside. */
export function usePicture(element: Ref<HTMLElement | null>, actions: PictureActions): void {
  let known: HTMLElement | null = null
  onMounted(() => {
    known = element.value
    if (known) pictures.set(known, actions)
  })
  onBeforeUnmount(() => {
    if (known) pictures.delete(known)
  })
}

/** The picture that has the focus, and what it does itself. */
export function focusedPicture(target: EventTarget | null): PictureActions | null {
  if (!(target instanceof Element)) return null
  const picture = target.closest('[data-picture]')
  if (!picture) return null
  return pictures.get(picture) ?? {}
}
