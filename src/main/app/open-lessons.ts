/** Learn as this app has it: lessons that ship, lessons of the user's own folders, the system's browser. */
import { join } from 'node:path'
import { app, shell, type BrowserWindow } from 'electron'
import type { Catalogue } from '../catalogue/catalogue'
import { createLessonHandlers, type LessonHandlers } from '../lessons/handlers'
import { triesIn } from '../lessons/tries-in-lab'
import type { OpenQuestion } from '../desk/asking'
import { askToOpen } from './dialogs'
import type { LocalSettingsFile } from './local-settings'
import type { LabHost } from './lab-messages'

const ASK: OpenQuestion = { title: 'Folder of lessons', what: 'folder' }

export const openLessons = (
  window: BrowserWindow,
  catalogue: Catalogue,
  lab: LabHost,
  settings: LocalSettingsFile,
): LessonHandlers =>
  createLessonHandlers({
    folders: [
      join(app.getAppPath(), 'samples', 'lessons'),
      join(app.getPath('userData'), 'lessons'),
    ],
    chosen: {
      get: () => settings.current.lessonFolder,
      set: (lessonFolder) => settings.change({ lessonFolder }),
      ask: async () => (await askToOpen(window, ASK))[0] ?? null,
    },
    progress: catalogue.lessons,
    evaluate: async (runId, statements) => lab['lab.evaluate']({ runId, statements }),
    tries: triesIn(lab),
    openOutside: (url) => shell.openExternal(url),
  })
