/**
 * What is wrong with the INF of a package, each with its line and what to do: what the parser could not
 * understand, and what an installation on x64 Windows wants besides.
 *
 * @see https://learn.microsoft.com/windows-hardware/drivers/install/inf-version-section
 */
import type { InfFacts } from '../../../shared/driver-file/package-facts'
import type { InfProblem } from '../../../shared/package/report'
import { parseInf } from '../../known/inf'
import { InfDocument } from '../../known/inf/document'
import { decodeText } from '../../known/text'

export interface CheckedInf {
  facts: InfFacts
  problems: InfProblem[]
}

interface PackageNames {
  /** `hello.sys`, as it lies beside the INF. */
  image: string
  catalogue: string
}

export function checkInf(bytes: Uint8Array, names: PackageNames): CheckedInf {
  const facts = parseInf(bytes)
  const inf = new InfDocument(decodeText(bytes))
  const problems: InfProblem[] = facts.problems.map((problem) => {
    const [, line = '1', text = problem] = /^line (\d+): (.*)$/s.exec(problem) ?? []
    return { line: Number(line), severity: 'error', message: sentence(text), hint: remedyFor(text) }
  })
  const add = (
    line: number,
    severity: InfProblem['severity'],
    message: string,
    hint: string,
  ): void => void problems.push({ line, severity, message, hint })
  checkVersion(inf, names, add)
  checkFiles(facts, inf, names, add)
  checkServices(facts, inf, names, add)
  return { facts, problems: problems.sort((a, b) => a.line - b.line) }
}

type Add = (line: number, severity: InfProblem['severity'], message: string, hint: string) => void

function checkVersion(inf: InfDocument, names: PackageNames, add: Add): void {
  const section = inf.section('Version')
  if (!section) return
  const decorated = ['CatalogFile', 'CatalogFile.NTamd64', 'CatalogFile.NT']
  for (const key of ['Class', 'ClassGuid', 'Provider', 'CatalogFile', 'DriverVer']) {
    const forms = key === 'CatalogFile' ? decorated : [key]
    if (!forms.some((form) => inf.entry('Version', form)))
      add(section.line, 'error', `[Version] has no ${key}.`, `Add ${EXAMPLES[key]}.`)
  }
  const guid = valueOf(inf, 'Version', 'ClassGuid')
  if (guid && !/^\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$/i.test(guid.text))
    add(guid.line, 'error', `${guid.text} is no GUID.`, `Write it as ${EXAMPLES['ClassGuid']}.`)
  const version = valueOf(inf, 'Version', 'DriverVer')
  if (version && !isDriverVersion(version.text))
    add(
      version.line,
      'error',
      `DriverVer is "${version.text}", not a date and four numbers.`,
      'Write month/day/year,w.x.y.z: DriverVer = 05/01/2024,1.0.0.0.',
    )
  const catalogues = decorated.flatMap((key) => valueOf(inf, 'Version', key) ?? [])
  const [first] = catalogues
  if (first && !catalogues.some(({ text }) => isSame(text, names.catalogue)))
    add(
      first.line,
      'error',
      `CatalogFile names ${first.text}, but the package has ${names.catalogue}.`,
      `Write CatalogFile = ${names.catalogue}.`,
    )
  if (!valueOf(inf, 'Version', 'PnpLockdown'))
    add(
      section.line,
      'warning',
      'Without PnpLockdown programs may change the installed file.',
      'Add PnpLockdown = 1.',
    )
}

function checkFiles(facts: InfFacts, inf: InfDocument, names: PackageNames, add: Add): void {
  const { image } = names
  if (!facts.files.some(({ name }) => isSame(name, image))) {
    const section = inf.section('DestinationDirs') ?? inf.section('Version')
    const message = `No section that is installed copies ${image}.`
    add(section?.line ?? 1, 'error', message, `Name ${image} in a list that CopyFiles names.`)
  }
  for (const { name } of facts.files) {
    const line = lineNaming(inf, name)
    if (!inf.entry('SourceDisksFiles', name) && !inf.entry('SourceDisksFiles.amd64', name))
      add(
        line,
        'error',
        `${name} is copied, but [SourceDisksFiles] does not say where it comes from.`,
        `Add ${name} = 1 to [SourceDisksFiles].`,
      )
    if (!isSame(name, image))
      add(line, 'error', `${name} is not in the package.`, `The package holds ${image} alone.`)
  }
}

function checkServices(facts: InfFacts, inf: InfDocument, names: PackageNames, add: Add): void {
  if (facts.services.length === 0) {
    const hint = 'Add a section [...NTamd64.Services] with an AddService line.'
    add(inf.section('Version')?.line ?? 1, 'error', 'The package installs no service.', hint)
  }
  for (const service of facts.services) {
    const line = lineNaming(inf, service.name, 'addservice')
    if (service.type !== 'SERVICE_KERNEL_DRIVER')
      add(
        line,
        'error',
        `Service ${service.name} is of type "${service.type}".`,
        'A driver of the kernel has ServiceType = 1.',
      )
    for (const [key, value] of [
      ['StartType', service.start],
      ['ErrorControl', service.errorControl],
    ] as const)
      if (!value.startsWith('SERVICE_'))
        add(line, 'error', `${key} of service ${service.name} is "${value}".`, RANGES[key])
    if (!isSame(service.binary.split('\\').at(-1) ?? '', names.image))
      add(
        line,
        'error',
        `Service ${service.name} starts "${service.binary}".`,
        `Write ServiceBinary = %13%\\${names.image}.`,
      )
  }
}

const RANGES = {
  StartType: 'It is 0 (boot), 1 (system), 2 (automatic), 3 (on demand) or 4 (disabled).',
  ErrorControl: 'It is 0 (ignore), 1 (normal), 2 (severe) or 3 (critical).',
}

const EXAMPLES: Record<string, string> = {
  Class: 'Class = System',
  ClassGuid: 'ClassGuid = {4d36e97d-e325-11ce-bfc1-08002be10318}',
  Provider: 'Provider = %Provider%',
  CatalogFile: 'CatalogFile and the name of the catalogue',
  DriverVer: 'DriverVer = 05/01/2024,1.0.0.0',
}

function valueOf(
  inf: InfDocument,
  section: string,
  key: string,
): { text: string; line: number } | null {
  const entry = inf.entry(section, key)
  if (!entry) return null
  const text = entry.values.map((value) => inf.expand(value, entry.line)).join(',')
  return { text: text.trim(), line: entry.line }
}

function isDriverVersion(text: string): boolean {
  const match = /^(\d{1,2})\/(\d{1,2})\/(\d{4}),(\d+)(\.\d+){3}$/.exec(text.replaceAll(' ', ''))
  if (!match) return false
  const [, month, day] = match.map(Number)
  return month! >= 1 && month! <= 12 && day! >= 1 && day! <= 31
}

/** The line that says a name: as a value, or as the key of an entry. */
function lineNaming(inf: InfDocument, name: string, key?: string): number {
  for (const section of inf.sections())
    for (const line of section.lines)
      if (
        (key === undefined ? line.key === null : line.key?.toLowerCase() === key) &&
        line.values.some((value) => isSame(inf.expand(value, line.line), name))
      )
        return line.line
  return inf.section('Version')?.line ?? 1
}

/** What to do about what the parser tells. */
function remedyFor(text: string): string {
  if (text.startsWith('there is no section'))
    return 'Add the section, or change the name that leads to it.'
  if (text.includes('is not in [Strings]'))
    return 'Define it in [Strings], or write %% for a percent sign.'
  if (text.includes('Signature')) return 'Write Signature = "$Windows NT$" in [Version].'
  if (text.includes('quote')) return 'Close it with " on the same line.'
  if (text.includes('is not closed by ]')) return 'Close the name of the section with ].'
  if (text.includes('DestinationDirs')) return 'Add DefaultDestDir = 13 to [DestinationDirs].'
  return 'See "Driver packages" in the documentation.'
}

const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!]$/.test(text) ? '' : '.'}`

const isSame = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase()
