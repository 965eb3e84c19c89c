/** A PE image from its headers to its first-page hash. Parts that cannot be read are left out. */
import type { Image } from '../../../shared/driver-file/facts'
import { hex } from '../../../shared/nt/format'
import { Mapping } from '../mapping'
import { computeChecksum } from './checksum'
import { readDebug } from './debug'
import { FileDigests, pageHash } from './digests'
import { readExports } from './exports'
import type { Headers } from './headers'
import { readHeaders } from './headers'
import { readImports } from './imports'
import { readLoadConfig } from './load-config'
import { characteristicNames, dllCharacteristicNames, machineName } from './names'
import type { ImageReading, Reading } from './reading'
import { coffTime } from './reading'
import { readRelocations } from './relocations'
import { readResources } from './resources'
import { readRich } from './rich'
import { checkEntryPoint, readSections } from './sections'
import { findCertificateTable, readOverlay } from './tail'
import { readVersion } from './version'

const IMAGE_SUBSYSTEM_NATIVE = 1
const VERSION_MAX = 1 << 16

/**
 * Read an image.
 * @param digests of the file, where more than the image's own are wanted
 * @returns null, with an anomaly that says why, for what is no PE image
 */
export function readImage(
  reading: Reading,
  digests = new FileDigests(reading.reader.bytes),
): Image | null {
  const headers = readHeaders(reading)
  if (!headers) return null
  const { reader, anomalies } = reading
  const sections = readSections(reading, headers)
  checkEntryPoint(reading, headers, sections)
  const mapping = new Mapping(reader, { ...headers, sections })
  const within: ImageReading = { ...reading, headers, mapping }
  const imports = readImports(within)
  const debug = readDebug(within)
  const resources = readResources(within)
  const version = resources.find(({ type }) => type === 'RT_VERSION')
  const certificateTable = findCertificateTable(within)
  return {
    machine: machineName(headers.machine),
    is64Bit: headers.is64Bit,
    subsystem: headers.subsystem,
    characteristics: characteristicNames(headers.characteristics),
    dllCharacteristics: dllCharacteristicNames(headers.dllCharacteristics),
    imageBase: hex(headers.imageBase),
    entryPoint: headers.entryPoint,
    sizeOfImage: headers.sizeOfImage,
    sizeOfHeaders: headers.sizeOfHeaders,
    sectionAlignment: headers.sectionAlignment,
    fileAlignment: headers.fileAlignment,
    linkerVersion: headers.linkerVersion,
    osVersion: headers.osVersion,
    subsystemVersion: headers.subsystemVersion,
    compiled: debug.isReproducible ? null : coffTime(headers.timestamp),
    timestamp: headers.timestamp,
    timeIsHash: debug.isReproducible,
    checksum: checkChecksum(reading, headers),
    sections,
    directories: headers.directories,
    imports: imports.modules,
    importDescriptors: imports.descriptors,
    imphash: imports.imphash,
    exports: readExports(within),
    resources,
    version: version
      ? readVersion(
          reader.slice(version.offset, Math.min(version.size, VERSION_MAX)),
          version.offset,
          anomalies,
        )
      : null,
    debug: debug.entries,
    rich: readRich(within),
    relocations: readRelocations(within),
    loadConfig: readLoadConfig(within),
    overlay: readOverlay(within, certificateTable),
    certificateTable,
    authentihash: digests.authentihash(headers, certificateTable),
    pageHash: pageHash(reader.bytes, headers),
  }
}

/** The kernel refuses a driver whose checksum is wrong; programs need none. */
function checkChecksum({ reader, anomalies }: Reading, headers: Headers): Image['checksum'] {
  const { checksum: reported, checksumOffset, subsystem } = headers
  const computed = computeChecksum(reader.bytes, checksumOffset)
  const matches = reported === computed
  if (!matches && (reported !== 0 || subsystem === IMAGE_SUBSYSTEM_NATIVE)) {
    const text = `The checksum is ${hex(reported)} and should be ${hex(computed)}.`
    anomalies.suspicious('checksum-mismatch', text, checksumOffset)
  }
  return { reported, computed, matches }
}
