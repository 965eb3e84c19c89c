/** A driver package of the Lab as it is shown: its parts, what is wrong with its INF, who would load it. */
import { z } from 'zod'
import { Evidence, Signature } from '../driver-file/facts'
import { Verdict } from './policy'

export const InfProblem = z.object({
  /** From 1 on. */
  line: z.number().int(),
  severity: z.enum(['error', 'warning']),
  message: z.string(),
  /** What to do about it. */
  hint: z.string(),
})
export type InfProblem = z.infer<typeof InfProblem>

export const PackagePart = z.object({
  name: z.string(),
  kind: z.enum(['image', 'inf', 'catalogue', 'revocation-list']),
  size: z.number().int(),
  sha256: z.string(),
  /** What a catalogue lists the file by: of an image the authentihash, of others the digest of all. */
  listedBy: z.string().nullable(),
  /** The catalogue holds that digest; null for parts it does not hold, or when there is none. */
  isListed: z.boolean().nullable(),
})
export type PackagePart = z.infer<typeof PackagePart>

export const PackageReport = z.object({
  name: z.string(),
  parts: z.array(PackagePart),
  /** Text of the INF, as it is in the package. */
  inf: z.string(),
  problems: z.array(InfProblem),
  /** As the Catalogue's analysis reads them. */
  signatures: z.array(Signature),
  evidence: z.array(Evidence),
  /** One for each version of Windows, as a new installation of it has its switches. */
  verdicts: z.array(Verdict),
})
export type PackageReport = z.infer<typeof PackageReport>
