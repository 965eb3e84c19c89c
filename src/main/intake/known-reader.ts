/** Reference data read in the helper process, so that 30 MB of YAML do not hold up the window. */
import { open } from 'node:fs/promises'
import { parseLolDrivers } from '../known/loldrivers/entry'
import { JSON_BYTES_MAX } from '../known/loldrivers/source'
import { parseSiPolicy } from '../known/sipolicy/parse'
import { decodeText } from '../known/text'
import type { Credit } from './batches'
import type { KnownBatch } from './messages'
import { systemReason } from './reasons'
import { walk } from './walk'

/** Entries that are written in one transaction. */
const ENTRIES_MAX = 50
const BATCH_MS_MAX = 250

/**
 * Read LOLDrivers entries (.yaml, .yml, .json) and policies (.xml) from files and folders.
 * @param credit  bounds what is sent ahead
 */
export async function readKnown(
  paths: string[],
  credit: Credit,
  post: (batch: KnownBatch) => void,
): Promise<void> {
  const problems: string[] = []
  const files: { path: string; name: string }[] = []
  for await (const walked of walk(paths))
    if ('failure' in walked) problems.push(`${walked.failure.name}: ${walked.failure.reason}`)
    else if (/\.(ya?ml|json|xml)$/i.test(walked.file.name)) files.push(walked.file)
    else if (walked.file.isGiven)
      problems.push(`${walked.file.name}: this is neither LOLDrivers YAML or JSON nor SiPolicy XML`)

  let batch = emptyBatch(problems)
  let sentAt = performance.now()
  const send = async (filesDone: number, isLast: boolean): Promise<void> => {
    await credit.take()
    post({ ...batch, filesDone, filesTotal: files.length, isLast })
    batch = emptyBatch([])
    sentAt = performance.now()
  }
  for (const [index, { path, name }] of files.entries()) {
    const read = await readText(path)
    if ('problem' in read) batch.problems.push(`${name}: ${read.problem}`)
    else if (/\.xml$/i.test(name)) {
      const policy = parseSiPolicy(read.text, name)
      if (policy.ok) batch.policies.push(policy.value)
      else batch.problems.push(policy.error.message)
    } else {
      const parsed = parseLolDrivers(read.text, name)
      if (!parsed.ok) batch.problems.push(parsed.error.message)
      else {
        batch.problems.push(...parsed.value.problems)
        for (let at = 0; at < parsed.value.entries.length; at += ENTRIES_MAX) {
          batch.entries.push(...parsed.value.entries.slice(at, at + ENTRIES_MAX))
          if (batch.entries.length >= ENTRIES_MAX) await send(index, false)
        }
      }
    }
    if (performance.now() - sentAt > BATCH_MS_MAX) await send(index + 1, false)
  }
  await send(files.length, true)
}

async function readText(path: string): Promise<{ text: string } | { problem: string }> {
  try {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      if (size > JSON_BYTES_MAX)
        return { problem: `it is larger than ${JSON_BYTES_MAX / 1_000_000} MB` }
      return { text: decodeText(await file.readFile()) }
    } finally {
      await file.close()
    }
  } catch (error) {
    return { problem: systemReason(error) }
  }
}

const emptyBatch = (
  problems: string[],
): Omit<KnownBatch, 'filesDone' | 'filesTotal' | 'isLast'> => ({
  entries: [],
  policies: [],
  problems: [...problems],
})
