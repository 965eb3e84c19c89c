/**
 * How the drivers of a plan are signed, and what the machine's policy says of each. A driver says it by
 * `signature`, or by `package`, which names files of the folder; without either its own package counts
 * where the folder has one, and else it is not signed.
 */
import type { Diagnostic } from '../../shared/contract/model'
import type { LoadPolicy, Verdict } from '../../shared/package/policy'
import { WINDOWS_VERSIONS } from '../../shared/package/policy'
import type { PackageReport } from '../../shared/package/report'
import { SigningPlan } from '../../shared/package/signing'
import type { DriverPackage, PackageReading } from '../package'
import { buildPackage, readPackage } from '../package'
import { readRevocationList } from '../package/certificates/revocation'
import { labBlockList } from '../package/policy/block-list'
import { judge } from '../package/policy/judge'
import { projectError, readJson } from './json-file'
import { packageSourceOf } from './package-source'
import type { Plan, PlannedDriver } from './project'

/** `hello.package.json` and, for an INF of one's own, `hello.inf`. */
export const packageFile = (name: string): string => `${name.toLowerCase()}.package.json`
export const infFile = (name: string): string => `${name.toLowerCase()}.inf`

interface Signing {
  plan: SigningPlan
  inf: string | undefined
}

const UNSIGNED = SigningPlan.parse({ by: 'none' })
const WHAT_IT_HOLDS = 'docs/packages.md lists what says how a driver is signed.'

/** How a driver is signed; what is wrong with what says so. */
function signingOf(plan: Plan, driver: PlannedDriver): Signing | { problems: Diagnostic[] } {
  const { signature, package: named } = driver
  if (signature) return { plan: signature, inf: undefined }
  const name = named ?? driver.name
  const file = packageFile(name)
  const text = Object.hasOwn(plan.files, file) ? plan.files[file] : undefined
  const infName = infFile(name)
  const inf = Object.hasOwn(plan.files, infName) ? plan.files[infName] : undefined
  if (text === undefined) {
    if (named === undefined) return { plan: UNSIGNED, inf }
    const message = `The folder has no ${file}, which "package" of driver "${driver.name}" names.`
    return {
      problems: [projectError('scenario.json', null, message, `Add ${file}, or say "signature".`)],
    }
  }
  const read = readJson(SigningPlan, file, text, WHAT_IT_HOLDS)
  return 'diagnostics' in read ? { problems: read.diagnostics } : { plan: read.value, inf }
}

/** Whether a driver says that its code section can be written: how it is signed and linked is one plan. */
export function hasWritableCode(plan: Plan, driver: PlannedDriver): boolean {
  const signing = signingOf(plan, driver)
  return 'plan' in signing && signing.plan.writableCode
}

/** What is wrong with how drivers are signed; nothing is asked where the machine has no policy. */
export function packageProblems(plan: Plan): Diagnostic[] {
  if (!plan.scenario.policy) return []
  return plan.drivers.flatMap((driver) => {
    const signing = signingOf(plan, driver)
    return 'problems' in signing ? signing.problems : []
  })
}

/** The plan with what the machine's policy says of each driver; as it is where there is no policy. */
export function withVerdicts(plan: Plan): { plan: Plan } | { problems: Diagnostic[] } {
  const { policy } = plan.scenario
  if (!policy) return { plan }
  const problems = packageProblems(plan)
  if (problems.length > 0) return { problems }
  const drivers = plan.drivers.map((driver) => {
    const made = makePackage(plan, driver)
    return 'problems' in made ? driver : { ...driver, verdict: verdictOf(policy, made) }
  })
  return { plan: { ...plan, drivers } }
}

interface MadePackage {
  signing: SigningPlan
  made: DriverPackage
  reading: PackageReading
}

function makePackage(plan: Plan, driver: PlannedDriver): MadePackage | { problems: Diagnostic[] } {
  const signing = signingOf(plan, driver)
  if ('problems' in signing) return signing
  const made = buildPackage(packageSourceOf(plan, driver), signing.plan, signing.inf)
  return { signing: signing.plan, made, reading: readPackage(made) }
}

function verdictOf(policy: LoadPolicy, { made, reading }: MadePackage): Verdict {
  const list = made.revocationList ? readRevocationList(made.revocationList) : null
  const knowledge = { revocations: list ? [list] : [], blockList: labBlockList() }
  return judge(policy, reading, knowledge)
}

/** A driver with its package, and what is told of it. */
export interface PackagedDriver {
  plan: Plan
  driver: PlannedDriver
  signing: SigningPlan
  made: DriverPackage
  report: PackageReport
}

/** The package of a driver as it is shown, judged on every version of Windows. */
export function packageReport(
  plan: Plan,
  driver: PlannedDriver,
): PackagedDriver | { problems: Diagnostic[] } {
  const built = makePackage(plan, driver)
  if ('problems' in built) return built
  const { made, reading, signing } = built
  const { signatures, evidence, parts, problems } = reading
  // The machine of the scenario has its switches; all others are as newly installed.
  const { policy } = plan.scenario
  const verdicts = WINDOWS_VERSIONS.map((windows) =>
    verdictOf(policy?.windows === windows ? policy : { windows }, built),
  )
  const report: PackageReport = {
    name: made.name,
    parts,
    inf: Buffer.from(made.inf).toString('utf8'),
    problems,
    signatures,
    evidence,
    verdicts,
  }
  return { plan, driver, signing, made, report }
}
