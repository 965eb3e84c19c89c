/** The menu bar, drawn from the command table. It shows keys and takes none: the window hears them. */
import { Menu, app, type BrowserWindow, type MenuItemConstructorOptions } from 'electron'
import type { CommandMenu } from '../../shared/commands'
import { emit } from './ipc'
import { itemsOf } from './menu-items'

const MENUS: readonly { menu: CommandMenu; label: string }[] = [
  { menu: 'file', label: '&File' },
  { menu: 'run', label: '&Run' },
  { menu: 'view', label: '&View' },
  { menu: 'catalogue', label: '&Catalogue' },
  { menu: 'help', label: '&Help' },
]

/** Set the application's menu. */
export function setMenu(window: BrowserWindow): void {
  const run = (command: string): void => emit('app.command', { command })
  const separator: MenuItemConstructorOptions = { type: 'separator' }
  const extra: Partial<Record<CommandMenu, MenuItemConstructorOptions[]>> = {
    file: [separator, { role: 'quit' }],
    view: [
      separator,
      {
        id: 'window.fullScreen',
        label: 'Full screen',
        click: () => window.setFullScreen(!window.isFullScreen()),
      },
      ...(app.isPackaged
        ? []
        : ([
            { role: 'toggleDevTools', accelerator: '', label: 'Developer tools' },
          ] satisfies MenuItemConstructorOptions[])),
    ],
  }
  const edit: MenuItemConstructorOptions = {
    label: '&Edit',
    submenu: [
      { role: 'undo', registerAccelerator: false },
      { role: 'redo', registerAccelerator: false },
      separator,
      { role: 'cut' },
      { role: 'copy' },
      { role: 'paste' },
      { role: 'selectAll' },
    ],
  }
  const menus = MENUS.map(({ menu, label }) => ({
    label,
    submenu: [...itemsOf(menu, run), ...(extra[menu] ?? [])],
  }))
  Menu.setApplicationMenu(
    Menu.buildFromTemplate([
      ...(process.platform === 'darwin' ? [{ role: 'appMenu' as const }] : []),
      menus[0]!,
      edit,
      ...menus.slice(1),
    ]),
  )
}
