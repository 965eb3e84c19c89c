/**
 * Everything that is read from one driver file. Hostile files are the normal case: whatever the
 * bytes, there is an answer within the time given, and what could not be read is told.
 */
import type { Anomaly, FileFacts, Image } from '../../shared/driver-file/facts'
import { FACTS_SCHEMA } from '../../shared/driver-file/facts'
import { AnomalyList } from './anomalies'
import type { SignatureOptions } from './authenticode'
import { readSignatures } from './authenticode'
import type { BaseRates, CapabilityRule } from './capabilities'
import { evaluate } from './capabilities'
import { readDriver } from './code'
import { Deadline } from './deadline'
import { readImage } from './image'
import { FileDigests } from './image/digests'
import { entropyMap } from './image/entropy'
import { readStrings } from './image/strings'
import { tlsh } from './image/tlsh'
import { withFile } from './loops'
import { Reader } from './reader'

/** An import gives a file less than that; where nobody waits, a busy machine changes no facts. */
const MILLISECONDS = 60_000
const IMAGE_SUBSYSTEM_NATIVE = 1

export interface AnalyseOptions extends SignatureOptions {
  /** Time for one file; digests of its bytes are made in any case. */
  milliseconds?: number
  /** Monotonic clock in milliseconds. */
  now?: () => number
  /** What capabilities are looked for with; none are, when left out. */
  capabilities?: { rules: readonly CapabilityRule[]; baseRates: BaseRates }
}

/**
 * Read a file.
 * @param bytes of the file; not changed, not copied, not kept
 * @returns facts, without an image when the file is none; never throws
 */
export function analyse(bytes: Uint8Array, options: AnalyseOptions = {}): FileFacts {
  return withFile(bytes, () => factsOf(bytes, options))
}

function factsOf(bytes: Uint8Array, options: AnalyseOptions): FileFacts {
  const milliseconds = options.milliseconds ?? MILLISECONDS
  const deadline = new Deadline(milliseconds, options.now)
  const list = new AnomalyList()
  const further: Anomaly[] = []
  const reading = { reader: new Reader(bytes), anomalies: list, deadline }

  /** One part of the reading: a defect in it, or no time left for it, costs this part alone. */
  function part<T>(name: string, otherwise: T, read: () => T): T {
    if (deadline.isPassedNow) return otherwise
    try {
      return read()
    } catch (error) {
      list.broken('reader-failed', `Reading ${name} failed: ${String(error)}`)
      return otherwise
    }
  }

  const digests = new FileDigests(bytes)
  const image = part('the image', null, () => readImage(reading, digests))
  const hashes = digests.whole()
  const signed = part('the signatures', { signatures: [], evidence: [], anomalies: [] }, () =>
    image ? readSignatures(bytes, image, options) : { signatures: [], evidence: [], anomalies: [] },
  )
  further.push(...signed.anomalies)
  const strings = part('the strings', [], () => readStrings(reading))
  const driver = part('the code', null, () => {
    if (!image || !isDriver(image)) return null
    const read = readDriver(bytes, image, strings, { deadline: () => deadline.isPassedNow })
    further.push(...read.anomalies)
    return read.driver
  })
  const entropy = part('the entropy', { blockSize: 0, values: [] }, () =>
    entropyMap(bytes, deadline),
  )
  const similarity = part('the similarity', null, () => tlsh(bytes, deadline))
  if (deadline.isPassedNow) {
    list.broken('time-limit', `Reading took longer than ${milliseconds} ms and stopped.`)
  }
  const facts = {
    schema: FACTS_SCHEMA,
    size: bytes.length,
    hashes,
    tlsh: similarity,
    entropy,
    image,
    strings,
    signatures: signed.signatures,
    evidence: signed.evidence,
    driver,
    anomalies: [...list.items, ...further],
  } satisfies Omit<FileFacts, 'capabilities'>
  const { rules, baseRates } = options.capabilities ?? {}
  return { ...facts, capabilities: rules && baseRates ? evaluate(facts, rules, baseRates) : [] }
}

/** Code that runs in the kernel, or in the user-mode driver framework. */
function isDriver(image: Image): boolean {
  if (image.subsystem === IMAGE_SUBSYSTEM_NATIVE) return true
  return image.imports.some(({ dll }) => /^ntoskrnl\.exe$|^hal\.dll$|^wudf|\.sys$/i.test(dll))
}
