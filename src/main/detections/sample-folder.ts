/** A folder of samples/ as a driver folder, for tests of rules that run one. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import type { ProjectFiles } from '../../shared/contract/model'

/** The files of `drivers/hello`, `techniques/ssdt-hook`; null for a name that leads nowhere. */
export function readSample(samples: string, name: string): ProjectFiles | null {
  if (!/^[a-z0-9-]+(\/[a-z0-9-]+)*$/.test(name)) return null
  const folder = join(samples, name)
  if (!existsSync(folder)) return null
  const files: ProjectFiles = {}
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !/\.(ts|json|md|inf)$/.test(entry.name)) continue
    const path = join(entry.parentPath, entry.name)
    files[relative(folder, path).split(sep).join('/')] = readFileSync(path, 'utf8')
  }
  return files
}
