/**
 * What reference data says of drivers: entries, and the samples they list. One file may be listed
 * by several entries and one entry may list a file twice, so both belong together many to many.
 *
 * `null` and an empty list mean "the source does not say". Hashes are lower-case hex. Names are as
 * the source spells them.
 */
import { z } from 'zod'

const Text = z.string().nullable()
/** Fields of the source that no field here carries whole, under the source's own names. */
const Rest = z.record(z.string(), z.unknown())

/** The leaf certificate of one signature. */
export const KnownSigner = z.object({
  /** Common name. LOLDrivers drops `\` and writes `-` as `,`; the commas are mended: `GIGA-BYTE`. */
  cn: Text,
  /** Lower-case hex, without leading signs. */
  serial: Text,
  /** Validity as `2019-04-01`. */
  from: Text,
  to: Text,
  /** SHA-256 of the to-be-signed part. */
  tbs: Text,
})
export type KnownSigner = z.infer<typeof KnownSigner>

export const KnownSampleData = z.object({
  filename: Text,
  originalFilename: Text,
  md5: Text,
  sha1: Text,
  sha256: Text,
  /** Authenticode digests of the image. */
  authMd5: Text,
  authSha1: Text,
  authSha256: Text,
  imphash: Text,
  /** MD5 of the decoded Rich header. */
  rich: Text,
  /** `AMD64`, `I386`, `IA64`, `ARM64`, as in `Image.machine`. */
  machine: Text,
  company: Text,
  product: Text,
  fileVersion: Text,
  /** Written by hand in older entries. */
  publisher: Text,
  date: Text,
  /**
   * COFF time stamp as `2019-02-07 09:46:11`, in the LOCAL time of the source's machine: compare it
   * with a day of tolerance, never show it as UTC.
   */
  compiled: Text,
  loadsDespiteHvci: z.boolean().nullable(),
  signers: z.array(KnownSigner),
  /** Names of the CAs that issued to the signers. */
  issuers: z.array(z.string()),
  /** Names of a chain, written by hand in older entries. */
  signatureNames: z.array(z.string()),
  importedModules: z.array(z.string()),
  importedFunctions: z.array(z.string()),
  exportedFunctions: z.array(z.string()),
  rest: Rest,
})
export type KnownSampleData = z.infer<typeof KnownSampleData>

export const KnownEntryData = z.object({
  /** Unique in its source: a UUID in LOLDrivers. */
  id: z.string(),
  /** File names and aliases of the driver; the first is the one to show. */
  names: z.array(z.string()),
  /** `vulnerable driver` or `malicious`. */
  category: z.string(),
  /** Well-formed ids: `CVE-2020-12446`. */
  cve: z.array(z.string()),
  /** ATT&CK technique ids: `T1068`. */
  attack: z.array(z.string()),
  /** `2023-07-12`. */
  created: Text,
  verified: z.boolean().nullable(),
  author: Text,
  description: z.string(),
  /** Addresses of reports. */
  resources: z.array(z.string()),
  samples: z.array(KnownSampleData),
  rest: Rest,
})
export type KnownEntryData = z.infer<typeof KnownEntryData>

/** What tells one sample from another: the first of these that is known. */
export const KNOWN_IDENTITIES = ['sha256', 'sha1', 'md5', 'authSha256', 'authSha1'] as const
export type KnownIdentityKind = (typeof KNOWN_IDENTITIES)[number]
export interface KnownIdentity {
  kind: KnownIdentityKind
  value: string
}
