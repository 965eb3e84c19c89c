/** The facts of one file, arranged so that the leaves of many rules are answered quickly. */
import type { FileFacts, FileString } from '../../../shared/driver-file/facts'
import { SIGN, signsIn, signsOfAll } from '../image/signs'
import { fits, type TextPattern } from './pattern'
import type { TextLeaf } from './rule'
import type { WantedTexts } from './wanted'

export type CapabilityFacts = Omit<FileFacts, 'capabilities'>

export interface Finding {
  text: string
  rva: number | null
  offset: number | null
  /** Name of the imported function this rests on. */
  imported?: string
}

/** Places named for one leaf; more would bury the others. */
const FINDINGS_MAX = 3
/** For all expressions over the texts of one file; only a hostile file needs more. */
const EXPRESSION_MILLISECONDS = 300

const at = (text: string, rva: number | null = null, offset: number | null = null): Finding => ({
  text,
  rva,
  offset,
})

const NONE: Finding[] = []

/** An imported function; its evidence is written down only for rules that ask for it. */
interface Imported {
  name: string
  dll: string
  slot: number
}

export class Features {
  readonly #facts: CapabilityFacts
  /** By name in lower case. */
  readonly #imports = new Map<string, Imported[]>()
  readonly #resolved = new Map<string, Finding>()
  /** Texts that rules ask for whole, by text in lower case. */
  #texts: Map<string, FileString> | null = null
  /** Texts that may hold a part, by what they need for it, in lower case. */
  readonly #candidates = new Map<string, string>()
  readonly #searches = new Map<string, Finding[]>()
  #millisecondsLeft = EXPRESSION_MILLISECONDS

  constructor(
    facts: CapabilityFacts,
    readonly wanted: WantedTexts,
  ) {
    this.#facts = facts
    for (const { dll, functions } of facts.image?.imports ?? []) {
      for (const { name, slot } of functions) {
        if (name !== null) add(this.#imports, name.toLowerCase(), { name, dll, slot })
      }
    }
    for (const name of facts.driver?.resolvedRoutines ?? []) {
      this.#resolved.set(name.toLowerCase(), at(`looks up ${name} at run time`))
    }
  }

  /** Where a leaf holds; empty when it does not. */
  find(leaf: TextLeaf, pattern: TextPattern): Finding[] {
    const found = this.#find(leaf, pattern)
    return found.length > FINDINGS_MAX ? found.slice(0, FINDINGS_MAX) : found
  }

  #find(leaf: TextLeaf, pattern: TextPattern): Finding[] {
    const { image, driver, signatures } = this.#facts
    switch (leaf) {
      case 'import':
        return named(this.#imports, pattern)
      case 'resolved':
        return this.#lookedUp(pattern)
      case 'api':
        return joined(named(this.#imports, pattern), this.#lookedUp(pattern))
      case 'module':
        return (image?.imports ?? [])
          .filter(({ dll }) => fits(pattern, dll))
          .map(({ dll, functions }) =>
            at(`imports ${functions.length} functions from ${dll}`, functions[0]?.slot ?? null),
          )
      case 'string':
        return this.#strings(pattern)
      case 'substring':
        return this.#parts(pattern)
      case 'instruction':
        return (driver?.privileged ?? [])
          .filter(({ instruction, text }) => fits(pattern, 'text' in pattern ? instruction : text))
          .map(({ text, rva }) => at(`executes ${text}`, rva))
      case 'driver type':
        return (driver?.types ?? [])
          .filter(({ type }) => fits(pattern, type))
          .map(({ type, evidence }) => at(`is a ${type} driver: ${evidence}`))
      case 'device name':
        return (driver?.deviceNames ?? [])
          .filter(({ text }) => fits(pattern, text))
          .map(({ text, offset }) => at(`makes the device ${text}`, null, offset))
      case 'symbolic link':
        return (driver?.symbolicLinks ?? [])
          .filter(({ text }) => fits(pattern, text))
          .map(({ text, offset }) => at(`makes the link ${text}`, null, offset))
      case 'major function':
        return (driver?.majorFunctions ?? [])
          .filter(({ name }) => fits(pattern, name))
          .map(({ name, handler }) => at(`handles ${name}`, handler))
      case 'export':
        return (image?.exports?.functions ?? [])
          .filter(({ name }) => name !== null && fits(pattern, name))
          .map(({ name, rva }) => at(`exports ${name}`, rva))
      case 'section':
        return (image?.sections ?? [])
          .filter(({ name }) => fits(pattern, name))
          .map(({ name, rva, offset }) => at(`has a section ${name}`, rva, offset))
      case 'signature':
        return signatures
          .filter(({ kind }) => fits(pattern, kind))
          .map(({ kind, reason }) => at(`is signed (${kind}): ${reason}`))
    }
  }

  /** Different texts of a class. */
  ofClass(wanted: FileString['classes'][number], count: number): Finding[] {
    const found = new Map<string, Finding>()
    for (const { text, offset, classes } of this.#facts.strings) {
      if (!classes.includes(wanted)) continue
      const key = text.toLowerCase()
      if (!found.has(key)) found.set(key, at(`holds the text "${shown(text)}"`, null, offset))
    }
    return found.size < count ? [] : [...found.values()].slice(0, 10)
  }

  /** IOCTL codes for which all words hold. */
  ioctls(words: string[]): Finding[] {
    return (this.#facts.driver?.ioctls ?? [])
      .filter(({ method, access, deviceTypeName }) => {
        const said = [method, deviceTypeName ?? '', ...access.split('|')]
        return words.every((word) => said.includes(word))
      })
      .slice(0, FINDINGS_MAX)
      .map(({ code, method, access, rva }) =>
        at(`answers IOCTL ${code} (${method}, ${access})`, rva),
      )
  }

  #lookedUp(pattern: TextPattern): Finding[] {
    if (this.#resolved.size === 0) return NONE
    if ('text' in pattern) {
      const found = this.#resolved.get(pattern.text)
      return found ? [found] : []
    }
    return [...this.#resolved].filter(([name]) => fits(pattern, name)).map(([, finding]) => finding)
  }

  #strings(pattern: TextPattern): Finding[] {
    if (!('text' in pattern)) {
      return this.#search(String(pattern.expression), (text) => fits(pattern, text))
    }
    this.#texts ??= this.#wantedTexts()
    const found = this.#texts.get(pattern.text)
    return found ? [at(`holds the text "${shown(found.text)}"`, null, found.offset)] : []
  }

  #wantedTexts(): Map<string, FileString> {
    const texts = new Map<string, FileString>()
    for (const item of this.#facts.strings) {
      const text = this.wanted.match(item.text)
      if (text !== null) texts.set(text, item)
    }
    return texts
  }

  #parts(pattern: TextPattern): Finding[] {
    if (!('text' in pattern)) return this.#strings(pattern)
    const { text: part } = pattern
    if (!this.#candidatesFor(part).includes(part)) return NONE
    return this.#search(`part ${part}`, (text) => text.toLowerCase().includes(part))
  }

  /**
   * The texts that can hold a part by what is known of them, joined. They have its signs, which few
   * texts have; where it has none, they are as long, which tells less.
   */
  #candidatesFor(part: string): string {
    const needed = signsIn(part) & ~SIGN.printable
    const length = needed === 0 ? part.length : 0
    const key = `${needed},${length}`
    const known = this.#candidates.get(key)
    if (known !== undefined) return known
    const { strings } = this.#facts
    const signs = signsOfAll(strings)
    let joined = ''
    for (let index = 0; index < strings.length; index++) {
      if ((signs[index] & needed) !== needed) continue
      const { text } = strings[index]
      if (text.length >= length) joined += `${text}\n`
    }
    const candidates = joined.toLowerCase()
    this.#candidates.set(key, candidates)
    return candidates
  }

  /** Texts that pass a test, as far as there is time; asked once for each test. */
  #search(key: string, passes: (text: string) => boolean): Finding[] {
    const known = this.#searches.get(key)
    if (known) return known
    const found: Finding[] = []
    const start = performance.now()
    for (const [index, { text, offset }] of this.#facts.strings.entries()) {
      if (index % 8 === 0 && performance.now() - start > this.#millisecondsLeft) break
      if (passes(text)) found.push(at(`holds the text "${shown(text)}"`, null, offset))
      if (found.length >= FINDINGS_MAX) break
    }
    this.#millisecondsLeft -= performance.now() - start
    this.#searches.set(key, found)
    return found
  }
}

const shown = (text: string): string => (text.length > 80 ? `${text.slice(0, 79)}…` : text)

function add<T>(map: Map<string, T[]>, key: string, item: T): void {
  const items = map.get(key)
  if (items) items.push(item)
  else map.set(key, [item])
}

function named(map: Map<string, Imported[]>, pattern: TextPattern): Finding[] {
  if ('text' in pattern) return map.get(pattern.text)?.map(importOf) ?? NONE
  const found: Finding[] = []
  for (const items of map.values()) {
    for (const item of items) if (fits(pattern, item.name)) found.push(importOf(item))
  }
  return found
}

const importOf = ({ name, dll, slot }: Imported): Finding => ({
  ...at(`imports ${name} from ${dll}`, slot),
  imported: name,
})

const joined = (left: Finding[], right: Finding[]): Finding[] =>
  right.length === 0 ? left : [...left, ...right]
