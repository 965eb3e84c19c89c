/**
 * Everything that is read from one driver file. Hostile files are the normal case: whatever the
 * bytes, there is an answer within the time given, and what could not be read is told.
 */
import type { FileFacts } from '../../shared/driver-file/facts'
import { FACTS_SCHEMA } from '../../shared/driver-file/facts'
import { AnomalyList } from './anomalies'
import { Deadline } from './deadline'
import { readImage } from './image'
import { digestsOf } from './image/digests'
import { entropyMap } from './image/entropy'
import { readStrings } from './image/strings'
import { tlsh } from './image/tlsh'
import { Reader } from './reader'

const MILLISECONDS = 2_000

export interface AnalyseOptions {
  /** Time for one file; digests of its bytes are made in any case. */
  milliseconds?: number
  /** Monotonic clock in milliseconds. */
  now?: () => number
}

/** @param bytes of the file; not changed, not copied, not kept */
export function analyse(bytes: Uint8Array, options: AnalyseOptions = {}): FileFacts {
  const deadline = new Deadline(options.milliseconds ?? MILLISECONDS, options.now)
  const anomalies = new AnomalyList()
  const reading = { reader: new Reader(bytes), anomalies, deadline }
  const hashes = digestsOf(bytes)
  const image = readImage(reading)
  const strings = readStrings(reading)
  const entropy = entropyMap(bytes, deadline)
  const similarity = tlsh(bytes, deadline)
  if (deadline.isPassedNow) {
    const text = `Reading took longer than ${options.milliseconds ?? MILLISECONDS} ms and stopped.`
    anomalies.broken('time-limit', text)
  }
  return {
    schema: FACTS_SCHEMA,
    size: bytes.length,
    hashes,
    tlsh: similarity,
    entropy,
    image,
    strings,
    signatures: [],
    evidence: [],
    driver: null,
    capabilities: [],
    anomalies: anomalies.items,
  }
}
