/** The analyst's desk as this app has it: Electron's dialogs, helper process and key store. */
import { join } from 'node:path'
import { app, safeStorage, type BrowserWindow } from 'electron'
import type { Catalogue } from '../catalogue/catalogue'
import { openDesk, type Desk } from '../desk/desk'
import { askToOpen, askToSave } from './dialogs'
import { forkImportProcess } from './import-fork'
import { emit } from './ipc'
import type { LocalSettingsFile } from './local-settings'

/** @param onImports  imports run from now on, or no longer do */
export function openAppDesk(
  window: BrowserWindow,
  catalogue: Catalogue,
  settings: LocalSettingsFile,
  onImports: (areRunning: boolean) => void,
): Promise<Desk> {
  const running = new Set<number>()
  return openDesk({
    catalogue,
    dataFolder: join(app.getAppPath(), 'data'),
    userData: app.getPath('userData'),
    startHost: forkImportProcess,
    osKeyStore: {
      // Without a key store of the system, Chromium on Linux falls back to a password that is the
      // same everywhere: that protects nothing, so it does not count.
      isAvailable: () =>
        safeStorage.isEncryptionAvailable() &&
        (process.platform !== 'linux' || safeStorage.getSelectedStorageBackend() !== 'basic_text'),
      encrypt: (text) => safeStorage.encryptString(text),
      decrypt: (bytes) => safeStorage.decryptString(Buffer.from(bytes)),
    },
    ask: {
      open: (question) => askToOpen(window, question),
      save: (question) => askToSave(window, question),
    },
    yaraFolder: {
      get: () => settings.current.yaraFolder,
      set: (yaraFolder) => settings.change({ yaraFolder }),
    },
    onChanged: (reason) => emit('files.changed', { reason }),
    onProgress(job) {
      emit('intake.progress', job)
      const before = running.size
      if (job.state === 'running') running.add(job.id)
      else running.delete(job.id)
      if (before > 0 !== running.size > 0) onImports(running.size > 0)
    },
    onProblem: (text) => console.error(text),
  })
}
