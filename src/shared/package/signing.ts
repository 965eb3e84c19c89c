/**
 * How a driver package of the Lab is signed: what one fills in by hand. Everything is made on the spot
 * with throw-away keys, and every chain ends at a root of the Lab that no Windows knows.
 */
import { z } from 'zod'

/** A day or a moment in UTC: `2014-03-01`, `2014-03-01T12:00:00Z`. */
export const Moment = z
  .string()
  .regex(
    /^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?$/,
    'is a day such as 2014-03-01, or 2014-03-01T12:00:00Z',
  )
  .refine((text) => isDay(text), 'is no day of the calendar between 1990 and 2049')

/** UTCTime ends with 2049, and a certificate of before 1990 says nothing here. */
function isDay(text: string): boolean {
  const at = Date.parse(text)
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== text.slice(0, 10))
    return false
  return at >= Date.UTC(1990, 0, 1) && at < Date.UTC(2050, 0, 1)
}

/** Who signs, strongest first. */
export const SIGNERS = ['whcp', 'attestation', 'cross-signed', 'test', 'self', 'none'] as const
export const SignerKind = z.enum(SIGNERS)
export type SignerKind = z.infer<typeof SignerKind>

export const Stamp = z.strictObject({
  /** PKCS#9 countersignature, as old tools made it, or an RFC 3161 token. */
  kind: z.enum(['pkcs9', 'rfc3161']).default('rfc3161'),
  /** The time that the stamp claims. An honest authority claims the time it has. */
  time: Moment,
  /** `known`: an authority whose root the machine ships with; `homemade`: one's own. */
  authority: z.enum(['known', 'homemade']).default('known'),
})
export type Stamp = z.infer<typeof Stamp>

/** `signature` of a driver in scenario.json, and the signing form of the Package pane. */
export const SigningPlan = z.strictObject({
  by: SignerKind.default('cross-signed'),
  /** Whose name the certificate carries; "(simulated)" is put behind it. */
  subject: z
    .string()
    .min(1)
    .max(48)
    .regex(/^[\x20-\x7e]+$/, 'has letters, digits and signs of ASCII only')
    .default('Sample Driver Company'),
  /** Of the image and of the signer's certificate. */
  digest: z.enum(['sha1', 'sha256']).default('sha256'),
  /** First and last day of the signer's certificate. */
  validity: z
    .strictObject({ from: Moment, to: Moment })
    .refine(({ from, to }) => Date.parse(from) < Date.parse(to), 'ends before it begins')
    .default({ from: '2023-01-01', to: '2026-01-01' }),
  /** `null`: no time stamp. */
  stamp: Stamp.nullable().default(null),
  /** The authority took the certificate back: a revocation list comes with the package. */
  revoked: z.boolean().default(false),
  /** In the image itself, in the catalogue alone, or in both. */
  where: z.enum(['embedded', 'catalogue', 'both']).default('both'),
  /** When the image was linked: its COFF time. */
  compiled: Moment.default('2024-05-01T09:00:00Z'),
  /** Code section writable as well as executable, which memory integrity refuses. */
  writableCode: z.boolean().default(false),
  /** File version of the version resource. */
  version: z
    .string()
    .regex(/^\d{1,5}(\.\d{1,5}){3}$/, 'is four numbers: 1.0.0.0')
    .refine(
      (text) => text.split('.').every((part) => Number(part) < 65536),
      'has numbers below 65536',
    )
    .default('1.0.0.0'),
})
export type SigningPlan = z.infer<typeof SigningPlan>
/** With what may be left out left out. */
export type SigningChoice = z.input<typeof SigningPlan>

/** A plan that says nothing but how it is signed by default. */
export const defaultSigning = (): SigningPlan => SigningPlan.parse({})
