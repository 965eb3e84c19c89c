/** What a driver package says: its INF and its catalogue, beside the .sys files they name. */
import { z } from 'zod'

export const InfService = z.object({
  name: z.string(),
  displayName: z.string(),
  /** `SERVICE_KERNEL_DRIVER`, `SERVICE_FILE_SYSTEM_DRIVER`, or the number. */
  type: z.string(),
  /** `SERVICE_DEMAND_START` and so on, or the number. */
  start: z.string(),
  errorControl: z.string(),
  binary: z.string(),
  loadOrderGroup: z.string(),
  dependencies: z.array(z.string()),
})
export const InfFacts = z.object({
  /** `[Version]`: Class, ClassGuid, Provider, DriverVer, CatalogFile, Signature, PnpLockdown. */
  version: z.record(z.string(), z.string()),
  /** Hardware and compatible ids with the model's description and its install section. */
  models: z.array(
    z.object({ description: z.string(), ids: z.array(z.string()), section: z.string() }),
  ),
  services: z.array(InfService),
  registry: z.array(
    z.object({
      root: z.string(),
      key: z.string(),
      name: z.string(),
      type: z.string(),
      value: z.string(),
      action: z.enum(['add', 'delete']),
    }),
  ),
  files: z.array(z.object({ name: z.string(), destination: z.string() })),
  /** Places that could not be understood, as `line 12: ...`. */
  problems: z.array(z.string()),
})
export type InfFacts = z.infer<typeof InfFacts>

export const CatalogueFacts = z.object({
  /** Members: the digest that the signed list names, and what it says of the file. */
  members: z.array(
    z.object({
      digest: z.string(),
      algorithm: z.string(),
      file: z.string().nullable(),
      /** `OSAttr`, `HWID1` and so on. */
      attributes: z.record(z.string(), z.string()),
    }),
  ),
  attributes: z.record(z.string(), z.string()),
  problems: z.array(z.string()),
})
export type CatalogueFacts = z.infer<typeof CatalogueFacts>

/** One file of a package held against the catalogue. */
export const PackageMember = z.object({
  name: z.string(),
  sha256: z.string(),
  /** In the catalogue by authentihash or file hash; `null` when there is no catalogue. */
  isListed: z.boolean().nullable(),
})
