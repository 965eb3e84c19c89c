/** Menu items drawn from the command table. */
import type { MenuItemConstructorOptions } from 'electron'
import { COMMANDS, parseKeys, type Command, type CommandMenu } from '../../shared/commands'

/** A key of the table in Electron's spelling. */
export function acceleratorOf(keys: string): string {
  const { ctrl, alt, shift, key } = parseKeys(keys)
  return [ctrl && 'CmdOrCtrl', alt && 'Alt', shift && 'Shift', key === '+' ? 'Plus' : key]
    .filter(Boolean)
    .join('+')
}

/** The items of one menu, groups apart. */
export function itemsOf(
  menu: CommandMenu,
  run: (command: string) => void,
): MenuItemConstructorOptions[] {
  const items: MenuItemConstructorOptions[] = []
  let group: number | undefined
  for (const command of COMMANDS as readonly Command[]) {
    if (command.menu !== menu) continue
    if (group !== undefined && command.group !== group) items.push({ type: 'separator' })
    group = command.group
    const [key] = command.keys
    items.push({
      id: command.id,
      label: command.title,
      ...(key === undefined ? {} : { accelerator: acceleratorOf(key), registerAccelerator: false }),
      click: () => run(command.id),
    })
  }
  return items
}
