// A reporter for vitest that writes down what its JSON report leaves out: errors that belong to no
// test, such as a promise that nobody waited for, and files that take long.

import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { root } from './paths.mjs'

const SLOWEST = 12

export default class ErrorsReporter {
  onInit(vitest) {
    // Beside the JSON report: reports/unit.json, reports/unit.errors.json.
    this.outputFile = vitest.config.outputFile?.json?.replace(/\.json$/, '.errors.json')
  }

  onTestRunEnd(modules, errors) {
    const stray = errors.map(({ name = 'Error', message = '', stack = '' }) => ({
      title: 'outside of any test',
      text: `${name}: ${message}\n${stack}`,
    }))
    if (this.outputFile) writeFileSync(this.outputFile, `${JSON.stringify(stray, null, 2)}\n`)
    const slowest = modules
      .map((module) => {
        const { collectDuration, duration } = module.diagnostic()
        return { file: relative(root, module.moduleId), ms: collectDuration + duration }
      })
      .sort((a, b) => b.ms - a.ms)
      .slice(0, SLOWEST)
    if (modules.length > SLOWEST)
      console.log(['', ' Slowest files', ...slowest.map(line), ''].join('\n'))
  }
}

const line = ({ file, ms }) => `${(ms / 1000).toFixed(1).padStart(8)} s  ${file}`
