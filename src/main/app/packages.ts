/**
 * The `package.*` calls: what the lab built goes onto the shelf of driver files, or into a folder that
 * the user chose. The bytes are made in the lab's helper; only main knows paths.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { filesContract } from '../../shared/contract/files'
import type { packagesContract } from '../../shared/contract/packages'
import type { Handlers } from '../../shared/contract/table'
import { fail, ok, type Result } from '../../shared/errors'
import type { LabHost } from './lab-messages'

type PackageHandlers = Handlers<typeof packagesContract>

export interface PackageHost {
  lab: Pick<LabHost, 'lab.packageFiles'>
  intake: Pick<Handlers<typeof filesContract>, 'intake.dropped'>
  /** Packages that are imported lie below this folder until the next start. */
  folder: string
  askFolder(): Promise<string | null>
}

export function createPackageHandlers(host: PackageHost): PackageHandlers {
  /** Write the files of a package. @returns the folder they are in */
  async function write(
    request: Parameters<LabHost['lab.packageFiles']>[0],
    makeFolder: () => Promise<string>,
  ): Promise<Result<string>> {
    const built = await host.lab['lab.packageFiles'](request)
    if (!built.ok) return built
    try {
      const folder = await makeFolder()
      for (const { name, bytes } of built.value.files)
        await writeFile(join(folder, basename(name)), Buffer.from(bytes, 'base64'))
      return ok(folder)
    } catch (error) {
      return fail(
        'file-unreadable',
        'The files of the package could not be written.',
        'Look whether the disk is full and whether the folder may be written to.',
        String(error),
      )
    }
  }

  return {
    'package.import': async (request) => {
      const folder = await write(request, async () => {
        await mkdir(host.folder, { recursive: true })
        // The import is called after its folder.
        const folder = join(await mkdtemp(join(host.folder, 'package-')), 'driver package')
        await mkdir(folder)
        return folder
      })
      if (!folder.ok) return folder
      const options = { keepBytes: false, tags: ['simulated'], passwords: [] }
      return host.intake['intake.dropped']({ paths: [folder.value], ...options })
    },
    'package.save': async (request) => {
      const chosen = await host.askFolder()
      if (chosen === null) return ok({ folder: null })
      const folder = await write(request, () => Promise.resolve(chosen))
      return folder.ok ? ok({ folder: folder.value }) : folder
    },
  }
}

/** Remove what earlier imports of packages left. */
export const tidyPackages = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true })
