/** Reference data: what ships with the app, and what is imported from newer sources. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { filesContract } from '../../shared/contract/files'
import type { Handlers } from '../../shared/contract/table'
import { fail, ok, type Result } from '../../shared/errors'
import type { FileShelf } from '../catalogue/files/shelf'
import type { IntakeController } from '../intake/controller'
import type { KnownBatch } from '../intake/messages'
import { readFacts, SHIPPED_FACTS } from '../known/loldrivers/facts'
import type { Asking } from './asking'

/**
 * Put the facts that ship with the app on the shelf, once for each version of them.
 * @param onBegun  what is put there begins to show
 * @returns whether something was put there
 * @errors `file-unreadable` when the app's own file is missing
 */
export async function seedReference(
  shelf: FileShelf,
  dataFolder: string,
  onBegun: () => void = () => undefined,
): Promise<Result<boolean>> {
  if (shelf.known.hasSource(SHIPPED_FACTS.name, SHIPPED_FACTS.version)) return ok(false)
  const path = join(dataFolder, 'loldrivers', 'loldrivers-facts.jsonl')
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    return fail(
      'file-unreadable',
      'The reference data that ships with the app cannot be read.',
      'Install the app again. Everything else works without it.',
      `${path}\n${String(error)}`,
    )
  }
  const { entries } = readFacts(text)
  // What was asked meanwhile is answered between the reading and the first slice.
  await new Promise((done) => setImmediate(done))
  const applying = shelf.known.apply({ ...SHIPPED_FACTS, shipped: true }, entries)
  onBegun()
  await applying
  return ok(true)
}

/** Bring index and reference data up to date; the shelf can be used meanwhile. */
export async function prepareShelf(
  shelf: FileShelf,
  dataFolder: string,
  tell: { onChanged(reason: string): void; onProblem(text: string): void },
): Promise<void> {
  try {
    await shelf.prepare()
    const seeded = await seedReference(shelf, dataFolder, () => tell.onChanged('reference data'))
    if (!seeded.ok) tell.onProblem(`${seeded.error.message} ${seeded.error.detail ?? ''}`)
    else if (seeded.value) tell.onChanged('reference data')
  } catch (error) {
    tell.onProblem(`The shelf of driver files could not be brought up to date: ${String(error)}`)
  }
}

export function createReferenceHandlers(options: {
  shelf: FileShelf
  intake: Pick<IntakeController, 'importKnown'>
  ask: Pick<Asking, 'open'>
  now: () => Date
  onChanged(reason: string): void
}): Pick<Handlers<typeof filesContract>, 'known.import'> {
  const { shelf, intake, ask, now, onChanged } = options
  return {
    'known.import': async ({ what }) => {
      const paths = await ask.open({
        title: 'Import LOLDrivers entries or a block policy',
        what,
        filter: { name: 'LOLDrivers or SiPolicy', extensions: ['yaml', 'yml', 'json', 'xml'] },
      })
      if (paths.length === 0)
        return ok({ entries: 0, samples: 0, rules: 0, problems: [], cancelled: true })
      const counted = await takeReference(shelf, intake, paths, now())
      onChanged('reference data')
      return ok({ ...counted, cancelled: false })
    },
  }
}

interface Counted {
  entries: number
  samples: number
  rules: number
  problems: string[]
}

/** Read files of reference data in the helper and put them on the shelf as they come. */
export async function takeReference(
  shelf: FileShelf,
  intake: Pick<IntakeController, 'importKnown'>,
  paths: string[],
  at: Date,
): Promise<Counted> {
  const counted: Counted = { entries: 0, samples: 0, rules: 0, problems: [] }
  const day = at.toISOString().slice(0, 10)
  // A source of its own, so that the next start does not put what ships over it.
  const source = { ...SHIPPED_FACTS, name: 'LOLDrivers, imported', version: day, shipped: false }
  const { problem } = await intake.importKnown(paths, async (batch: KnownBatch) => {
    counted.problems.push(...batch.problems)
    if (batch.entries.length > 0) {
      const applied = await shelf.known.apply(source, batch.entries)
      counted.entries += applied.entries
      counted.samples += applied.samples
    }
    for (const policy of batch.policies) counted.rules += (await shelf.blocks.apply(policy)).rules
  })
  if (problem !== undefined) counted.problems.push(problem)
  return counted
}
