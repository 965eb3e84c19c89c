/** What each command of the table does in this window. */
import { onScopeDispose, shallowReactive } from 'vue'
import { commandById, type CommandId } from '../../../shared/commands'
import { keysLabel } from './keys'

export interface CommandAction {
  run: () => void
  /** Why it cannot be used now, or null when it can. */
  blocked?: () => string | null
}

const actions = shallowReactive(new Map<CommandId, CommandAction>())

/** Give commands their meaning while the calling component lives. */
export function useCommands(table: Partial<Record<CommandId, CommandAction | (() => void)>>): void {
  const mine: [CommandId, CommandAction][] = Object.entries(table).map(([id, action]) => [
    id as CommandId,
    typeof action === 'function' ? { run: action } : action,
  ])
  for (const [id, action] of mine) actions.set(id, action)
  onScopeDispose(() => {
    for (const [id, action] of mine) if (actions.get(id) === action) actions.delete(id)
  })
}

/** Whether a command has a meaning where the user is. */
export function hasCommand(id: CommandId): boolean {
  return actions.has(id)
}

/** Why a command cannot be used now; null when it can. */
export function blockedReason(id: CommandId): string | null {
  const action = actions.get(id)
  if (!action) return 'Not available here'
  return action.blocked?.() ?? null
}

/** Run a command; nothing happens when it is blocked. */
export function runCommand(id: CommandId): boolean {
  const action = actions.get(id)
  if (!action || (action.blocked?.() ?? null) !== null) return false
  action.run()
  return true
}

/** Tooltip of a control: the command's title with its first key. */
export function tooltip(id: CommandId, title?: string): string {
  const command = commandById(id)
  const key = command.keys[0]
  return `${title ?? command.title}${key === undefined ? '' : ` (${keysLabel(key)})`}`
}

/** `aria-keyshortcuts` of a control. */
export function ariaKeys(id: CommandId): string | undefined {
  const keys = commandById(id).keys.map((key) =>
    key.replace('Ctrl', 'Control').replace(/^\+$/, 'Plus'),
  )
  return keys.length === 0 ? undefined : keys.join(' ')
}
