/** The lab's answers about driver packages. */
import type { z } from 'zod'
import type { labContract } from '../../shared/contract/lab'
import { fail, ok, type Result } from '../../shared/errors'
import { packageFiles } from '../package'
import { infFile, packageFile, packageReport, type PackagedDriver } from './packages'
import { planOf } from './project'

type Described = z.input<(typeof labContract)['lab.package']['output']>
type Files = z.input<(typeof labContract)['lab.packageFiles']['output']>
type Request = z.output<(typeof labContract)['lab.package']['input']>

/**
 * Build the package of a driver and make an answer of it.
 * @errors `project-invalid` when the folder, or what says how it is signed, cannot be read
 */
export function answerPackage<T>(
  { files, driver: wanted }: Request,
  use: (made: PackagedDriver) => T,
): Result<T> {
  const planned = planOf(files, undefined)
  if ('diagnostics' in planned) return invalid(planned.diagnostics[0])
  const { plan } = planned
  const driver = plan.drivers.find(({ name }) => name === wanted) ?? plan.drivers[0]
  if (!driver)
    return fail(
      'bad-request',
      'The folder has no driver.',
      'Add driver.ts, or name one in scenario.json.',
    )
  const made = packageReport(plan, driver)
  return 'problems' in made ? invalid(made.problems[0]) : ok(use(made))
}

function invalid(first?: {
  file: string
  line: number
  message: string
  hint: string
}): Result<never> {
  return fail(
    'bad-request',
    first ? `${first.file}, line ${first.line}: ${first.message}` : 'The folder cannot be read.',
    first?.hint ?? 'See the problems of the editor.',
  )
}

export const describePackage = ({ plan, driver, signing, report }: PackagedDriver): Described => {
  const name = driver.package ?? driver.name
  return {
    drivers: plan.drivers.map((each) => each.name),
    driver: driver.name,
    files: { signing: packageFile(name), inf: infFile(name) },
    signing,
    isInline: driver.signature !== undefined,
    report,
  }
}

export const packageBytes = ({ made }: PackagedDriver): Files => ({
  files: packageFiles(made).map(({ name, bytes }) => ({
    name,
    bytes: Buffer.from(bytes).toString('base64'),
  })),
})
