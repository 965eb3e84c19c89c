/**
 * Arrow keys, Home and End in a list of buttons of which one is in the tab order: the focus goes to another,
 * and nothing is chosen before Enter.
 */
export function moveFocus(list: HTMLElement | null, event: KeyboardEvent): void {
  const all = [...(list?.querySelectorAll('button') ?? [])]
  const at = all.indexOf(event.target as HTMLButtonElement)
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key]
  if (next === undefined || at < 0) return
  all[Math.max(0, Math.min(all.length - 1, next))]?.focus()
  event.preventDefault()
}
