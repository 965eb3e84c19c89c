/** Techniques as this app has them: folders and rules that ship. */
import { join } from 'node:path'
import { app } from 'electron'
import type { Rule } from '../../shared/detections'
import { createTechniqueHandlers, type TechniqueHandlers } from '../techniques/handlers'
import type { LabHost } from './lab-messages'

export function openTechniques(lab: LabHost): TechniqueHandlers {
  const samples = join(app.getAppPath(), 'samples')
  let rules: readonly Rule[] | null = null
  return createTechniqueHandlers({
    folder: join(samples, 'techniques'),
    defences: join(samples, 'defences'),
    matrix: join(samples, 'techniques', 'matrix.json'),
    async rules() {
      // The reader of rules knows the kernel's routines: it is loaded when somebody runs a technique.
      const { readRuleFolder } = await import('../detections/library')
      return (rules ??= readRuleFolder(join(samples, 'detections')).rules.map(({ rule }) => rule))
    },
    lab,
  })
}
