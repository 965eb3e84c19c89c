/**
 * `ring0 policy`: would Windows load these files? Catalogues and revocation lists that lie beside a file
 * count; the block list is the Lab's own.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { LoadPolicy, WINDOWS_VERSIONS, type Verdict } from '../../shared/package/policy'
import { readSigned } from '../package'
import { readRevocationList } from '../package/certificates/revocation'
import { labBlockList } from '../package/policy/block-list'
import { judge } from '../package/policy/judge'
import type { PolicyArguments } from './arguments'
import { printVerdicts } from './package'
import { whereTyped } from './where-typed'

/** @returns exit status: 0 when every file was judged, 1 when one could not be read */
export function judgeFiles({ files, windows, machine, json }: PolicyArguments): number {
  const versions = windows === null ? WINDOWS_VERSIONS : [windows]
  const policies = versions.map((version) => LoadPolicy.parse({ ...machine, windows: version }))
  const answers: { file: string; verdicts: Verdict[] }[] = []
  let isWhole = true
  for (const named of files) {
    const path = whereTyped(named)
    try {
      const verdicts = verdictsOf(path, policies)
      answers.push({ file: named, verdicts })
      if (json) continue
      process.stdout.write(`${named}\n`)
      printVerdicts(verdicts, (text) => process.stdout.write(text))
    } catch (error) {
      isWhole = false
      process.stderr.write(`ring0: ${path} cannot be read: ${(error as Error).message}\n`)
    }
  }
  if (json) process.stdout.write(`${JSON.stringify({ files: answers }, null, 2)}\n`)
  return isWhole ? 0 : 1
}

/** Files beside a driver that are looked at. */
const BESIDE_MAX = 64
const BYTES_MAX = 64 << 20

function verdictsOf(path: string, policies: readonly LoadPolicy[]): Verdict[] {
  const folder = dirname(path)
  const beside = (ending: string) =>
    readdirSync(folder)
      .filter((name) => name.toLowerCase().endsWith(ending))
      .slice(0, BESIDE_MAX)
      .map((name) => ({ name: basename(name), bytes: bytesOf(join(folder, name)) }))
  const candidate = readSigned(bytesOf(path), beside('.cat'))
  const revocations = beside('.crl').flatMap(({ bytes }) => readRevocationList(bytes) ?? [])
  const knowledge = { revocations, blockList: labBlockList() }
  return policies.map((policy) => judge(policy, candidate, knowledge))
}

function bytesOf(path: string): Uint8Array {
  const bytes = readFileSync(path)
  if (bytes.length > BYTES_MAX) throw new Error(`it has more than ${BYTES_MAX >> 20} MB`)
  return new Uint8Array(bytes)
}
