/** Sections with what is odd about them. */
import type { Section } from '../../../shared/driver-file/facts'
import { hex } from '../../../shared/nt/format'
import { roundUp } from '../mapping'
import { entropy } from './entropy'
import type { Headers } from './headers'
import type { Reading } from './reading'

/** Above this, code is packed or encrypted. */
const PACKED_ENTROPY = 7.2
const PACKED_SIZE_MIN = 1_024
const PAGE = 0x1000

/** Entropy counts the bytes that are both in the file and in memory. */
export function readSections(reading: Reading, headers: Headers): Section[] {
  const { reader, deadline } = reading
  const sections = headers.sections.map((section) => {
    const size = deadline.isPassedNow ? 0 : Math.min(section.virtualSize, section.rawSize)
    const { name, rva, virtualSize, offset, rawSize, flags, characteristics } = section
    const bits = entropy(reader.slice(offset, size))
    return { name, rva, virtualSize, offset, rawSize, entropy: bits, flags, characteristics }
  })
  checkSections(reading, headers, sections)
  return sections
}

function checkSections({ reader, anomalies }: Reading, headers: Headers, all: Section[]): void {
  if (all.length === 0) anomalies.suspicious('no-sections', 'The image has no sections.')
  for (const section of all) {
    const { name, offset, rawSize, rva, virtualSize, flags } = section
    // A function, since most sections need no words.
    const shown = (): string => `Section ${JSON.stringify(name)}`
    if (rawSize > 0 && offset + rawSize > reader.length) {
      const there = Math.max(0, reader.length - offset)
      const text = `${shown()} has ${rawSize} bytes at ${hex(offset)}, of which the file holds ${there}.`
      anomalies.broken('section-beyond-file', text, Math.min(offset, reader.length))
    }
    if (rva + virtualSize > roundUp(headers.sizeOfImage, PAGE)) {
      const text = `${shown()} ends at RVA ${hex(rva + virtualSize)}, behind the image's end.`
      anomalies.suspicious('section-beyond-image', text)
    }
    if (flags.includes('W') && flags.includes('X')) {
      anomalies.note('section-writable-code', `${shown()} is writable and executable.`)
    }
    const isPacked = section.entropy > PACKED_ENTROPY && rawSize >= PACKED_SIZE_MIN
    if (flags.includes('X') && isPacked) {
      const text = `${shown()} holds code with ${section.entropy} bits per byte: packed or encrypted.`
      anomalies.suspicious('section-packed', text, offset)
    }
  }
  checkOverlaps(anomalies.suspicious.bind(anomalies), all)
}

type Tell = (id: string, text: string, offset?: number | null) => void

function checkOverlaps(tell: Tell, all: Section[]): void {
  const inMemory = all.map(({ name, rva, virtualSize, rawSize }) => ({
    name,
    start: rva,
    end: rva + (virtualSize || rawSize),
  }))
  for (const [left, right] of overlapping(inMemory)) {
    tell('section-overlap', `Sections "${left}" and "${right}" overlap in memory.`)
  }
  const inFile = all
    .filter(({ rawSize }) => rawSize > 0)
    .map(({ name, offset, rawSize }) => ({ name, start: offset, end: offset + rawSize }))
  for (const [left, right] of overlapping(inFile)) {
    tell('section-shared-bytes', `Sections "${left}" and "${right}" share bytes of the file.`)
  }
}

interface Span {
  name: string
  start: number
  end: number
}

/** Neighbours that overlap, by where they start. */
function overlapping(spans: Span[]): [string, string][] {
  const sorted = [...spans].sort((a, b) => a.start - b.start)
  const pairs: [string, string][] = []
  for (const [index, span] of sorted.entries()) {
    const next = sorted[index + 1]
    if (next && next.start < span.end) pairs.push([span.name, next.name])
  }
  return pairs
}

/** Where the image begins to run. */
export function checkEntryPoint({ anomalies }: Reading, headers: Headers, all: Section[]): void {
  const { entryPoint } = headers
  if (entryPoint === 0) return
  const section = all.find(
    ({ rva, virtualSize, rawSize }) =>
      entryPoint >= rva && entryPoint < rva + Math.max(virtualSize, rawSize),
  )
  if (!section) {
    const text = `The entry point, RVA ${hex(entryPoint)}, lies in no section.`
    anomalies.suspicious('entry-point-outside', text)
  } else if (!section.flags.includes('X')) {
    const text = `The entry point lies in ${JSON.stringify(section.name)}, which is not executable.`
    anomalies.suspicious('entry-point-not-executable', text)
  }
}
