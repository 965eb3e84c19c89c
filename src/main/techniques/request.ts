/** The run of a technique or its twin, as a request. Needs neither compiler nor kernel. */
import type { ProjectFiles, RunRequest } from '../../shared/contract/model'
import type { DefenceName } from '../../shared/defences'
import type { Technique } from '../../shared/techniques/technique'

export interface TechniqueRunOptions {
  /** The honest counterpart in its place. */
  twin?: boolean
  /** What the machine defends itself by, besides what the scenario says. */
  defences?: readonly DefenceName[]
  seed?: number
}

/**
 * The run of a technique; the same in the window, in the terminal and for the matrix.
 * @throws Error that names the file when its scenario is no JSON object
 */
export function requestOf(
  technique: Pick<Technique, 'files'>,
  options: TechniqueRunOptions = {},
): RunRequest {
  return {
    files: filesOf(technique, options),
    seed: options.seed ?? 1,
    verifier: [],
    trace: 'full',
    tables: true,
  }
}

/**
 * The folder as it runs, and as it opens in the Lab.
 * @throws Error that names the file when its scenario is no JSON object
 */
export function filesOf(
  { files }: Pick<Technique, 'files'>,
  { twin = false, defences = [] }: TechniqueRunOptions = {},
): ProjectFiles {
  const text = files['scenario.json'] ?? '{}'
  const own = scenarioOf(text)
  const known = Array.isArray(own['defences']) ? (own['defences'] as unknown[]) : []
  const all = [...new Set([...known, ...defences])]
  return {
    ...files,
    ...(twin ? { 'driver.ts': files['twin.ts'] ?? '' } : {}),
    'scenario.json':
      defences.length > 0 ? `${JSON.stringify({ ...own, defences: all }, null, 2)}\n` : text,
  }
}

function scenarioOf(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const because = error instanceof Error ? error.message : String(error)
    throw new Error(`scenario.json is no JSON: ${because}`, { cause: error })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('scenario.json holds no object; it begins with { and ends with }.')
  return value as Record<string, unknown>
}
