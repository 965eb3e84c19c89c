import { onBeforeUnmount, onMounted } from 'vue'
import { isCommandId, type Command, type CommandId } from '../../../shared/commands'
import { ring } from '../services/ring'
import { useProject } from '../stores/project'
import { useUi } from '../stores/ui'
import { commandsFor } from './keys'
import { focusedPicture } from './pictures'
import { runCommand } from './registry'

/** Keys that the text editor means differently while it has the focus. */
const EDITOR_OWN = new Set<CommandId>(['step.goto'])

function isEditable(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName)) &&
    // What is ticked takes no letters.
    !(target instanceof HTMLInputElement && ['checkbox', 'radio'].includes(target.type))
  )
}

const isTable = (target: EventTarget | null): boolean =>
  target instanceof Element &&
  !(target instanceof HTMLButtonElement) &&
  target.closest('[role="grid"]') !== null

/** Keys that a text field means itself: select all, undo. */
const keepsKey = (event: KeyboardEvent): boolean =>
  isEditable(event.target) && ['KeyA', 'KeyZ'].includes(event.code)

/** Hear every key before anything else does, and the menu's commands from main. */
export function useCommandKeys(): void {
  const ui = useUi()

  function applies(command: Command, event: KeyboardEvent): boolean {
    const target = event.target
    const inEditor = target instanceof Element && target.closest('[data-editor]') !== null
    if (document.querySelector('dialog[open]')) return false
    switch (command.area) {
      case 'app':
        return true
      case 'lab':
        // A lesson has the Lab's editor and timeline.
        return (
          (ui.area === 'lab' || (ui.area === 'learn' && useProject().origin === 'lesson')) &&
          !(inEditor && EDITOR_OWN.has(command.id as CommandId))
        )
      case 'editor':
        return inEditor
      case 'pictures': {
        const picture = focusedPicture(target)
        if (picture === null || isEditable(target)) return false
        // What a picture does not do itself is about the run, which the catalogue does not show.
        return ui.area !== 'catalogue' || picture[command.id as CommandId] !== undefined
      }
      case 'files':
        // The page of a file has keys of its own: single keys are for the table alone.
        return (
          ui.area === 'catalogue' &&
          (isTable(target) ||
            ((event.ctrlKey || event.altKey || event.metaKey) && !keepsKey(event)))
        )
      default:
        // Single keys stay with text fields and buttons of their screen.
        return (
          ui.area === command.area &&
          (event.ctrlKey || event.metaKey || !isEditable(target)) &&
          !(event.key === 'Enter' && target instanceof HTMLButtonElement)
        )
    }
  }

  function onKey(event: KeyboardEvent): void {
    for (const command of commandsFor(event)) {
      if (!applies(command, event)) continue
      const id = command.id as CommandId
      const own = command.area === 'pictures' ? focusedPicture(event.target)?.[id] : undefined
      if (own) own()
      else if (!runCommand(id)) continue
      event.preventDefault()
      event.stopPropagation()
      return
    }
    // With nothing to take back here, the browser would undo in whichever field was typed in last.
    if (
      ui.area === 'catalogue' &&
      event.code === 'KeyZ' &&
      event.ctrlKey &&
      !isEditable(event.target)
    )
      event.preventDefault()
  }

  let off: (() => void) | undefined
  onMounted(() => {
    window.addEventListener('keydown', onKey, true)
    off = ring().on('app.command', ({ command }) => {
      if (isCommandId(command)) runCommand(command)
    })
  })
  onBeforeUnmount(() => {
    window.removeEventListener('keydown', onKey, true)
    off?.()
  })
}
