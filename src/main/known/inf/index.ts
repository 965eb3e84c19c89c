/**
 * What a driver package would install, out of its INF: models, services, registry and files. All
 * architectures and versions of Windows count, since an analyst wants to see what any machine gets.
 * Hostile files give what can be read, and problems with their lines.
 */
import type { InfFacts } from '../../../shared/driver-file/package-facts'
import { decodeText } from '../text'
import { InfDocument, directory, type InfLine } from './document'
import { registryChanges } from './registry'

const BYTES_MAX = 8_000_000
/** Bounds of each list; a real package has some hundreds at most. */
const ITEMS_MAX = 5000
const SERVICES_MAX = 500

const SERVICES = 'SYSTEM\\CurrentControlSet\\Services'

/**
 * Read an INF file in any encoding that Windows takes.
 * @returns facts with everything that could be understood; it never throws
 */
export function parseInf(bytes: Uint8Array): InfFacts {
  const document = new InfDocument(decodeText(bytes.subarray(0, BYTES_MAX)))
  if (bytes.length > BYTES_MAX) {
    document.problem(1, `the file has more than ${BYTES_MAX / 1e6} MB; the rest is not read`)
  }
  return new Installation(document).facts()
}

class Installation {
  readonly #inf: InfDocument
  readonly #visited = new Set<string>()
  readonly #models: InfFacts['models'] = []
  readonly #services: InfFacts['services'] = []
  readonly #registry: InfFacts['registry'] = []
  readonly #files: InfFacts['files'] = []

  constructor(document: InfDocument) {
    this.#inf = document
  }

  facts(): InfFacts {
    const version = this.#version()
    this.#readModels()
    const sections = new Set(this.#models.map(({ section }) => section))
    for (const base of ['DefaultInstall', 'ClassInstall32', ...sections]) this.#install(base)
    return {
      version,
      models: this.#models,
      services: this.#services,
      registry: this.#registry,
      files: this.#files,
      problems: this.#inf.problems.sort((a, b) => lineOf(a) - lineOf(b)),
    }
  }

  #version(): Record<string, string> {
    const section = this.#inf.section('Version')
    if (!section) this.#inf.problem(1, 'there is no section [Version]')
    const entries = (section?.lines ?? []).flatMap((line) =>
      line.key === null || line.key === '__proto__' ? [] : [[line.key, this.#all(line)] as const],
    )
    const version = Object.fromEntries(entries.slice(0, 200))
    const signature = entries.find(([key]) => key.toLowerCase() === 'signature')?.[1]
    if (section && !/^\$(windows nt|windows 95|chicago)\$$/i.test(signature ?? '')) {
      this.#inf.problem(section.line, 'the Signature of [Version] is not "$Windows NT$"')
    }
    return version
  }

  #readModels(): void {
    for (const line of this.#inf.section('Manufacturer')?.lines ?? []) {
      const [base = '', ...targets] = line.values.map((value) => this.#inf.expand(value, line.line))
      const names = [base, ...targets.map((target) => `${base}.${target}`)]
      const found = names.filter((name) => this.#inf.section(name))
      if (found.length === 0) this.#missing(line, base)
      for (const name of found) if (this.#isNew(`models ${name}`)) this.#readModelSection(name)
    }
  }

  #readModelSection(name: string): void {
    for (const line of this.#inf.section(name)?.lines ?? []) {
      const [section = '', ...ids] = line.values.map((value) => this.#inf.expand(value, line.line))
      const description = this.#inf.expand(line.key ?? '', line.line)
      const known = ids.filter((id) => id !== '')
      if (!this.#isNew(`model ${section} ${known.join()}`)) continue
      if (!this.#hasRoom(this.#models, line)) return
      this.#models.push({ description, ids: known, section })
      if (this.#inf.variants(section).length === 0) this.#missing(line, section)
    }
  }

  /** An install section, its decorated variants, and what belongs to each. */
  #install(base: string): void {
    for (const name of this.#inf.variants(base)) {
      if (!this.#isNew(`install ${name}`)) continue
      for (const part of ['', '.HW', '.CoInstallers', '.Interfaces', '.Filters', '.Software']) {
        this.#follow(`${name}${part}`, null)
      }
      for (const line of this.#inf.section(`${name}.Services`)?.lines ?? []) {
        if (line.key?.toLowerCase() === 'addservice') this.#service(line)
      }
    }
  }

  /** CopyFiles, AddReg and DelReg of one section. */
  #follow(name: string, relative: string | null): void {
    for (const line of this.#inf.directives(name)) {
      const directive = line.key?.toLowerCase()
      const names = line.values.map((value) => this.#inf.expand(value, line.line)).filter(Boolean)
      if (directive === 'copyfiles') {
        for (const list of names) this.#copy(list, line)
        continue
      }
      const action = directive === 'addreg' ? 'add' : 'delete'
      for (const list of names) {
        if (!this.#inf.section(list)) this.#missing(line, list)
        if (!this.#isNew(`${action} ${list} ${relative ?? ''}`)) continue
        if (!this.#hasRoom(this.#registry, line)) return
        for (const change of registryChanges(this.#inf, list, action, relative)) {
          if (!this.#hasRoom(this.#registry, line)) return
          this.#registry.push(change)
        }
      }
    }
  }

  /** A file list, or `@name` for one file. */
  #copy(list: string, from: InfLine): void {
    if (!this.#isNew(`copy ${list}`)) return
    if (list.startsWith('@')) {
      this.#file(list.slice(1), this.#destination('DefaultDestDir'), from)
      return
    }
    const section = this.#inf.section(list)
    if (!section) this.#missing(from, list)
    const destination = this.#destination(list) ?? this.#destination('DefaultDestDir')
    for (const line of section?.lines ?? []) {
      this.#file(this.#inf.expand(line.values[0] ?? '', line.line), destination, line)
    }
  }

  #file(name: string, destination: string | null, line: InfLine): void {
    if (name === '' || !this.#hasRoom(this.#files, line)) return
    if (destination === null && this.#isNew('no destination')) {
      this.#inf.problem(line.line, '[DestinationDirs] says no directory for this list')
    }
    if (!this.#isNew(`file ${destination ?? ''} ${name}`)) return
    this.#files.push({ name, destination: destination ?? '' })
  }

  #destination(list: string): string | null {
    const line = this.#inf.entry('DestinationDirs', list)
    if (!line) return null
    const [id = '', ...rest] = line.values.map((value) => this.#inf.expand(value, line.line))
    return [directory(id) ?? id, ...rest].filter(Boolean).join('\\')
  }

  /** `AddService = name, flags, install section, event log section`. */
  #service(line: InfLine): void {
    const [name = '', , section = '', events = ''] = line.values.map((value) =>
      this.#inf.expand(value, line.line),
    )
    if (!this.#isNew(`service ${name} ${section}`)) return
    if (section !== '' && !this.#inf.section(section)) this.#missing(line, section)
    // A filter's null service: `AddService = ,2`.
    if (name === '' || !this.#hasRoom(this.#services, line, SERVICES_MAX)) return
    const of = (key: string): string[] => {
      const entry = this.#inf.entry(section, key)
      return entry ? entry.values.map((value) => this.#inf.expand(value, entry.line)) : []
    }
    this.#services.push({
      name,
      displayName: of('displayname').join(','),
      type: named(TYPES, of('servicetype')[0]),
      start: named(STARTS, of('starttype')[0]),
      errorControl: named(ERROR_CONTROLS, of('errorcontrol')[0]),
      binary: of('servicebinary').join(','),
      loadOrderGroup: of('loadordergroup')[0] ?? '',
      dependencies: of('dependencies').filter(Boolean),
    })
    this.#follow(section, `${SERVICES}\\${name}`)
    if (events !== '') this.#follow(events, `${SERVICES}\\EventLog\\System\\${name}`)
  }

  #all(line: InfLine): string {
    return line.values.map((value) => this.#inf.expand(value, line.line)).join(',')
  }

  #missing(line: InfLine, section: string): void {
    if (!this.#isNew(`missing ${section}`)) return
    this.#inf.problem(line.line, `there is no section [${section.slice(0, 80)}]`)
  }

  /** The first time that something is asked for; also keeps circles of sections out. */
  #isNew(what: string): boolean {
    const key = what.toLowerCase()
    if (this.#visited.has(key)) return false
    this.#visited.add(key)
    return true
  }

  #hasRoom(list: unknown[], line: InfLine, most = ITEMS_MAX): boolean {
    if (list.length < most) return true
    if (this.#isNew('full'))
      this.#inf.problem(line.line, `more than ${most} items; the rest is left out`)
    return false
  }
}

const lineOf = (problem: string): number => Number(/^line (\d+)/.exec(problem)?.[1] ?? 0)

const TYPES: Record<number, string> = {
  0x1: 'SERVICE_KERNEL_DRIVER',
  0x2: 'SERVICE_FILE_SYSTEM_DRIVER',
  0x4: 'SERVICE_ADAPTER',
  0x8: 'SERVICE_RECOGNIZER_DRIVER',
  0x10: 'SERVICE_WIN32_OWN_PROCESS',
  0x20: 'SERVICE_WIN32_SHARE_PROCESS',
}
const STARTS: Record<number, string> = {
  0: 'SERVICE_BOOT_START',
  1: 'SERVICE_SYSTEM_START',
  2: 'SERVICE_AUTO_START',
  3: 'SERVICE_DEMAND_START',
  4: 'SERVICE_DISABLED',
}
const ERROR_CONTROLS: Record<number, string> = {
  0: 'SERVICE_ERROR_IGNORE',
  1: 'SERVICE_ERROR_NORMAL',
  2: 'SERVICE_ERROR_SEVERE',
  3: 'SERVICE_ERROR_CRITICAL',
}

/** The name of a number in decimal or hexadecimal; the text itself when it has none. */
function named(names: Record<number, string>, text = ''): string {
  return (text === '' ? undefined : names[Number(text)]) ?? text
}
