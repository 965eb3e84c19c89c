/** F6: from region to region, in the order of the screen. */

function regions(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('[data-region]')].filter(
    (element) => element.getClientRects().length > 0 && !element.closest('dialog'),
  )
}

/** What in a region takes the focus, best first: what one works in, not its first small button. */
const TARGETS: Record<string, readonly string[]> = {
  editor: [
    '.monaco-editor .native-edit-context',
    '.monaco-editor textarea',
    '.readme',
    '[role="tab"][aria-selected="true"]',
  ],
  watch: ['.card .act', '.report', '[role="tab"][aria-selected="true"]'],
  timeline: ['[role="slider"]'],
  sequence: ['[role="group"][tabindex="0"]'],
  rings: ['.rings'],
  output: ['[role="listbox"]', 'ol[tabindex="0"]', '[role="tab"][aria-selected="true"]'],
  problems: ['.problem'],
  inspect: ['[role="region"][tabindex="0"]'],
  'package-files': ['.monaco-editor .native-edit-context', '.monaco-editor textarea', 'button'],
  'package-verdicts': ['[aria-pressed="true"]'],
  'catalogue-search': ['[role="combobox"]'],
  'files-search': ['[role="combobox"]'],
  'files-list': ['[role="grid"]'],
  lessons: ['button[tabindex="0"]'],
  'lesson-run': ['[role="slider"]'],
  techniques: ['li button[tabindex="0"]'],
  'technique-run': ['.btn.primary'],
  matrix: ['td [tabindex="0"]'],
  rules: ['li button[tabindex="0"]'],
  'rule-text': ['.monaco-editor .native-edit-context', '.monaco-editor textarea'],
  'rule-try': ['.btn.primary:not(:disabled)'],
}
const ANY = ['button:not(:disabled)', 'input', '[tabindex="0"]']

function target(region: HTMLElement): HTMLElement | null {
  for (const selector of [...(TARGETS[region.dataset['region'] ?? ''] ?? []), ...ANY]) {
    const found = [...region.querySelectorAll<HTMLElement>(selector)].find(
      (element) => element.getClientRects().length > 0,
    )
    if (found) return found
  }
  return region.tabIndex >= -1 ? region : null
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
