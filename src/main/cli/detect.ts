/** `ring0 detect`: run a driver folder under the eyes of detection rules; export the rules. */
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Alarm } from '../../shared/detections'
import type { ProjectFiles, RunRequest } from '../../shared/contract/model'
import { detect as run } from '../detections/detect'
import { exportRules } from '../detections/export'
import { readRuleFolder } from '../detections/library'
import type { RuleProblem } from '../detections/read'
import { readSample } from '../detections/sample-folder'
import { tryRules } from '../detections/try-rules'
import type { DetectArguments } from './arguments'
import { readFolder } from './folder'
import { printAlerts, printDiagnostic } from './report'
import { asTyped, whereTyped } from './where-typed'

/** An alarm was raised. */
const ALARMED = 6
/** The rules that come with the lab. */
const SHIPPED = join('samples', 'detections')
/** Events of an alarm that are listed. */
const SEQS_SHOWN = 8

type Write = (text: string) => void

export async function detect(options: DetectArguments): Promise<number> {
  const write: Write = (text) => void process.stdout.write(text)
  const named = whereTyped(options.rules ?? SHIPPED)
  const { rules, problems } = readRuleFolder(named)
  if (problems.length > 0) {
    printProblems(problems, (text) => void process.stderr.write(text))
    return 1
  }
  if (rules.length === 0) {
    process.stderr.write(`ring0: ${named} holds no rules: files that end with .yaml\n`)
    return 1
  }
  if (options.export !== null) {
    const text = exportRules(rules)
    if (options.export === '-') write(text)
    else writeFileSync(asTyped(options.export), text)
  }
  if (options.test) {
    // Rules that lie elsewhere may be tried with the samples of the lab.
    const shelves = [resolve(named, '..'), resolve('samples')]
    const sampleOf = (name: string): ProjectFiles | null =>
      shelves.reduce<ProjectFiles | null>((found, shelf) => found ?? readSample(shelf, name), null)
    const failed = await tryRules(rules, sampleOf)
    for (const { rule, test, because } of failed) write(`${rule}: ${test}\n  ${because}\n`)
    const count = rules.reduce((sum, { rule }) => sum + rule.tests.length, 0)
    write(`${rules.length} rules, ${count} tests, ${failed.length} failed\n`)
    if (failed.length > 0) return 1
  }
  if (options.folder === null) {
    if (!options.test && options.export === null) write(`${rules.length} rules, no mistakes\n`)
    return 0
  }
  const read = readFolder(options.folder)
  if ('problem' in read) {
    process.stderr.write(`ring0: ${read.problem}\n`)
    return 1
  }
  const { files } = read
  const { seed, defences, driver } = options
  const request: RunRequest = { files, seed, verifier: [], trace: 'full', defences }
  if (driver !== null) request.driver = driver
  const { report, alarms } = await run(request, rules)
  if (options.json) {
    const { outcome, alerts = [] } = report
    const found = { rules: rules.length, alarms, alerts }
    const document = { schema: 'ring0-detect/1', outcome, seed: report.seed, ...found }
    write(JSON.stringify(document, null, 2) + '\n')
  } else {
    for (const diagnostic of report.diagnostics) printDiagnostic(diagnostic, write)
    printAlarms(alarms, write)
    printAlerts(report, write)
    const raised = new Set(alarms.map(({ rule }) => rule)).size
    write(
      `${raised} of ${rules.length} rules raised an alarm. The run ended with ${report.outcome}.\n`,
    )
  }
  if (report.outcome === 'compile-error') return 1
  return alarms.length > 0 ? ALARMED : 0
}

function printProblems(problems: readonly RuleProblem[], write: Write): void {
  for (const { file, line, column, message, hint } of problems)
    write(`${file}:${line}:${column} ${message}\n  ${hint}\n`)
}

function printAlarms(alarms: readonly Alarm[], write: Write): void {
  for (const alarm of alarms) {
    const { level, title, rule, tags, times, seqs, at, table, driver, shows, because } = alarm
    const attack = tags
      .filter((tag) => /^attack\.t\d/.test(tag))
      .map((tag) => tag.slice(7).toUpperCase())
    write(`${level.toUpperCase()}  ${title}\n`)
    write(`  ${[rule, ...attack].join('  ')}${times > 1 ? `  ${times} times` : ''}\n`)
    const place = at ? ` at ${at.file}:${at.line}` : ''
    const shown = seqs.slice(0, SEQS_SHOWN).join(', ')
    const more = seqs.length > SEQS_SHOWN ? ' ...' : ''
    const event = seqs.length > 1 ? 'events' : 'event'
    const who = driver ? `, driver ${driver}` : ''
    write(table ? `  table ${table}${who}\n` : `  ${event} ${shown}${more}${place}\n`)
    for (const [field, value] of Object.entries(shows))
      write(`    ${field}: ${Array.isArray(value) ? value.join(', ') : String(value)}\n`)
    write(`  ${because}\n\n`)
  }
}
