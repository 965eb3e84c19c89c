/** F6: from region to region, in the order of the screen. */

function regions(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('[data-region]')].filter(
    (element) => element.getClientRects().length > 0 && !element.closest('dialog'),
  )
}

/** What in a region takes the focus: the selected tab or the picture, not its first small button. */
function target(region: HTMLElement): HTMLElement | null {
  const preferred = {
    editor:
      '.monaco-editor textarea, .monaco-editor .native-edit-context, [role="tab"][aria-selected="true"]',
    watch: '[role="tab"][aria-selected="true"], .actions button',
    timeline: '[role="slider"]',
    sequence: '[role="group"][tabindex="0"]',
    output: '[role="listbox"], [role="tab"][aria-selected="true"]',
    problems: '.problem',
    inspect: '[role="region"][tabindex="0"]',
    'catalogue-search': '[role="combobox"]',
    'catalogue-list': '[role="listbox"]',
  }[region.dataset['region'] ?? '']
  const found = preferred === undefined ? null : region.querySelector<HTMLElement>(preferred)
  return (
    found ??
    region.querySelector<HTMLElement>('button:not(:disabled), [tabindex="0"], input') ??
    (region.tabIndex >= -1 ? region : null)
  )
}

/** Move the focus to the next region, or the one before. */
export function moveRegion(direction: 1 | -1): void {
  const all = regions()
  if (all.length === 0) return
  const active = document.activeElement
  // Regions nest: the innermost that holds the focus counts.
  const current = all.findLastIndex((region) => active !== null && region.contains(active))
  const next = all[(current + direction + all.length) % all.length]
  const element = next && target(next)
  if (!element) return
  element.focus()
}

/** Focus a region by its name. */
export function focusRegion(name: string): void {
  const region = regions().find((item) => item.dataset['region'] === name)
  if (region) target(region)?.focus()
}
