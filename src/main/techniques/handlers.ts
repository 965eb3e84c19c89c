/**
 * Techniques behind the contract: folders on disk, runs in the lab. Needs neither compiler nor kernel;
 * what runs, runs in the lab's process.
 */
import { readFileSync, existsSync } from 'node:fs'
import type { labContract } from '../../shared/contract/lab'
import type { Handlers } from '../../shared/contract/table'
import {
  Matrix,
  type techniquesContract,
  type TechniqueSummary,
} from '../../shared/contract/techniques'
import { fail, ok, type Result } from '../../shared/errors'
import type { Rule } from '../../shared/detections'
import { diffTables } from '../../shared/memory/difference'
import type { Statement } from '../../shared/statements'
import type { Technique } from '../../shared/techniques/technique'
import { defenceSummaries } from './defence-summaries'
import { readTechniques, type TechniqueLibrary } from './library'
import { filesOf, requestOf, type TechniqueRunOptions } from './request'
import { hasWorked } from './verdict'

export type TechniqueHandlers = Handlers<typeof techniquesContract>
type Lab = Pick<Handlers<typeof labContract>, 'lab.run' | 'lab.evaluate' | 'lab.detect'>

export interface TechniqueOptions {
  /** Where techniques are. */
  folder: string
  /** Where the drivers of defences are. */
  defences: string
  /** What `npm run matrix` wrote. */
  matrix: string
  /** The rules that are put to each run. */
  rules(): Promise<readonly Rule[]>
  lab: Lab
  /** Open an address outside of the app. */
  openOutside(url: string): Promise<void>
}

export function createTechniqueHandlers(options: TechniqueOptions): TechniqueHandlers {
  const { lab } = options
  let library: TechniqueLibrary | null = null
  /** The folder is read anew for each list: somebody may be writing there. */
  const read = (): TechniqueLibrary => (library = readTechniques(options.folder))

  /** Use a technique; one whose scenario cannot be read is told, not thrown. */
  const withTechnique = <T>(slug: string, use: (technique: Technique) => T): T | Result<never> => {
    const technique = (library ?? read()).techniques.find((each) => each.slug === slug)
    if (!technique)
      return fail(
        'not-found',
        `There is no technique ${slug}.`,
        'It may have been taken away. Choose another.',
      )
    return use(technique)
  }
  const filesAs = (
    technique: Technique,
    how: TechniqueRunOptions,
  ): Result<ReturnType<typeof filesOf>> => {
    try {
      return ok(filesOf(technique, how))
    } catch (error) {
      return fail(
        'bad-request',
        `${technique.slug}: ${error instanceof Error ? error.message : String(error)}`,
        'docs/scenarios.md lists what a scenario can hold.',
      )
    }
  }

  return {
    'techniques.list'() {
      const { techniques, problems } = read()
      return ok({
        techniques: techniques.map(summaryOf),
        problems: problems.map(
          ({ file, line, message, hint }) => `${file}:${line} ${message} ${hint}`,
        ),
      })
    },

    'techniques.defences': () => ok({ defences: defenceSummaries(options.defences) }),

    'techniques.files': ({ slug, ...how }) =>
      withTechnique(slug, (technique) => {
        const files = filesAs(technique, how)
        return files.ok ? ok({ files: files.value }) : files
      }),

    'techniques.run': async ({ runId, slug, ...how }) =>
      withTechnique(slug, async (technique) => {
        const files = filesAs(technique, how)
        if (!files.ok) return files
        const ran = await lab['lab.run']({ runId, ...requestOf(technique, how) })
        if (!ran.ok) return ran
        const { report } = ran.value
        const statements: Statement[] = how.twin ? technique.twin.goal : technique.goal
        const judged = await lab['lab.evaluate']({ runId, statements })
        if (!judged.ok) return judged
        const raised = await lab['lab.detect']({ runId, rules: [...(await options.rules())] })
        if (!raised.ok) return raised
        const goal = judged.value.results
        const { before = null, after = null } = report.tables ?? {}
        return ok({
          runId,
          report,
          worked: hasWorked(report, goal),
          goal,
          alarms: raised.value.alarms,
          alerts: report.alerts ?? [],
          difference: before && after ? diffTables(before, after) : [],
          files: files.value,
        })
      }),

    'techniques.link': async ({ slug, url }) =>
      withTechnique(slug, async (technique) => {
        if (!technique.references.some((reference) => reference.url === url))
          return fail('bad-request', 'The technique has no such link.', 'Copy the address instead.')
        await options.openOutside(url)
        return ok({})
      }),

    'techniques.matrix': () => ok({ matrix: readMatrix(options.matrix) }),
  }
}

function summaryOf({ files: _files, goal, twin, ...rest }: Technique): TechniqueSummary {
  const sentences = (statements: readonly Statement[]): string[] =>
    statements.map(({ says }) => says)
  return {
    ...rest,
    goal: sentences(goal),
    twin: { summary: twin.summary, goal: sentences(twin.goal) },
  }
}

/** The matrix from its file; null when there is none, or one of another form. */
function readMatrix(file: string): Matrix | null {
  if (!existsSync(file)) return null
  try {
    return Matrix.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return null
  }
}
