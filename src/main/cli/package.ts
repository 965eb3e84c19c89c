/** `ring0 package`: write the driver package of a folder, and say who would load it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { WINDOWS_NAMES, type Verdict } from '../../shared/package/policy'
import { packageFiles } from '../package'
import { packageFile, packageReport } from '../lab/packages'
import { planOf } from '../lab/project'
import type { PackageArguments } from './arguments'
import { readFolder } from './folder'
import { printDiagnostic } from './report'
import { whereTyped } from './where-typed'

const write = (text: string): void => void process.stdout.write(text)

/** @returns exit status: 0 written, 1 not */
export function writePackage(options: PackageArguments): number {
  const folder = readFolder(options.folder)
  if ('problem' in folder) return problem(folder.problem)
  const { files } = folder
  const planned = planOf(files, undefined)
  if ('diagnostics' in planned) {
    for (const item of planned.diagnostics) printDiagnostic(item, write)
    return 1
  }
  const { plan } = planned
  const driver = plan.drivers.find(
    ({ name }) => options.driver === null || name.toLowerCase() === options.driver.toLowerCase(),
  )
  if (!driver) {
    const names = plan.drivers.map(({ name }) => name).join(', ')
    return problem(`the folder has no driver ${options.driver ?? ''}; it has: ${names}`)
  }
  const { signature: _, ...unsigned } = driver
  let wanted = driver
  if (options.signing !== null)
    try {
      const text = files[options.signing] ?? readFileSync(whereTyped(options.signing), 'utf8')
      plan.files = { ...plan.files, [packageFile(driver.package ?? driver.name)]: text }
      wanted = unsigned
    } catch (error) {
      return problem(`${options.signing} cannot be read: ${(error as Error).message}`)
    }
  const built = packageReport(plan, wanted)
  if ('problems' in built) {
    for (const item of built.problems) printDiagnostic(item, write)
    return 1
  }
  const out = whereTyped(options.out)
  try {
    mkdirSync(out, { recursive: true })
    for (const { name, bytes } of packageFiles(built.made)) writeFileSync(join(out, name), bytes)
  } catch (error) {
    return problem(`${out} cannot be written: ${(error as Error).message}`)
  }
  const { report } = built
  if (options.json) write(`${JSON.stringify(report, null, 2)}\n`)
  else {
    for (const { name, size, isListed } of report.parts)
      write(
        `${name.padEnd(28)} ${String(size).padStart(8)} bytes${isListed === null ? '' : isListed ? '  in the catalogue' : '  NOT in the catalogue'}\n`,
      )
    for (const { line, severity, message, hint } of report.problems)
      write(`${report.name}.inf:${line}  ${severity}  ${message} ${hint}\n`)
    write('\n')
    printVerdicts(report.verdicts, write)
    if (report.evidence.length > 0) write('\nEvidence\n')
    for (const text of new Set(report.evidence.map((item) => item.text))) write(`  ${text}\n`)
  }
  return 0
}

/** One line for each machine. */
export function printVerdicts(verdicts: readonly Verdict[], out: (text: string) => void): void {
  for (const { windows, accepted, rule, status, statusName, because } of verdicts) {
    const answer = accepted ? 'loads' : `refused by "${rule}", ${status} ${statusName}`
    out(`${WINDOWS_NAMES[windows].padEnd(18)} ${answer}\n${' '.repeat(19)}${because}\n`)
  }
}

function problem(text: string): number {
  process.stderr.write(`ring0: ${text}\n`)
  return 1
}
