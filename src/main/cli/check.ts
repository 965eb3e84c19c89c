/** `ring0 check`: compile a folder and list what is wrong with it, or grade it as a hand-in. */
import { check as checkSources } from '../dsl/compile'
import { planOf } from '../lab/project'
import type { CheckArguments } from './arguments'
import { readFolder } from './folder'
import { gradeFolder, lessonAskedFor } from './grade'
import { printDiagnostic } from './report'

export async function check(options: CheckArguments): Promise<number> {
  const folder = readFolder(options.folder)
  if ('problem' in folder) {
    process.stderr.write(`ring0: ${folder.problem}\n`)
    return 1
  }
  const lesson = lessonAskedFor(options.lesson, folder.files)
  if (lesson !== null) return gradeFolder(lesson, folder.files, options.json)
  const planned = planOf(folder.files, undefined)
  const diagnostics =
    'diagnostics' in planned
      ? planned.diagnostics
      : checkSources(planned.plan.files, planned.plan.entries)
  if (options.json) process.stdout.write(JSON.stringify({ diagnostics }, null, 2) + '\n')
  else {
    for (const item of diagnostics) printDiagnostic(item, (text) => process.stdout.write(text))
    if (diagnostics.length === 0) process.stdout.write('ok\n')
  }
  return diagnostics.some((item) => item.severity === 'error') ? 1 : 0
}
