/** Learn as this app has it: lessons that ship, lessons of the user's own folder, the system's browser. */
import { join } from 'node:path'
import { app, shell } from 'electron'
import type { Catalogue } from '../catalogue/catalogue'
import { createLessonHandlers, type LessonHandlers } from '../lessons/handlers'
import { triesIn } from '../lessons/tries-in-lab'
import type { LabHost } from './lab-messages'

export const openLessons = (catalogue: Catalogue, lab: LabHost): LessonHandlers =>
  createLessonHandlers({
    folders: [
      join(app.getAppPath(), 'samples', 'lessons'),
      join(app.getPath('userData'), 'lessons'),
    ],
    progress: catalogue.lessons,
    evaluate: async (runId, statements) => lab['lab.evaluate']({ runId, statements }),
    tries: triesIn(lab),
    openOutside: (url) => shell.openExternal(url),
  })
