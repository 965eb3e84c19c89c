/** `ring0 matrix`: run techniques and their twins under every defence, and say what became of each. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Matrix, type MatrixRow } from '../../shared/contract/techniques'
import { readRuleFolder } from '../detections/library'
import { defenceSummaries } from '../techniques/defence-summaries'
import { readTechniques } from '../techniques/library'
import { matrixDifferences, matrixDocument, matrixRow } from '../techniques/matrix'
import type { MatrixArguments } from './arguments'

/** Verdicts that are not the same with every seed. */
const DIFFERENT = 6

export async function matrix(options: MatrixArguments): Promise<number> {
  const { techniques, problems } = readTechniques(join('samples', 'techniques'))
  for (const { file, line, message, hint } of problems)
    process.stderr.write(`${file}:${line} ${message}\n  ${hint}\n`)
  // One that is asked for by name does not wait until all others can be read.
  if (problems.length > 0 && options.only === null) return 1
  const known = new Set(techniques.map(({ slug }) => slug))
  const slugs = options.only ?? [...known]
  const foreign = slugs.find((slug) => !known.has(slug))
  if (foreign !== undefined) {
    process.stderr.write(`ring0: there is no technique ${foreign}\n`)
    return 1
  }
  if (options.seeds > 1) return overSeeds(options, slugs)
  const computed = await computeIn(processesOf(options), slugs, options.seed)
  if (options.write) {
    writeFileSync(
      join('samples', 'techniques', 'matrix.json'),
      JSON.stringify(computed, null, 2) + '\n',
    )
    writeFileSync(join('docs', 'matrix.md'), matrixDocument(computed))
  } else
    process.stdout.write(
      options.json ? JSON.stringify(computed, null, 2) + '\n' : matrixDocument(computed),
    )
  return 0
}

/** The rows of some techniques, here. */
async function compute(slugs: readonly string[], seed: number): Promise<Matrix> {
  const { techniques } = readTechniques(join('samples', 'techniques'))
  const { rules } = readRuleFolder(join('samples', 'detections'))
  const defences = defenceSummaries(join('samples', 'defences'))
  const rows: MatrixRow[] = []
  for (const technique of techniques)
    if (slugs.includes(technique.slug)) rows.push(await matrixRow(technique, defences, rules, seed))
  return { seed, columns: defences.map(({ name, title, about }) => ({ name, title, about })), rows }
}

const processesOf = ({ processors }: MatrixArguments): number =>
  processors ?? availableParallelism()

/** The same, shared by so many processes: each takes every so manieth technique. */
async function computeIn(
  processes: number,
  slugs: readonly string[],
  seed: number,
): Promise<Matrix> {
  const shares = Array.from({ length: Math.min(processes, slugs.length) }, (_, share) =>
    slugs.filter((_slug, i) => i % processes === share),
  )
  if (shares.length < 2) return compute(slugs, seed)
  const parts = await Promise.all(shares.map((share) => inProcess(share, seed)))
  const rows = parts.flatMap((part) => part.rows)
  return {
    ...parts[0]!,
    rows: slugs.map((slug) => rows.find((row) => row.slug === slug)!),
  }
}

function inProcess(slugs: readonly string[], seed: number): Promise<Matrix> {
  const words = ['matrix', '--json', '--processors', '1', '--only', slugs.join(',')]
  const child = spawn(process.execPath, [process.argv[1]!, ...words, '--seed', String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => void (text += piece))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(Matrix.parse(JSON.parse(text)))
      else reject(new Error(`a share of the matrix ended with status ${code}`))
    })
  })
}

/** Seed after seed, and what is not as with the first. */
async function overSeeds(options: MatrixArguments, slugs: string[]): Promise<number> {
  const { seeds, json } = options
  const processes = processesOf(options)
  const first = await computeIn(processes, slugs, 1)
  const differences: ReturnType<typeof matrixDifferences> = []
  for (let seed = 2; seed <= seeds; seed++) {
    const found = matrixDifferences(first, await computeIn(processes, slugs, seed))
    differences.push(...found)
    if (!json)
      for (const { slug, column, twin, was, is } of found)
        process.stdout.write(
          `seed ${seed}: ${slug}${twin ? ' (twin)' : ''} under ${column}: ${was} with seed 1, ${is} now\n`,
        )
  }
  if (json)
    process.stdout.write(
      JSON.stringify({ schema: 'ring0-matrix-seeds/1', seeds, first, differences }, null, 2) + '\n',
    )
  else process.stdout.write(`${seeds} seeds, ${differences.length} verdicts that differ\n`)
  return differences.length > 0 ? DIFFERENT : 0
}
