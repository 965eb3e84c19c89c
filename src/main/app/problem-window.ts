/** Shows the problem page and waits for what the user chooses. */
import { BrowserWindow, shell } from 'electron'
import type { AppError } from '../../shared/errors'
import { askFolder } from './dialogs'
import { actionOf, problemPage, type ProblemAction } from './problem-page'
import { backgroundOf } from './theme'
import { WEB_PREFERENCES } from './window'

export type ProblemAnswer =
  { do: Exclude<ProblemAction, 'folder' | 'show'> } | { do: 'folder'; folder: string }

/** Ask what to do about a catalogue that cannot be opened. Closing the window means quit. */
export function askAboutProblem(error: AppError, file: string): Promise<ProblemAnswer> {
  const window = new BrowserWindow({
    width: 760,
    height: 480,
    minWidth: 420,
    minHeight: 320,
    title: 'Ring0 Lab',
    backgroundColor: backgroundOf('system'),
    webPreferences: { ...WEB_PREFERENCES },
  })
  window.setMenuBarVisibility(false)
  return new Promise((resolve) => {
    const answer = (choice: ProblemAnswer): void => {
      resolve(choice)
      window.destroy()
    }
    window.once('closed', () => resolve({ do: 'quit' }))
    window.webContents.on('will-navigate', (event) => {
      const action = actionOf(event.url)
      if (action === 'show') shell.showItemInFolder(file)
      else if (action === 'folder')
        void askFolder(window).then((folder) => {
          if (folder !== null) answer({ do: 'folder', folder })
        })
      else if (action) answer({ do: action })
    })
    const page = Buffer.from(problemPage(error, file)).toString('base64')
    void window.loadURL(`data:text/html;charset=utf-8;base64,${page}`)
  })
}
