/** The `app.*` calls. */
import { app, clipboard, shell, type BrowserWindow } from 'electron'
import type { appContract, Theme } from '../../shared/contract/app'
import type { Handlers } from '../../shared/contract/table'
import { fail, ok } from '../../shared/errors'
import { saveText } from './dialogs'
import { docsAddress } from './docs'
import { DATA_LICENCES, LICENCES } from './licences'
import { systemTheme } from './theme'

export interface AppHandlerOptions {
  window: BrowserWindow
  theme(): Theme
  setTheme(theme: Theme): void
  onReady(ready: { firstRunShown: boolean; editorAt?: number | undefined }): void
  onClosed(): void
}

export function createAppHandlers(options: AppHandlerOptions): Handlers<typeof appContract> {
  const { window } = options
  return {
    'app.info': () =>
      ok({
        version: app.getVersion(),
        electron: process.versions.electron,
        platform: process.platform,
        theme: options.theme(),
        ...systemTheme(),
        licences: [...LICENCES, ...DATA_LICENCES],
      }),
    'app.theme': ({ theme }) => {
      options.setTheme(theme)
      return ok({})
    },
    'app.ready': (ready) => {
      options.onReady(ready)
      return ok({})
    },
    'app.closed': () => {
      options.onClosed()
      return ok({})
    },
    'app.copy': async ({ text }) => {
      await clipboard.writeText(text)
      return ok({})
    },
    'app.openDocs': async ({ name }) => {
      const address = docsAddress(name)
      if (address === null)
        return fail(
          'bad-request',
          `“${name.slice(0, 60)}” is not a name that Windows documents.`,
          'Search for it in the Microsoft documentation.',
        )
      await shell.openExternal(address)
      return ok({})
    },
    'app.saveText': ({ suggestedName, text }) => saveText(window, suggestedName, text),
  }
}
