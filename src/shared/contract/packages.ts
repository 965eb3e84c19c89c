/** Driver packages of the folder that is being edited, beyond what the lab says of them. */
import { z } from 'zod'
import { ProjectFiles } from './model'
import { call } from './table'

/** A folder, and which of its drivers; the first when it is null. */
export const PackageRequest = z.object({
  files: ProjectFiles,
  driver: z.string().max(64).nullable().default(null),
})

export const packagesContract = {
  /** Bring the package into the catalogue of driver files, by way of an import. */
  'package.import': call(PackageRequest, z.object({ job: z.number().nullable() })),
  /** Write its files into a folder that the system's dialog asks for; null when nobody chose one. */
  'package.save': call(PackageRequest, z.object({ folder: z.string().nullable() })),
}
