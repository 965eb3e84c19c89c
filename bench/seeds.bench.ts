/**
 * Everything that ships, over many seeds: samples, techniques and their twins, lessons from both ends. Two
 * processes run all of it, one forwards and one backwards, so that what a run leaves behind would show; what
 * they saw has to be equal to the byte. A technique has to reach its goal with every seed.
 * `RING0_SEEDS` says how many (100); `RING0_SUITE` takes one part: drivers, techniques or lessons.
 */
import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { eventLine } from '../src/shared/trace/codec'
import type { RunRequest } from '../src/shared/contract/model'
import { filesWith } from '../src/shared/lessons/lesson'
import { StatementRun, type Statement } from '../src/shared/statements'
import { prepare, runPrepared } from '../src/main/lab/run'
import { requestOf as lessonRequest } from '../src/main/lessons/grade'
import { readLibrary } from '../src/main/lessons/library'
import { readSample } from '../src/main/detections/sample-folder'
import { readTechniques } from '../src/main/techniques/library'
import { requestOf as techniqueRequest } from '../src/main/techniques/request'
import { keepRows, row } from './lib/table.mjs'

interface Case {
  name: string
  request: RunRequest
  goal: Statement[]
}

/** What one process tells of one case: a digest of all its runs, and the seeds that missed the goal. */
interface Told {
  name: string
  digest: string
  missed: number[]
}

const SEEDS = Number(process.env['RING0_SEEDS'] ?? 100)

function cases(): Case[] {
  const common = { seed: 1, verifier: [], trace: 'full' as const }
  const drivers = readdirSync(join('samples', 'drivers')).flatMap((name) => {
    const files = readSample('samples', `drivers/${name}`) ?? {}
    return ['driver.ts', 'fixed.ts']
      .filter((driver) => driver in files)
      .map((driver) => ({
        name: `${name}/${driver}`,
        request: { ...common, files, driver },
        goal: [],
      }))
  })
  const { techniques } = readTechniques(join('samples', 'techniques'))
  const tampering = techniques.flatMap((technique) =>
    [false, true].map((twin) => ({
      name: `${technique.slug}/${twin ? 'twin' : 'driver'}`,
      request: techniqueRequest(technique, { twin }),
      goal: twin ? technique.twin.goal : technique.goal,
    })),
  )
  const { lessons } = readLibrary([join('samples', 'lessons')])
  const taught = lessons.flatMap((lesson) =>
    [lesson.start, lesson.solution].map((handed) => ({
      name: `${lesson.slug}/${handed === lesson.start ? 'start' : 'solution'}`,
      request: lessonRequest(lesson, filesWith(lesson, handed)),
      goal: [],
    })),
  )
  const parts: Record<string, Case[]> = { drivers, techniques: tampering, lessons: taught }
  return parts[process.env['RING0_SUITE'] ?? ''] ?? [...drivers, ...tampering, ...taught]
}

async function tell({ name, request, goal }: Case): Promise<Told> {
  const hash = createHash('sha256')
  const missed: number[] = []
  const prepared = prepare(request)
  if ('problems' in prepared) hash.update(JSON.stringify(prepared.problems))
  else
    for (let seed = 1; seed <= SEEDS; seed++) {
      const statements = new StatementRun(goal)
      const { report, digest } = await runPrepared(
        prepared,
        { ...request, seed },
        {
          onEvent: (event) => {
            hash.update(eventLine(event))
            statements.event(event)
          },
        },
      )
      hash.update(digest).update(JSON.stringify(report))
      const end = { outcome: report.outcome, tables: report.tables ?? null }
      if (!statements.finish(end).every(({ holds }) => holds)) missed.push(seed)
    }
  return { name, digest: hash.digest('hex'), missed }
}

/** Have another process run everything in an order. */
function heard(order: 'forwards' | 'backwards'): Promise<Map<string, Told>> {
  return new Promise((resolve, reject) => {
    const told = new Map<string, Told>()
    const child = fork(__filename, [order])
    child.on('message', (each: Told) => void told.set(each.name, each))
    child.on('error', reject)
    child.on('exit', (code) =>
      code === 0 ? resolve(told) : reject(new Error(`${order} ended with ${code}`)),
    )
  })
}

async function main(): Promise<void> {
  const order = process.argv[2]
  if (order !== undefined) {
    const all = order === 'forwards' ? cases() : cases().reverse()
    for (const each of all) process.send?.(await tell(each))
    return
  }
  const start = performance.now()
  const [there, back] = await Promise.all([heard('forwards'), heard('backwards')])
  for (const { name, digest } of there.values())
    if (back.get(name)?.digest !== digest) throw new Error(`${name} gives other bytes`)
  const missed = [...there.values()].filter((each) => each.missed.length > 0)
  for (const { name, missed: seeds } of missed)
    row(`${name} misses its goal`, `with seeds ${seeds.slice(0, 10).join(', ')}`)
  row(`${there.size} projects over ${SEEDS} seeds, twice`, 'equal')
  row('techniques and twins that miss their goal', String(missed.length))
  row('a run', `${((performance.now() - start) / (there.size * SEEDS)).toFixed(1)} ms`)
  keepRows('seeds')
  if (missed.length > 0) process.exitCode = 1
}

void main()
