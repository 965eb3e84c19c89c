/** Facts about a file that could not be analysed: what it is called by, and why there is no more. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import {
  FACTS_SCHEMA,
  type Anomaly,
  type Digests,
  type FileFacts,
} from '../../shared/driver-file/facts'

export function factsWithoutAnalysis(
  size: number,
  hashes: Digests,
  anomalies: Anomaly[] = [],
): FileFacts {
  return {
    schema: FACTS_SCHEMA,
    size,
    hashes,
    tlsh: null,
    entropy: { blockSize: 0, values: [] },
    image: null,
    strings: [],
    signatures: [],
    evidence: [],
    driver: null,
    capabilities: [],
    anomalies,
  }
}

export function digestsOf(bytes: Uint8Array): Digests {
  const digest = (algorithm: string): string => createHash(algorithm).update(bytes).digest('hex')
  return { md5: digest('md5'), sha1: digest('sha1'), sha256: digest('sha256') }
}

/** Digests of a file too large to be held. */
export async function digestsOfFile(path: string): Promise<{ size: number; hashes: Digests }> {
  const [md5, sha1, sha256] = [createHash('md5'), createHash('sha1'), createHash('sha256')]
  let size = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    const bytes = chunk as Buffer
    size += bytes.length
    for (const hash of [md5, sha1, sha256]) hash.update(bytes)
  }
  const hashes = { md5: md5.digest('hex'), sha1: sha1.digest('hex'), sha256: sha256.digest('hex') }
  return { size, hashes }
}
