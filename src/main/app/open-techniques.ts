/** Techniques as this app has them: folders and rules that ship. */
import { join } from 'node:path'
import { app, shell } from 'electron'
import { createDetectionHandlers } from '../detections/handlers'
import { createTechniqueHandlers, type TechniqueHandlers } from '../techniques/handlers'
import type { LabHost } from './lab-messages'

export function openTechniques(lab: LabHost): TechniqueHandlers {
  const samples = join(app.getAppPath(), 'samples')
  const detections = createDetectionHandlers(samples)
  return createTechniqueHandlers({
    folder: join(samples, 'techniques'),
    defences: join(samples, 'defences'),
    matrix: join(samples, 'techniques', 'matrix.json'),
    // Read where drivers run: the reader knows the kernel's routines, and main needs no kernel.
    async rules() {
      const listed = await detections['detections.list']({})
      const read = listed.ok ? await lab['rules.read']({ files: listed.value.files }) : listed
      return read.ok ? read.value.rules.map(({ rule }) => rule) : []
    },
    lab,
    openOutside: (url) => shell.openExternal(url),
  })
}
